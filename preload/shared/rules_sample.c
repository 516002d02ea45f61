/* SPDX-License-Identifier: MIT */
/*
 * `sample`: of which operations only one call of so many is timed. Contract in rules_internal.h.
 */
#include "shared/rules_internal.h"

#include <stdlib.h>
#include <string.h>

#define SAMPLE_BYTES 16u
#define SAMPLE_MIN   2ul

/* The N of "1/N", or 0. */
static uint32_t denominator(const char *text)
{
    char *end;
    if (strncmp(text, "1/", 2) != 0 || text[2] < '0' || text[2] > '9')
        return 0;
    unsigned long n = strtoul(text + 2, &end, 10);
    return *end == '\0' && n >= SAMPLE_MIN && n <= SPY_RULES_SAMPLE ? (uint32_t)n : 0;
}

bool spy_rules_read_sample(struct spy_rules_walk *walk, void *target)
{
    struct spy_rule *rule = target;
    const char *text;
    char quoted[SPY_QUOTE_BYTES];
    if (!spy_walk_text(walk, "sample", SAMPLE_BYTES, &text))
        return false;
    rule->sample = denominator(text);
    walk->sample_at = spy_walk_mark(walk);
    return rule->sample != 0 ||
           spy_walk_fail(walk, SPY_ERR_VALUE, walk->sample_at,
                         "sample: \"%s\" is not one of 1/%lu to 1/%u, such as 1/16; to time every "
                         "call leave it out",
                         spy_quote(quoted, text), SAMPLE_MIN, SPY_RULES_SAMPLE);
}

bool spy_rules_may_sample(struct spy_rules_walk *walk, const struct spy_rule *rule)
{
    if (rule->sample == 0)
        return true;
    if (rule->match == SPY_RULE_HTTP)
        return spy_walk_fail(walk, SPY_ERR_VALUE, walk->sample_at,
                             "sample is for statements: a request has begun before it is known "
                             "which operation it is; leave it out of \"%s\"",
                             rule->name);
    if (rule->steps > 1)
        return spy_walk_fail(walk, SPY_ERR_VALUE, walk->sample_at,
                             "a sequence cannot be sampled: it takes from its first statement, "
                             "which may begin another, to its last; leave sample out of \"%s\"",
                             rule->name);
    return true;
}
