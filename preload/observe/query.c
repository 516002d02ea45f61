/* SPDX-License-Identifier: MIT */
/*
 * Calls of libpq on a connection: when what a call (observe/begin.c) asked for (observe/ask.c) was
 * over. What results mean is observe/result.c's business. See query.h for the contract.
 */
#include "observe/query.h"

#include "observe/captured.h"
#include "observe/inflight.h"
#include "observe/observe.h"
#include "observe/plain.h"
#include "observe/result.h"
#include "observe/sequence.h"
#include "record/shard.h"
#include "runtime/clock.h"
#include "runtime/process.h"

#include <errno.h>

/* ---- end ------------------------------------------------------------------------------------ */

/* Behind the real call. */
static inline void come_back(struct spy_query *call)
{
    if (__builtin_expect(call->timed, 0))
        spy_cost_go_on(&call->timing);
}

/* Now; where FLIGHT is not timed, the moment that it is told to have begun at. */
static inline uint64_t now_for(const struct spy_flight *flight)
{
    return SPY_LIKELY(flight == NULL || flight->sampled != SPY_UNTIMED) ? spy_now()
                                                                        : flight->begin_ns;
}

static inline void leave(struct spy_query *call, int saved_errno)
{
    if (call->conn != NULL)
        call->conn->batch = NULL;
    spy_thread.sending = call->sending_before;
    spy_guard_leave_first(call->pgconn, call->frame);
    if (__builtin_expect(call->timed, 0))
        spy_cost_end(&call->timing, call->region, SPY_KIND_SQL);
    errno = saved_errno;
}

void spy_query_done(struct spy_query *call)
{
    if (call->region == NULL)
        return;
    come_back(call);
    leave(call, errno);
}

/* Outside a pipeline libpq fetches and discards what the program did not before it asks anew: what
 * is still in flight ended there. Not so where it REFUSED because something is under way. A
 * pipeline is begun and ended only where nothing is. */
static inline void discard(struct spy_query *call, bool pipeline, bool refused)
{
    struct spy_flights *flights = call->conn != NULL ? &call->conn->flights : NULL;
    if (flights == NULL || (pipeline && flights->pipelined))
        return;
    if (!refused)
        flights->stray = false;
    if (SPY_LIKELY(!spy_flights_any(flights)))
        return;
    if (!refused || call->pq->PQtransactionStatus(call->pgconn) != PQTRANS_ACTIVE)
        spy_result_discard(call, call->flight.begin_ns);
}

/* In a pipeline libpq keeps what is sent until somebody flushes, or until it is enough; outside one
 * it tries at once. */
__attribute__((noinline)) static void stay_in_flight(struct spy_query *call, bool pipeline)
{
    struct spy_flights *flights = call->conn != NULL ? &call->conn->flights : NULL;
    struct spy_flight *flight = NULL;
    if (flights != NULL) {
        flights->pipelined = pipeline;
        flight = spy_flights_push(flights, &call->flight);
    }
    if (call->capturing && flight != NULL)
        flight->captured = spy_captured_copy(call);
    if (flight == NULL)
        spy_self_count(call->region, SPY_SELF_FLIGHTS_FULL);
    else if (pipeline && !flights->left && flights->unsent == NULL)
        flights->unsent = flight;
}

/* The end of a statement that is no plain one. */
__attribute__((noinline)) static void end_any(struct spy_query *call, const PGresult *result,
                                              uint64_t now)
{
    struct spy_flight *flight = &call->flight;
    bool told_apart = flight->first_ns != 0 || flight->part != 0;  /* by inner_result() */
    bool pipeline = result == NULL && spy_query_in_pipeline(call); /* there it is refused */
    discard(call, pipeline, result == NULL);
    if (!told_apart) {
        flight->whole = true;
        spy_result_take(call, flight, result, now);
    }
    if (flight->copy != SPY_COPY_NONE)
        stay_in_flight(call, pipeline); /* over when the program has fetched the end of it */
    else if (!told_apart)
        spy_result_credit(call, flight, now);
    spy_inflight_settle(call, now);
}

