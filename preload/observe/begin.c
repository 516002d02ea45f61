/* SPDX-License-Identifier: MIT */
/*
 * Calls of libpq on a connection: who calls, the program or libpq itself, and on which connection.
 * See query.h for the contract.
 */
#include "observe/query.h"

#include "observe/sequence.h"
#include "record/shard.h"
#include "runtime/process.h"

/* A connection seen for the first time in a call was made where we did not see it. libpq is asked
 * even where there is none: what it does then (PQgetCopyData sets a pointer) is its business. */
static struct spy_conn *conn_of(const PGconn *pgconn, const void *caller,
                                const struct spy_libpq **pq)
{
    struct spy_conn *conn = spy_conn_find(pgconn);
    if (conn != NULL) {
        *pq = conn->pq;
        return conn;
    }
    *pq = spy_libpq_of_handle(pgconn, caller);
    if (*pq == NULL || pgconn == NULL)
        return NULL;
    conn = spy_conn_add(pgconn, *pq);
    struct spy_region *region = spy_process_region();
    if (conn == NULL && region != NULL)
        spy_self_count(region, SPY_SELF_CONNS_FULL);
    else if (conn != NULL && spy_libpq_calls(*pq, caller))
        spy_conn_not_joined(conn);
    return conn;
}

/* A call of libpq's own on a connection that the program has not used since recording was switched
 * on: it belongs to one of the program's that was begun before that. */
static bool is_rest_of_unseen(const struct spy_query *call, const void *caller)
{
    return call->conn != NULL && !spy_conn_is_current(call->conn) &&
           spy_libpq_calls(call->pq, caller);
}

/* What lies open of a sequence ended before recording was switched off. */
__attribute__((noinline)) void spy_query_rejoin(struct spy_conn *conn, struct spy_region *region)
{
    spy_sequence_flush(region, conn);
    spy_conn_rejoin(conn);
}

/* The outermost call on the connection, and the thread's only one: or there may be others. What one
 * before it left behind by a jump out of it is gone, and statements that wait for their bytes to be
 * sent may see them go. */
static inline void enter(struct spy_query *call, struct spy_region *region, bool only)
{
    call->region = region;
    call->open = NULL;
    call->transaction = 0;
    /* What an outermost call finds was left behind by a jump out of one. */
    call->sending_before = !only && spy_thread.guard_depth > 1 ? spy_thread.sending : NULL;
    spy_thread.sending = call->conn;
    if (call->conn != NULL) {
        call->conn->batch = NULL;
        call->conn->flights.left = false;
    }
}

/* Most calls are libpq's own, inside one whose connection is known: these are told with no look-up.
 */
static bool is_inner(struct spy_query *call, const void *caller)
{
    const struct spy_guard_frame *outer = spy_guard_top();
    if (outer == NULL || outer->conn != call->pgconn || outer->row == NULL ||
        (uintptr_t)outer->frame <= (uintptr_t)call->frame)
        return false;
    call->conn = outer->row;
    call->pq = call->conn->pq;
    return spy_libpq_calls(call->pq, caller);
}

/* Any call: the program's within another one, libpq's own, the first on a connection or in a
 * process, or since recording was switched on. */
__attribute__((noinline)) static const struct spy_libpq *
begin_any(struct spy_query *call, const PGconn *pgconn, const void *caller, const void *frame)
{
    call->region = NULL;
    if (is_inner(call, caller))
        return call->pq;
    call->conn = conn_of(pgconn, caller, &call->pq);
    if (call->pq == NULL || pgconn == NULL)
        return call->pq;
    if (is_rest_of_unseen(call, caller))
        return call->pq;
    struct spy_region *region = spy_process_region();
    if (region == NULL) { /* a forked child with its parent's connection begins its own watch */
        spy_process_start();
        region = spy_process_region();
    }
    if (region != NULL && spy_guard_enter(pgconn, frame, spy_libpq_calls(call->pq, caller))) {
        spy_guard_top()->row = call->conn;
        if (call->conn != NULL && !spy_conn_is_current(call->conn))
            spy_query_rejoin(call->conn, region);
        enter(call, region, false);
    }
    if (region == NULL && call->conn != NULL)
        call->conn->batch = NULL; /* left behind by a jump out of a call, before this was off */
    return call->pq;
}

/* The copy whose own calls tell nothing in a call that begins on CONN: results that it gets there
 * are those of what is asked, unless something is in flight, or several statements will be. */
static inline const struct spy_libpq *passes_in(const struct spy_conn *conn)
{
    return spy_flights_any(&conn->flights) ? NULL : conn->pq;
}

static inline __attribute__((always_inline)) const struct spy_libpq *
begin(struct spy_query *call, const PGconn *pgconn, const void *caller, const void *frame)
{
    struct spy_conn *conn = spy_thread.conn;
    struct spy_region *region = spy_process_region();
    call->pgconn = pgconn;
    call->frame = frame;
    call->site = caller;
    call->capturing = false;
    if (SPY_LIKELY(conn != NULL && region != NULL && pgconn != NULL &&
                   atomic_load_explicit(&conn->handle, memory_order_relaxed) == pgconn &&
                   spy_conn_is_current(conn) &&
                   spy_guard_enter_first(pgconn, frame, conn, passes_in(conn)))) {
        call->conn = conn;
        call->pq = conn->pq;
        enter(call, region, true);
        return call->pq;
    }
    return begin_any(call, pgconn, caller, frame);
}

/* A call whose cost is sampled, if it is one of the program's. */
SPY_SELDOM static const struct spy_libpq *begin_timed(struct spy_query *call, const PGconn *pgconn,
                                                      const void *caller, const void *frame)
{
    spy_cost_begin(&call->timing);
    const struct spy_libpq *pq = begin(call, pgconn, caller, frame);
    call->timed = call->region != NULL;
    spy_cost_stop(&call->timing);
    return pq;
}

const struct spy_libpq *spy_query_begin(struct spy_query *call, const PGconn *pgconn,
                                        const void *caller, const void *frame)
{
    call->timed = false;
    if (spy_cost_due())
        return begin_timed(call, pgconn, caller, frame);
    return begin(call, pgconn, caller, frame);
}
