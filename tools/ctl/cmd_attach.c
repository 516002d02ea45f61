/* SPDX-License-Identifier: MIT */
/*
 * `attach`: has a running process load libperfspy.so, and waits until it is watched.
 */
#include "ctl/command.h"
#include "ctl/inject.h"
#include "ctl/inject_elf.h"
#include "ctl/pid.h"
#include "ctl/priority.h"
#include "ctl/source.h"
#include "shared/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const struct ctl_command ctl_command_attach = {
    .name = "attach",
    .operands = "PID",
    .summary = "load libperfspy into a running process and watch it",
    .help = "Has process PID load libperfspy.so, and puts it between the program and libpq, "
            "libc's socket calls and the TLS libraries. One thread is borrowed for that, "
            "while it waits in a system call, for a few milliseconds; the others run on. No "
            "code of the program is written to. Connections that exist already are learned "
            "at their next use.\n\n"
            "What cannot be attached to is left as it is, with a sentence that says why and "
            "exit status 77: another user's process (root may, with CAP_SYS_PTRACE), where "
            "kernel.yama.ptrace_scope leaves tracing to others, one that is traced or "
            "stopped, that no thread waits in, that may open no more files or map no more "
            "memory, that has less than 8 MiB left of what its control group may use, that has "
            "no /proc in its root directory, that a seccomp filter binds which would kill it, or "
            "(but for --force) binds not all of its threads, leaves calls to another process "
            "or may not be looked at, whose main thread has ended, that has another version of "
            "the library, statically linked programs, other C libraries, other machines' "
            "programs, and the GNU C library before 2.34. "
            "69: there is no such process, or it has ended. Containers need nothing of "
            "perfspy inside: the library is handed over in memory.\n\n"
            "One that was detached from goes on with the same record, and with the rules of "
            "FILE if --rules gives some. One that was started with the library at rest "
            "(PERFSPY_ENABLED=0, PERFSPY_ONLY) is woken, for good. One that is watched "
            "already is refused, with the command that does what may be wanted instead: "
            "enable, or reload.\n\n"
            "Pointers to libpq's functions that the program got by dlsym() before are "
            "replaced where they lie in static data, until detach; doctor tells of those on "
            "the heap, which are not.",
    .options = CTL_BIT(RULES) | CTL_BIT(DIR) | CTL_BIT(TIMEOUT) | CTL_BIT(FORCE) | CTL_BIT(VERBOSE),
    .min_operands = 1,
    .max_operands = 1,
    .run = ctl_cmd_attach,
};

#define TIMEOUT_NS 2000000000ull
#define PAUSE_NS   200000l
#define MS         1000000.0

/* A setting for the process, which has another current directory. */
static enum ctl_exit set_path(char out[SPY_PATH_BYTES], const char *path, FILE *err)
{
    char cwd[SPY_PATH_BYTES] = "";
    if (path == NULL)
        return CTL_OK;
    if (path[0] != '/' && getcwd(cwd, sizeof(cwd)) == NULL)
        cwd[0] = '\0';
    int n = snprintf(out, SPY_PATH_BYTES, "%s%s%s", cwd, cwd[0] != '\0' ? "/" : "", path);
    if (n > 0 && (size_t)n < SPY_PATH_BYTES && out[0] == '/')
        return CTL_OK;
    ctl_say(err, "%s: the path is too long: %u bytes at most", path, SPY_PATH_BYTES - 1);
    return CTL_USAGE;
}

/* Rules with an error are told before anything is done to the process. Those that are not there
 * may be in the root that the process has. */
static enum ctl_exit check_rules(const char *path, FILE *err)
{
    struct spy_rules *rules;
    struct spy_error error = {0};
    enum spy_status status =
        path[0] != '\0' ? spy_rules_load(path, &rules, &error) : SPY_ERR_ABSENT;
    if (status == SPY_OK)
        spy_rules_free(rules);
    if (status == SPY_OK || status == SPY_ERR_ABSENT)
        return CTL_OK;
    if (error.line > 0)
        ctl_say(err, "%s:%u:%u: %s", path, error.line, error.column, error.text);
    else
        ctl_say(err, "%s: %s", path, error.text);
    return CTL_INVALID;
}

static enum ctl_exit read_settings(const struct ctl_run *run, struct ctl_inject_request *request)
{
    const struct ctl_args *args = run->args;
    *request = (struct ctl_inject_request){
        .timeout_ns = args->timeout_ns > 0 ? args->timeout_ns : TIMEOUT_NS,
        .force = args->force,
    };
    enum ctl_exit result = set_path(request->settings.rules, args->rules, run->err);
    if (result == CTL_OK)
        result = set_path(request->settings.dir, args->dir, run->err);
    return result == CTL_OK ? check_rules(request->settings.rules, run->err) : result;
}

