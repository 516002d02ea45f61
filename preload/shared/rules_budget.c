/* SPDX-License-Identifier: MIT */
/*
 * Durations, shares and benchmarks in the rules file. Contract in rules_internal.h.
 */
#include "shared/rules_internal.h"

#include <string.h>

#define NUMBER_BYTES 64u

bool spy_rules_read_duration(struct spy_rules_walk *walk, const char *what, uint64_t *ns)
{
    const char *text;
    char quoted[SPY_QUOTE_BYTES];
    if (!spy_walk_text(walk, what, NUMBER_BYTES, &text))
        return false;
    if (!spy_duration_parse(text, ns))
        return spy_walk_fail(walk, SPY_ERR_VALUE, spy_walk_mark(walk),
                             "%s: \"%s\" is not a duration; write a number and one of ns, us, ms, "
                             "s, m, h, such as 200ms or 1.5s",
                             what, spy_quote(quoted, text));
    if (*ns == 0)
        return spy_walk_fail(walk, SPY_ERR_VALUE, spy_walk_mark(walk),
                             "%s must be longer than nothing", what);
    return true;
}

bool spy_rules_read_share(struct spy_rules_walk *walk, const char *what, uint64_t *ppm)
{
    const char *text;
    char quoted[SPY_QUOTE_BYTES];
    if (!spy_walk_text(walk, what, NUMBER_BYTES, &text))
        return false;
    if (!spy_share_parse(text, ppm))
        return spy_walk_fail(walk, SPY_ERR_VALUE, spy_walk_mark(walk),
                             "%s: \"%s\" is not a percentage from 0%% to 100%%, such as 20%% or "
                             "0.5%%",
                             what, spy_quote(quoted, text));
    return true;
}

static const char *stat_name(const void *ctx, uint32_t i)
{
    (void)ctx;
    return spy_stat_name(i);
}

static bool read_limit(struct spy_rules_walk *walk, const char *key, struct spy_mark at,
                       void *target)
{
    struct spy_rule *rule = target;
    int stat = spy_stat_find(key, strlen(key));
    if (stat < 0)
        return spy_walk_unknown_key(walk, key, at, "benchmark", stat_name, NULL, SPY_STAT_COUNT);
    for (uint32_t i = 0; i < rule->budgets; i++)
        if (rule->budget[i].stat == (uint32_t)stat)
            return spy_walk_fail(walk, SPY_ERR_VALUE, at, "\"%s\" is given twice in benchmark",
                                 key);
    if (rule->budgets == SPY_RULES_BUDGETS)
        return spy_walk_fail(walk, SPY_ERR_VALUE, at,
                             "too many limits in benchmark: at most %u are allowed",
                             SPY_RULES_BUDGETS);
    struct spy_budget *budget = &rule->budget[rule->budgets++];
    budget->stat = (uint32_t)stat;
    if (stat == SPY_STAT_ERRORS)
        return spy_rules_read_share(walk, "limit on errors", &budget->limit);
    return spy_rules_read_duration(walk, "limit in benchmark", &budget->limit);
}

bool spy_rules_read_budget(struct spy_rules_walk *walk, void *target)
{
    struct spy_rule *rule = target;
    struct spy_mark at = spy_walk_mark(walk);
    if (walk->event.type == YAML_SCALAR_EVENT)
        return read_limit(walk, spy_stat_name(SPY_STAT_P95), at, rule);
    if (!spy_walk_mapping(walk, "benchmark", read_limit, rule))
        return false;
    return rule->budgets > 0 ||
           spy_walk_fail(walk, SPY_ERR_VALUE, at,
                         "benchmark is empty; write a limit such as 200ms or {p99: 200ms}");
}
