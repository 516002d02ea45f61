/* SPDX-License-Identifier: MIT */
/*
 * The schema of `stats --json`: an operation, a process, a benchmark. Everything that serves these
 * as JSON takes them from here.
 */
#include "ctl/json.h"
#include "ctl/view.h"

#include <stdio.h>
#include <string.h>

static json_t *known(uint64_t count)
{
    return count > 0 ? ctl_json_count(count) : json_null();
}

json_t *ctl_json_use(const struct spy_use *use)
{
    json_t *o = json_object();
    ctl_json_set(o, "rss_bytes", known(use->rss_bytes));
    ctl_json_set(o, "threads", known(use->threads));
    ctl_json_set(o, "fds", known(use->fds));
    return o;
}

json_t *ctl_json_since(const struct ctl_member *m)
{
    return ctl_json_utc(m->reset_ns > 0 ? m->reset_ns : m->started_ns);
}

static json_t *process_json(const struct ctl_member *m)
{
    json_t *o = json_object();
    ctl_json_set(o, "pid", json_integer(m->pid));
    ctl_json_set(o, "exe", json_string(m->exe));
    ctl_json_set(o, "state", json_string(ctl_state_name(m->state)));
    ctl_json_set(o, "disabled_since",
                 m->off_since_ns != 0 ? ctl_json_utc(m->off_since_ns) : json_null());
    ctl_json_set(o, "started", ctl_json_utc(m->started_ns));
    ctl_json_set(o, "since", ctl_json_since(m));
    ctl_json_set(o, "mode", json_string(m->mode));
    return o;
}

json_t *ctl_json_begin(const struct ctl_model *model)
{
    json_t *o = json_object();
    ctl_json_set(o, "version", json_integer(1));
    ctl_json_set(o, "window_s",
                 model->window_ns > 0 ? ctl_json_real((double)model->window_ns / 1e9)
                                      : json_null());
    ctl_json_set(o, "covered_s", ctl_json_real(ctl_model_span_s(model)));
    ctl_json_set(o, "covered_since", ctl_json_utc(model->begin_ns));
    json_t *processes = json_array();
    for (size_t i = 0; i < model->members; i++)
        ctl_json_append(processes, process_json(&model->member[i]));
    ctl_json_set(o, "processes", processes);
    return o;
}

static json_t *levels_json(const struct spy_totals *t)
{
    json_t *o = json_object();
    for (uint32_t i = 0; i < SPY_LEVEL_COUNT; i++)
        ctl_json_set(o, spy_level_name(i), ctl_json_count(t->level[i]));
    return o;
}

/* Status codes of a request, or SQLSTATEs of a statement; empty for the other kind. */
static json_t *codes_json(const struct ctl_operation *op, uint32_t kind)
{
    json_t *o = json_object();
    const struct spy_totals *t = &op->totals;
    for (uint32_t i = 0; op->kind == kind && i < t->codes; i++) {
        char key[16];
        if (t->code[i].code == SPY_CODE_OTHER)
            strcpy(key, "other");
        else if (kind == SPY_KIND_SQL)
            spy_sqlstate_unpack(t->code[i].code, key);
        else
            snprintf(key, sizeof(key), "%u", t->code[i].code);
        ctl_json_set(o, key, ctl_json_count(t->code[i].count));
    }
    return o;
}

json_t *ctl_json_benchmark(const struct ctl_operation *op, const struct spy_budget *budget)
{
    json_t *o = json_object();
    bool errors = budget->stat == SPY_STAT_ERRORS;
    double value = ctl_operation_stat(op, budget->stat);
    enum ctl_verdict verdict = ctl_operation_verdict(op, budget);
    char reason[CTL_REASON_BYTES];
    bool data = (errors ? op->totals.calls : spy_totals_timed(&op->totals)) > 0;
    ctl_json_set(o, "stat", json_string(spy_stat_name(budget->stat)));
    if (errors) {
        ctl_json_set(o, "limit_percent", ctl_json_real((double)budget->limit / 1e4));
        ctl_json_set(o, "value_percent", data ? ctl_json_real(value / 1e4) : json_null());
    } else {
        ctl_json_set(o, "limit_ms", ctl_json_ms((double)budget->limit));
        ctl_json_set(o, "value_ms", data ? ctl_json_ms(value) : json_null());
    }
    ctl_json_set(o, "met",
                 verdict != CTL_BENCH_NO_DATA ? json_boolean(verdict == CTL_BENCH_MET)
                                              : json_null());
    ctl_json_set(o, "calls_needed", ctl_json_count(ctl_calls_needed(op, budget->stat)));
    ctl_json_set(o, "reason",
                 verdict != CTL_BENCH_MET ? json_string(ctl_view_reason(reason, op, budget))
                                          : json_null());
    return o;
}

static void set_time(json_t *o, const char *key, const struct spy_totals *t, double ns)
{
    ctl_json_set(o, key, spy_totals_timed(t) > 0 ? ctl_json_ms(ns) : json_null());
}

static void set_mean(json_t *o, const char *key, const struct spy_totals *t, uint64_t sum_ns)
{
    set_time(o, key, t, t->calls > 0 ? (double)sum_ns / (double)t->calls : 0);
}

