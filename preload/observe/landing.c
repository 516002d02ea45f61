/* SPDX-License-Identifier: MIT */
/*
 * Which statement in flight a result belongs to, and the end of each: the queue is walked as libpq
 * walks its own. See result.h for the contract.
 */
#include "observe/result.h"

#include "runtime/clock.h"

/* The head is over. Of a text with several statements each was credited with its own result. */
static void finish_head(struct spy_query *call, uint64_t now)
{
    struct spy_flights *flights = &call->conn->flights;
    if (flights->head->part == 0)
        spy_result_credit(call, flights->head, now);
    spy_flights_pop(flights);
}

/* The same where its end was not fetched, and will not be, CUT or not: of several statements one
 * may be under way. */
static void break_head(struct spy_query *call, bool cut, uint64_t now)
{
    struct spy_flights *flights = &call->conn->flights;
    struct spy_flight *head = flights->head;
    if (head->over_ns != 0) {
        now = head->over_ns;
    } else if (cut && head->kind != SPY_FLIGHT_SYNC) {
        head->aborted = flights->unsent == head;
        head->failed = true;
        head->code = SPY_SQLSTATE_ABANDONED;
    }
    if (spy_result_under_way(head))
        spy_result_credit(call, head, now);
    spy_flights_pop(flights);
}

/* Nothing more comes for the head: it is over if it had its result, else it was never executed. */
static void abort_head(struct spy_query *call)
{
    struct spy_flight *head = call->conn->flights.head;
    head->aborted = head->aborted || head->over_ns == 0;
    finish_head(call, head->over_ns);
}

static void abort_all(struct spy_query *call)
{
    while (call->conn->flights.head != NULL)
        abort_head(call);
    spy_flights_clear(&call->conn->flights);
}

/* The end of a segment: what is queued before it is over, and what did not end is nothing we can
 * time. That happens only where we joined in the middle of a pipeline. */
static void reach_sync(struct spy_query *call, uint64_t now)
{
    struct spy_flights *flights = &call->conn->flights;
    while (flights->head != NULL && flights->head->kind != SPY_FLIGHT_SYNC)
        abort_head(call);
    if (flights->head != NULL)
        finish_head(call, now);
    else if (flights->lost > 0)
        flights->lost--;
    flights->seen = false;
    flights->stray = false;
}

/* libpq has handed over all of the oldest; unless that is the end of a segment, whose own result is
 * still to come, also after an error. */
static void reach_end(struct spy_query *call, uint64_t now)
{
    struct spy_flights *flights = &call->conn->flights;
    if (flights->head == NULL)
        flights->lost -= flights->lost > 0; /* nothing is known of it but that it was there */
    else if (flights->head->kind != SPY_FLIGHT_SYNC)
        finish_head(call, now);
}

static void nothing_handed(struct spy_query *call, uint64_t now)
{
    struct spy_flights *flights = &call->conn->flights;
    bool pipeline = spy_query_in_pipeline(call);
    if (!pipeline || flights->seen)
        reach_end(call, now);
    else if (!flights->stray)
        abort_all(call); /* libpq has nothing in flight */
    flights->seen = false;
    flights->stray = false;
    if (!pipeline || call->pq->PQstatus(call->pgconn) == CONNECTION_BAD)
        abort_all(call); /* nor anything behind it */
}

static void something_handed(struct spy_query *call, const PGresult *result, uint64_t now)
{
    struct spy_flights *flights = &call->conn->flights;
    /* To a program that queues a statement between an error and the NULL behind it libpq does not
     * give that NULL. */
    if (flights->seen && call->pq->PQresultStatus(result) == PGRES_PIPELINE_ABORTED)
        reach_end(call, flights->head != NULL ? flights->head->over_ns : 0);
    flights->seen = true;
    if (flights->head != NULL)
        spy_result_take(call, flights->head, result, now);
}

void spy_result_handed(struct spy_query *call, const PGresult *result, uint64_t now)
{
    struct spy_flights *flights = &call->conn->flights;
    if (result == NULL) {
        if (flights->stray || spy_flights_any(flights))
            nothing_handed(call, now);
    } else if (call->pq->PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
        reach_sync(call, now);
    } else if (!spy_flights_any(flights)) {
        flights->stray = true;
    } else if (!flights->stray) {
        something_handed(call, result, now);
    }
}

void spy_result_discard(struct spy_query *call, uint64_t now)
{
    bool lost = call->pq->PQstatus(call->pgconn) == CONNECTION_BAD;
    if (call->conn->flights.head != NULL)
        break_head(call, lost, now);
    abort_all(call);
}

void spy_result_cut(struct spy_query *call)
{
    if (call->conn->flights.head != NULL)
        break_head(call, true, spy_now());
    abort_all(call);
}
