/* SPDX-License-Identifier: MIT */
/*
 * Is there memory for what watching takes? Where its control group has none left, the kernel would
 * kill the process for touching it.
 */
#ifndef CTL_INJECT_ROOM_H
#define CTL_INJECT_ROOM_H

#include "ctl/ctl.h"

#include <sys/types.h>

/* What is to be left, in bytes: the library's data, its tables and a region on tmpfs took 3 MiB
 * when measured, and the process goes on taking its own meanwhile. */
#define CTL_ROOM_BYTES (8ull << 20)

/* Looks at the memory limits of process PID's control groups, of either version, as far as they are
 * to be seen from here. Page cache counts as free. CTL_OK, or CTL_REFUSED after a sentence on ERR.
 */
enum ctl_exit ctl_room_check(pid_t pid, FILE *err);

#endif
