/* SPDX-License-Identifier: MIT */
/*
 * What the dynamic loader will do with a program: whether LD_PRELOAD can work in it.
 */
#ifndef CTL_PROGRAM_H
#define CTL_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

enum ctl_program {
    CTL_PROGRAM_DYNAMIC,   /* LD_PRELOAD works */
    CTL_PROGRAM_STATIC,    /* no dynamic loader: nothing can be preloaded */
    CTL_PROGRAM_SETUID,    /* runs with other rights: the loader ignores LD_PRELOAD with a path */
    CTL_PROGRAM_OTHER_ABI, /* 32-bit, or of another machine: our library does not fit */
    CTL_PROGRAM_MUSL,      /* of another C library, whose loader would end it over a preload */
    CTL_PROGRAM_UNKNOWN,   /* could not be read, or neither ELF nor script */
};

/* Follows a script to its interpreter. */
enum ctl_program ctl_program_of(const char *path);

/* Finds COMMAND as execvp() would. 0 with OUT filled in; ENOENT, or EACCES for what is there but
 * cannot be executed. */
int ctl_program_find(const char *command, char *out, size_t cap);

#endif
