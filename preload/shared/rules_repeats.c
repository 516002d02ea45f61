/* SPDX-License-Identifier: MIT */
/*
 * `repeats`: when a statement counts as repeated within a request (N+1), and which may be. Contract
 * in rules_internal.h.
 */
#include "shared/rules_internal.h"

#include <stdlib.h>
#include <string.h>

#define CALLS_BYTES 16u
#define CALLS_MIN   2ul
#define CALLS_MAX   1000000ul

static bool read_calls(struct spy_rules_walk *walk, void *target)
{
    (void)target;
    const char *text;
    char quoted[SPY_QUOTE_BYTES], *end;
    if (!spy_walk_text(walk, "calls", CALLS_BYTES, &text))
        return false;
    unsigned long calls = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || calls < CALLS_MIN || calls > CALLS_MAX)
        return spy_walk_fail(walk, SPY_ERR_VALUE, spy_walk_mark(walk),
                             "calls: \"%s\" is not a whole number from %lu to %lu",
                             spy_quote(quoted, text), CALLS_MIN, CALLS_MAX);
    walk->rules->repeats_calls = (uint32_t)calls;
    return true;
}

static bool read_time(struct spy_rules_walk *walk, void *target)
{
    (void)target;
    return spy_rules_read_duration(walk, "time", &walk->rules->repeats_ns);
}

static bool read_share(struct spy_rules_walk *walk, void *target)
{
    (void)target;
    return spy_rules_read_share(walk, "share", &walk->rules->repeats_share_ppm);
}

bool spy_rules_read_repeats(struct spy_rules_walk *walk, void *target)
{
    static const struct spy_key keys[] = {
        {"calls", read_calls},
        {"time", read_time},
        {"share", read_share},
    };
    static const struct spy_keys repeats = {"repeats", keys, sizeof(keys) / sizeof(keys[0])};
    return spy_walk_keys(walk, &repeats, target);
}

bool spy_rules_read_may_repeat(struct spy_rules_walk *walk, void *target)
{
    struct spy_rule *rule = target;
    const char *text;
    char quoted[SPY_QUOTE_BYTES];
    if (!spy_walk_text(walk, "may_repeat", SIZE_MAX, &text))
        return false;
    rule->may_repeat = strcmp(text, "true") == 0;
    if (rule->may_repeat || strcmp(text, "false") == 0)
        return true;
    return spy_walk_fail(walk, SPY_ERR_VALUE, spy_walk_mark(walk),
                         "may_repeat: \"%s\" is neither true nor false", spy_quote(quoted, text));
}
