/* SPDX-License-Identifier: MIT */
/*
 * Threads of a process, by what else is known of them than their ids.
 */
#ifndef CTL_THREADS_H
#define CTL_THREADS_H

#include "ctl/proc.h"

#include <stdbool.h>
#include <sys/types.h>

/* Is thread TID of process PID one of the library's own? */
bool ctl_threads_is_ours(pid_t pid, pid_t tid);

/* The library's threads in process PID, CAP of them at most; how many. */
size_t ctl_threads_ours(pid_t pid, pid_t *tid, size_t cap);

/* The thread of PROC that it knows itself, in its namespace of process ids, as NUMBER. 0: none. */
pid_t ctl_threads_find(const struct ctl_proc *proc, long number);

#endif
