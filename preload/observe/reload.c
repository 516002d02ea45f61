/* SPDX-License-Identifier: MIT */
/*
 * Putting other rules in force. See reload.h.
 */
#include "observe/reload.h"

#include "observe/observe.h"

bool spy_observe_has_rules(const struct spy_rules *rules)
{
    return spy_classifier_rules(spy_observe_classifier())->digest == rules->digest;
}

enum spy_status spy_observe_reload(const struct spy_rules *rules, struct spy_rules_diff *diff,
                                   struct spy_error *err)
{
    struct spy_classifier *before = spy_observe_classifier();
    if (spy_classifier_generation(before) > SPY_RELOADS_MAX)
        return spy_fail(err, SPY_ERR_FULL,
                        "%u reloads have been made, each of which keeps memory: restart the "
                        "program to change its rules",
                        SPY_RELOADS_MAX);
    *diff = spy_rules_compare(spy_classifier_rules(before), rules);
    struct spy_classifier *after = spy_classifier_renew(before, rules);
    if (after == NULL) {
        spy_classifier_set_terms(before); /* it may have added operations */
        return spy_fail(err, SPY_ERR_NOMEM, "out of memory");
    }
    spy_classifier_set_terms(after);
    spy_observe_classify_with(after);
    spy_classifier_retire(before);
    return SPY_OK;
}
