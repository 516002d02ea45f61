/* SPDX-License-Identifier: MIT */
/*
 * `enable` and `disable`: recording, on and off.
 */
#include "ctl/command.h"
#include "ctl/control.h"

const struct ctl_command ctl_command_disable = {
    .name = "disable",
    .operands = "",
    .summary = "switch recording off in running processes",
    .help = "Every process that -p chooses (default: all live ones) goes on without being "
            "timed: calls are passed on, and that is all. What was counted stays and can be "
            "read; ps says since when it is off. A call under way is counted when it ends; a "
            "request under way, and a statement whose results are still to be fetched, are "
            "dropped and counted nowhere. Processes that are forked from then on begin "
            "switched off, too.\n\n"
            "A process started with PERFSPY_ENABLED=later begins like that. One started with "
            "PERFSPY_ENABLED=0 has no socket: enable does not reach it.\n\n"
            "The exit status is 1 if a process did not answer.",
    .options = CTL_READS,
    .run = ctl_cmd_disable,
};

const struct ctl_command ctl_command_enable = {
    .name = "enable",
    .operands = "",
    .summary = "switch recording on again",
    .help = "Undoes disable. A connection of libpq is followed from its next statement on, "
            "results of one that was sent before are left alone; an HTTP connection is "
            "followed from the next request that a read begins with. A prepared statement "
            "is known unless its name was prepared anew meanwhile.\n\n"
            "The exit status is 1 if a process did not answer.",
    .options = CTL_READS,
    .run = ctl_cmd_enable,
};

enum ctl_exit ctl_cmd_enable(const struct ctl_run *run)
{
    return ctl_control(run, "enable", "enable");
}

enum ctl_exit ctl_cmd_disable(const struct ctl_run *run)
{
    return ctl_control(run, "disable", "disable");
}
