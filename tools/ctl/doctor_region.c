/* SPDX-License-Identifier: MIT */
/*
 * What a region tells of gaps in it: rules, unmapped work, and what went wrong. See doctor.h.
 */
#include "ctl/doctor.h"
#include "ctl/format.h"
#include "ctl/pid.h"
#include "shared/totals.h"

#include <stdlib.h>
#include <string.h>

#define UNMATCHED_MAX 5u   /* rules named */
#define UNMAPPED_MAX  3u   /* operations shown */
#define MISMATCH_MIN  100u /* calls without a match, from which on the rules are doubtful */

/* ---- rules ---------------------------------------------------------------------------------- */

static void look_at_rules(struct ctl_findings *f, const struct spy_region *region)
{
    char error[sizeof(region->rules_error)];
    ctl_format_clean(error, sizeof(error), region->rules_error, sizeof(error));
    if (region->rules_state == SPY_RULES_NONE)
        ctl_find(f, CTL_NOTE, "set PERFSPY_RULES, or \"" CTL_NAME " reload --rules FILE\"",
                 "no rules: operations have the names of their statements and paths");
    else if (error[0] != '\0')
        ctl_find(f, CTL_WARNING,
                 "correct the file (\"" CTL_NAME " rules check\"), then \"" CTL_NAME
                 " reload\"; or \"" CTL_NAME " reload --rules FILE\" with another",
                 "%s: %s",
                 region->rules_state == SPY_RULES_LOADED ? "a reload was refused"
                                                         : "no rules are in force",
                 error);
}

static uint64_t calls_of(const struct spy_region *region, uint32_t op, struct spy_totals *totals)
{
    spy_totals_of_op(totals, region, op);
    return totals->calls + totals->aborted;
}

static bool is_ready(const struct spy_op *op)
{
    return atomic_load_explicit(&op->state, memory_order_acquire) == SPY_OP_READY &&
           op->kind < SPY_KIND_COUNT;
}

/* What has been counted. */
struct tally {
    uint64_t calls;
    uint64_t requests;
    uint64_t named;   /* by a rule in force */
    uint64_t unnamed; /* by none; those that no rule can name left out */
    uint32_t operations;
};

static bool is_nameless(const struct spy_op *op, uint32_t number)
{
    return !op->mapped && number >= SPY_OP_FIRST_FREE && strncmp(op->name, "libpq.", 6) != 0;
}

static void add_up(struct tally *tally, const struct spy_region *region, struct spy_totals *totals)
{
    *tally = (struct tally){0};
    for (uint32_t i = 0; i < spy_region_ops(region); i++) {
        const struct spy_op *op = spy_region_op(region, i);
        uint64_t calls = is_ready(op) ? calls_of(region, i, totals) : 0;
        tally->calls += calls;
        tally->operations += calls > 0;
        if (calls > 0 && op->kind == SPY_KIND_HTTP)
            tally->requests += calls;
        if (calls > 0 && op->mapped && op->rule != SPY_RULE_GONE)
            tally->named += calls;
        if (calls > 0 && is_nameless(op, i))
            tally->unnamed += calls;
    }
}

/* The names of rules that never matched, of the first of them, and how many they are. */
static unsigned unmatched(char *names, size_t cap, const struct spy_region *region,
                          struct spy_totals *totals)
{
    unsigned never = 0;
    names[0] = '\0';
    for (uint32_t i = SPY_OP_FIRST_FREE; i < spy_region_ops(region); i++) {
        const struct spy_op *op = spy_region_op(region, i);
        if (!is_ready(op) || !op->mapped || op->rule == SPY_RULE_GONE ||
            calls_of(region, i, totals) > 0)
            continue;
        char name[SPY_NAME_BYTES];
        ctl_format_clean(name, sizeof(name), op->name, sizeof(op->name));
        size_t used = strlen(names);
        if (never++ < UNMATCHED_MAX)
            snprintf(names + used, cap - used, "%s%s", used > 0 ? ", " : "", name);
    }
    return never;
}

