/* SPDX-License-Identifier: MIT */
/*
 * See pid.h.
 */
#include "ctl/pid.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
    ctl_say(run->err, "there is no process %ld", pid);
    return CTL_NOTHING;
}

bool ctl_pid_is_detached(const struct spy_region *region)
{
    return strncmp(region->mode, "detached", sizeof(region->mode)) == 0;
}
