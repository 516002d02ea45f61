/* SPDX-License-Identifier: MIT */
/*
 * `detach`: has the library in a process that it was attached to step aside.
 */
#include "ctl/command.h"
#include "ctl/pid.h"
#include "ctl/priority.h"
#include "ctl/source.h"
#include "ctl/threads.h"

#include <stdlib.h>
#include <unistd.h>

const struct ctl_command ctl_command_detach = {
    .name = "detach",
    .operands = "PID",
    .summary = "stop watching a process that was attached to",
    .help = "Takes the library out from between the program and its libraries, ends its "
            "thread and closes its socket. What was recorded stays readable. The library "
            "itself stays in the process' memory, at rest; attach wakes it, and goes on with "
            "the same record. A process that was started with the library cannot be detached "
            "from, but switched off, by disable: exit status 77. 69: it is not watched.",
    .options = 0,
    .min_operands = 1,
    .max_operands = 1,
    .run = ctl_cmd_detach,
};

#define OURS_MAX 2u /* the helper, and what may be left of an attach */

/* Nobody answered. */
static bool was_detached(const struct ctl_process *process, FILE *err)
{
    struct spy_region head;
    return ctl_source_head(process, &head, err) && ctl_pid_is_detached(&head);
}

/* The library's thread answers, which has to wait for the processor like any other. */
static enum spy_status tell(const struct ctl_process *process, char answer[CTL_CLIENT_TEXT],
                            struct spy_error *error)
{
    pid_t tid[OURS_MAX], lender[OURS_MAX];
    ctl_priority_raise();
    const size_t count = ctl_threads_ours(process->proc.pid, tid, OURS_MAX);
    for (size_t i = 0; i < count; i++)
        lender[i] = ctl_priority_lend(tid[i]);
    enum spy_status status = ctl_source_command(process, "detach\n", answer, error);
    for (size_t i = 0; i < count; i++)
        ctl_priority_take_back(lender[i]);
    return status;
}

static enum ctl_exit detach(const struct ctl_run *run, const struct ctl_process *process)
{
    char answer[CTL_CLIENT_TEXT];
    struct spy_error error = {0};
    const struct ctl_proc *proc = &process->proc;
    enum spy_status status = tell(process, answer, &error);
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
        ctl_say(run->err, "process %d (%s), of user %u, may not be looked into%s", proc.pid,
                proc.exe, proc.uid, geteuid() != 0 ? "; root may" : "");
        result = CTL_REFUSED;
    } else {
        ctl_say(run->err, "process %d (%s) is not watched: %s", proc.pid, proc.exe, process.note);
        result = CTL_NOTHING;
    }
    free(process.region);
    return result;
}
