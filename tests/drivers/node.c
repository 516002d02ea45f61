/* SPDX-License-Identifier: MIT */
/*
 * What Debian's /usr/bin/node is: a main around libnode. node::Start() is C++, under its name in
 * the object file.
 */
int node_start(int argc, char **argv) __asm__("_ZN4node5StartEiPPc");

int main(int argc, char **argv)
{
    return node_start(argc, argv);
}
