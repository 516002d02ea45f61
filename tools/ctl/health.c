/* SPDX-License-Identifier: MIT */
/*
 * Judging health and saying why; see health.h.
 */
#include "ctl/health.h"

#include "ctl/format.h"
#include "ctl/image.h"
#include "shared/rules.h"

#include <stdarg.h>
#include <stdlib.h>

#define CULPRITS 5u /* operations named; the rest is summed up */

const char *ctl_health_name(enum ctl_health_status status)
{
    static const char *const names[] = {
        [CTL_STATUS_HEALTHY] = "healthy", [CTL_STATUS_DEGRADED] = "degraded",
        [CTL_STATUS_WARNING] = "warning", [CTL_STATUS_CRITICAL] = "critical",
        [CTL_STATUS_UNKNOWN] = "unknown",
    };
    return names[status];
}

enum ctl_exit ctl_health_exit(enum ctl_health_status status)
{
    static const enum ctl_exit codes[] = {
        [CTL_STATUS_HEALTHY] = CTL_HEALTHY,  [CTL_STATUS_DEGRADED] = CTL_DEGRADED,
        [CTL_STATUS_WARNING] = CTL_DEGRADED, [CTL_STATUS_CRITICAL] = CTL_CRITICAL,
        [CTL_STATUS_UNKNOWN] = CTL_UNKNOWN,
    };
    return codes[status];
}

__attribute__((format(printf, 2, 3))) static void reason(struct ctl_health *health,
                                                         const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0)
        exit(CTL_OSERR);
    health->reason = ctl_grow(health->reason, health->reasons + 1, sizeof(char *));
    health->reason[health->reasons++] = text;
}

static uint64_t slow_of(const struct ctl_operation *op)
{
    return op->totals.level[SPY_LEVEL_SLOW] + op->totals.level[SPY_LEVEL_CRITICAL];
}

static void count(struct ctl_health *health, const struct ctl_model *model)
{
    for (size_t i = 0; i < model->count; i++) {
        const struct ctl_operation *op = model->operation[i];
        for (uint32_t level = 0; level < SPY_LEVEL_COUNT; level++)
            health->calls += op->totals.level[level];
        health->slow += slow_of(op);
        health->critical += op->totals.level[SPY_LEVEL_CRITICAL];
    }
}

static enum ctl_health_status judge(const struct ctl_health *health, uint64_t slow_share_ppm)
{
    if (health->calls == 0)
        return CTL_STATUS_UNKNOWN;
    if (health->critical > 0)
        return CTL_STATUS_CRITICAL;
    if ((double)health->slow * 1e6 > (double)slow_share_ppm * (double)health->calls)
        return CTL_STATUS_WARNING;
    return health->slow > 0 ? CTL_STATUS_DEGRADED : CTL_STATUS_HEALTHY;
}

static void tell_critical(struct ctl_health *health, const struct ctl_model *model,
                          const char *calls, const char *window)
{
    char n[CTL_NUMBER_BYTES], bound[CTL_NUMBER_BYTES];
    reason(health, "%s of %s calls took %s or longer in the last %s",
           ctl_format_count(n, health->critical), calls,
           ctl_format_limit(bound, model->level_bounds_ns[SPY_LEVEL_SLOW]), window);
}

static void tell_slow(struct ctl_health *health, const struct ctl_model *model, const char *calls,
                      const char *window)
{
    char n[CTL_NUMBER_BYTES], bound[CTL_NUMBER_BYTES];
    char percent[CTL_NUMBER_BYTES], limit[CTL_NUMBER_BYTES];
    const char *relation = health->status == CTL_STATUS_WARNING ? "more than" : "not more than";
    reason(health, "%s of %s calls (%s) took %s or longer in the last %s, %s the allowed %s",
           ctl_format_count(n, health->slow), calls,
           ctl_format_percent(percent, (double)health->slow, (double)health->calls),
           ctl_format_limit(bound, model->level_bounds_ns[SPY_LEVEL_ACCEPTABLE]), window, relation,
           ctl_format_percent(limit, (double)model->health_slow_share_ppm, 1e6));
}

