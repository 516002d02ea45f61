/* SPDX-License-Identifier: MIT */
/*
 * A libpq connection's state, published for `perfspy-ctl inflight`: what is under way on it, for
 * which request, and, where nothing is, the transaction that is open.
 *
 * Called by the thread that has the connection, between spy_query_begin() and the end of the call.
 * No lock, no allocation; a connection's row is taken at its first statement in a region.
 */
#ifndef SPY_OBSERVE_INFLIGHT_H
#define SPY_OBSERVE_INFLIGHT_H

#include "observe/query.h"

/* What CALL asks has begun. */
void spy_inflight_begun(const struct spy_query *call);

/* The real call is over: publishes what is the oldest in flight now, or that nothing is. */
void spy_inflight_settle(const struct spy_query *call, uint64_t now);

/* What was queued went to the server. Signal-safe. */
void spy_inflight_sent(const struct spy_conn *conn);

/* CONN, which is about to be freed or reset, is listed no more. */
void spy_inflight_gone(struct spy_conn *conn);

#endif
