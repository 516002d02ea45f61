/* SPDX-License-Identifier: MIT */
/*
 * Comparing two sets of rules. See rules_diff.h.
 */
#include "shared/rules_diff.h"

#include <string.h>

static const struct spy_rule *find(const struct spy_rules *rules, const char *name)
{
    for (uint32_t i = 0; i < rules->count; i++)
        if (strcmp(rules->rule[i].name, name) == 0)
            return &rules->rule[i];
    return NULL;
}

static bool same_budgets(const struct spy_rule *a, const struct spy_rule *b)
{
    uint32_t before = a != NULL ? a->budgets : 0;
    if (before != b->budgets)
        return false;
    for (uint32_t i = 0; i < before; i++)
        if (a->budget[i].stat != b->budget[i].stat || a->budget[i].limit != b->budget[i].limit)
            return false;
    return true;
}

static bool same_thresholds(const struct spy_rules *a, const struct spy_rules *b)
{
    return memcmp(a->level_bounds_ns, b->level_bounds_ns, sizeof(a->level_bounds_ns)) == 0 &&
           a->health_window_ns == b->health_window_ns &&
           a->health_slow_share_ppm == b->health_slow_share_ppm && a->repeats_ns == b->repeats_ns &&
           a->repeats_share_ppm == b->repeats_share_ppm && a->repeats_calls == b->repeats_calls;
}

static bool same_parameters(const struct spy_rules *a, const struct spy_rules *b)
{
    if (a->parameters != b->parameters)
        return false;
    for (uint32_t i = 0; i < a->parameters; i++)
        if (strcmp(a->parameter[i], b->parameter[i]) != 0)
            return false;
    return true;
}

struct spy_rules_diff spy_rules_compare(const struct spy_rules *before,
                                        const struct spy_rules *after)
{
    struct spy_rules_diff diff = {
        .thresholds = !same_thresholds(before, after),
        .parameters = !same_parameters(before, after),
    };
    for (uint32_t i = 0; i < after->count; i++) {
        const struct spy_rule *was = find(before, after->rule[i].name);
        diff.added += was == NULL;
        diff.budgets += !same_budgets(was, &after->rule[i]);
        diff.samples += (was != NULL ? was->sample : 0) != after->rule[i].sample;
    }
    for (uint32_t i = 0; i < before->count; i++)
        diff.removed += find(after, before->rule[i].name) == NULL;
    return diff;
}
