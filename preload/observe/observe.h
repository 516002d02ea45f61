/* SPDX-License-Identifier: MIT */
/*
 * What all of observe/ shares: the classifier in force.
 */
#ifndef SPY_OBSERVE_OBSERVE_H
#define SPY_OBSERVE_OBSERVE_H

#include "classify/classify.h"

#include <stdatomic.h>

extern _Atomic(struct spy_classifier *) spy_observe_classifier_in_force;

/* Puts CLASSIFIER in force; the first one before the region is published, so that whoever sees the
 * region sees it too. One call of libpq, or one request, asks for it once and keeps to it: a
 * reload may change it at any moment. */
void spy_observe_classify_with(struct spy_classifier *classifier);

/* In a watched process: maps the tables that it may need later. */
void spy_observe_reserve(void);

/* How many classifiers have been in force in this region; 0: none. */
uint32_t spy_observe_generation(void);

static inline struct spy_classifier *spy_observe_classifier(void)
{
    return atomic_load_explicit(&spy_observe_classifier_in_force, memory_order_acquire);
}

#endif
