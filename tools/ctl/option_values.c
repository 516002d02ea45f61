/* SPDX-License-Identifier: MIT */
/*
 * What options may be set to, and where that goes; see options.h.
 */
#include "ctl/options.h"

#include "ctl/limits.h"
#include "shared/capture.h"
#include "shared/rules.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WATCH_DEFAULT_NS 2000000000ull
#define WATCH_MIN_NS     100000000ull
#define STEP_MIN_NS      1000000000ull
#define HOLD_MAX         1000u

static enum ctl_exit bad_value(FILE *err, const char *name, const char *value, const char *wanted)
{
    ctl_say(err, "--%s: \"%s\" is not %s", name, value, wanted);
    return CTL_USAGE;
}

static bool parse_seconds(const char *text, uint64_t *ns)
{
    char *end;
    double seconds = strtod(text, &end);
    if (isdigit((unsigned char)*text) && *end == '\0' && seconds <= 86400) {
        *ns = (uint64_t)(seconds * 1e9);
        return *ns >= WATCH_MIN_NS;
    }
    return spy_duration_parse(text, ns) && *ns >= WATCH_MIN_NS;
}

bool ctl_option_is_seconds(const char *text)
{
    uint64_t ns;
    return isdigit((unsigned char)*text) && parse_seconds(text, &ns);
}

static enum ctl_exit set_sort(struct ctl_args *args, const char *value, FILE *err)
{
    bool time = strcmp(value, "time") == 0;
    if (!time && strcmp(value, "duration") != 0)
        return bad_value(err, "sort", value, "\"duration\" or \"time\"");
    args->sort = time ? CTL_SORT_TIME : CTL_SORT_DURATION;
    return CTL_OK;
}

/* A number from 1 to MAX. */
static bool parse_count(const char *text, uint64_t max, uint64_t *count)
{
    char *end;
    errno = 0;
    *count = strtoull(text, &end, 10);
    return isdigit((unsigned char)*text) && *end == '\0' && errno == 0 && *count > 0 &&
           *count <= max;
}

static enum ctl_exit set_limit(struct ctl_args *args, const char *value, FILE *err)
{
    uint64_t n;
    if (!parse_count(value, SIZE_MAX, &n))
        return bad_value(err, "limit", value, "a number of 1 or more");
    args->limit = n;
    return CTL_OK;
}

static enum ctl_exit set_next(struct ctl_args *args, const char *value, FILE *err)
{
    uint64_t n;
    if (!parse_count(value, SPY_CAPTURE_CALLS_MAX, &n))
        return bad_value(err, "next", value, "a number from 1 to 1000");
    args->next = n;
    return CTL_OK;
}

static enum ctl_exit set_min_calls(struct ctl_args *args, const char *value, FILE *err)
{
    if (!parse_count(value, UINT64_MAX, &args->min_calls))
        return bad_value(err, "min-calls", value, "a number of 1 or more");
    return CTL_OK;
}

static enum ctl_exit set_hold(struct ctl_args *args, const char *value, FILE *err)
{
    uint64_t n;
    if (!parse_count(value, HOLD_MAX, &n))
        return bad_value(err, "hold", value, "a number from 1 to 1000");
    args->hold = (unsigned)n;
    return CTL_OK;
}

static enum ctl_exit set_duration(uint64_t *ns, const char *name, const char *value, FILE *err)
{
    if (!spy_duration_parse(value, ns) || *ns == 0)
        return bad_value(err, name, value, "a duration such as 30s, 5m or 1h");
    return CTL_OK;
}

static enum ctl_exit set_step(struct ctl_args *args, const char *value, FILE *err)
{
    uint64_t *ns = &args->step_ns;
    if (!spy_duration_parse(value, ns) || *ns < STEP_MIN_NS)
        return bad_value(err, "step", value, "a duration of 1s or more");
    return CTL_OK;
}

static enum ctl_exit set_every(struct ctl_args *args, const char *value, FILE *err)
{
    if (!parse_seconds(value, &args->every_ns))
        return bad_value(err, "every", value, "a time of 0.1 seconds or more");
    return CTL_OK;
}

static enum ctl_exit add_limit(struct ctl_args *args, const char *value, FILE *err)
{
    struct spy_error error;
    if (args->limits == NULL)
        args->limits = ctl_alloc(sizeof(*args->limits));
    if (ctl_limits_add_text(args->limits, value, &error) == SPY_OK)
        return CTL_OK;
    ctl_say(err, "--set: %s", error.text);
    return CTL_USAGE;
}

