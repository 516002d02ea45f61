/* SPDX-License-Identifier: MIT */
/*
 * `capture`: what the next calls of one operation are given. The processes capture for as long as
 * their connections to here are open, so whatever ends this command ends them.
 */
#include "ctl/capture.h"
#include "ctl/command.h"
#include "ctl/find.h"
#include "ctl/format.h"
#include "ctl/json.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const struct ctl_command ctl_command_capture = {
    .name = "capture",
    .operands = "OPERATION",
    .summary = "show what the next calls of one operation are given: values and parameters",
    .help = "Prints the next calls of OPERATION as they end: when, how long, rows, SQLSTATE or "
            "status; of a statement its text as the program sent it and every bind value; of "
            "a request its target and all URL parameters. Headers and bodies are never "
            "kept. A name without what stands before its last dot will do where it is the "
            "only one.\n\n"
            "It turns itself off: after N calls, after DURATION, or when this command ends, "
            "however it does. One capture is possible at a time in a process. Values go to "
            "the process' own user and to root only, are kept in the memory of the process "
            "until they are sent, and are wiped then; no file, log or history gets them. "
            "With several processes N is for all of them together.\n\n"
            "Texts are cut after 4,096 bytes and values after 1,024. What does not fit a "
            "terminal is escaped: \\n, \\x1b. A statement that speaks of passwords or secrets, "
            "or is an EXECUTE, is shown normalised, without text and values; a URL parameter "
            "with such a name "
            "is starred out.\n\n"
            "The exit status is 0 if N calls were captured, 1 if there were fewer, 69 if there "
            "is no such process or operation, 77 if the process refuses: another capture is "
            "under way.",
    .options = CTL_BIT(PROCESS) | CTL_BIT(JSON) | CTL_BIT(NEXT) | CTL_BIT(FOR) | CTL_BIT(SLOW),
    .min_operands = 1,
    .max_operands = 1,
    .run = ctl_cmd_capture,
};

#define CALLS_DEFAULT 5u
#define FOR_DEFAULT   30000000000ull
#define NS_OF_MS      UINT64_C(1000000)
/* A process has a little longer to say that the time is over. */
#define GRACE_NS 2000000000ull

struct captures {
    struct ctl_capture *one;
    struct pollfd *fds;
    size_t count, open;
    size_t calls; /* wanted, and shown so far */
    size_t shown;
    uint64_t missed;
    char operation[SPY_NAME_BYTES + 1];
};

static uint64_t time_of(const struct ctl_args *args)
{
    return args->for_ns > 0 ? args->for_ns : FOR_DEFAULT;
}

static enum ctl_exit check(const struct ctl_run *run)
{
    uint64_t most = SPY_CAPTURE_MS_MAX * NS_OF_MS;
    const struct ctl_args *args = run->args;
    if (time_of(args) >= NS_OF_MS && time_of(args) <= most && args->slow_ns <= most)
        return CTL_OK;
    ctl_say(run->err, "--%s takes 1ms to 10m", args->slow_ns > most ? "slow" : "for");
    return CTL_USAGE;
}

/* ---- beginning ------------------------------------------------------------------------------ */

/* Finds the whole name of the operation that the operand means. */
static enum ctl_exit find(struct captures *all, const struct ctl_source *source,
                          const struct ctl_run *run)
{
    struct ctl_model model;
    ctl_model_init(&model, 0);
    enum ctl_exit result = ctl_model_load(&model, source, run);
    const struct ctl_operation *op =
        result == CTL_OK ? ctl_find_operation(&model, run->args->operand[0], &result, run->err)
                         : NULL;
    if (op != NULL)
        snprintf(all->operation, sizeof(all->operation), "%s", op->name);
    ctl_model_free(&model);
    return result;
}

/* Asks every live process; those that will not are told of. */
static enum ctl_exit begin(struct captures *all, const struct ctl_source *source,
                           const struct ctl_run *run)
{
    char line[SPY_NAME_BYTES + 80];
    enum ctl_exit result = CTL_NOTHING;
    snprintf(line, sizeof(line), "capture %zu %" PRIu64 " %" PRIu64 " %s\n", all->calls,
             time_of(run->args) / NS_OF_MS, run->args->slow_ns / NS_OF_MS, all->operation);
    for (size_t i = 0; i < source->count; i++) {
        const struct ctl_process *process = &source->process[i];
        struct ctl_capture *capture = &all->one[all->count];
        struct spy_error error = {0};
        char text[sizeof(error.text)];
        *capture = (struct ctl_capture){.process = process, .fd = -1};
        enum spy_status status = ctl_source_stream(process, line, &capture->fd, &error);
        all->count += status == SPY_OK;
        if (status == SPY_ERR_REFUSED)
            result = CTL_REFUSED;
        if (status != SPY_OK)
            ctl_say(run->err, "process %d (%s): %s", process->proc.pid, process->proc.exe,
                    ctl_format_clean(text, sizeof(text), error.text, sizeof(error.text)));
    }
    all->open = all->count;
    return all->count > 0 ? CTL_OK : result;
}

/* ---- showing -------------------------------------------------------------------------------- */

