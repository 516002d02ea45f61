/* SPDX-License-Identifier: MIT */
/*
 * `enable` and `disable`: recording, on and off.
 */
#include "ctl/command.h"
#include "ctl/control.h"

enum ctl_exit ctl_cmd_enable(const struct ctl_run *run)
{
    return ctl_control(run, "enable", "enable");
}

enum ctl_exit ctl_cmd_disable(const struct ctl_run *run)
{
    return ctl_control(run, "disable", "disable");
}
