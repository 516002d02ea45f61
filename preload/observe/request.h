/* SPDX-License-Identifier: MIT */
/*
 * Requests: what a server-side protocol saw becomes recorded calls. Any thread; no lock, no
 * allocation, no system call.
 */
#ifndef SPY_OBSERVE_REQUEST_H
#define SPY_OBSERVE_REQUEST_H

#include "shared/region.h"

#include <stddef.h>

/* What a protocol keeps of a request from its head to its end. */
struct spy_request {
    uint32_t op;
    uint32_t row; /* where it is listed as open (record/open.h), or SPY_OPEN_NO_ROW */
};

/* The head of a request was complete at NOW_NS, on this thread. Writes its allowed parameters to
 * PARAMS. */
struct spy_request spy_request_head(struct spy_region *region, const char *method,
                                    size_t method_len, const char *target, size_t target_len,
                                    uint64_t now_ns, char params[SPY_PARAMS_BYTES]);

/* A request ended on this thread: records it, with what its queries did, and credits the statements
 * it left open. PARAMS are its allowed parameters or NULL. */
void spy_request_done(struct spy_region *region, uint32_t row, struct spy_sample *sample,
                      const char *params);

/* A request will not be followed to its end. */
void spy_request_lost(struct spy_region *region, uint32_t row);

/* The response to a request waits for its client since SINCE_NS; 0: it does not, or no more. */
void spy_request_stalled(struct spy_region *region, uint32_t row, uint64_t since_ns);

#endif
