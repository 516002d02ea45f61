/* SPDX-License-Identifier: MIT */
/*
 * Is a process that confined itself (seccomp) safe from what is to be done in it?
 */
#ifndef CTL_INJECT_CONFINED_H
#define CTL_INJECT_CONFINED_H

#include "ctl/inject.h"

/* Before anything is done: CTL_OK also where a filter binds it, the same one all threads, which is
 * then to be looked at. CTL_REFUSED after a sentence on ERR. */
enum ctl_exit ctl_confined_check(const struct ctl_target *target, bool force, FILE *err);

/* Of thread TID, which we trace and which is stopped: CTL_OK where no filter binds it, or one that
 * is known to be harmless; with FORCE also one that asks another process, or cannot be looked at.
 * CTL_REFUSED after a sentence. */
enum ctl_exit ctl_confined_examine(const struct ctl_target *target, pid_t tid, bool force,
                                   FILE *err);

#endif
