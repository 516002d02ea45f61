/* SPDX-License-Identifier: MIT */
/*
 * The schema of `trend --json`. Declared in trend.h.
 */
#include "ctl/trend.h"

#include "ctl/json.h"

static void set_quantile(json_t *o, const char *key, const struct spy_totals *t, double q)
{
    bool any = spy_totals_timed(t) > 0;
    ctl_json_set(o, key,
                 any ? ctl_json_ms(spy_hist_quantile_ns(&t->hist, q, t->min_ns, t->max_ns))
                     : json_null());
}

static json_t *point_json(const struct ctl_trend_point *p)
{
    json_t *o = json_object();
    const struct spy_totals *t = &p->totals;
    double seconds = (double)(p->end_ns - p->begin_ns) / 1e9;
    ctl_json_set(o, "begin", ctl_json_utc(p->begin_ns));
    ctl_json_set(o, "end", ctl_json_utc(p->end_ns));
    ctl_json_set(o, "calls", ctl_json_count(t->calls));
    ctl_json_set(o, "timed", ctl_json_count(spy_totals_timed(t)));
    ctl_json_set(o, "errors", ctl_json_count(t->errors));
    ctl_json_set(o, "rate", seconds > 0 ? ctl_json_real((double)t->calls / seconds) : json_null());
    ctl_json_set(o, "mean_ms",
                 spy_totals_timed(t) > 0 ? ctl_json_ms((double)t->sum_ns / (double)t->calls)
                                         : json_null());
    set_quantile(o, "p50_ms", t, 0.5);
    set_quantile(o, "p90_ms", t, 0.9);
    set_quantile(o, "p95_ms", t, 0.95);
    set_quantile(o, "p99_ms", t, 0.99);
    ctl_json_set(o, "use", ctl_json_use(&p->use));
    return o;
}

json_t *ctl_json_trend(const struct ctl_trend *trend)
{
    json_t *o = ctl_json_begin(&trend->model), *points = json_array();
    ctl_json_set(o, "operation",
                 trend->only != NULL ? json_string(trend->only->name) : json_null());
    ctl_json_set(o, "kind", json_string(spy_kind_name(trend->kind)));
    ctl_json_set(o, "step_s", ctl_json_real((double)trend->step_ns / 1e9));
    for (size_t i = 0; i < trend->points; i++)
        ctl_json_append(points, point_json(&trend->point[i]));
    ctl_json_set(o, "points", points);
    return o;
}
