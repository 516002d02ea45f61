/* SPDX-License-Identifier: MIT */
/*
 * From results to recorded calls. See result.h for the contract.
 */
#include "observe/result.h"

#include "observe/captured.h"
#include "observe/prepared.h"
#include "observe/sequence.h"
#include "record/record.h"
#include "runtime/clock.h"

#include <string.h>

/* A part of a result, libpq 17 (PQsetChunkedRowsMode): newer than the oldest header we build with.
 */
#define TUPLES_CHUNK 12

/* ---- one result ----------------------------------------------------------------------------- */

/* The number that ends a command tag: "INSERT 0 5", "UPDATE 3", "COPY 7". PQcmdTuples would do it
 * too, but can call the program's notice processor. */
static uint64_t number_of_tag(const char *tag)
{
    const char *number = strrchr(tag, ' ');
    uint64_t rows = 0;
    if (number == NULL)
        return 0;
    for (number++; *number >= '0' && *number <= '9'; number++)
        rows = rows * 10 + (uint64_t)(*number - '0');
    return *number == '\0' ? rows : 0;
}

static bool changes_rows(const char *tag)
{
    return strncmp(tag, "INSERT", 6) == 0 || strncmp(tag, "UPDATE", 6) == 0 ||
           strncmp(tag, "DELETE", 6) == 0 || strncmp(tag, "MERGE", 5) == 0;
}

/* One without rows of its own tells by its tag how many it changed, made (CREATE TABLE AS is a
 * "SELECT 5" without rows) or copied. */
void spy_result_rows(struct spy_flight *flight, const struct spy_libpq *pq, const PGresult *result,
                     ExecStatusType status)
{
    const char *tag = pq->PQcmdStatus((PGresult *)(uintptr_t)result);
    if (status == PGRES_TUPLES_OK) {
        flight->rows += (uint64_t)pq->PQntuples(result);
        if (tag[0] != 'S' && changes_rows(tag)) /* ... RETURNING */
            flight->affected += number_of_tag(tag);
        return;
    }
    uint64_t rows =
        strncmp(tag, "MOVE", 4) == 0 ? 0 : number_of_tag(tag); /* those come to nobody */
    if (flight->copy == SPY_COPY_OUT)
        flight->rows = rows; /* the rows that passed were counted meanwhile */
    else
        flight->rows += rows;
    if (flight->copy == SPY_COPY_IN || tag[0] == 'S' || changes_rows(tag))
        flight->affected += rows;
}

SPY_SELDOM static void take_error(struct spy_flight *flight, const struct spy_libpq *pq,
                                  const PGresult *result)
{
    uint32_t code = spy_sqlstate_pack(pq->PQresultErrorField(result, PG_DIAG_SQLSTATE));
    flight->failed = true;
    flight->code = code != 0 ? code : SPY_SQLSTATE_NO_ANSWER;
}

/* The server copies: libpq says so until it is over, and then too, with a tag, to a program that
 * did not ask before. */
SPY_SELDOM static bool take_copy(struct spy_flight *flight, const struct spy_libpq *pq,
                                 const PGresult *result, ExecStatusType status)
{
    flight->copy = status == PGRES_COPY_OUT ? SPY_COPY_OUT : SPY_COPY_IN;
    if (pq->PQcmdStatus((PGresult *)(uintptr_t)result)[0] == '\0')
        return false;
    spy_result_rows(flight, pq, result, status);
    return true;
}

/* True: the result ends its statement. */
static bool take_status(struct spy_flight *flight, const struct spy_libpq *pq,
                        const PGresult *result, ExecStatusType status)
{
    switch ((int)status) {
    case PGRES_COPY_IN:
    case PGRES_COPY_BOTH:
    case PGRES_COPY_OUT:
        return take_copy(flight, pq, result, status);
    case PGRES_SINGLE_TUPLE:
    case TUPLES_CHUNK:
        flight->rows += (uint64_t)pq->PQntuples(result);
        return false;
    case PGRES_PIPELINE_ABORTED:
        flight->aborted = true;
        return true;
    case PGRES_FATAL_ERROR:
    case PGRES_BAD_RESPONSE:
        take_error(flight, pq, result);
        return true;
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
        spy_result_rows(flight, pq, result, status);
        return true;
    default:
        return true;
    }
}

/* FLIGHT goes on with the next statement of its text. */
SPY_SELDOM static void next_part(struct spy_flight *flight, uint64_t now)
{
    struct spy_flight next = {.kind = flight->kind,
                              .next = flight->next,
                              .classifier = flight->classifier,
                              .stmt = flight->stmt,
                              .part = flight->failed ? SPY_FLIGHT_STOPPED
                                                     : (uint16_t)(flight->part + 1),
                              .owner = flight->owner,
                              .site = flight->site,
                              .captured = flight->captured,
                              .begin_ns = now};
    *flight = next;
}

