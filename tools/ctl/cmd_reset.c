/* SPDX-License-Identifier: MIT */
/*
 * `reset`: statistics begin anew.
 */
#include "ctl/command.h"
#include "ctl/control.h"

const struct ctl_command ctl_command_reset = {
    .name = "reset",
    .operands = "",
    .summary = "begin the statistics of running processes anew",
    .help = "The statistics of every process that -p chooses (default: all live ones) begin "
            "anew: counts, times, percentiles, levels, errors, kept calls, repeated statements "
            "and history. Nothing is cleared under threads that count: what was counted so "
            "far is kept aside and taken off, so each call is counted before or after, "
            "and windows (--last) begin no earlier. ps tells since when statistics are; so do "
            "the heading of stats and \"since\" in JSON. After the process has died its last "
            "state is read the same way.\n\n"
            "Shortest and longest times of an operation that was called before are then "
            "bounds of their histogram bucket (2.2 % wide), as in windows. A request under "
            "way, and a statement that waits for the rest of its sequence, count when they "
            "are over. Not reset: counters in /metrics, which Prometheus expects to grow; "
            "what perfspy costs; what it could not see or keep (ps).\n\n"
            "The exit status is 1 if a process did not answer, or had no room to keep aside "
            "what was counted: then nothing was reset there.",
    .options = CTL_READS,
    .run = ctl_cmd_reset,
};

enum ctl_exit ctl_cmd_reset(const struct ctl_run *run)
{
    return ctl_control(run, "reset", "reset");
}
