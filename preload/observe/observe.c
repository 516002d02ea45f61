/* SPDX-License-Identifier: MIT */
/*
 * The classifier in force. Cold path but for the inline load in the header.
 */
#include "observe/observe.h"

_Atomic(struct spy_classifier *) spy_observe_classifier_in_force;

void spy_observe_classify_with(struct spy_classifier *classifier)
{
    atomic_store_explicit(&spy_observe_classifier_in_force, classifier, memory_order_release);
}
