/* SPDX-License-Identifier: MIT */
/*
 * Connects, resets, pings and cancels. See connect.h for the contract.
 */
#include "observe/connect.h"

#include "observe/inflight.h"
#include "observe/observe.h"
#include "record/open.h"
#include "record/record.h"
#include "record/shard.h"
#include "runtime/clock.h"
#include "runtime/handout.h"
#include "runtime/process.h"

#include <errno.h>

/* ---- begin and end -------------------------------------------------------------------------- */

static void begin(struct spy_connect *call, const void *guarded, const void *caller,
                  const void *frame)
{
    call->guarded = guarded;
    call->frame = frame;
    call->outermost = spy_guard_enter(guarded, frame, spy_libpq_calls(call->pq, caller));
    call->region = call->outermost ? spy_process_region() : NULL;
    call->begin_ns = call->region != NULL ? spy_now() : 0;
}

static uint32_t op_of(enum spy_builtin which)
{
    return spy_classify_builtin(spy_observe_classifier(), which);
}

/* A connect or ping begins: finds the request that waits for it, and lists both. A row that an
 * outermost call finds was left behind by a jump out of one. */
static void begin_waiting(struct spy_connect *call, enum spy_builtin which)
{
    struct spy_thread *t = &spy_thread;
    int saved_errno = errno;
    call->owner = spy_attribute(call->region, NULL, SPY_STMT_OTHER);
    if (t->guard_depth <= 1 && t->connecting != 0)
        spy_close_conn(call->region, t->connecting - 1);
    call->connecting_before = t->guard_depth > 1 ? t->connecting : 0;
    call->open_row =
        spy_inflight_connecting(call->region, op_of(which), call->owner, call->begin_ns);
    t->connecting = call->open_row + 1; /* NO_ROW: 0 */
    errno = saved_errno;
}

/* It is over. CONN, where it is not NULL, is still being made: listed from now on as its. */
static void end_waiting(const struct spy_connect *call, struct spy_conn *conn)
{
    if (call->region == NULL)
        return;
    spy_thread.connecting = call->connecting_before;
    if (conn != NULL && call->open_row < SPY_OPEN_CONNS)
        spy_inflight_give(conn, call->region, call->open_row);
    else
        spy_close_conn(call->region, call->open_row);
}

static const struct spy_owner nobody = {0, SPY_WAY_NO_REQUEST};

/* ROW says whom it was about; NULL where that is not known. */
static void record_own(struct spy_region *region, enum spy_builtin which, bool failed,
                       uint64_t begin_ns, const struct spy_conn *row, struct spy_owner owner)
{
    uint64_t now = spy_now();
    struct spy_sample sample = {
        .op = op_of(which),
        .failed = failed,
        .way = owner.way,
        .code = failed ? SPY_SQLSTATE_NO_ANSWER : 0,
        .endpoint = row != NULL ? row->endpoint : 0,
        .backend_pid = row != NULL ? row->backend_pid : 0,
        .end_ns = now,
        .dur_ns = spy_clock_since(now, begin_ns),
        .wait_ns = spy_clock_since(now, begin_ns),
    };
    spy_attribute_waited(region, owner, &sample);
    spy_record(region, &sample);
}

static void leave(const struct spy_connect *call, int saved_errno)
{
    spy_guard_leave(call->guarded, call->frame);
    errno = saved_errno;
}

void spy_ping_end(struct spy_connect *call, bool failed)
{
    if (!call->outermost)
        return;
    int saved_errno = errno;
    if (call->region != NULL)
        record_own(call->region, SPY_BUILTIN_PING, failed, call->begin_ns, NULL, call->owner);
    end_waiting(call, NULL);
    leave(call, saved_errno);
}

/* ---- connections ---------------------------------------------------------------------------- */

const struct spy_libpq *spy_connect_libpq(const void *handle, const void *caller)
{
    struct spy_conn *conn = spy_conn_find(handle);
    return conn != NULL ? conn->pq : spy_libpq_of_handle(handle, caller);
}

static const struct spy_libpq *begin_new(struct spy_connect *call, enum spy_builtin which,
                                         const void *caller, const void *frame)
{
    call->pq = spy_libpq_of_caller(caller);
    if (call->pq != NULL) {
        spy_process_start();
        begin(call, NULL, caller, frame);
        if (call->region != NULL)
            begin_waiting(call, which);
    }
    return call->pq;
}

const struct spy_libpq *spy_connect_begin(struct spy_connect *call, const void *caller,
                                          const void *frame)
{
    return begin_new(call, SPY_BUILTIN_CONNECT, caller, frame);
}

const struct spy_libpq *spy_ping_begin(struct spy_connect *call, const void *caller,
                                       const void *frame)
{
    return begin_new(call, SPY_BUILTIN_PING, caller, frame);
}

/* What was begun before this watch is another's: we are a fork's child. What was begun before
 * recording was switched off may be over long since. */