static void show(struct captures *all, struct ctl_capture *capture, struct ctl_captured *captured,
                 const struct ctl_run *run)
{
    captured->operation = all->operation;
    if (run->args->json) {
        ctl_captured_json(&capture->call, captured);
        if (captured->head.last) {
            (void)json_dumpf(capture->call, run->out, JSON_REAL_PRECISION(15));
            fputc('\n', run->out);
            json_decref(capture->call);
            capture->call = NULL;
        }
    } else {
        ctl_captured_print(captured, run);
    }
    all->shown += captured->head.last != 0;
    fflush(run->out);
}

static void finish(struct captures *all, struct ctl_capture *capture)
{
    all->missed += capture->missed;
    all->open -= capture->fd >= 0;
    ctl_capture_close(capture);
}

/* Shows what has come from one process. */
static void attend(struct captures *all, struct ctl_capture *capture, const struct ctl_run *run)
{
    struct ctl_captured captured;
    enum ctl_frame frame = CTL_FRAME_CALL;
    bool more = ctl_capture_read(capture);
    while (frame == CTL_FRAME_CALL && all->shown < all->calls) {
        frame = ctl_capture_next(capture, &captured);
        if (frame == CTL_FRAME_CALL)
            show(all, capture, &captured, run);
    }
    if (frame == CTL_FRAME_BROKEN)
        ctl_say(run->err, "process %d sent what is not of the protocol",
                capture->process->proc.pid);
    else if (frame == CTL_FRAME_NONE && !more)
        ctl_say(run->err, "process %d ended, or ended the capture", capture->process->proc.pid);
    if (capture->stopped)
        ctl_say(run->err, "process %d ended the capture: perfspy backs off, see stats --self",
                capture->process->proc.pid);
    if (frame >= CTL_FRAME_END || !more)
        finish(all, capture);
}

/* Waits until something comes, at most until UNTIL_NS; false: nothing will. */
static bool wait_on(struct captures *all, uint64_t until_ns)
{
    uint64_t now = ctl_clock_ns(CLOCK_MONOTONIC);
    if (now >= until_ns || all->open == 0)
        return false;
    for (size_t i = 0; i < all->count; i++)
        all->fds[i] = (struct pollfd){.fd = all->one[i].fd, .events = POLLIN};
    int n = poll(all->fds, all->count, (int)((until_ns - now) / NS_OF_MS) + 1);
    return n > 0 || (n < 0 && errno == EINTR);
}

static void follow(struct captures *all, const struct ctl_run *run)
{
    uint64_t until = ctl_clock_ns(CLOCK_MONOTONIC) + time_of(run->args) + GRACE_NS;
    while (all->shown < all->calls && wait_on(all, until) && !ferror(run->out))
        for (size_t i = 0; i < all->count; i++)
            if (all->one[i].fd >= 0 && all->fds[i].revents != 0)
                attend(all, &all->one[i], run);
}

/* What there was, on ERR: OUT is for the calls alone. */
static enum ctl_exit conclude(const struct captures *all, const struct ctl_run *run)
{
    char limit[CTL_NUMBER_BYTES];
    if (all->missed > 0)
        ctl_say(run->err, "%" PRIu64 " statements were missed: too many at a time", all->missed);
    if (all->shown >= all->calls)
        return CTL_OK;
    ctl_say(run->err, "%zu of %zu calls of %s came within %s", all->shown, all->calls,
            all->operation, ctl_format_limit(limit, time_of(run->args)));
    return CTL_TOO_FEW;
}

static enum ctl_exit capture(const struct ctl_source *source, const struct ctl_run *run)
{
    char limit[CTL_NUMBER_BYTES];
    struct captures all = {.calls = run->args->next > 0 ? run->args->next : CALLS_DEFAULT};
    all.one = ctl_alloc(source->count * sizeof(*all.one));
    all.fds = ctl_alloc(source->count * sizeof(*all.fds));
    enum ctl_exit result = find(&all, source, run);
    if (result == CTL_OK)
        result = begin(&all, source, run);
    if (result == CTL_OK) {
        ctl_say(run->err, "capturing %s in %zu process%s, for %s at most", all.operation, all.count,
                all.count == 1 ? "" : "es", ctl_format_limit(limit, time_of(run->args)));
        follow(&all, run);
        result = conclude(&all, run);
    }
    for (size_t i = 0; i < all.count; i++)
        finish(&all, &all.one[i]);
    free(all.one);
    free(all.fds);
    return result;
}

/* Only the living make calls. */
static size_t live(const struct ctl_source *source)
{
    size_t n = 0;
    for (size_t i = 0; i < source->count; i++)
        n += source->process[i].state == CTL_LIVE;
    return n;
}

enum ctl_exit ctl_cmd_capture(const struct ctl_run *run)
{
    struct ctl_source source;
    enum ctl_exit result = check(run);
    if (result != CTL_OK)
        return result;
    result = ctl_source_open(&source, run, CTL_WANT_TOTALS);
    if (result != CTL_OK)
        return result;
    if (live(&source) > 0) {
        result = capture(&source, run);
    } else {
        ctl_say(run->err, "nothing to capture: no watched process is alive");
        result = CTL_NOTHING;
    }
    ctl_source_free(&source);
    return result;
}
