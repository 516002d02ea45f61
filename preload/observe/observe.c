/* SPDX-License-Identifier: MIT */
/*
 * The classifier in force, and the tables of all of observe/. Cold path but for the inline load in
 * the header.
 */
#include "observe/observe.h"

#include "observe/conn.h"
#include "observe/flight.h"
#include "observe/prepared.h"
#include "observe/stream.h"
#include "runtime/process.h"

_Atomic(struct spy_classifier *) spy_observe_classifier_in_force;

void spy_observe_classify_with(struct spy_classifier *classifier)
{
    atomic_store_explicit(&spy_observe_classifier_in_force, classifier, memory_order_release);
}

uint32_t spy_observe_generation(void)
{
    struct spy_classifier *classifier = spy_observe_classifier();
    return classifier != NULL ? spy_classifier_generation(classifier) : 0;
}

void spy_observe_reserve(void)
{
    if (spy_process_region() == NULL)
        return;
    spy_conns_reserve();
    spy_flights_reserve();
    spy_streams_reserve();
    spy_prepared_reserve();
}