/* Of an operation that is sampled. A call that stands for several is no plain one. */
__attribute__((noinline)) static void end_sampled(struct spy_query *call, const PGresult *result)
{
    come_back(call);
    bool untimed = call->flight.sampled == SPY_UNTIMED;
    uint64_t now = untimed ? call->flight.begin_ns : spy_now();
    int saved_errno = errno;
    call->transaction = 0;
    if (!untimed || !spy_plain_end(call, result, now, true))
        end_any(call, result, now);
    leave(call, saved_errno);
}

__attribute__((noinline)) static void end_timed(struct spy_query *call, const PGresult *result)
{
    come_back(call);
    uint64_t now = spy_now();
    int saved_errno = errno;
    call->transaction = 0;
    if (!spy_plain_end(call, result, now, false))
        end_any(call, result, now);
    leave(call, saved_errno);
}

/* Either is out of line, so that neither saves registers for the other. */
void spy_query_end(struct spy_query *call, const PGresult *result)
{
    if (call->region == NULL)
        return;
    if (SPY_LIKELY(call->flight.sampled == 0))
        end_timed(call, result);
    else
        end_sampled(call, result);
}

void spy_query_end_own(struct spy_query *call, bool failed, uint64_t bytes_in, uint64_t bytes_out)
{
    if (call->region == NULL)
        return;
    come_back(call);
    uint64_t now = spy_now();
    int saved_errno = errno;
    call->flight.failed = failed;
    call->flight.code = failed ? SPY_SQLSTATE_NO_ANSWER : 0;
    call->flight.bytes_in = bytes_in;
    call->flight.bytes_out = bytes_out;
    discard(call, spy_query_in_pipeline(call), failed);
    spy_result_credit(call, &call->flight, now);
    spy_inflight_settle(call, now);
    leave(call, saved_errno);
}

void spy_query_sent(struct spy_query *call, int sent)
{
    if (call->region == NULL) {
        if (sent && call->conn != NULL && call->conn->batch != NULL)
            call->conn->batch->asked = true;
        return;
    }
    come_back(call);
    uint64_t now = sent ? 0 : spy_now();
    int saved_errno = errno;
    if (sent) {
        bool pipeline = spy_query_in_pipeline(call);
        discard(call, pipeline, false);
        stay_in_flight(call, pipeline);
    } else {
        call->flight.whole = true;
        spy_result_take(call, &call->flight, NULL, now);
        spy_result_credit(call, &call->flight, now);
    }
    spy_inflight_settle(call, now);
    leave(call, saved_errno);
}

void spy_query_synced(struct spy_query *call, int sent)
{
    if (call->region == NULL)
        return;
    come_back(call);
    int saved_errno = errno;
    if (sent && call->conn != NULL) {
        call->flight = (struct spy_flight){
            .kind = SPY_FLIGHT_SYNC,
            .op = spy_classify_builtin(spy_observe_classifier(), SPY_BUILTIN_SYNC),
            .begin_ns = spy_now(),
        };
        discard(call, true, false);
        call->conn->flights.pipelined = true;
        spy_flights_push(&call->conn->flights, &call->flight);
    }
    leave(call, saved_errno);
}

/* In a synchronous call libpq fetches results by its own PQgetResult: first those that the program
 * left, then its own, and that is the only way to tell several statements of it apart. A copy of
 * libpq whose inner calls do not pass here (linked with -Bsymbolic) shows the call as one. */
static void inner_result(struct spy_query *call, const PGresult *result)
{
    struct spy_conn *conn = call->conn;
    struct spy_region *region = spy_process_region();
    if (conn == NULL || region == NULL || (conn->batch == NULL && !spy_flights_any(&conn->flights)))
        return;
    int saved_errno = errno;
    uint64_t now = spy_now();
    struct spy_query *batch = conn->batch;
    const struct spy_flight *head = conn->flights.head;
    if (result == NULL && head != NULL && head->over_ns != 0)
        now = head->over_ns; /* the program had all of it then */
    call->region = region;
    if (batch == NULL || !batch->asked)
        spy_result_handed(call, result, now);
    else if (result != NULL) {
        batch->transaction = 0; /* libpq goes on: it changes from result to result */
        spy_result_take(batch, &batch->flight, result, now);
    }
    call->region = NULL;
    errno = saved_errno;
}

