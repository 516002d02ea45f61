/* SPDX-License-Identifier: MIT */
/*
 * What a region tells of gaps in it: rules, unmapped work, full tables, and what went wrong. See
 * doctor.h.
 */
#include "ctl/doctor.h"
#include "ctl/format.h"
#include "ctl/occupancy.h"
#include "ctl/pid.h"
#include "ctl/self.h"
#include "shared/totals.h"

#include <stdlib.h>
#include <string.h>

#define NEARLY_FULL   80u /* percent */
#define UNMATCHED_MAX 5u  /* rules named */
#define UNMAPPED_MAX  3u  /* operations shown */

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
                 "correct the file (\"" CTL_NAME " rules check\"), then \"" CTL_NAME " reload\"",
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

static void look_at_matches(struct ctl_findings *f, const struct spy_region *region,
                            struct spy_totals *totals)
{
    char names[UNMATCHED_MAX * (SPY_NAME_BYTES + 2)] = "";
    unsigned never = 0;
    for (uint32_t i = SPY_OP_FIRST_FREE; i < spy_region_ops(region); i++) {
        const struct spy_op *op = spy_region_op(region, i);
        if (!is_ready(op) || !op->mapped || op->rule == SPY_RULE_GONE ||
            calls_of(region, i, totals) > 0)
            continue;
        char name[SPY_NAME_BYTES];
        ctl_format_clean(name, sizeof(name), op->name, sizeof(op->name));
        size_t used = strlen(names);
        if (never++ < UNMATCHED_MAX)
            snprintf(names + used, sizeof(names) - used, "%s%s", used > 0 ? ", " : "", name);
    }
    if (never > 0)
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
    ctl_format_clean(text, sizeof(text), statement, strlen(statement));
    if (op->kind == SPY_KIND_HTTP)
        snprintf(out, cap, "add a rule: - {name: NAME, http: \"%s\"}", name);
    else if (text[0] != '\0' && strchr(text, '\'') == NULL)
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
    ctl_find(f, CTL_NOTE, remedy, "no rule names %s: %s in %s calls, %s of the time of all %s",
             name, ctl_format_duration(time, (double)work->ns),
             ctl_format_count(calls, work->calls),
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
        if (!op->mapped && i >= SPY_OP_FIRST_FREE && strncmp(op->name, "libpq.", 6) != 0)
            work[count++] = (struct unmapped){i, totals->calls, totals->sum_ns};
    }
    qsort(work, count, sizeof(*work), by_time);
    for (uint32_t i = 0; i < count && i < UNMAPPED_MAX; i++)
        show_unmapped(f, region, &work[i], total_ns[spy_region_op(region, work[i].op)->kind]);
    free(work);
}

/* ---- tables --------------------------------------------------------------------------------- */

static void look_at_table(struct ctl_findings *f, const char *what, const char *remedy,
                          uint64_t used, uint64_t room)
{
    uint64_t percent = used >= room ? 100 : used * 100 / room;
    if (percent >= NEARLY_FULL)
        ctl_find(f, CTL_WARNING, remedy, "the table of %s is %s (%llu of %llu)", what,
                 percent >= 100 ? "full" : "nearly full", (unsigned long long)used,
                 (unsigned long long)room);
}

/* What helps against a self counter that is not 0. */
static const char *remedy_of(uint32_t counter)
{
    static const char names[] = "write rules that bring many statements or paths under one name";
    static const char other[] = "nothing but less of it: what is counted stays right";
    static const char *const remedies[SPY_SELF_COUNT] = {
        [SPY_SELF_OPS_FULL] = names,
        [SPY_SELF_ARENA_FULL] = names,
        [SPY_SELF_TEXT_FULL] = names,
        [SPY_SELF_ORIGINS_FULL] = "leave tags that differ from call to call out of its comments",
        [SPY_SELF_SHARED_SHARD] = "nothing: they are counted, only slower",
        [SPY_SELF_PREPARED_UNKNOWN] = "name them by \"prepared:\" rules",
        [SPY_SELF_LOG_DROPPED] = "raise PERFSPY_LOG_LEVEL, or see whether the log can be written",
        [SPY_SELF_STORAGE_DENIED] = "make room on the file system of PERFSPY_DIR",
        [SPY_SELF_FD_TOO_HIGH] = "lower the program's limit on descriptors",
    };
    return remedies[counter] != NULL ? remedies[counter] : other;
}