static uint32_t parts_of(const struct spy_flight *flight, const spy_stmt **parts)
{
    if (flight->alone || flight->kind != SPY_FLIGHT_STATEMENT || flight->whole)
        return 1;
    return spy_classify_parts(flight->classifier, flight->stmt, parts);
}

/* How far behind a preparation that failed its name is looked for. */
#define SAME_NAME_WITHIN 64

/* A preparation failed: its name stands for what it stood for before, also in what was queued
 * meanwhile and will be executed (behind the end of the segment); where that prepares it again,
 * what comes back if this, too, should fail. */
SPY_SELDOM static void unprepare(struct spy_conn *conn, const struct spy_flight *flight)
{
    if (flight->kind != SPY_FLIGHT_PREPARE || flight->prepared_key == 0)
        return;
    conn->prepared_changes++; /* it has a key, so there is one */
    struct spy_flight *later = flight->next;
    bool executed = false;
    for (int i = 0; later != NULL && i < SAME_NAME_WITHIN; i++, later = later->next) {
        executed = executed || later->kind == SPY_FLIGHT_SYNC;
        if (later->prepared_key != flight->prepared_key)
            continue;
        if (later->kind == SPY_FLIGHT_PREPARE) {
            later->classifier = flight->classifier;
            later->prepared_before = flight->prepared_before;
            later->text_before = flight->text_before;
            return;
        }
        if (executed && flight->prepared_before != SPY_STMT_OTHER) {
            later->classifier = flight->classifier;
            spy_flight_asks(later, flight->prepared_before);
        }
    }
    if (flight->prepared_before != SPY_STMT_OTHER)
        spy_prepared_put(flight->prepared_key, flight->classifier, flight->prepared_before,
                         flight->text_before);
    else
        spy_prepared_drop(flight->prepared_key, flight->classifier);
}

/* The result that ends FLIGHT, or the statement of it that is under way, was handed over. */
static inline void take_end(struct spy_query *call, struct spy_flight *flight, uint64_t now)
{
    const spy_stmt *parts;
    flight->over_ns = now;
    flight->copy = SPY_COPY_NONE;
    if (flight->failed || flight->aborted)
        unprepare(call->conn, flight);
    if (parts_of(flight, &parts) > 1) {
        spy_result_credit(call, flight, now);
        next_part(flight, now);
    }
}

/* A statement that failed is not answered twice: that tells of the connection's end over it. */
static bool over_and_lost(const struct spy_flight *flight, ExecStatusType status)
{
    return flight->part == SPY_FLIGHT_STOPPED ||
           (flight->over_ns != 0 && flight->failed && status == PGRES_FATAL_ERROR);
}

void spy_result_take(struct spy_query *call, struct spy_flight *flight, const PGresult *result,
                     uint64_t now)
{
    if (result == NULL) {
        flight->first_ns = now;
        flight->failed = true;
        flight->code = SPY_SQLSTATE_NOT_SENT;
        unprepare(call->conn, flight);
        return;
    }
    ExecStatusType status = call->pq->PQresultStatus(result);
    if (over_and_lost(flight, status))
        return;
    if (flight->first_ns == 0)
        flight->first_ns = now;
    bool copied = flight->copy != SPY_COPY_NONE;
    bool over = take_status(flight, call->pq, result, status);
    copied = copied || flight->copy != SPY_COPY_NONE; /* then its bytes are those that it copies */
    if (!copied && call->pq->PQresultMemorySize != NULL)
        flight->bytes_in += call->pq->PQresultMemorySize(result);
    if (over)
        take_end(call, flight, now);
}

void spy_result_unseen(struct spy_query *call, struct spy_flight *flight, uint64_t now)
{
    if (flight->first_ns == 0)
        flight->first_ns = now;
    take_end(call, flight, now);
}

bool spy_result_under_way(const struct spy_flight *flight)
{
    const spy_stmt *parts;
    return flight->part == 0 || flight->part < parts_of(flight, &parts);
}

/* ---- recording ------------------------------------------------------------------------------ */

