/* SPDX-License-Identifier: MIT */
/*
 * Running a command of the user's for something that happened.
 *
 * The command is run by /bin/sh in a process group of its own, gets a text as its standard input
 * (a file in memory: it may read it or not, nobody blocks and nobody gets SIGPIPE), this tool's
 * standard error as its output, and none of the tool's other descriptors.
 *
 * The caller has blocked SIGCHLD and the signals that end the tool.
 */
#ifndef CTL_NOTIFY_H
#define CTL_NOTIFY_H

#include "ctl/ctl.h"

#include <signal.h>

struct ctl_notify {
    const char *command;
    uint64_t timeout_ns; /* then the group is killed */
    FILE *err;           /* told of every failure */
    sigset_t stop;       /* signals that end the tool */
    bool stopped;        /* one of them came */
};

/* Blocks what ctl_notify() waits for: SIGCHLD, SIGINT, SIGTERM, SIGHUP. */
void ctl_notify_init(struct ctl_notify *notify, const char *command, uint64_t timeout_ns,
                     FILE *err);

/* Runs the command to its end. A first signal to stop lets it finish, so that what it delivers is
 * not lost; a second one kills it. */
void ctl_notify(struct ctl_notify *notify, const char *text);

#endif