/* Rings are always full, and shards are meant to be; the others are not. */
static void look_at_tables(struct ctl_findings *f, const struct spy_region *region)
{
    static const char names[] = "write rules that bring many statements or paths under one name";
    struct ctl_occupancy o;
    ctl_occupancy_read(&o, region);
#define TABLE(id, what, remedy) \
    look_at_table(f, what, remedy, o.used[CTL_TABLE_##id], o.size[CTL_TABLE_##id])
    TABLE(operations, "operations", names);
    TABLE(arena, "counters", names);
    TABLE(texts, "statement texts", names);
    TABLE(held, "connections within a sequence", "use fewer connections, or no sequences");
    TABLE(requests, "requests under way", "see what they wait for: \"" CTL_NAME " inflight\"");
    TABLE(connections, "libpq connections", "close connections that are no longer used");
    TABLE(repeats, "repeated statements",
          "see \"" CTL_NAME " requests\"; \"" CTL_NAME " reset\" does not empty it");
    TABLE(endpoints, "servers, databases and users", "nothing: further ones are not named");
#undef TABLE
    for (uint32_t i = 0; i < SPY_SELF_COUNT; i++) {
        char count[CTL_NUMBER_BYTES];
        uint64_t n = atomic_load_explicit(&region->self[i], memory_order_relaxed);
        if (n > 0)
            ctl_find(f, CTL_WARNING, remedy_of(i), "%s %s", ctl_format_count(count, n),
                     spy_self_text(i));
    }
}

/* ---- own cost ------------------------------------------------------------------------------- */

static void look_at_cost(struct ctl_findings *f, const struct spy_region *region)
{
    struct ctl_self self;
    char note[CTL_SELF_NOTE_BYTES], share[CTL_NUMBER_BYTES];
    ctl_self_read(&self, region);
    double part = ctl_self_share(&self);
    if (self.backoff != SPY_BACKOFF_NONE)
        ctl_find(f, CTL_WARNING, "raise PERFSPY_COST_LIMIT, if the process can bear it", "%s",
                 ctl_self_backoff(&self, note));
    if (part >= 0)
        ctl_find(f, CTL_NOTE, "", "perfspy takes %s of the process' CPU time",
                 ctl_format_percent(share, part * 1e6, 1e6));
}

static void look_at_start(struct ctl_findings *f, const struct spy_region *region)
{
    char problem[sizeof(region->problem)];
    ctl_format_clean(problem, sizeof(problem), region->problem, sizeof(problem));
    bool memory = strcmp(region->storage, "memory") == 0;
    ctl_format_clean(f->mode, sizeof(f->mode), region->mode, sizeof(region->mode));
    if (atomic_load_explicit(&region->off_since_ns, memory_order_relaxed) != 0) {
        char since[CTL_NUMBER_BYTES];
        bool detached = ctl_pid_is_detached(region);
        ctl_find(f, CTL_PROBLEM,
                 detached ? "\"" CTL_NAME " attach\" goes on with it" : "\"" CTL_NAME " enable\"",
                 "%s since %s",
                 detached ? "the process was detached from, and is not watched"
                          : "recording is switched off",
                 ctl_format_utc(since, region->off_since_ns));
    }
    if (problem[0] != '\0')
        ctl_find(f, CTL_WARNING,
                 memory ? "give it a directory of its own: PERFSPY_DIR, mode 0700" : "", "%s",
                 problem);
    if (memory)
        ctl_find(f, CTL_WARNING, "set PERFSPY_DIR to a directory that its user may write",
                 "the region is in memory only: it is gone when the process ends");
}

void ctl_doctor_region(struct ctl_findings *f, const struct spy_region *region)
{
    struct spy_totals *totals = ctl_alloc(sizeof(*totals));
    look_at_start(f, region);
    look_at_rules(f, region);
    look_at_matches(f, region, totals);
    look_at_unmapped(f, region, totals);
    look_at_tables(f, region);
    look_at_cost(f, region);
    free(totals);
}
