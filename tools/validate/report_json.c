/* SPDX-License-Identifier: MIT */
/*
 * The report for programs; the schema is told in report.h.
 */
#include "validate/report.h"

#include "ctl/json.h"

/* Digits that a double is written with, as in ctl/json.c. */
#define DIGITS 15

static json_t *settings_json(const struct val_report *report)
{
    const struct val_settings *s = report->settings;
    json_t *o = json_object();
    ctl_json_set(o, "requests", ctl_json_count(s->requests));
    ctl_json_set(o, "warmup", ctl_json_count(s->warmup));
    ctl_json_set(o, "concurrency", ctl_json_count(s->concurrency));
    ctl_json_set(o, "time_limit_ms", ctl_json_ms((double)s->time_limit_ns));
    ctl_json_set(o, "rules", json_string(report->rules_path));
    return o;
}

static json_t *checks_json(const struct val_findings *findings)
{
    json_t *array = json_array();
    for (size_t i = 0; i < findings->count; i++) {
        const struct val_check *check = &findings->check[i];
        json_t *o = json_object();
        ctl_json_set(o, "check", json_string(check->what));
        ctl_json_set(o, "passed", ctl_json_count(check->passed));
        ctl_json_set(o, "failed", ctl_json_count(check->failed));
        ctl_json_set(o, "detail", ctl_json_text(check->detail));
        ctl_json_append(array, o);
    }
    return array;
}

static json_t *scenarios_json(const struct val_report *report)
{
    json_t *array = json_array();
    for (size_t i = 0; i < report->outcomes->count; i++) {
        const struct val_outcome *outcome = &report->outcomes->outcome[i];
        json_t *o = json_object();
        ctl_json_set(o, "scenario", json_string(val_outcome_name(outcome)));
        ctl_json_set(o, "result", json_string(val_outcome_word(outcome)));
        ctl_json_set(o, "requests", ctl_json_count(outcome->requests));
        ctl_json_set(o, "warmup_requests", ctl_json_count(outcome->warmup));
        ctl_json_set(o, "duration_ms", ctl_json_ms((double)outcome->dur_ns));
        ctl_json_set(o, "failed_checks", ctl_json_count(val_findings_failed(&outcome->findings)));
        ctl_json_set(o, "checks", checks_json(&outcome->findings));
        ctl_json_append(array, o);
    }
    return array;
}

static json_t *operations_json(const struct val_report *report)
{
    json_t *array = json_array();
    for (size_t i = 0; i < report->model.count; i++) {
        const struct ctl_operation *op = report->model.operation[i];
        if (op->kind == SPY_KIND_HTTP && op->totals.calls > 0)
            ctl_json_append(array, ctl_json_operation(&report->model, op));
    }
    return array;
}

static json_t *pairs_json(const struct val_report *report)
{
    json_t *array = json_array();
    struct val_pair pair;
    for (size_t at = 0; val_report_pair(report, &at, &pair);) {
        json_t *o = json_object();
        ctl_json_set(o, "operation", json_string(pair.name));
        ctl_json_set(o, "client_calls", ctl_json_count(pair.client_calls));
        ctl_json_set(o, "client_p95_ms", ctl_json_ms(pair.client_p95_ns));
        ctl_json_set(o, "server_calls",
                     pair.known ? ctl_json_count(pair.server_calls) : json_null());
        ctl_json_set(o, "server_p95_ms",
                     pair.known ? ctl_json_ms(pair.server_p95_ns) : json_null());
        ctl_json_set(o, "outside_ms",
                     pair.known ? ctl_json_ms(pair.client_p95_ns - pair.server_p95_ns)
                                : json_null());
        ctl_json_append(array, o);
    }
    return array;
}

static json_t *server_json(const struct val_report *report)
{
    const struct val_server *server = report->server;
    json_t *o = json_object();
    ctl_json_set(o, "watched", json_boolean(server->taken));
    ctl_json_set(o, "reason", ctl_json_text(server->reason));
    if (!server->taken)
        return o;
    json_t *begun = ctl_json_begin(&server->after);
    ctl_json_set(o, "processes", json_incref(json_object_get(begun, "processes")));
    json_decref(begun);
    ctl_json_set(o, "operations", pairs_json(report));
    return o;
}

static json_t *benchmarks_json(const struct val_report *report)
{
    json_t *whole = ctl_json_benchmarks(&report->model, &report->bench);
    json_t *list = json_incref(json_object_get(whole, "benchmarks"));
    json_decref(whole);
    return list;
}

void val_report_json(const struct val_report *report, FILE *out)
{
    json_t *o = json_object();
    ctl_json_set(o, "version", json_integer(1));
    ctl_json_set(o, "tool", json_string(VAL_NAME " " SPY_VERSION));
    ctl_json_set(o, "verdict", json_string(val_report_verdict(report)));
    ctl_json_set(o, "url", json_string(report->settings->url));
    ctl_json_set(o, "started", ctl_json_utc(report->begin_ns));
    ctl_json_set(o, "duration_ms", ctl_json_ms((double)report->dur_ns));
    ctl_json_set(o, "parts", json_integer(report->parts));
    ctl_json_set(o, "settings", settings_json(report));
    ctl_json_set(o, "scenarios", scenarios_json(report));
    ctl_json_set(o, "operations", operations_json(report));
    ctl_json_set(o, "benchmarks", benchmarks_json(report));
    ctl_json_set(o, "missed", ctl_json_count(report->bench.with[CTL_BENCH_MISSED]));
    ctl_json_set(o, "met", ctl_json_count(report->bench.with[CTL_BENCH_MET]));
    ctl_json_set(o, "no_data", ctl_json_count(report->bench.with[CTL_BENCH_NO_DATA]));
    ctl_json_set(o, "server", server_json(report));
    /* A failure to write shows in OUT's error flag, which main looks at. */
    (void)json_dumpf(o, out, JSON_REAL_PRECISION(DIGITS) | JSON_INDENT(2));
    fputc('\n', out);
    json_decref(o);
}
