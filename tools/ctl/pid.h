/* SPDX-License-Identifier: MIT */
/*
 * Commands that are given one process: its id, and what they ask of it.
 */
#ifndef CTL_PID_H
#define CTL_PID_H

#include "ctl/ctl.h"
#include "ctl/proc.h"
#include "shared/region.h"

/* The process that the first operand names. CTL_USAGE, CTL_NOTHING or (where it is hidden from us)
 * CTL_REFUSED after a sentence on the run's
 * ERR. */
enum ctl_exit ctl_pid_operand(const struct ctl_run *run, struct ctl_proc *proc);

/* Was the watch that REGION is of ended by `detach`? */
bool ctl_pid_is_detached(const struct spy_region *region);

#endif
