/* SPDX-License-Identifier: MIT */
/* A program without interest: for the ways of linking one. With "wait" it stays. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    printf("hello %s\n", argc > 1 ? argv[1] : "");
    if (argc > 1 && strcmp(argv[1], "wait") == 0)
        pause();
    return 3;
}
