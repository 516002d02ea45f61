/* SPDX-License-Identifier: MIT */
/*
 * Following states; see changes.h.
 */
#include "ctl/changes.h"

#include "ctl/bench.h"
#include "ctl/view.h"

#include <stdlib.h>
#include <string.h>

/* States in the order of ranks, which alert.h compares. Not to know is a little worse than to know
 * that all is well, and better than to know that something is wrong. */
static const enum ctl_health_status health_of_rank[] = {
    CTL_STATUS_HEALTHY, CTL_STATUS_UNKNOWN,  CTL_STATUS_DEGRADED,
    CTL_STATUS_WARNING, CTL_STATUS_CRITICAL,
};
static const enum ctl_verdict verdict_of_rank[] = {
    CTL_BENCH_MET,
    CTL_BENCH_NO_DATA,
    CTL_BENCH_MISSED,
};

#define RANK_UNKNOWN 1u /* of health */
#define RANK_MET     0u /* of a benchmark */
#define RANK_NO_DATA 1u
#define RANK_MISSED  2u

static uint32_t rank_of_health(enum ctl_health_status status)
{
    uint32_t rank = 0;
    while (health_of_rank[rank] != status)
        rank++;
    return rank;
}

static uint32_t rank_of_verdict(enum ctl_verdict verdict)
{
    uint32_t rank = 0;
    while (verdict_of_rank[rank] != verdict)
        rank++;
    return rank;
}

/* ---- subjects ------------------------------------------------------------------------------- */

static bool is(const struct ctl_subject *subject, const struct ctl_operation *op, uint32_t stat)
{
    if (op == NULL || subject->operation == NULL)
        return op == NULL && subject->operation == NULL;
    return subject->kind == op->kind && subject->budget.stat == stat &&
           strcmp(subject->operation, op->name) == 0;
}

/* The subject of OP (NULL: health) and STAT; a new one with RANK where there is none. */
static struct ctl_subject *subject_of(struct ctl_changes *changes, const struct ctl_operation *op,
                                      uint32_t stat, uint32_t rank)
{
    for (size_t i = 0; i < changes->count; i++)
        if (is(&changes->subject[i], op, stat))
            return &changes->subject[i];
    changes->subject = ctl_grow(changes->subject, changes->count + 1, sizeof(*changes->subject));
    struct ctl_subject *subject = &changes->subject[changes->count++];
    *subject = (struct ctl_subject){.alert.rank = rank};
    if (op != NULL) {
        subject->operation = ctl_copy(op->name);
        subject->kind = op->kind;
    }
    return subject;
}

/* ---- telling -------------------------------------------------------------------------------- */

struct look {
    struct ctl_changes *changes;
    struct ctl_model *model;
    const struct ctl_run *run;
    void (*tell)(void *ctx, const struct ctl_change *change);
    void *ctx;
};

static void tell(const struct look *look, struct ctl_change *change)
{
    json_t *o = ctl_json_begin(look->model);
    ctl_json_set(o, "at", ctl_json_utc(look->run->now_real_ns));
    ctl_json_set(o, "what", json_string(change->what));
    ctl_json_set(o, "operation", ctl_json_text(change->operation));
    ctl_json_set(o, "from", json_string(change->from));
    ctl_json_set(o, "to", json_string(change->to));
    json_object_update_missing(o, change->json);
    ctl_json_set(o, "reason", json_string(change->reason));
    json_decref(change->json);
    change->json = o;
    look->tell(look->ctx, change);
    json_decref(o);
}

/* All sentences as one text. */
static char *join(const struct ctl_health *health)
{
    size_t bytes = 1;
    for (size_t i = 0; i < health->reasons; i++)
        bytes += strlen(health->reason[i]) + sizeof("; ");
    char *text = ctl_alloc(bytes);
    for (size_t i = 0; i < health->reasons; i++) {
        strcat(text, i > 0 ? "; " : "");
        strcat(text, health->reason[i]);
    }
    return text;
}

