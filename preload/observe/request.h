/* SPDX-License-Identifier: MIT */
/*
 * Requests: what a server-side protocol saw becomes recorded calls. Any thread; no lock, no
 * allocation, no system call.
 */
#ifndef SPY_OBSERVE_REQUEST_H
#define SPY_OBSERVE_REQUEST_H

#include "shared/region.h"

#include <stddef.h>

/* The head of a request arrived on this thread. Returns its operation, and writes its allowed
 * parameters to PARAMS. */
uint32_t spy_request_head(struct spy_region *region, const char *method, size_t method_len,
                          const char *target, size_t target_len, char params[SPY_PARAMS_BYTES]);

/* A request ended on this thread: records it, and credits the statements it left open. PARAMS are
 * its allowed parameters or NULL. */
void spy_request_done(struct spy_region *region, const struct spy_sample *sample,
                      const char *params);

#endif
