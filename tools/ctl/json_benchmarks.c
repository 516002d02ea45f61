/* SPDX-License-Identifier: MIT */
/*
 * The schema of `benchmarks --json`. Declared in json.h.
 */
#include "ctl/bench.h"
#include "ctl/json.h"

static json_t *bench_json(const struct ctl_bench *bench)
{
    json_t *o = ctl_json_benchmark(bench->op, bench->budget);
    ctl_json_set(o, "operation", json_string(bench->op->name));
    ctl_json_set(o, "kind", json_string(spy_kind_name(bench->op->kind)));
    ctl_json_set(o, "calls", ctl_json_count(bench->op->totals.calls));
    return o;
}

json_t *ctl_json_benchmarks(const struct ctl_model *model, const struct ctl_bench_list *list)
{
    json_t *o = ctl_json_begin(model);
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++)
        ctl_json_append(array, bench_json(&list->bench[i]));
    ctl_json_set(o, "benchmarks", array);
    ctl_json_set(o, "missed", ctl_json_count(list->with[CTL_BENCH_MISSED]));
    ctl_json_set(o, "met", ctl_json_count(list->with[CTL_BENCH_MET]));
    ctl_json_set(o, "no_data", ctl_json_count(list->with[CTL_BENCH_NO_DATA]));
    return o;
}
