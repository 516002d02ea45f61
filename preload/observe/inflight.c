/* SPDX-License-Identifier: MIT */
/*
 * Publishing what connections do. See inflight.h and struct spy_open_conn.
 */
#include "observe/inflight.h"

#include "observe/result.h"
#include "record/endpoint.h"
#include "record/open.h"
#include "record/shard.h"
#include "runtime/process.h"
#include "runtime/thread.h"

#define RELAXED memory_order_relaxed

#define SET(field, value) atomic_store_explicit(&(field), (value), RELAXED)
#define GET(field)        atomic_load_explicit(&(field), RELAXED)

/* The row of CONN, if it has one in REGION. */
static struct spy_open_conn *row_of(const struct spy_conn *conn, const struct spy_region *region)
{
    if (conn == NULL || conn->open_epoch != region->epoch_mono_ns)
        return NULL;
    return conn->open_row < SPY_OPEN_CONNS ? spy_open_conn_at(region, conn->open_row) : NULL;
}

/* With its backend from the first statement on: that may be the one that hangs. */
SPY_SELDOM static void list(struct spy_query *call)
{
    struct spy_conn *conn = call->conn;
    conn->open_row = spy_open_conn(call->region);
    conn->open_epoch = call->region->epoch_mono_ns;
    if (conn->facts_epoch != call->region->epoch_mono_ns)
        spy_conn_learn(conn, call->pgconn, call->region);
    struct spy_open_conn *row = row_of(conn, call->region);
    if (row != NULL) {
        SET(row->endpoint, conn->endpoint);
        SET(row->backend_pid, conn->backend_pid);
    }
}

/* The same, taken where it has none yet. */
static inline struct spy_open_conn *own_row(struct spy_query *call)
{
    const struct spy_conn *conn = call->conn;
    if (call->open != NULL || conn == NULL)
        return call->open;
    if (conn->open_epoch != call->region->epoch_mono_ns)
        list(call);
    return call->open = row_of(conn, call->region);
}

static uint32_t phase_of(const struct spy_conn *conn, const struct spy_flight *flight)
{
    if (flight->first_ns != 0)
        return SPY_PHASE_ROWS;
    return conn->flights.unsent == flight ? SPY_PHASE_QUEUED : SPY_PHASE_SERVER;
}

static inline void show(struct spy_open_conn *row, const struct spy_flight *flight, uint32_t phase)
{
    SET(row->op, flight->alone ? flight->op : spy_result_op(flight));
    SET(row->since_ns, flight->begin_ns);
    SET(row->request, flight->owner.request);
    SET(row->phase, phase);
}

void spy_inflight_begun_any(struct spy_query *call)
{
    struct spy_open_conn *row = own_row(call);
    if (row == NULL || call->conn->flights.head != NULL)
        return; /* in a pipeline the oldest is shown */
    SET(row->tid, spy_writer_thread_id(call->region));
    SET(row->queued, 1);
    show(row, &call->flight, SPY_PHASE_SERVER);
}

/* A transaction is open: since when, and by what? */
void spy_inflight_show_open(struct spy_open_conn *row)
{
    if (GET(row->transaction_ns) == 0) {
        SET(row->transaction_op, GET(row->op));
        SET(row->transaction_ns, GET(row->since_ns));
    }
}

void spy_inflight_settle(struct spy_query *call, uint64_t now)
{
    struct spy_open_conn *row = own_row(call);
    if (row == NULL)
        return;
    const struct spy_flight *head = call->conn->flights.head;
    if (head == NULL) {
        spy_inflight_show_idle(call, row, now);
        return;
    }
    SET(row->endpoint, call->conn->endpoint);
    SET(row->backend_pid, call->conn->backend_pid);
    SET(row->queued, call->conn->flights.count);
    show(row, head, phase_of(call->conn, head));
}

void spy_inflight_sent(const struct spy_conn *conn)
{
    struct spy_region *region = spy_process_region();
    struct spy_open_conn *row = region != NULL ? row_of(conn, region) : NULL;
    if (row != NULL && GET(row->phase) == SPY_PHASE_QUEUED)
        SET(row->phase, SPY_PHASE_SERVER);
}

uint32_t spy_inflight_connecting(struct spy_region *region, uint32_t op, struct spy_owner owner,
                                 uint64_t begin_ns)
{
    uint32_t row = spy_open_conn(region);
    if (row >= SPY_OPEN_CONNS)
        return row;
    struct spy_open_conn *c = spy_open_conn_at(region, row);
    SET(c->op, op);
    SET(c->request, owner.request);
    SET(c->tid, spy_writer_thread_id(region));
    SET(c->phase, SPY_PHASE_CONNECTING);
    SET(c->since_ns, begin_ns); /* last: without it the row is not shown */
    return row;
}

void spy_inflight_give(struct spy_conn *conn, const struct spy_region *region, uint32_t row)
{
    conn->open_row = row;
    conn->open_epoch = region->epoch_mono_ns;
}

void spy_inflight_reach(struct spy_region *region, uint32_t row, const struct spy_libpq *pq,
                        const PGconn *pgconn)
{
    if (row < SPY_OPEN_CONNS)
        SET(spy_open_conn_at(region, row)->endpoint,
            spy_endpoint_intern(region, pq->PQhost(pgconn), pq->PQport(pgconn), pq->PQdb(pgconn),
                                pq->PQuser(pgconn)));
}

void spy_inflight_reach_on(const struct spy_conn *conn, struct spy_region *region,
                           const PGconn *pgconn)
{
    if (conn->open_epoch == region->epoch_mono_ns)
        spy_inflight_reach(region, conn->open_row, conn->pq, pgconn);
}

void spy_inflight_gone(struct spy_conn *conn)
{
    struct spy_region *region = spy_process_region();
    struct spy_open_conn *row = region != NULL ? row_of(conn, region) : NULL;
    if (row != NULL)
        spy_close_conn(region, conn->open_row);
    conn->open_epoch = 0;
}
