/* SPDX-License-Identifier: MIT */
/*
 * What changes when one set of rules takes the place of another, for a person. Pure; any thread.
 */
#ifndef SPY_SHARED_RULES_DIFF_H
#define SPY_SHARED_RULES_DIFF_H

#include "shared/rules.h"

struct spy_rules_diff {
    uint32_t added;   /* operations, told apart by name */
    uint32_t removed; /* of the old ones */
    uint32_t budgets; /* operations in both, or new, whose benchmarks are not what they were */
    uint32_t samples; /* the same of `sample` */
    bool thresholds;  /* levels, health or repeats */
    bool parameters;  /* which URL parameters are kept */
};

struct spy_rules_diff spy_rules_compare(const struct spy_rules *before,
                                        const struct spy_rules *after);

#endif