void spy_query_result(struct spy_query *call, const PGresult *result)
{
    if (call->region == NULL) {
        inner_result(call, result);
        return;
    }
    come_back(call);
    uint64_t now = now_for(call->conn != NULL ? call->conn->flights.head : NULL);
    int saved_errno = errno;
    if (call->conn != NULL)
        spy_result_handed(call, result, now);
    spy_inflight_settle(call, now);
    leave(call, saved_errno);
}

/* ---- COPY ----------------------------------------------------------------------------------- */

/* The statement that copies, or NULL: its beginning was not seen. A program that finds out by other
 * means that it may begin need not have fetched the result that says so: COPY says it then, and is
 * SPY_COPY_NONE where nothing was copied. */
static struct spy_flight *copying(const struct spy_query *call, enum spy_copy_way copy)
{
    struct spy_flight *head = call->conn != NULL ? call->conn->flights.head : NULL;
    if (call->region == NULL || head == NULL)
        return NULL;
    if (head->copy == SPY_COPY_NONE && copy != SPY_COPY_NONE) {
        head->copy = (uint8_t)copy;
        if (head->first_ns == 0)
            head->first_ns = spy_now();
    }
    return head->copy != SPY_COPY_NONE ? head : NULL;
}

void spy_query_copied_in(struct spy_query *call, uint64_t bytes)
{
    struct spy_flight *flight = copying(call, bytes > 0 ? SPY_COPY_IN : SPY_COPY_NONE);
    if (flight != NULL)
        flight->bytes_out += bytes;
    spy_query_done(call);
}

void spy_query_copied_out(struct spy_query *call, uint64_t bytes, bool row)
{
    struct spy_flight *flight = copying(call, bytes > 0 ? SPY_COPY_OUT : SPY_COPY_NONE);
    if (flight != NULL) {
        flight->bytes_in += bytes;
        flight->rows += row;
    }
    spy_query_done(call);
}

/* libpq has fetched the result, by its own PQgetResult, where that passes here. Where PQendcopy
 * FAILED, it may have done nothing (it does so where all rows were fetched); PQgetResult will tell.
 */
void spy_query_copy_ended(struct spy_query *call, bool failed)
{
    if (call->region == NULL)
        return;
    come_back(call);
    int saved_errno = errno;
    struct spy_flight *flight = copying(call, SPY_COPY_NONE);
    if (flight != NULL && !failed)
        spy_result_unseen(call, flight, spy_now());
    leave(call, saved_errno);
}

/* ---- others --------------------------------------------------------------------------------- */

void spy_query_notified(struct spy_query *call, uint64_t begin_ns, uint64_t bytes)
{
    if (call->region == NULL)
        return;
    come_back(call);
    int saved_errno = errno;
    struct spy_flight notify = {
        .kind = SPY_FLIGHT_OWN,
        .op = spy_classify_builtin(spy_observe_classifier(), SPY_BUILTIN_NOTIFY),
        .begin_ns = begin_ns,
        .bytes_in = bytes,
    };
    spy_result_credit(call, &notify, spy_now());
    leave(call, saved_errno);
}

void spy_query_abandon(struct spy_conn *conn, const PGconn *pgconn)
{
    struct spy_region *region = spy_process_region();
    if (region == NULL)
        return;
    int saved_errno = errno;
    struct spy_query call = {.pq = conn->pq, .conn = conn, .pgconn = pgconn, .region = region};
    if (!spy_conn_is_current(conn))
        spy_query_rejoin(conn, region);
    spy_result_cut(&call);
    spy_sequence_flush(region, conn);
    spy_inflight_gone(conn);
    errno = saved_errno;
}

void spy_query_bytes_left(void *sending)
{
    struct spy_conn *conn = sending;
    conn->flights.left = true;
    if (conn->flights.unsent != NULL)
        spy_flights_sent(&conn->flights, spy_now());
    spy_inflight_sent(conn);
}
