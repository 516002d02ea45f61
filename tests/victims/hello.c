/* SPDX-License-Identifier: MIT */
/* A program without interest: for the ways of linking one. */
#include <stdio.h>

int main(int argc, char **argv)
{
    printf("hello %s\n", argc > 1 ? argv[1] : "");
    return 3;
}
