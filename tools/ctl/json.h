/* SPDX-License-Identifier: MIT */
/*
 * JSON made from the model: the one place that knows the schema (json_*.c) and the ways to write
 * numbers (json.c). Durations are milliseconds, keys end in _ms; a value that does not exist
 * because there were no calls is null. What the commands print with --json and what `serve` answers
 * is made by these functions and no others.
 */
#ifndef CTL_JSON_H
#define CTL_JSON_H

#include "ctl/bench.h"
#include "ctl/health.h"
#include "ctl/inflight.h"
#include "ctl/model.h"
#include "ctl/parts.h"
#include "ctl/slow.h"

#include <jansson.h>

/* ---- json.c ---------------------------------------------------------------------------------- */

/* Nanoseconds as milliseconds, to the nanosecond. */
json_t *ctl_json_ms(double ns);
/* Up to six decimals. */
json_t *ctl_json_real(double value);
json_t *ctl_json_count(uint64_t count);
json_t *ctl_json_utc(uint64_t real_ns);
/* "" and NULL become null. */
json_t *ctl_json_text(const char *text);

/* json_object_set_new() and json_array_append_new() that cannot fail unnoticed. */
void ctl_json_set(json_t *object, const char *key, json_t *value);
void ctl_json_append(json_t *array, json_t *value);

/* Prints DOCUMENT and a newline, indented unless RUN watches: then one line a document. Takes the
 * reference. */
void ctl_json_print(const struct ctl_run *run, json_t *document);

/* ---- json_stats.c ---------------------------------------------------------------------------- */

/* {"version", "window_s", "covered_s", "covered_since", "processes"}: how every document about a
 * model begins. What is covered may be less than the window: history holds no more. */
json_t *ctl_json_begin(const struct ctl_model *model);

/* {"rss_bytes", "threads", "fds"}, each null where it is not known. */
json_t *ctl_json_use(const struct spy_use *use);

/* When the statistics of a process begin: with it, or at the last reset. */
json_t *ctl_json_since(const struct ctl_member *m);

/* Adds the times of OP: statistics, mean parts, and of requests the queries. */
void ctl_json_times(json_t *object, const struct ctl_operation *op);

/* {"thread", "only", "tag", "none"}. */
json_t *ctl_json_attribution(const struct ctl_attribution *attribution);

json_t *ctl_json_operation(const struct ctl_model *model, const struct ctl_operation *op);

/* {"stat", "limit_ms", "value_ms", "met", "calls_needed", "reason"}; for errors "limit_percent" and
 * "value_percent". "met" is null where there is no data; "reason" is null where it is met. */
json_t *ctl_json_benchmark(const struct ctl_operation *op, const struct spy_budget *budget);

/* The whole document; where ONLY is not NULL, of that operation alone. An operation with
 * nothing to tell is in it if a rule names it. */
json_t *ctl_json_stats(const struct ctl_model *model, const struct ctl_operation *only);

/* ---- json_benchmarks.c, json_health.c, json_inflight.c, json_requests.c, json_slow.c ----------
 */

json_t *ctl_json_benchmarks(const struct ctl_model *model, const struct ctl_bench_list *list);
json_t *ctl_json_health(const struct ctl_model *model, const struct ctl_health *health);

/* The first LIMIT requests, connections with a statement, and idle ones, as sorted; 0: all. */
json_t *ctl_json_inflight(const struct ctl_inflight *inflight, size_t limit);

/* Where ONLY is not NULL, of that request alone. */
json_t *ctl_json_requests(const struct ctl_model *model, const struct ctl_operation *only);

/* The first LIMIT calls of SLOW, as it is sorted; WINDOW_NS is 0 for whole lives. */
json_t *ctl_json_slow(const struct ctl_slow *slow, size_t limit, uint64_t window_ns);

#endif