static void tell_health(const struct look *look, const struct ctl_health *health, uint32_t from,
                        uint32_t to)
{
    char *reason = join(health);
    json_t *json = json_object();
    ctl_json_set(json, "value_ms", json_null());
    ctl_json_set(json, "limit_ms", json_null());
    ctl_json_set(json, "calls", ctl_json_count(health->calls));
    ctl_json_set(json, "slow", ctl_json_count(health->slow));
    ctl_json_set(json, "critical", ctl_json_count(health->critical));
    struct ctl_change change = {
        .what = "health",
        .from = ctl_health_name(health_of_rank[from]),
        .to = ctl_health_name(health_of_rank[to]),
        .reason = reason,
        .json = json,
    };
    tell(look, &change);
    free(reason);
}

static void tell_benchmark(const struct look *look, const struct ctl_operation *op,
                           const struct spy_budget *budget, uint32_t from, uint32_t to)
{
    char reason[CTL_REASON_BYTES];
    json_t *json = ctl_json_benchmark(op, budget);
    ctl_json_set(json, "kind", json_string(spy_kind_name(op->kind)));
    ctl_json_set(json, "calls", ctl_json_count(op->totals.calls));
    json_object_del(json, "met"); /* of this look; "to" is what is believed */
    struct ctl_change change = {
        .what = "benchmark",
        .operation = op->name,
        .stat = spy_stat_name(budget->stat),
        .from = ctl_verdict_name(verdict_of_rank[from]),
        .to = ctl_verdict_name(verdict_of_rank[to]),
        .reason = ctl_view_reason(reason, op, budget),
        .json = json,
    };
    tell(look, &change);
}

/* ---- looking -------------------------------------------------------------------------------- */

static void look_at_health(const struct look *look)
{
    struct ctl_changes *changes = look->changes;
    struct ctl_health health = ctl_health_of(look->model);
    uint32_t rank = rank_of_health(health.status);
    uint32_t before = changes->initial ? RANK_UNKNOWN : rank;
    struct ctl_subject *subject = subject_of(changes, NULL, 0, before);
    uint32_t from = subject->alert.rank;
    if (ctl_alert_look(&subject->alert, rank, changes->hold))
        tell_health(look, &health, from, subject->alert.rank);
    ctl_health_free(&health);
}

static void look_at_benchmark(const struct look *look, const struct ctl_operation *op,
                              const struct spy_budget *budget)
{
    struct ctl_changes *changes = look->changes;
    uint32_t rank = rank_of_verdict(ctl_operation_verdict(op, budget));
    bool baseline = !changes->begun && !changes->initial;
    struct ctl_subject *subject =
        subject_of(changes, op, budget->stat, baseline ? rank : RANK_NO_DATA);
    uint32_t from = subject->alert.rank;
    subject->budget = *budget;
    subject->present = true;
    subject->open = subject->open || from == RANK_MISSED;
    if (!ctl_alert_look(&subject->alert, rank, changes->hold))
        return;
    uint32_t to = subject->alert.rank;
    if (subject->open || to == RANK_MISSED)
        tell_benchmark(look, op, budget, from, to);
    if (to == RANK_MET)
        subject->open = false;
}

/* Benchmarks that the model no longer has. */
static void look_at_absent(const struct look *look)
{
    struct ctl_operation *gone = ctl_alloc(sizeof(*gone));
    spy_totals_clear(&gone->totals);
    for (size_t i = 0; i < look->changes->count; i++) {
        const struct ctl_subject *subject = &look->changes->subject[i];
        if (subject->operation == NULL || subject->present)
            continue;
        gone->name = subject->operation;
        gone->kind = subject->kind;
        look_at_benchmark(look, gone, &subject->budget);
    }
    free(gone);
}

void ctl_changes_look(struct ctl_changes *changes, struct ctl_model *model,
                      const struct ctl_run *run,
                      void (*tell_change)(void *ctx, const struct ctl_change *change), void *ctx)
{
    struct look look = {changes, model, run, tell_change, ctx};
    struct ctl_bench_list list = ctl_bench_judge(model);
    for (size_t i = 0; i < changes->count; i++)
        changes->subject[i].present = false;
    look_at_health(&look);
    for (size_t i = 0; i < list.count; i++)
        look_at_benchmark(&look, list.bench[i].op, list.bench[i].budget);
    look_at_absent(&look);
    changes->begun = true;
    ctl_bench_free(&list);
}

void ctl_changes_free(struct ctl_changes *changes)
{
    for (size_t i = 0; i < changes->count; i++)
        free(changes->subject[i].operation);
    free(changes->subject);
    memset(changes, 0, sizeof(*changes));
}
