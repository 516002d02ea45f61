/* SPDX-License-Identifier: MIT */
/*
 * Commands that change something in live processes: sent to each that -p chooses, one after the
 * other, and what each says shown as a line.
 */
#ifndef CTL_CONTROL_H
#define CTL_CONTROL_H

#include "ctl/ctl.h"

/* Sends LINE, without a newline, as WHAT to every live process that the command line chooses.
 * CTL_OK where all did it, CTL_INVALID where one refused or did not answer; CTL_NOTHING and
 * CTL_REFUSED as for commands that read. */
enum ctl_exit ctl_control(const struct ctl_run *run, const char *what, const char *line);

#endif