static void look_at_matches(struct ctl_findings *f, const struct spy_region *region,
                            const struct tally *tally, struct spy_totals *totals)
{
    char names[UNMATCHED_MAX * (SPY_NAME_BYTES + 2)], path[sizeof(region->rules_path)];
    char calls[CTL_NUMBER_BYTES];
    unsigned never = unmatched(names, sizeof(names), region, totals);
    ctl_format_clean(path, sizeof(path), region->rules_path, sizeof(path));
    if (never == 0)
        return;
    if (tally->named == 0 && tally->unnamed >= MISMATCH_MIN)
        ctl_find(f, CTL_WARNING,
                 "see whether they are this program's; the findings on work without a name have "
                 "rules for it",
                 "not one of the %u rules of %s has matched any of %s calls",
                 region->rules_operations, path, ctl_format_count(calls, tally->unnamed));
    else
        ctl_find(f, CTL_NOTE, "nothing, if that work has not come yet; else compare the patterns",
                 "%u of %u rules never matched: %s%s", never, region->rules_operations, names,
                 never > UNMATCHED_MAX ? ", ..." : "");
}

/* ---- work without a name -------------------------------------------------------------------- */

struct unmapped {
    uint32_t op;
    uint64_t calls;
    uint64_t ns;
};

static int by_time(const void *a, const void *b)
{
    const struct unmapped *x = a, *y = b;
    return x->ns > y->ns ? -1 : x->ns < y->ns;
}

/* The rule that would name it. */
static void rule_for(char *out, size_t cap, const struct spy_region *region,
                     const struct spy_op *op)
{
    char text[2048], name[SPY_NAME_BYTES];
    ctl_format_clean(name, sizeof(name), op->name, sizeof(op->name));
    const char *statement = spy_region_text(region, op);
    size_t len = strlen(statement);
    ctl_format_clean(text, sizeof(text), statement, len);
    bool prepared = strncmp(name, "prepared:", 9) == 0 && strlen(name) < sizeof(name) - 1 &&
                    strpbrk(name, "\"\\") == NULL;
    if (op->kind == SPY_KIND_HTTP)
        snprintf(out, cap, "add a rule: - {name: NAME, http: \"%s\"}", name);
    else if (prepared)
        snprintf(out, cap, "add a rule: - {name: NAME, prepared: \"%s\"}", name + 9);
    else if (len > 0 && len < sizeof(text) && strchr(text, '\'') == NULL)
        snprintf(out, cap, "add a rule: - {name: NAME, sql: '%s'}", text);
    else
        snprintf(out, cap, "add a rule for it; \"" CTL_NAME " stats %s\" shows it", name);
}

static void show_unmapped(struct ctl_findings *f, const struct spy_region *region,
                          const struct unmapped *work, uint64_t total_ns)
{
    char remedy[2200], share[CTL_NUMBER_BYTES], time[CTL_NUMBER_BYTES], calls[CTL_NUMBER_BYTES];
    char name[SPY_NAME_BYTES];
    const struct spy_op *op = spy_region_op(region, work->op);
    rule_for(remedy, sizeof(remedy), region, op);
    ctl_format_clean(name, sizeof(name), op->name, sizeof(op->name));
    ctl_find(f, CTL_NOTE, remedy, "no rule names %s: %s in %s call%s, %s of the time of all %s",
             name, ctl_format_duration(time, (double)work->ns),
             ctl_format_count(calls, work->calls), work->calls == 1 ? "" : "s",
             ctl_format_percent(share, (double)work->ns, (double)total_ns),
             op->kind == SPY_KIND_HTTP ? "requests" : "statements");
}