static struct spy_sample sample_of(struct spy_query *call, const struct spy_flight *flight,
                                   uint64_t now)
{
    if (call->conn != NULL && call->conn->facts_epoch != call->region->epoch_mono_ns)
        spy_conn_learn(call->conn, call->pgconn, call->region);
    uint64_t first_ns = flight->first_ns != 0 ? flight->first_ns : now;
    return (struct spy_sample){
        .op = flight->op,
        .code = flight->code,
        .failed = flight->failed,
        .transaction = spy_query_transaction(call),
        .way = flight->owner.way,
        .sampled = flight->sampled,
        .endpoint = call->conn != NULL ? call->conn->endpoint : 0,
        .params = flight->params,
        .backend_pid = call->conn != NULL ? call->conn->backend_pid : 0,
        .end_ns = now,
        .dur_ns = spy_clock_since(now, flight->begin_ns),
        .wait_ns = spy_clock_since(first_ns, flight->begin_ns),
        .queue_ns = flight->sent_ns != 0 ? spy_clock_since(flight->sent_ns, flight->begin_ns) : 0,
        .rows = flight->rows,
        .affected = flight->affected,
        .bytes_in = flight->bytes_in,
        .bytes_out = flight->bytes_out,
    };
}

/* Of a call that was not timed: when it failed is worth a reading. */
static inline void leave_untimed(struct spy_sample *sample)
{
    sample->dur_ns = 0;
    sample->wait_ns = 0;
    sample->queue_ns = 0;
    if (sample->failed)
        sample->end_ns = spy_now();
}

static spy_stmt stmt_of(const struct spy_flight *flight)
{
    const spy_stmt *parts;
    uint32_t count = parts_of(flight, &parts);
    if (count <= 1)
        return flight->stmt;
    return parts[flight->part < count ? flight->part : count - 1];
}

uint32_t spy_result_op(const struct spy_flight *flight)
{
    if (flight->alone || flight->kind != SPY_FLIGHT_STATEMENT)
        return flight->op;
    return spy_classify_single(flight->classifier, stmt_of(flight));
}

/* The end of a pipeline's segment is no call, but its failure must not be lost: that of a commit,
 * mostly. What was begun before this watch is another's: we are a fork's child. */
static bool counts(const struct spy_query *call, const struct spy_flight *flight)
{
    if (flight->kind == SPY_FLIGHT_SYNC && !flight->failed)
        return false;
    return flight->begin_ns >= call->region->epoch_mono_ns;
}

/* What was kept of the statement that is credited now. That of a text with several stays for those
 * to come. */
static spy_capture_ticket captured_of(struct spy_query *call, struct spy_flight *flight)
{
    const spy_stmt *parts;
    spy_capture_ticket captured = flight->captured;
    if (captured == 0)
        return call->capturing && flight == &call->flight ? spy_captured_copy(call) : 0;
    if (parts_of(flight, &parts) > 1)
        return spy_capture_clone(captured);
    flight->captured = 0;
    return captured;
}

/* What most calls are that were not timed: nothing but numbers to add. */
static inline bool adds_up(const struct spy_query *call, const struct spy_flight *flight)
{
    return flight->sampled == SPY_UNTIMED && flight->alone && !flight->failed && !flight->aborted &&
           flight->owner.request == 0 && !spy_sequence_is_open(call->conn);
}

__attribute__((noinline)) static void add_up(struct spy_query *call,
                                             const struct spy_flight *flight)
{
    const struct spy_sample sample = {
        .op = flight->op,
        .sampled = SPY_UNTIMED,
        .way = flight->owner.way,
        .params = flight->params,
        .rows = flight->rows,
        .affected = flight->affected,
        .bytes_in = flight->bytes_in,
        .bytes_out = flight->bytes_out,
    };
    spy_record(call->region, &sample);
}

void spy_result_credit(struct spy_query *call, struct spy_flight *flight, uint64_t now)
{
    if (!counts(call, flight))
        return;
    if (__builtin_expect(adds_up(call, flight), 0)) {
        add_up(call, flight);
        return;
    }
    if (flight->aborted) {
        spy_record_aborted(call->region, spy_result_op(flight));
        return;
    }
    const char *detail = flight->name[0] != '\0' ? flight->name : NULL;
    struct spy_sample sample = sample_of(call, flight, now);
    if (__builtin_expect(sample.sampled == SPY_UNTIMED, 0))
        leave_untimed(&sample);
    if (flight->owner.request != 0)
        spy_attribute_ended(call->region, flight->owner, spy_result_op(flight), &sample,
                            flight->site);
    spy_capture_ticket captured =
        flight->kind == SPY_FLIGHT_STATEMENT ? captured_of(call, flight) : 0;
    bool at_once = flight->alone && captured == 0 && !spy_sequence_is_open(call->conn);
    if (flight->kind == SPY_FLIGHT_STATEMENT && !at_once)
        spy_sequence_add(call->region, flight->classifier, call->conn, stmt_of(flight), &sample,
                         detail, captured);
    else
        spy_record_with(call->region, &sample, detail);
}
