/* SPDX-License-Identifier: MIT */
/*
 * `reset`: statistics begin anew.
 */
#include "ctl/command.h"
#include "ctl/control.h"

enum ctl_exit ctl_cmd_reset(const struct ctl_run *run)
{
    return ctl_control(run, "reset", "reset");
}
