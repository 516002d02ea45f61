/* SPDX-License-Identifier: MIT */
/*
 * `detach`: has the library in a process that it was attached to step aside.
 */
#include "ctl/command.h"
#include "ctl/image.h"
#include "ctl/pid.h"
#include "ctl/source.h"

#include <stdlib.h>

/* Nobody answered. */
static bool was_detached(const struct ctl_process *process, FILE *err)
{
    struct spy_region *region = ctl_source_load(process, err);
    bool detached = region != NULL && ctl_pid_is_detached(region);
    ctl_image_free(region);
    return detached;
}

static enum ctl_exit detach(const struct ctl_run *run, const struct ctl_process *process)
{
    char answer[CTL_CLIENT_TEXT];
    struct spy_error error = {0};
    const struct ctl_proc *proc = &process->proc;
    enum spy_status status = ctl_source_command(process, "detach\n", answer, &error);
    if (status == SPY_OK) {
        fprintf(run->out, "process %d (%s): %s\n", proc->pid, proc->exe, answer);
        return CTL_OK;
    }
    if (status == SPY_ERR_IO && was_detached(process, run->err)) {
        ctl_say(run->err, "process %d (%s) is not watched: it was detached from already", proc->pid,
                proc->exe);
        return CTL_NOTHING;
    }
    ctl_say(run->err, "process %d (%s) was not detached from: %s", proc->pid, proc->exe,
            answer[0] != '\0' ? answer : error.text);
    return CTL_REFUSED;
}

enum ctl_exit ctl_cmd_detach(const struct ctl_run *run)
{
    struct ctl_proc proc;
    struct ctl_process process;
    enum ctl_exit result = ctl_pid_operand(run, &proc);
    if (result != CTL_OK)
        return result;
    if (!ctl_source_look(&process, &proc)) {
        ctl_say(run->err, "process %d (%s) is not watched: libperfspy.so is not loaded in it",
                proc.pid, proc.exe);
        return CTL_NOTHING;
    }
    if (process.state == CTL_LIVE) {
        result = detach(run, &process);
    } else if (process.state == CTL_CLOSED) {
        ctl_say(run->err, "process %d (%s) belongs to user %u: only that user and root may",
                proc.pid, proc.exe, proc.uid);
        result = CTL_REFUSED;
    } else {
        ctl_say(run->err, "process %d (%s) is not watched: %s", proc.pid, proc.exe, process.note);
        result = CTL_NOTHING;
    }
    free(process.region);
    return result;
}
