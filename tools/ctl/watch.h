/* SPDX-License-Identifier: MIT */
/*
 * --watch: the same answer again and again.
 */
#ifndef CTL_WATCH_H
#define CTL_WATCH_H

#include "ctl/ctl.h"

/* Runs COMMAND every args->watch_ns until SIGINT, SIGTERM or SIGHUP, or until the output cannot
 * be written. Returns what the command returned last. On a terminal each answer replaces the one
 * before. */
enum ctl_exit ctl_watch(const struct ctl_run *run,
                        enum ctl_exit (*command)(const struct ctl_run *run));

#endif