static void tell_status(struct ctl_health *health, const struct ctl_model *model)
{
    char calls[CTL_NUMBER_BYTES], window[CTL_NUMBER_BYTES];
    ctl_format_count(calls, health->calls);
    ctl_format_limit(window, model->window_ns);
    switch (health->status) {
    case CTL_STATUS_UNKNOWN:
        if (model->members == 0)
            reason(health, "there was no watched process in the last %s", window);
        else
            reason(health, "no calls in the last %s", window);
        return;
    case CTL_STATUS_HEALTHY:
        reason(health, "none of %s calls was slow in the last %s", calls, window);
        return;
    case CTL_STATUS_CRITICAL:
        tell_critical(health, model, calls, window);
        return;
    case CTL_STATUS_DEGRADED:
    case CTL_STATUS_WARNING:
        tell_slow(health, model, calls, window);
        return;
    }
}

static void tell_operation(struct ctl_health *health, const struct ctl_operation *op)
{
    char calls[CTL_NUMBER_BYTES], slow[CTL_NUMBER_BYTES];
    char critical[CTL_NUMBER_BYTES], max[CTL_NUMBER_BYTES];
    reason(health, "%s: %s slow and %s critical of %s calls, the longest %s", op->name,
           ctl_format_count(slow, op->totals.level[SPY_LEVEL_SLOW]),
           ctl_format_count(critical, op->totals.level[SPY_LEVEL_CRITICAL]),
           ctl_format_count(calls, op->totals.calls),
           ctl_format_duration(max, (double)op->totals.max_ns));
}

/* By count, not by share: here the question is what to look at first. */
static int by_blame(const void *a, const void *b)
{
    const struct ctl_operation *x = *(struct ctl_operation *const *)a;
    const struct ctl_operation *y = *(struct ctl_operation *const *)b;
    uint64_t p = x->totals.level[SPY_LEVEL_CRITICAL], q = y->totals.level[SPY_LEVEL_CRITICAL];
    if (p != q)
        return p < q ? 1 : -1;
    uint64_t r = slow_of(x), s = slow_of(y);
    return r != s ? (r < s ? 1 : -1) : ctl_operation_worse(a, b);
}

static void tell_culprits(struct ctl_health *health, struct ctl_model *model)
{
    if (model->count > 0)
        qsort(model->operation, model->count, sizeof(struct ctl_operation *), by_blame);
    size_t told = 0;
    size_t rest = 0;
    for (size_t i = 0; i < model->count; i++) {
        if (slow_of(model->operation[i]) == 0)
            continue;
        if (told++ < CULPRITS)
            tell_operation(health, model->operation[i]);
        else
            rest++;
    }
    if (rest > 0)
        reason(health, "and %zu more operation%s", rest, rest == 1 ? "" : "s");
}

/* Nobody knows whether a call that was not timed was slow. */
static void tell_sampled(struct ctl_health *health, const struct ctl_model *model)
{
    char calls[CTL_NUMBER_BYTES], timed[CTL_NUMBER_BYTES];
    uint64_t all = 0, seen = 0;
    size_t operations = 0;
    const char *name = "";
    for (size_t i = 0; i < model->count; i++) {
        const struct spy_totals *t = &model->operation[i]->totals;
        if (t->untimed == 0)
            continue;
        name = operations++ == 0 ? model->operation[i]->name : "and others";
        all += t->calls;
        seen += spy_totals_timed(t);
    }
    if (operations > 0)
        reason(health,
               "sampled (%s): %s of %s calls were timed; a slow or critical one among the others "
               "is not seen",
               name, ctl_format_count(timed, seen), ctl_format_count(calls, all));
}

struct ctl_health ctl_health_of(struct ctl_model *model)
{
    struct ctl_health health = {0};
    count(&health, model);
    health.status = judge(&health, model->health_slow_share_ppm);
    tell_status(&health, model);
    tell_culprits(&health, model);
    tell_sampled(&health, model);
    return health;
}

void ctl_health_free(struct ctl_health *health)
{
    for (size_t i = 0; i < health->reasons; i++)
        free(health->reason[i]);
    free(health->reason);
}

uint64_t ctl_health_window(const struct ctl_source *source, const struct ctl_run *run)
{
    if (run->args->last_ns > 0)
        return run->args->last_ns;
    struct spy_rules defaults;
    uint64_t window = 0;
    for (size_t i = 0; i < source->count; i++) {
        if (source->process[i].state != CTL_LIVE)
            continue;
        struct spy_region *region = ctl_source_load(&source->process[i], run->err);
        if (region != NULL && region->health_window_ns > window)
            window = region->health_window_ns;
        ctl_image_free(region);
    }
    spy_rules_defaults(&defaults);
    return window > 0 ? window : defaults.health_window_ns;
}
