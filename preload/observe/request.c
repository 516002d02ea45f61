/* SPDX-License-Identifier: MIT */
/*
 * Requests' beginnings and ends. See request.h.
 */
#include "observe/request.h"

#include "observe/observe.h"
#include "observe/sequence.h"
#include "record/record.h"
#include "runtime/thread.h"

uint32_t spy_request_head(struct spy_region *region, const char *method, size_t method_len,
                          const char *target, size_t target_len, char params[SPY_PARAMS_BYTES])
{
    struct spy_classifier *classifier = spy_observe_classifier();
    /* What an earlier request left open whose end came on another thread. */
    if (spy_thread.held_count > 0)
        spy_sequence_flush_thread(region, classifier);
    spy_classify_params(classifier, target, target_len, params);
    return spy_classify_http(classifier, method, method_len, target, target_len);
}

void spy_request_done(struct spy_region *region, const struct spy_sample *sample,
                      const char *params)
{
    if (spy_thread.held_count > 0)
        spy_sequence_flush_thread(region, spy_observe_classifier());
    spy_record_request(region, sample, params);
}
