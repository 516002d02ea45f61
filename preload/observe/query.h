/* SPDX-License-Identifier: MIT */
/*
 * Calls of libpq on a connection: from the wrappers to statements in flight and recorded calls.
 *
 * A wrapper is three steps around the real call:
 *
 *   spy_query_begin()     which copy of libpq to call (NULL only where there is none at all), and
 *                         is this a call of the program, or libpq's own inner one?
 *   spy_query_text() ...  what is asked, where something is: begins the measured span
 *   (the real call)
 *   spy_query_end()       a synchronous call's result: the statement is over, unless it copies
 *   spy_query_sent()      an asynchronous call's: the statement is in flight
 *   spy_query_result()    PQgetResult's: a statement in flight has come this far
 *   spy_query_done()      nothing happened that matters here
 *
 * Each but the first does nothing where the call is libpq's own. errno is left as the real call
 * left it. Hot path of a known connection: no lock, no allocation, no system call.
 *
 * Begin and end of a statement: design, "What is measured"; the queue of those in flight follows
 * libpq's (fe-exec.c: pqAppendCmdQueueEntry, pqCommandQueueAdvance) by its interface alone.
 */
#ifndef SPY_OBSERVE_QUERY_H
#define SPY_OBSERVE_QUERY_H

#include "observe/conn.h"
#include "record/cost.h"
#include "runtime/guard.h"
#include "runtime/libpq.h"
#include "runtime/process.h"

/* What the program gave to a call, where it was: for a capture, which copies it once libpq has read
 * it. */
struct spy_asked {
    const char *text; /* NULL: the statement was prepared */
    const char *name; /* under this; NULL: it was not */
    unsigned how;     /* to read the text: shared/sql.h */
    int params;
    const Oid *types;
    const char *const *values;
    const int *lengths;
    const int *formats;
};

/* A call under way; lives in the wrapper's frame. */
struct spy_query {
    const struct spy_libpq *pq;
    struct spy_conn *conn; /* NULL where the connection table is full */
    const PGconn *pgconn;
    const void *frame;
    const void *site;           /* where the program called from */
    struct spy_region *region;  /* NULL: pass through, this is no event */
    void *sending_before;       /* spy_thread.sending outside this call */
    struct spy_open_conn *open; /* where the connection is listed; NULL: not looked up, or not */
    uint8_t transaction; /* PGTransactionStatusType + 1 behind the real call; 0: not asked yet */
    bool asked;          /* libpq has sent what is asked: results that it gets answer that */
    bool capturing;      /* `given` is filled in */
    bool timed;          /* our own part is: `timing` is filled in */
    struct spy_flight flight; /* what is asked; valid after spy_query_text() and its like */
    struct spy_asked given;
    struct spy_timing timing;
};

/*
 * The copy of libpq to call where that is all there is to do: libpq calls itself, on a connection
 * on which that tells us nothing, or nothing is watched. NULL: the call may be an event, begin it.
 * Most calls are libpq's own, and these are told with no more than what is here.
 */
static inline const struct spy_libpq *spy_query_passes(const PGconn *pgconn, const void *caller,
                                                       const void *frame)
{
    const struct spy_guard_frame *outer = &spy_thread.guard[0];
    const struct spy_libpq *pq = outer->passes;
    if (outer->conn == pgconn && (uintptr_t)outer->frame > (uintptr_t)frame && pq != NULL &&
        (uintptr_t)caller - (uintptr_t)pq->base < pq->bytes)
        return pq;
    if (SPY_LIKELY(!atomic_load_explicit(&spy_process_dormant, memory_order_relaxed)))
        return NULL;
    const struct spy_conn *last = spy_thread.conn;
    bool known = last != NULL && pgconn != NULL &&
                 atomic_load_explicit(&last->handle, memory_order_relaxed) == pgconn &&
                 spy_process_is_settled();
    return known ? last->pq : NULL;
}

/* May it be known of a name what is prepared under it on PGCONN? */
static inline bool spy_query_knows_names(const PGconn *pgconn)
{
    const struct spy_conn *last = spy_thread.conn;
    return last == NULL || last->named ||
           atomic_load_explicit(&last->handle, memory_order_relaxed) != pgconn;
}

const struct spy_libpq *spy_query_begin(struct spy_query *call, const PGconn *conn,
                                        const void *caller, const void *frame);

/* CONN is used again, and recording was switched off meanwhile. */
void spy_query_rejoin(struct spy_conn *conn, struct spy_region *region);

/* Is the connection in pipeline mode? */
static inline bool spy_query_in_pipeline(const struct spy_query *call)
{
    return call->pq->PQpipelineStatus != NULL &&
           call->pq->PQpipelineStatus(call->pgconn) != PQ_PIPELINE_OFF;
}

/* What libpq says of the transaction, plus 1, once the real call is over. */
static inline uint8_t spy_query_transaction(struct spy_query *call)
{
    if (call->transaction == 0)
        call->transaction = (uint8_t)(call->pq->PQtransactionStatus(call->pgconn) + 1);
    return call->transaction;
}

/* The statements of TEXT. NULL is a text, too: libpq refuses it. */
void spy_query_text(struct spy_query *call, const char *text);

/* The one statement that TEXT has to be, with PARAMS bind parameters. */
void spy_query_command(struct spy_query *call, const char *text, int params);

/* The statement prepared under NAME. */
void spy_query_name(struct spy_query *call, const char *name, int params);

/* The parameters of either, as the program gave them to libpq, and for as long as the call. */
static inline void spy_query_values(struct spy_query *call, int params, const Oid *types,
                                    const char *const *values, const int *lengths,
                                    const int *formats)
{
    if (!call->capturing)
        return;
    call->given.params = params;
    call->given.types = types;
    call->given.values = values;
    call->given.lengths = lengths;
    call->given.formats = formats;
}

/* TEXT is to be prepared under NAME. */
void spy_query_prepare(struct spy_query *call, const char *name, const char *text);

/* An operation of libpq's own. */
void spy_query_own(struct spy_query *call, enum spy_builtin which);

void spy_query_end(struct spy_query *call, const PGresult *result);

/* The end of a synchronous call that gives no result: FAILED, or BYTES_IN and BYTES_OUT moved. */
void spy_query_end_own(struct spy_query *call, bool failed, uint64_t bytes_in, uint64_t bytes_out);

/* SENT is what PQsend* returned: 1, or 0 where libpq refused. */
void spy_query_sent(struct spy_query *call, int sent);

/* PQpipelineSync and its like: SENT as above. */
void spy_query_synced(struct spy_query *call, int sent);

void spy_query_result(struct spy_query *call, const PGresult *result);
void spy_query_done(struct spy_query *call);

/* COPY data: bytes the program handed to libpq, or (a ROW, or part of one) got from it. */
void spy_query_copied_in(struct spy_query *call, uint64_t bytes);
void spy_query_copied_out(struct spy_query *call, uint64_t bytes, bool row);

/* PQendcopy: the statement that copies is over. */
void spy_query_copy_ended(struct spy_query *call, bool failed);

/* PQnotifies, begun at BEGIN_NS, handed over a notification of BYTES. */
void spy_query_notified(struct spy_query *call, uint64_t begin_ns, uint64_t bytes);

/* The program's connection is about to be freed or reset: what is in flight ends, what is held is
 * credited. */
void spy_query_abandon(struct spy_conn *conn, const PGconn *pgconn);

/* Bytes went to a socket inside a call of libpq. `sending` is spy_thread.sending. Signal-safe. */
void spy_query_bytes_left(void *sending);

#endif