static json_t *queries_json(const struct spy_totals *t)
{
    json_t *o = json_object();
    struct ctl_queries q = ctl_queries_of(t);
    ctl_json_set(o, "min", q.spread ? ctl_json_count(q.min) : json_null());
    ctl_json_set(o, "median", q.spread ? ctl_json_count(q.median) : json_null());
    ctl_json_set(o, "max", q.spread ? ctl_json_count(q.max) : json_null());
    ctl_json_set(o, "mean", q.known ? ctl_json_real(q.mean) : json_null());
    ctl_json_set(o, "untimed", ctl_json_count(t->guessed));
    return o;
}

static void set_parts(json_t *o, const struct spy_totals *t)
{
    char key[32];
    struct ctl_parts parts = ctl_parts_of(t);
    for (unsigned i = 0; i < CTL_PART_COUNT; i++) {
        snprintf(key, sizeof(key), "%s_ms", ctl_part_key((enum spy_part)i));
        set_mean(o, key, t, parts.ns[i]);
    }
    ctl_json_set(o, "queries", queries_json(t));
}

void ctl_json_times(json_t *o, const struct ctl_operation *op)
{
    const struct spy_totals *t = &op->totals;
    set_mean(o, "mean_ms", t, t->sum_ns);
    set_time(o, "min_ms", t, (double)t->min_ns);
    set_time(o, "max_ms", t, (double)t->max_ns);
    set_time(o, "p50_ms", t, ctl_operation_stat(op, SPY_STAT_P50));
    set_time(o, "p90_ms", t, ctl_operation_stat(op, SPY_STAT_P90));
    set_time(o, "p95_ms", t, ctl_operation_stat(op, SPY_STAT_P95));
    set_time(o, "p99_ms", t, ctl_operation_stat(op, SPY_STAT_P99));
    if (op->kind == SPY_KIND_HTTP) {
        set_mean(o, "ttfb_ms", t, t->wait_ns);
        set_parts(o, t);
    } else {
        set_mean(o, "wait_ms", t, t->wait_ns);
        set_mean(o, "consume_ms", t, t->tail_ns);
        set_mean(o, "queue_ms", t, t->queue_ns);
    }
}

json_t *ctl_json_attribution(const struct ctl_attribution *attribution)
{
    json_t *o = json_object();
    ctl_json_set(o, "thread", ctl_json_count(attribution->thread));
    ctl_json_set(o, "only", ctl_json_count(attribution->only));
    ctl_json_set(o, "tag", ctl_json_count(attribution->tag));
    ctl_json_set(o, "none", ctl_json_count(attribution->none));
    return o;
}

json_t *ctl_json_operation(const struct ctl_model *model, const struct ctl_operation *op)
{
    const struct spy_totals *t = &op->totals;
    double rate = ctl_operation_rate(model, op);
    json_t *o = json_object();
    ctl_json_set(o, "operation", json_string(op->name));
    ctl_json_set(o, "kind", json_string(spy_kind_name(op->kind)));
    ctl_json_set(o, "mapped", json_boolean(op->mapped));
    ctl_json_set(o, "calls", ctl_json_count(t->calls));
    ctl_json_set(o, "errors", ctl_json_count(t->errors));
    ctl_json_set(o, "aborted", ctl_json_count(t->aborted));
    ctl_json_set(o, "sampled", op->sample > 0 ? json_integer(op->sample) : json_null());
    ctl_json_set(o, "timed", ctl_json_count(spy_totals_timed(t)));
    ctl_json_set(o, "rate", rate < 0 ? json_null() : ctl_json_real(rate));
    ctl_json_times(o, op);
    ctl_json_set(o, "levels", levels_json(t));
    ctl_json_set(o, "rows", ctl_json_count(t->rows));
    if (op->kind == SPY_KIND_SQL) {
        ctl_json_set(o, "affected", ctl_json_count(t->affected));
        ctl_json_set(o, "params", ctl_json_count(t->params));
        struct ctl_attribution attribution = ctl_attribution_of(t);
        ctl_json_set(o, "attribution", ctl_json_attribution(&attribution));
    }
    /* What the operation delivered: a statement's results, a request's response. */
    bool http = op->kind == SPY_KIND_HTTP;
    ctl_json_set(o, "bytes", ctl_json_count(http ? t->bytes_out : t->bytes_in));
    ctl_json_set(o, "bytes_in", ctl_json_count(t->bytes_in));
    ctl_json_set(o, "bytes_out", ctl_json_count(t->bytes_out));
    ctl_json_set(o, "status", codes_json(op, SPY_KIND_HTTP));
    ctl_json_set(o, "sqlstate", codes_json(op, SPY_KIND_SQL));
    ctl_json_set(o, "benchmark",
                 op->budgets > 0 ? ctl_json_benchmark(op, &op->budget[0]) : json_null());
    ctl_json_set(o, "statement", ctl_json_text(op->statement));
    return o;
}

json_t *ctl_json_stats(const struct ctl_model *model, const struct ctl_operation *only)
{
    json_t *o = ctl_json_begin(model);
    json_t *operations = json_array();
    for (size_t i = 0; i < model->count; i++) {
        const struct ctl_operation *op = model->operation[i];
        bool wanted = only != NULL ? op == only : op->mapped || spy_totals_any(&op->totals);
        if (wanted)
            ctl_json_append(operations, ctl_json_operation(model, op));
    }
    ctl_json_set(o, "operations", operations);
    return o;
}