static bool under_way(const struct spy_conn *row, const struct spy_region *region)
{
    return region != NULL && spy_conn_is_current(row) && row->connect_ns != 0 &&
           row->connect_ns >= region->epoch_mono_ns;
}

/* What was begun on ROW and is not polled to its end: a connect, or a cancel. */
static void give_up(struct spy_conn *row, enum spy_builtin which)
{
    struct spy_region *region = spy_process_region();
    if (under_way(row, region))
        record_own(region, which, true, row->connect_ns, row, row->connect_owner);
    row->connect_ns = 0;
}

const struct spy_libpq *spy_reset_begin(struct spy_connect *call, PGconn *pgconn,
                                        const void *caller, const void *frame)
{
    struct spy_conn *conn = spy_conn_find(pgconn);
    call->pq = spy_connect_libpq(pgconn, caller);
    call->outermost = false;
    if (call->pq == NULL || pgconn == NULL)
        return call->pq;
    spy_process_start();
    begin(call, pgconn, caller, frame);
    if (conn != NULL && call->outermost) {
        int saved_errno = errno;
        spy_query_abandon(conn, pgconn);
        give_up(conn, SPY_BUILTIN_CONNECT);
        spy_conn_add(pgconn, call->pq); /* anew: the server forgets what was prepared */
        errno = saved_errno;
    }
    if (call->region != NULL)
        begin_waiting(call, SPY_BUILTIN_CONNECT);
    return call->pq;
}

/* The connection of CONN was never finished, and another one has its address: libpq cannot be asked
 * about it any more. Where it was not asked before, its server stays unnamed. */
static void abandon_unseen(struct spy_conn *conn)
{
    const struct spy_region *region = spy_process_region();
    if (region != NULL)
        conn->facts_epoch = region->epoch_mono_ns;
    spy_query_abandon(conn, NULL);
}

/* The row of a connection that was just begun. One that is there is that of a reset, or of one that
 * was never finished and whose address is used again. */
static struct spy_conn *row_for(const struct spy_connect *call, const PGconn *pgconn)
{
    struct spy_conn *conn = spy_conn_find(pgconn);
    if (conn != NULL && call->guarded == pgconn)
        return conn;
    if (conn != NULL)
        abandon_unseen(conn);
    conn = conn != NULL ? spy_conn_add(pgconn, call->pq) : spy_conn_add_new(pgconn, call->pq);
    if (conn == NULL && call->region != NULL)
        spy_self_count(call->region, SPY_SELF_CONNS_FULL);
    return conn;
}

/* The connect or reset of ROW (NULL: it has none), begun at BEGIN_NS for OWNER, is over. */
static void connected(struct spy_region *region, struct spy_conn *row, const PGconn *pgconn,
                      uint64_t begin_ns, bool failed, struct spy_owner owner)
{
    if (row != NULL) {
        spy_conn_learn(row, pgconn, region);
        row->connect_ns = 0;
    }
    record_own(region, SPY_BUILTIN_CONNECT, failed, begin_ns, row, owner);
}

/* PGCONN, which PQ makes inside a synchronous call, has come on: it may be asked now whom it tries
 * to reach. Only libpq's that reach their own functions by our wrappers tell. */
static void inner_progress(const struct spy_libpq *pq, const PGconn *pgconn)
{
    struct spy_region *region = spy_process_region();
    int saved_errno = errno;
    if (region != NULL && spy_thread.connecting != 0 && pgconn != NULL)
        spy_inflight_reach(region, spy_thread.connecting - 1, pq, pgconn);
    errno = saved_errno;
}

void spy_connect_started(struct spy_connect *call, PGconn *pgconn, bool started)
{
    int saved_errno = errno;
    bool failed = !started || call->pq->PQstatus(pgconn) == CONNECTION_BAD;
    if (!call->outermost) { /* libpq's own PQconnectStart inside PQconnectdb */
        if (!failed)
            inner_progress(call->pq, pgconn);
        errno = saved_errno;
        return;
    }
    struct spy_conn *conn = pgconn != NULL ? row_for(call, pgconn) : NULL;
    if (call->region != NULL && failed) {
        connected(call->region, conn, pgconn, call->begin_ns, true, call->owner);
    } else if (conn != NULL) {
        conn->connect_ns = call->begin_ns;
        conn->connect_owner = call->owner;
    }
    end_waiting(call, failed ? NULL : conn);
    if (call->region != NULL && !failed && conn != NULL)
        spy_inflight_reach_on(conn, call->region, pgconn);
    leave(call, saved_errno);
}

void spy_connect_end(struct spy_connect *call, PGconn *pgconn)
{
    if (!call->outermost)
        return;
    int saved_errno = errno;
    struct spy_conn *conn = pgconn != NULL ? row_for(call, pgconn) : NULL;
    bool failed = pgconn == NULL || call->pq->PQstatus(pgconn) != CONNECTION_OK;
    if (call->region != NULL)
        connected(call->region, conn, pgconn, call->begin_ns, failed, call->owner);
    end_waiting(call, NULL);
    leave(call, saved_errno);
}

