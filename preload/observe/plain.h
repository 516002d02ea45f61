/* SPDX-License-Identifier: MIT */
/*
 * The end of a plain statement: one that a synchronous call asked for, that went well and was fast,
 * with nothing else in flight on its connection, no sequence that it may belong to, no request
 * under way and nobody who captures. It is what result.c and inflight.c would make of it, with no
 * more than that needs. Private to query.c.
 */
#ifndef SPY_OBSERVE_PLAIN_H
#define SPY_OBSERVE_PLAIN_H

#include "observe/inflight.h"
#include "observe/result.h"
#include "observe/sequence.h"
#include "record/plain.h"
#include "runtime/clock.h"

/* May CALL, whose real call gave RESULT, be a plain one? `alone` statements are not batches. */
static inline bool spy_plain_may_be(const struct spy_query *call, const PGresult *result)
{
    const struct spy_conn *conn = call->conn;
    const struct spy_flight *flight = &call->flight;
    return result != NULL && call->open != NULL && !call->capturing && flight->alone &&
           flight->kind == SPY_FLIGHT_STATEMENT && flight->first_ns == 0 &&
           flight->owner.request == 0 && flight->owner.way == SPY_WAY_NO_REQUEST &&
           !spy_flights_any(&conn->flights) && !spy_sequence_is_open(conn) &&
           conn->facts_epoch == call->region->epoch_mono_ns &&
           flight->begin_ns >= call->region->epoch_mono_ns;
}

/* The rows of a result that ends its statement. */
static inline void spy_plain_rows(struct spy_query *call, const PGresult *result,
                                  ExecStatusType status)
{
    const struct spy_libpq *pq = call->pq;
    const char *tag = pq->PQcmdStatus((PGresult *)(uintptr_t)result);
    if (status == PGRES_TUPLES_OK && tag[0] == 'S')
        call->flight.rows = (uint64_t)pq->PQntuples(result);
    else
        spy_result_rows(&call->flight, pq, result, status);
}

/* Records CALL, over at NOW with RESULT. False, and nothing was done, where it is no plain one.
 * UNTIMED: it is sampled, and its time was not taken. */
static inline __attribute__((always_inline)) bool
spy_plain_end(struct spy_query *call, const PGresult *result, uint64_t now, bool untimed)
{
    struct spy_flight *flight = &call->flight;
    if (!spy_plain_may_be(call, result))
        return false;
    ExecStatusType status = call->pq->PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        return false;
    call->conn->flights.stray = false;
    spy_plain_rows(call, result, status);
    flight->bytes_in = call->pq->PQresultMemorySize(result);
    struct spy_plain plain = {.op = flight->op,
                              .params = flight->params,
                              .dur_ns = spy_clock_since(now, flight->begin_ns),
                              .rows = flight->rows,
                              .affected = flight->affected,
                              .bytes_in = flight->bytes_in};
    if (!(untimed ? spy_record_untimed(call->region, &plain)
                  : spy_record_plain(call->region, &plain)))
        spy_result_credit(call, flight, now);
    spy_inflight_show_idle(call, call->open, now);
    return true;
}

#endif