static void look_at_unmapped(struct ctl_findings *f, const struct spy_region *region,
                             struct spy_totals *totals)
{
    uint64_t total_ns[SPY_KIND_COUNT] = {0};
    uint32_t ops = spy_region_ops(region), count = 0;
    struct unmapped *work = ctl_alloc(ops * sizeof(*work) + 1);
    for (uint32_t i = 0; i < ops; i++) {
        const struct spy_op *op = spy_region_op(region, i);
        if (!is_ready(op) || calls_of(region, i, totals) == 0)
            continue;
        total_ns[op->kind] += totals->sum_ns;
        if (is_nameless(op, i))
            work[count++] = (struct unmapped){i, totals->calls, totals->sum_ns};
    }
    qsort(work, count, sizeof(*work), by_time);
    for (uint32_t i = 0; i < count && i < UNMAPPED_MAX; i++)
        show_unmapped(f, region, &work[i], total_ns[spy_region_op(region, work[i].op)->kind]);
    free(work);
}

/* ---- all of it ------------------------------------------------------------------------------ */

static void look_at_tally(struct ctl_findings *f, const struct spy_region *region,
                          const struct tally *tally)
{
    char since[CTL_NUMBER_BYTES], calls[CTL_NUMBER_BYTES], operations[CTL_NUMBER_BYTES];
    uint64_t reset_ns = spy_region_reset_ns(region);
    uint64_t real_ns = region->epoch_real_ns;
    real_ns += reset_ns > region->epoch_mono_ns ? reset_ns - region->epoch_mono_ns : 0;
    ctl_find(f, CTL_NOTE, "", "counted since %s: %s call%s of %s operation%s",
             ctl_format_utc(since, real_ns), ctl_format_count(calls, tally->calls),
             tally->calls == 1 ? "" : "s", ctl_format_count(operations, tally->operations),
             tally->operations == 1 ? "" : "s");
}

static void look_at_switch(struct ctl_findings *f, const struct spy_region *region)
{
    char since[CTL_NUMBER_BYTES], remedy[64];
    uint64_t off_ns = atomic_load_explicit(&region->off_since_ns, memory_order_relaxed);
    bool detached = ctl_pid_is_detached(region);
    if (off_ns == 0)
        return;
    snprintf(remedy, sizeof(remedy),
             detached ? "\"" CTL_NAME " attach %d\" goes on with it"
                      : "\"" CTL_NAME " enable -p %d\"",
             f->pid);
    ctl_find(f, CTL_PROBLEM, remedy, "%s since %s",
             detached ? "the process was detached from, and is not watched"
                      : "recording is switched off",
             ctl_format_utc(since, off_ns));
}

static void look_at_start(struct ctl_findings *f, const struct spy_region *region)
{
    char problem[sizeof(region->problem)];
    ctl_format_clean(problem, sizeof(problem), region->problem, sizeof(problem));
    ctl_format_clean(f->mode, sizeof(f->mode), region->mode, sizeof(region->mode));
    if (strcmp(region->storage, "memory") == 0)
        ctl_find(f, CTL_WARNING,
                 "set PERFSPY_DIR to a directory of its own that its user may write, mode 0700, "
                 "and restart it",
                 "%s%sthe region is in memory only, and gone when the process ends", problem,
                 problem[0] != '\0' ? ": " : "");
    else if (problem[0] != '\0')
        ctl_find(f, CTL_WARNING, "correct that in its environment, and restart it", "%s", problem);
}

void ctl_doctor_region(struct ctl_findings *f, const struct spy_region *region)
{
    struct spy_totals *totals = ctl_alloc(sizeof(*totals));
    struct tally tally;
    add_up(&tally, region, totals);
    f->requests = tally.requests;
    look_at_switch(f, region);
    look_at_start(f, region);
    look_at_tally(f, region, &tally);
    look_at_rules(f, region);
    look_at_matches(f, region, &tally, totals);
    look_at_unmapped(f, region, totals);
    ctl_doctor_tables(f, region);
    free(totals);
}
