/* SPDX-License-Identifier: MIT */
/*
 * The schema of `requests --json`. Declared in json.h.
 */
#include "ctl/json.h"
#include "ctl/repeats.h"

#include <stdio.h>

static json_t *shares_json(const struct spy_totals *t)
{
    json_t *o = json_object();
    struct ctl_parts parts = ctl_parts_of(t);
    for (unsigned i = 0; i < CTL_PART_COUNT; i++)
        ctl_json_set(o, ctl_part_key((enum spy_part)i),
                     t->sum_ns > 0 ? ctl_json_real(100 * (double)parts.ns[i] / (double)t->sum_ns)
                                   : json_null());
    return o;
}

static json_t *percentiles_json(const struct spy_totals *t)
{
    static const struct {
        const char *key;
        double q;
    } stats[] = {{"p50_ms", 0.5}, {"p95_ms", 0.95}, {"p99_ms", 0.99}};
    json_t *o = json_object();
    for (unsigned i = 0; i < SPY_PART_COUNT; i++) {
        json_t *part = json_object();
        bool any = spy_part_count(&t->part[i]) > 0;
        for (unsigned k = 0; k < sizeof(stats) / sizeof(stats[0]); k++)
            ctl_json_set(part, stats[k].key,
                         any ? ctl_json_ms(spy_part_quantile_ns(&t->part[i], stats[k].q, t->max_ns))
                             : json_null());
        ctl_json_set(o, ctl_part_key((enum spy_part)i), part);
    }
    return o;
}

static json_t *request_json(const struct ctl_model *model, const struct ctl_operation *op)
{
    json_t *o = json_object();
    double rate = ctl_operation_rate(model, op);
    ctl_json_set(o, "operation", json_string(op->name));
    ctl_json_set(o, "mapped", json_boolean(op->mapped));
    ctl_json_set(o, "calls", ctl_json_count(op->totals.calls));
    ctl_json_set(o, "errors", ctl_json_count(op->totals.errors));
    ctl_json_set(o, "rate", rate < 0 ? json_null() : ctl_json_real(rate));
    ctl_json_times(o, op);
    ctl_json_set(o, "share_percent", shares_json(&op->totals));
    ctl_json_set(o, "percentiles", percentiles_json(&op->totals));
    ctl_json_set(o, "overlapping", json_boolean(ctl_parts_of(&op->totals).overlapping));
    return o;
}

static json_t *repeat_json(const struct ctl_repeat *r)
{
    json_t *o = json_object();
    ctl_json_set(o, "request", json_string(r->request->name));
    ctl_json_set(o, "operation", json_string(r->statement->name));
    ctl_json_set(o, "statement", ctl_json_text(r->statement->statement));
    ctl_json_set(o, "requests", ctl_json_count(r->requests));
    ctl_json_set(o, "calls", ctl_json_count(r->calls));
    ctl_json_set(o, "mean_calls", ctl_json_real((double)r->calls / (double)r->requests));
    ctl_json_set(o, "most_calls", ctl_json_count(r->most));
    ctl_json_set(o, "total_ms", ctl_json_ms((double)r->ns));
    ctl_json_set(o, "call_site", ctl_json_text(r->site));
    return o;
}

json_t *ctl_json_requests(const struct ctl_model *model, const struct ctl_operation *only)
{
    json_t *o = ctl_json_begin(model), *requests = json_array(), *repeated = json_array();
    struct ctl_attribution attribution = ctl_attribution_of_all(model);
    for (size_t i = 0; i < model->count; i++) {
        const struct ctl_operation *op = model->operation[i];
        bool wanted = only != NULL ? op == only : op->mapped || op->totals.calls > 0;
        if (wanted && op->kind == SPY_KIND_HTTP)
            ctl_json_append(requests, request_json(model, op));
    }
    for (size_t i = 0; i < model->repeats; i++)
        if (only == NULL || model->repeat[i].request == only)
            ctl_json_append(repeated, repeat_json(&model->repeat[i]));
    ctl_json_set(o, "requests", requests);
    ctl_json_set(o, "attribution", ctl_json_attribution(&attribution));
    ctl_json_set(o, "repeated_statements", repeated);
    return o;
}
