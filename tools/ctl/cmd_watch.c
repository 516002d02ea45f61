/* SPDX-License-Identifier: MIT */
/*
 * `watch`: looks at health and benchmarks again and again, tells what changed, and runs a command
 * for it. It outlives the processes it watches.
 */
#include "ctl/changes.h"
#include "ctl/command.h"
#include "ctl/limits.h"
#include "ctl/notify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const struct ctl_command ctl_command_watch = {
    .name = "watch",
    .operands = "",
    .summary = "tell when health or a benchmark changes, and run a command for it",
    .help = "Looks at health and at every benchmark again and again, prints a line for each "
            "change, and with --on-change runs a command for it: one at a time, with the "
            "change as a JSON object on its standard input, its output going to standard "
            "error. A command that fails or is killed is reported there, and watching goes "
            "on.\n\n"
            "The first look is what changes are compared with. A change for the worse is told "
            "after --hold looks in a row that were all worse, one for the better after twice "
            "as many. A benchmark that changes between \"met\" and \"no data\" is not told, "
            "unless it was missed before. All are judged over --last, by default the health "
            "window of the rules; a slow call is part of it for so long.\n\n"
            "Processes may come and go. Ends with status 0 on SIGTERM, SIGINT or SIGHUP, "
            "after the command that is running has ended; a second signal kills that.",
    .options = CTL_READS | CTL_BIT(LAST) | CTL_BIT(ON_CHANGE) | CTL_BIT(EVERY) | CTL_BIT(HOLD) |
               CTL_BIT(TIMEOUT) | CTL_BIT(INITIAL) | CTL_BIT(SET) | CTL_BIT(MIN_CALLS),
    .run = ctl_cmd_watch,
};

#define EVERY_NS   (5 * CTL_SECOND_NS)
#define TIMEOUT_NS (30 * CTL_SECOND_NS)
#define HOLD       2u

struct watch {
    const struct ctl_run *run;
    struct ctl_changes changes;
    struct ctl_notify notify;
    char *warned; /* what the last look had to say on standard error */
    size_t undelivered;
    bool broken; /* nobody reads the output */
};

/* ---- telling -------------------------------------------------------------------------------- */

static void print_text(const struct ctl_change *change, const struct ctl_run *run)
{
    fprintf(run->out, "%s: ", json_string_value(json_object_get(change->json, "at")));
    if (change->operation != NULL)
        fprintf(run->out, "%s %s of %s", change->what, change->stat, change->operation);
    else
        fputs(change->what, run->out);
    fprintf(run->out, ": %s -> %s: %s\n", change->from, change->to, change->reason);
}

/* A reader that has seen enough is no error; anything else stays in the stream's error flag. */
static void flush(struct watch *watch)
{
    FILE *out = watch->run->out;
    if (fflush(out) == 0 && !ferror(out))
        return;
    watch->broken = true;
    if (errno == EPIPE)
        clearerr(out);
}

static void tell(void *ctx, const struct ctl_change *change)
{
    struct watch *watch = ctx;
    const struct ctl_run *run = watch->run;
    char *text = json_dumps(change->json, JSON_REAL_PRECISION(15) | JSON_COMPACT);
    if (text == NULL)
        exit(CTL_OSERR);
    if (run->args->json)
        fprintf(run->out, "%s\n", text);
    else
        print_text(change, run);
    flush(watch);
    if (run->args->on_change != NULL && !watch->notify.stopped)
        ctl_notify(&watch->notify, text);
    else if (run->args->on_change != NULL)
        watch->undelivered++;
    free(text);
}

/* ---- looking -------------------------------------------------------------------------------- */

/* One at a time: an operation that does not exist yet is no reason to forget the others. */
static void apply_limits(struct ctl_model *model, const struct ctl_run *run)
{
    const struct ctl_limits *limits = run->args->limits;
    struct spy_error error;
    for (size_t i = 0; limits != NULL && i < limits->count; i++) {
        const struct ctl_limits one = {&limits->limit[i], 1};
        if (ctl_limits_apply(&one, model, &error) != SPY_OK)
            ctl_say(run->err, "--set: not yet: %s", error.text);
    }
    ctl_limits_min_calls(model, run->args->min_calls);
}

/* CTL_REFUSED where we may not read what there is. That there is nothing is a state like others. */
static enum ctl_exit look(struct watch *watch, const struct ctl_run *run)
{
    struct ctl_source source;
    struct ctl_model model;
    enum ctl_exit result = ctl_source_open(&source, run, CTL_WANT_WINDOW);
    if (result == CTL_REFUSED && !watch->changes.begun)
        return result;
    ctl_model_init(&model, ctl_health_window(&source, run));
    (void)ctl_model_load(&model, &source, run);
    apply_limits(&model, run);
    ctl_changes_look(&watch->changes, &model, run, tell, watch);
    ctl_model_free(&model);
    ctl_source_free(&source);
    return CTL_OK;
}

/* A look whose warnings are shown only where they are not those of the look before. */
static enum ctl_exit look_quietly(struct watch *watch)
{
    char *text = NULL;
    size_t len = 0;
    struct ctl_run once = *watch->run;
    once.err = open_memstream(&text, &len);
    if (once.err == NULL)
        exit(CTL_OSERR);
    once.now_mono_ns = ctl_clock_ns(CLOCK_MONOTONIC);
    once.now_real_ns = ctl_clock_ns(CLOCK_REALTIME);
    enum ctl_exit result = look(watch, &once);
    fclose(once.err);
    if (watch->warned == NULL || strcmp(watch->warned, text) != 0)
        fputs(text, watch->run->err);
    free(watch->warned);
    watch->warned = text;
    return result;
}

/* False where it is time to end. */
static bool sleep_until_next(struct watch *watch, uint64_t ns)
{
    struct timespec pause = {(time_t)(ns / CTL_SECOND_NS), (long)(ns % CTL_SECOND_NS)};
    if (watch->notify.stopped || (watch->broken && watch->run->args->on_change == NULL))
        return false;
    return sigtimedwait(&watch->notify.stop, NULL, &pause) < 0;
}

enum ctl_exit ctl_cmd_watch(const struct ctl_run *run)
{
    const struct ctl_args *args = run->args;
    struct watch watch = {
        .run = run,
        .changes = {.hold = args->hold > 0 ? args->hold : HOLD, .initial = args->initial},
    };
    enum ctl_exit result;
    ctl_notify_init(&watch.notify, args->on_change,
                    args->timeout_ns > 0 ? args->timeout_ns : TIMEOUT_NS, run->err);
    /* A reader of our lines that went away is no reason to stop running the command. */
    signal(SIGPIPE, SIG_IGN);
    do
        result = look_quietly(&watch);
    while (result == CTL_OK &&
           sleep_until_next(&watch, args->every_ns > 0 ? args->every_ns : EVERY_NS));
    if (watch.undelivered > 0)
        ctl_say(run->err, "told to end: the command was not run for %zu change%s",
                watch.undelivered, watch.undelivered == 1 ? "" : "s");
    ctl_changes_free(&watch.changes);
    free(watch.warned);
    return result;
}
