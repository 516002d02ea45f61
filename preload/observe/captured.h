/* SPDX-License-Identifier: MIT */
/*
 * What a capture (record/capture.h) keeps of statements and requests. Called only while one is
 * under way; any thread, no lock, no allocation, no system call.
 *
 * Bind values are copied once libpq has read them itself: of a synchronous call when it has
 * returned, of an asynchronous one when it has been sent. So what the program gave to libpq is
 * never read where libpq would not. The text was read before, to tell the operation.
 */
#ifndef SPY_OBSERVE_CAPTURED_H
#define SPY_OBSERVE_CAPTURED_H

#include "record/capture.h"

struct spy_query;
struct spy_request;

/* Keeps what CALL has given, if its operation may be the wanted one; else 0. */
spy_capture_ticket spy_captured_copy(const struct spy_query *call);

/* The head of REQUEST has come: keeps it, if its operation is the wanted one. */
void spy_captured_head(const struct spy_request *request, const char *method, size_t method_len,
                       const char *target, size_t target_len);

/* What was kept of the request in ROW, which is over; 0: nothing. */
spy_capture_ticket spy_captured_take(uint32_t row);

#endif
