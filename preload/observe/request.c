/* SPDX-License-Identifier: MIT */
/*
 * Requests' beginnings and ends. See request.h.
 */
#include "observe/request.h"

#include "observe/attribution.h"
#include "observe/captured.h"
#include "observe/observe.h"
#include "observe/sequence.h"
#include "record/open.h"
#include "record/record.h"
#include "runtime/thread.h"

struct spy_request spy_request_head(struct spy_region *region, const char *method,
                                    size_t method_len, const char *target, size_t target_len,
                                    uint64_t now_ns, char params[SPY_PARAMS_BYTES])
{
    struct spy_classifier *classifier = spy_observe_classifier();
    /* What an earlier request left open whose end came on another thread. */
    if (spy_thread.held_count > 0)
        spy_sequence_flush_thread(region);
    spy_classify_params(classifier, target, target_len, params);
    uint32_t op = spy_classify_http(classifier, method, method_len, target, target_len);
    struct spy_request request = {op, spy_open_request(region, op, now_ns)};
    if (spy_capturing())
        spy_captured_head(&request, method, method_len, target, target_len);
    return request;
}

void spy_request_done(struct spy_region *region, uint32_t row, struct spy_sample *sample,
                      const char *params)
{
    if (spy_thread.held_count > 0)
        spy_sequence_flush_thread(region);
    /* Before the row is another request's. */
    spy_capture_ticket captured = spy_capturing() ? spy_captured_take(row) : 0;
    spy_attribute_close(region, row, sample);
    spy_record_with(region, sample, params);
    if (captured != 0)
        spy_capture_credit(sample, sample, &captured, 1);
}

void spy_request_lost(struct spy_region *region, uint32_t row)
{
    if (spy_capturing())
        spy_capture_drop(spy_captured_take(row));
    if (row < SPY_OPEN_REQUESTS)
        spy_close_request(region, row);
}

void spy_request_stalled(struct spy_region *region, uint32_t row, uint64_t since_ns)
{
    if (row < SPY_OPEN_REQUESTS)
        atomic_store_explicit(&spy_open_request_at(region, row)->stalled_ns, since_ns,
                              memory_order_relaxed);
}