static enum ctl_exit add_process(struct ctl_args *args, const char *value, FILE *err)
{
    if (*value == '\0')
        return bad_value(err, "process", value, "a process id or a program's name");
    args->process = ctl_grow(args->process, args->processes + 1, sizeof(*args->process));
    args->process[args->processes++] = value;
    return CTL_OK;
}

/* VALUE is NULL where it was left out. */
static enum ctl_exit set_watch(struct ctl_args *args, const char *value, FILE *err)
{
    args->watch_ns = WATCH_DEFAULT_NS;
    if (value != NULL && !parse_seconds(value, &args->watch_ns))
        return bad_value(err, "watch", value, "a time of 0.1 seconds or more");
    return CTL_OK;
}

/* ---- options -------------------------------------------------------------------------------- */

/* Where ID goes if it takes no value, any text, or any duration; NULL for others. */
static bool *flag_of(struct ctl_args *args, enum ctl_option_id id)
{
    switch (id) {
    case CTL_OPTION_JSON:
        return &args->json;
    case CTL_OPTION_FULL:
        return &args->full;
    case CTL_OPTION_WORST:
        return &args->worst;
    case CTL_OPTION_SELF:
        return &args->self;
    case CTL_OPTION_INITIAL:
        return &args->initial;
    case CTL_OPTION_OPEN_METRICS:
        return &args->open_metrics;
    case CTL_OPTION_FORCE:
        return &args->force;
    case CTL_OPTION_VERBOSE:
        return &args->verbose;
    case CTL_OPTION_MAN:
        return &args->man;
    default:
        return NULL;
    }
}

static const char **text_of(struct ctl_args *args, enum ctl_option_id id)
{
    switch (id) {
    case CTL_OPTION_RULES:
        return &args->rules;
    case CTL_OPTION_DIR:
        return &args->dir;
    case CTL_OPTION_LISTEN:
        return &args->listen;
    case CTL_OPTION_TOKEN_FILE:
        return &args->token_file;
    case CTL_OPTION_ON_CHANGE:
        return &args->on_change;
    case CTL_OPTION_COMPLETION:
        return &args->completion;
    default:
        return NULL;
    }
}

static uint64_t *duration_of(struct ctl_args *args, enum ctl_option_id id)
{
    switch (id) {
    case CTL_OPTION_LAST:
        return &args->last_ns;
    case CTL_OPTION_BEFORE:
        return &args->before_ns;
    case CTL_OPTION_TIMEOUT:
        return &args->timeout_ns;
    case CTL_OPTION_FOR:
        return &args->for_ns;
    case CTL_OPTION_SLOW:
        return &args->slow_ns;
    default:
        return NULL;
    }
}

static enum ctl_exit set_other(struct ctl_args *args, enum ctl_option_id id, const char *value,
                               FILE *err)
{
    switch (id) {
    case CTL_OPTION_PROCESS:
        return add_process(args, value, err);
    case CTL_OPTION_STEP:
        return set_step(args, value, err);
    case CTL_OPTION_WATCH:
        return set_watch(args, value, err);
    case CTL_OPTION_SORT:
        return set_sort(args, value, err);
    case CTL_OPTION_LIMIT:
        return set_limit(args, value, err);
    case CTL_OPTION_SET:
        return add_limit(args, value, err);
    case CTL_OPTION_MIN_CALLS:
        return set_min_calls(args, value, err);
    case CTL_OPTION_EVERY:
        return set_every(args, value, err);
    case CTL_OPTION_HOLD:
        return set_hold(args, value, err);
    case CTL_OPTION_NEXT:
        return set_next(args, value, err);
    default:
        return CTL_OK;
    }
}

enum ctl_exit ctl_option_set(struct ctl_args *args, enum ctl_option_id id, const char *value,
                             FILE *err)
{
    bool *flag = flag_of(args, id);
    const char **text = text_of(args, id);
    uint64_t *duration = duration_of(args, id);
    if (duration != NULL)
        return set_duration(duration, ctl_options[id].name, value, err);
    if (flag == NULL && text == NULL)
        return set_other(args, id, value, err);
    if (flag != NULL)
        *flag = true;
    else
        *text = value;
    return CTL_OK;
}
