/* SPDX-License-Identifier: MIT */
/*
 * A libpq connection's state, published for `perfspy-ctl inflight`: what is under way on it, for
 * which request, and, where nothing is, the transaction that is open. And the attempts to make one.
 *
 * Called by the thread that has the connection, between spy_query_begin() and the end of the call.
 * No lock, no allocation; a connection's row is taken at its first statement in a region. While it
 * is being made it has another, which is free again when that is over.
 */
#ifndef SPY_OBSERVE_INFLIGHT_H
#define SPY_OBSERVE_INFLIGHT_H

#include "observe/query.h"
#include "record/open.h"

/* The latest moment before what CALL asks that the list of connections knows of: the end of what
 * was done on its connection before, or earlier; 0: none. */
static inline uint64_t spy_inflight_since(const struct spy_query *call)
{
    const struct spy_conn *conn = call->conn;
    const struct spy_region *region = call->region;
    if (conn == NULL || conn->open_epoch != region->epoch_mono_ns ||
        conn->open_row >= SPY_OPEN_CONNS || conn->flights.head != NULL)
        return 0;
    return atomic_load_explicit(&spy_open_conn_at(region, conn->open_row)->since_ns,
                                memory_order_relaxed);
}

/* What CALL asks has begun: any call, and one on a connection that is listed and has nothing in
 * flight, which most are. */
void spy_inflight_begun_any(struct spy_query *call);

static inline void spy_inflight_begun(struct spy_query *call)
{
    const struct spy_conn *conn = call->conn;
    const struct spy_region *region = call->region;
    const struct spy_flight *flight = &call->flight;
    if (__builtin_expect(conn == NULL || conn->open_epoch != region->epoch_mono_ns ||
                             conn->open_row >= SPY_OPEN_CONNS || conn->flights.head != NULL ||
                             spy_thread.epoch != region->epoch_mono_ns || !flight->alone,
                         0)) {
        spy_inflight_begun_any(call);
        return;
    }
    struct spy_open_conn *row = call->open = spy_open_conn_at(region, conn->open_row);
    atomic_store_explicit(&row->tid, spy_thread.tid, memory_order_relaxed);
    atomic_store_explicit(&row->queued, 1, memory_order_relaxed);
    atomic_store_explicit(&row->op, flight->op, memory_order_relaxed);
    atomic_store_explicit(&row->since_ns, flight->begin_ns, memory_order_relaxed);
    atomic_store_explicit(&row->request, flight->owner.request, memory_order_relaxed);
    atomic_store_explicit(&row->phase, SPY_PHASE_SERVER, memory_order_relaxed);
}

/* The real call is over: publishes what is the oldest in flight now, or that nothing is. */
void spy_inflight_settle(struct spy_query *call, uint64_t now);

/* The same where nothing is in flight. ROW is that of CALL's connection. */
void spy_inflight_show_open(struct spy_open_conn *row);

static inline void spy_inflight_show_idle(struct spy_query *call, struct spy_open_conn *row,
                                          uint64_t now)
{
    uint32_t status = spy_query_transaction(call);
    if (status == PQTRANS_INTRANS + 1 || status == PQTRANS_INERROR + 1)
        spy_inflight_show_open(row);
    else
        atomic_store_explicit(&row->transaction_ns, 0, memory_order_relaxed);
    atomic_store_explicit(&row->endpoint, call->conn->endpoint, memory_order_relaxed);
    atomic_store_explicit(&row->backend_pid, call->conn->backend_pid, memory_order_relaxed);
    atomic_store_explicit(&row->transaction, status, memory_order_relaxed);
    atomic_store_explicit(&row->since_ns, now, memory_order_relaxed);
    atomic_store_explicit(&row->request, 0, memory_order_relaxed);
    atomic_store_explicit(&row->queued, 0, memory_order_relaxed);
    atomic_store_explicit(&row->phase, SPY_PHASE_IDLE, memory_order_relaxed);
}

/* What was queued went to the server. Signal-safe. */
void spy_inflight_sent(const struct spy_conn *conn);

/* A call of OP, which connects to a server, has begun at BEGIN_NS on this thread, for OWNER. Its
 * row (record/open.h); freed by spy_close_conn(), or, once CONN is given it, by
 * spy_inflight_gone(). */
uint32_t spy_inflight_connecting(struct spy_region *region, uint32_t op, struct spy_owner owner,
                                 uint64_t begin_ns);
void spy_inflight_give(struct spy_conn *conn, const struct spy_region *region, uint32_t row);

/* ROW's connect, of PGCONN, has begun to reach for a server: PQ is asked which. */
void spy_inflight_reach(struct spy_region *region, uint32_t row, const struct spy_libpq *pq,
                        const PGconn *pgconn);

/* The same of the connect that CONN has been given a row for. */
void spy_inflight_reach_on(const struct spy_conn *conn, struct spy_region *region,
                           const PGconn *pgconn);

/* CONN, which is about to be freed or reset, is listed no more. */
void spy_inflight_gone(struct spy_conn *conn);

#endif
