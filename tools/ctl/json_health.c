/* SPDX-License-Identifier: MIT */
/*
 * The schema of `health --json`. Declared in json.h.
 */
#include "ctl/json.h"

json_t *ctl_json_health(const struct ctl_model *model, const struct ctl_health *health)
{
    json_t *o = ctl_json_begin(model);
    json_t *reasons = json_array();
    for (size_t i = 0; i < health->reasons; i++)
        ctl_json_append(reasons, json_string(health->reason[i]));
    ctl_json_set(o, "status", json_string(ctl_health_name(health->status)));
    ctl_json_set(o, "reasons", reasons);
    ctl_json_set(o, "calls", ctl_json_count(health->calls));
    ctl_json_set(o, "slow", ctl_json_count(health->slow));
    ctl_json_set(o, "critical", ctl_json_count(health->critical));
    ctl_json_set(o, "covered_s", ctl_json_real(ctl_model_span_s(model)));
    return o;
}