static void say_watched(const struct ctl_run *run, const struct ctl_proc *proc, bool off)
{
    const char *who = proc->exe, *rules = run->args->rules;
    if (off)
        ctl_say(run->err,
                "process %d (%s) is watched already, and switched off: \"" CTL_NAME
                " enable -p %d\" switches it on",
                proc->pid, who, proc->pid);
    else if (rules != NULL)
        ctl_say(run->err,
                "process %d (%s) is watched already: \"" CTL_NAME
                " reload -p %d --rules %s\" has it read these rules",
                proc->pid, who, proc->pid, rules);
    else
        ctl_say(run->err, "process %d (%s) is watched already", proc->pid, who);
}

/* What cannot be looked into, or read, is refused later, and why. */
static enum ctl_exit refuse_watched(const struct ctl_run *run, const struct ctl_proc *proc)
{
    struct ctl_process process;
    struct spy_region head;
    if (!ctl_source_look(&process, proc))
        return CTL_OK;
    bool watched = process.state == CTL_LIVE && ctl_source_head(&process, &head, run->err) &&
                   !ctl_pid_is_detached(&head);
    if (watched)
        say_watched(run, proc, head.off_since_ns != 0);
    free(process.region);
    return watched ? CTL_REFUSED : CTL_OK;
}

static void say_unfinished(pid_t pid, FILE *err)
{
    struct ctl_proc proc;
    if (ctl_proc_read(pid, &proc) && proc.state == 'T')
        ctl_say(err,
                "process %d has been stopped meanwhile, and has the library loaded: it is watched "
                "as soon as it is let go on (kill -CONT %d)",
                pid, pid);
    else if (ctl_inject_interrupted())
        ctl_say(err,
                "interrupted: process %d has the library loaded, which goes on with its "
                "preparations: \"" CTL_NAME " ps\" will tell",
                pid);
    else
        ctl_say(err,
                "process %d has the library loaded, which has not come to an end of its "
                "preparations in time: \"" CTL_NAME " ps\" will tell",
                pid);
}

/* Its memory is not there any more. */
static enum ctl_exit explain_gone(int32_t pid, FILE *err)
{
    struct ctl_proc proc;
    if (!ctl_proc_read(pid, &proc)) {
        ctl_say(err, "process %d has ended", pid);
        return CTL_NOTHING;
    }
    ctl_say(err,
            "process %d has meanwhile gone on as another program (%s), which is not watched: "
            "attach once more",
            pid, proc.exe);
    return CTL_REFUSED;
}

/* The answer of the library, which works in a thread of its own now. */
static enum ctl_exit await(const struct ctl_target *target, uint64_t address, uint64_t deadline_ns,
                           struct spy_attach_status *status, FILE *err)
{
    do {
        if (!ctl_elf_read(target->memory, address, status, sizeof(*status))) {
            return explain_gone(target->pid, err);
        }
        status->text[sizeof(status->text) - 1] = '\0';
        if (status->state == SPY_ATTACH_DONE)
            return CTL_OK;
        if (status->state == SPY_ATTACH_FAILED) {
            ctl_say(err, "process %d has the library loaded, but is not watched: %s", target->pid,
                    status->text);
            return CTL_REFUSED;
        }
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    } while (!ctl_inject_interrupted() && ctl_clock_ns(CLOCK_MONOTONIC) < deadline_ns);
    say_unfinished(target->pid, err);
    return CTL_REFUSED;
}

static void report(const struct ctl_run *run, const struct ctl_target *target,
                   const struct spy_attach_status *status, const struct ctl_inject_times *times,
                   uint64_t all_ns)
{
    fprintf(run->out, "process %d (%s) is watched: \"" CTL_NAME " stats -p %d\"\n", target->pid,
            target->proc.exe, target->pid);
    if (status->text[0] != '\0')
        ctl_say(run->err, "warning: %s", status->text);
    if (!run->args->verbose)
        return;
    fprintf(run->out,
            "thread %d was stopped and borrowed for %.1f ms (%u system calls), no other was; "
            "%u places patched; %.1f ms in all\n",
            times->tid, (double)times->stopped / MS, times->calls, status->slots,
            (double)all_ns / MS);
}

enum ctl_exit ctl_cmd_attach(const struct ctl_run *run)
{
    uint64_t begin = ctl_clock_ns(CLOCK_MONOTONIC), answer = 0;
    struct ctl_inject_request request;
    struct ctl_inject_times times = {0};
    struct spy_attach_status status;
    struct ctl_target target;
    struct ctl_proc proc;
    pid_t lender;
    ctl_priority_raise();
    enum ctl_exit result = ctl_pid_operand(run, &proc);
    if (result == CTL_OK)
        result = read_settings(run, &request);
    if (result == CTL_OK)
        result = refuse_watched(run, &proc);
    if (result != CTL_OK)
        return result;
    result = ctl_target_open(&target, proc.pid, request.force, run->err);
    if (result == CTL_OK)
        result = ctl_inject(&target, &request, &answer, &times, run->err);
    lender = ctl_priority_lend(times.worker);
    if (result == CTL_OK)
        result = await(&target, answer, begin + request.timeout_ns, &status, run->err);
    ctl_priority_take_back(lender);
    if (result == CTL_OK)
        report(run, &target, &status, &times, ctl_clock_ns(CLOCK_MONOTONIC) - begin);
    ctl_target_close(&target);
    return result;
}
