/* SPDX-License-Identifier: MIT */
/*
 * Parameters of a URL; see serve.h. A parameter that is misspelt or wrong is an error: a filter
 * that is passed over in silence gives the wrong numbers.
 */
#include "ctl/format.h"
#include "ctl/serve.h"
#include "shared/rules.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_NS 1000000000ull

/* ---- decoding ------------------------------------------------------------------------------- */

static int hex_value(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

static bool is_clean(const char *text)
{
    size_t len = strlen(text);
    char *clean = ctl_alloc(len + 1);
    ctl_format_clean(clean, len + 1, text, len);
    bool same = strcmp(clean, text) == 0;
    free(clean);
    return same;
}

bool ctl_percent_decode(char *text)
{
    char *out = text;
    for (const char *in = text; *in != '\0'; in++) {
        char c = *in;
        if (c == '%') {
            if (!isxdigit((unsigned char)in[1]) || !isxdigit((unsigned char)in[2]))
                return false;
            c = (char)(hex_value(in[1]) << 4 | hex_value(in[2]));
            in += 2;
        }
        if (c == '\0')
            return false;
        *out++ = c;
    }
    *out = '\0';
    return is_clean(text);
}

/* ---- values --------------------------------------------------------------------------------- */

static bool parse_count(const char *text, uint64_t max, uint64_t *count)
{
    char *end;
    errno = 0;
    *count = strtoull(text, &end, 10);
    return isdigit((unsigned char)*text) && *end == '\0' && errno == 0 && *count > 0 &&
           *count <= max;
}

static bool set_pid(struct ctl_args *args, const char *value)
{
    uint64_t pid;
    (void)args;
    return parse_count(value, 999999999, &pid) && *value != '0';
}

static bool set_last(struct ctl_args *args, const char *value)
{
    return spy_duration_parse(value, &args->last_ns) && args->last_ns > 0;
}

static bool set_step(struct ctl_args *args, const char *value)
{
    return spy_duration_parse(value, &args->step_ns) && args->step_ns >= SECOND_NS;
}

/* Whoever answers takes it from the request. */
static bool set_operation(struct ctl_args *args, const char *value)
{
    (void)args;
    return *value != '\0';
}

static bool set_limit(struct ctl_args *args, const char *value)
{
    uint64_t limit;
    if (!parse_count(value, SIZE_MAX, &limit))
        return false;
    args->limit = (size_t)limit;
    return true;
}

static bool set_sort(struct ctl_args *args, const char *value)
{
    args->sort = strcmp(value, "time") == 0 ? CTL_SORT_TIME : CTL_SORT_DURATION;
    return args->sort == CTL_SORT_TIME || strcmp(value, "duration") == 0;
}

static bool set_min_calls(struct ctl_args *args, const char *value)
{
    return parse_count(value, INT64_MAX, &args->min_calls);
}

static bool set_worst(struct ctl_args *args, const char *value)
{
    args->worst = strcmp(value, "true") == 0;
    return args->worst || strcmp(value, "false") == 0;
}

static const struct {
    const char *name;
    unsigned bit;
    bool (*set)(struct ctl_args *args, const char *value);
    const char *wanted;
} params[] = {
    {"pid", CTL_PARAM_PID, set_pid, "a process id"},
    {"last", CTL_PARAM_LAST, set_last, "a duration such as 30s, 5m or 1h"},
    {"limit", CTL_PARAM_LIMIT, set_limit, "a number of 1 or more"},
    {"sort", CTL_PARAM_SORT, set_sort, "\"duration\" or \"time\""},
    {"step", CTL_PARAM_STEP, set_step, "a duration of 1s or more"},
    {"operation", CTL_PARAM_OPERATION, set_operation, "the name of an operation"},
    {"min_calls", CTL_PARAM_MIN_CALLS, set_min_calls, "a number of 1 or more"},
    {"worst", CTL_PARAM_WORST, set_worst, "\"true\" or \"false\""},
};

#define PARAMS (sizeof(params) / sizeof(params[0]))

/* ---- all of them ---------------------------------------------------------------------------- */

static bool unknown(const struct ctl_param *given, unsigned allowed, struct ctl_reply *reply)
{
    char names[96] = "none";
    size_t used = 0;
    for (size_t i = 0; i < PARAMS; i++)
        if ((allowed & params[i].bit) != 0)
            used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
                                     used > 0 ? ", " : "", params[i].name);
    ctl_reply_error(reply, 422, "unknown_parameter", given->name,
                    "there is no parameter \"%.60s\" here; there is: %s", given->name, names);
    return false;
}

static bool take(const struct ctl_param *given, unsigned allowed, unsigned *seen,
                 struct ctl_args *args, struct ctl_reply *reply)
{
    size_t i = 0;
    while (i < PARAMS && strcmp(params[i].name, given->name) != 0)
        i++;
    if (i == PARAMS || (allowed & params[i].bit) == 0)
        return unknown(given, allowed, reply);
    if ((*seen & params[i].bit) != 0) {
        ctl_reply_error(reply, 422, "invalid_parameter", given->name, "%s is given twice",
                        given->name);
        return false;
    }
    *seen |= params[i].bit;
    if (params[i].set(args, given->value))
        return true;
    ctl_reply_error(reply, 422, "invalid_parameter", given->name, "%s: \"%.60s\" is not %s",
                    given->name, given->value, params[i].wanted);
    return false;
}

bool ctl_serve_query(const struct ctl_request *request, unsigned allowed, struct ctl_args *args,
                     const char **pid, struct ctl_reply *reply)
{
    unsigned seen = 0;
    for (size_t i = 0; i < request->params; i++) {
        if (!take(&request->param[i], allowed, &seen, args, reply))
            return false;
        if (strcmp(request->param[i].name, "pid") == 0)
            *pid = request->param[i].value;
    }
    return true;
}