void spy_connect_polled(struct spy_query *call, int status)
{
    struct spy_conn *conn = call->conn;
    bool over = status == PGRES_POLLING_OK || status == PGRES_POLLING_FAILED;
    if (call->region == NULL) {
        if (!over)
            inner_progress(call->pq, call->pgconn);
        return;
    }
    if (conn != NULL && under_way(conn, call->region)) {
        int saved_errno = errno;
        if (over) {
            connected(call->region, conn, call->pgconn, conn->connect_ns,
                      status == PGRES_POLLING_FAILED, conn->connect_owner);
            spy_inflight_gone(conn);
        } else {
            spy_inflight_reach_on(conn, call->region, call->pgconn);
        }
        errno = saved_errno;
    }
    spy_query_done(call);
}

const struct spy_libpq *spy_connect_finish(PGconn *pgconn, const void *caller)
{
    struct spy_conn *conn = spy_conn_find(pgconn);
    if (conn == NULL)
        return spy_libpq_of_handle(pgconn, caller);
    const struct spy_libpq *pq = conn->pq;
    int saved_errno = errno;
    spy_query_abandon(conn, pgconn);
    struct spy_region *region = spy_process_region();
    if (conn->connect_ns != 0 && region != NULL)
        spy_conn_learn(conn, pgconn, region);
    give_up(conn, SPY_BUILTIN_CONNECT);
    if (spy_thread.sending == conn)
        spy_thread.sending = NULL; /* left behind by a jump out of a call */
    spy_conn_remove(pgconn);
    spy_guard_forget(pgconn);
    errno = saved_errno;
    return pq;
}

/* ---- cancels -------------------------------------------------------------------------------- */

void spy_cancel_made(const void *handle, const PGconn *pgconn, const struct spy_libpq *pq)
{
    int saved_errno = errno;
    const struct spy_conn *conn = spy_conn_find(pgconn);
    struct spy_conn *row = handle != NULL ? spy_conn_add(handle, pq) : NULL;
    if (row != NULL) {
        row->endpoint = conn != NULL ? conn->endpoint : 0;
        row->backend_pid = conn != NULL ? conn->backend_pid : 0;
    }
    errno = saved_errno;
}

const struct spy_libpq *spy_cancel_freed(const void *handle, const void *caller)
{
    const struct spy_libpq *pq = spy_connect_libpq(handle, caller);
    struct spy_conn *row = spy_conn_find(handle);
    int saved_errno = errno;
    if (row != NULL)
        give_up(row, SPY_BUILTIN_CANCEL);
    spy_conn_remove(handle);
    errno = saved_errno;
    return pq;
}

static const struct spy_libpq *begin_cancel(struct spy_connect *call, const void *handle,
                                            const void *guarded, const void *caller,
                                            const void *frame)
{
    const struct spy_conn *row = spy_conn_find(handle);
    call->pq = row != NULL ? row->pq : spy_handout_of_handle(handle);
    if (call->pq == NULL)
        call->pq = spy_libpq_known();
    if (call->pq == NULL)
        call->pq = spy_libpq_of_caller(caller);
    if (call->pq != NULL)
        begin(call, guarded, caller, frame);
    return call->pq;
}

const struct spy_libpq *spy_cancel_begin(struct spy_connect *call, const void *handle,
                                         const void *caller, const void *frame)
{
    return begin_cancel(call, handle, SPY_GUARD_CANCEL, caller, frame);
}

const struct spy_libpq *spy_cancel_poll_begin(struct spy_connect *call, const void *handle,
                                              const void *caller, const void *frame)
{
    return begin_cancel(call, handle, handle, caller, frame);
}

void spy_cancel_end(struct spy_connect *call, const void *handle, bool failed)
{
    if (!call->outermost)
        return;
    int saved_errno = errno;
    if (call->region != NULL)
        record_own(call->region, SPY_BUILTIN_CANCEL, failed, call->begin_ns, spy_conn_find(handle),
                   nobody);
    leave(call, saved_errno);
}

void spy_cancel_started(struct spy_connect *call, const void *handle, bool started)
{
    struct spy_conn *row = spy_conn_find(handle);
    if (row == NULL || !started || !call->outermost) {
        spy_cancel_end(call, handle, !started);
        return;
    }
    int saved_errno = errno;
    give_up(row, SPY_BUILTIN_CANCEL); /* the one before, which was reset */
    row->connect_ns = call->begin_ns;
    leave(call, saved_errno);
}

void spy_cancel_polled(struct spy_connect *call, const void *handle, int status)
{
    struct spy_conn *row = spy_conn_find(handle);
    bool over = status == PGRES_POLLING_OK || status == PGRES_POLLING_FAILED;
    if (!call->outermost)
        return;
    int saved_errno = errno;
    if (row != NULL && over && under_way(row, call->region)) {
        record_own(call->region, SPY_BUILTIN_CANCEL, status == PGRES_POLLING_FAILED,
                   row->connect_ns, row, nobody);
        row->connect_ns = 0;
    }
    leave(call, saved_errno);
}
