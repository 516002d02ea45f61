/* SPDX-License-Identifier: MIT */
/*
 * What /proc tells about a process, as far as we may read it.
 */
#ifndef CTL_PROC_H
#define CTL_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CTL_PROC_PATH 4096u

struct ctl_proc {
    int32_t pid;      /* as we see it */
    int32_t self_pid; /* as the process sees itself, in its own PID namespace */
    uint64_t start_ticks;
    uint32_t uid;  /* effective */
    char state;    /* 'R', 'S', 'T', ... */
    char exe[256]; /* path; where it may not be read, the command name */
};

/* False where there is no such process (a zombie counts as none: nothing is left to watch). */
bool ctl_proc_read(int32_t pid, struct ctl_proc *out);

enum ctl_maps_result { CTL_MAPS_READ, CTL_MAPS_REFUSED, CTL_MAPS_GONE };

struct ctl_maps {
    bool library;               /* libperfspy is mapped */
    char region[CTL_PROC_PATH]; /* path of its own region in its mount namespace; "" if none */
};

/* Looks for the library and for the region of the process whose own id is SELF_PID. A forked
 * child may still have its parent's region mapped; that one is not taken. */
enum ctl_maps_result ctl_proc_maps(int32_t pid, int32_t self_pid, struct ctl_maps *out);

/* Value of NAME in the environment the process was started with; false if unset or unreadable. */
bool ctl_proc_environ(int32_t pid, const char *name, char *out, size_t cap);

/* This boot, as /proc/sys/kernel/random/boot_id spells it; "" if unreadable. */
void ctl_proc_boot_id(char out[40]);

/* Whether NAME is what people call the program at path EXE: its base name. */
bool ctl_proc_is_called(const char *exe, const char *name);

#endif
