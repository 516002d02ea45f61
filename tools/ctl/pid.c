/* SPDX-License-Identifier: MIT */
/*
 * See pid.h.
 */
#include "ctl/pid.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* PID was not found in /proc, or has ended. */
static enum ctl_exit explain(int32_t pid, FILE *err)
{
    char path[32];
    if (kill(pid, 0) != 0 && errno == ESRCH) {
        ctl_say(err, "there is no process %d", pid);
        return CTL_NOTHING;
    }
    snprintf(path, sizeof(path), "/proc/%d", pid);
    if (access(path, F_OK) == 0) {
        ctl_say(err, "process %d has ended: only its parent has not taken note of that yet", pid);
        return CTL_NOTHING;
    }
    ctl_say(err,
            "process %d is not to be seen in /proc, which hides those of other users (hidepid) or "
            "is not mounted: root sees it",
            pid);
    return CTL_REFUSED;
}

enum ctl_exit ctl_pid_operand(const struct ctl_run *run, struct ctl_proc *proc)
{
    const char *text = run->args->operand[0];
    char *end;
    errno = 0;
    long pid = strtol(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || pid <= 0 ||
        pid > INT32_MAX) {
        ctl_say(run->err, "\"%s\" is not a process id; \"" CTL_NAME " ps\" or ps(1) lists them",
                text);
        return CTL_USAGE;
    }
    if (ctl_proc_read((int32_t)pid, proc))
        return CTL_OK;
    return explain((int32_t)pid, run->err);
}

bool ctl_pid_is_detached(const struct spy_region *region)
{
    return strncmp(region->mode, "detached", sizeof(region->mode)) == 0;
}
