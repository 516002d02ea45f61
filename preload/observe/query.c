/* SPDX-License-Identifier: MIT */
/*
 * Queries and connects: what a call of libpq meant. See query.h for the contract.
 */
#include "observe/query.h"

#include "observe/observe.h"
#include "observe/prepared.h"
#include "observe/sequence.h"
#include "record/record.h"
#include "record/shard.h"
#include "runtime/clock.h"
#include "runtime/process.h"

#include <errno.h>
#include <string.h>

/* ---- begin ---------------------------------------------------------------------------------- */

/* A connection seen for the first time in a query was made where we did not see it. Without one
 * there is nothing to call: libpq fails on NULL as a wrapper does that has no copy. */
static struct spy_conn *conn_of(const PGconn *pgconn, const void *caller,
                                const struct spy_libpq **pq)
{
    struct spy_conn *conn = spy_conn_find(pgconn);
    if (conn != NULL) {
        *pq = conn->pq;
        return conn;
    }
    *pq = pgconn != NULL ? spy_libpq_of_caller(caller) : NULL;
    if (*pq == NULL)
        return NULL;
    conn = spy_conn_add(pgconn, *pq);
    struct spy_region *region = spy_process_region();
    if (conn == NULL && region != NULL)
        spy_self_count(region, SPY_SELF_CONNS_FULL);
    return conn;
}

const struct spy_libpq *spy_query_begin(struct spy_query *call, PGconn *pgconn, const void *caller,
                                        const void *frame)
{
    call->pgconn = pgconn;
    call->frame = frame;
    call->conn = conn_of(pgconn, caller, &call->pq);
    call->region = NULL;
    if (call->pq == NULL)
        return NULL;
    struct spy_region *region = spy_process_region();
    if (region == NULL) { /* a forked child with its parent's connection begins its own watch */
        spy_process_start();
        region = spy_process_region();
    }
    if (region != NULL && spy_guard_enter(pgconn, frame)) {
        call->region = region;
        call->begin_ns = spy_now();
    }
    return call->pq;
}

/* ---- results -------------------------------------------------------------------------------- */

/* Rows a command tag tells: the last number of "INSERT 0 5", "UPDATE 3", "COPY 7". PQcmdTuples
 * would do it too, but can call the program's notice processor. */
static uint64_t rows_of_tag(const char *tag)
{
    const char *number = tag != NULL ? strrchr(tag, ' ') : NULL;
    uint64_t rows = 0;
    if (number == NULL)
        return 0;
    for (number++; *number >= '0' && *number <= '9'; number++)
        rows = rows * 10 + (uint64_t)(*number - '0');
    return *number == '\0' ? rows : 0;
}

static void read_result(struct spy_sample *sample, const struct spy_libpq *pq,
                        const PGresult *result)
{
    if (result == NULL) {
        sample->failed = 1;
        sample->code = SPY_SQLSTATE_NOT_SENT;
        return;
    }
    ExecStatusType status = pq->PQresultStatus(result);
    if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE) {
        uint32_t code = spy_sqlstate_pack(pq->PQresultErrorField(result, PG_DIAG_SQLSTATE));
        sample->failed = 1;
        sample->code = code != 0 ? code : SPY_SQLSTATE_NO_ANSWER;
    } else if (status == PGRES_TUPLES_OK) {
        sample->rows = (uint64_t)pq->PQntuples(result);
    } else if (status == PGRES_COMMAND_OK) {
        sample->rows = rows_of_tag(pq->PQcmdStatus((PGresult *)(uintptr_t)result));
    }
    if (pq->PQresultMemorySize != NULL)
        sample->bytes_in = pq->PQresultMemorySize(result);
}

/* Ends the measured span; the first thing after the real call. A synchronous call hands over its
 * result when it returns, so all of it is waiting and nothing consuming. */
static struct spy_sample end_span(const struct spy_query *call)
{
    uint64_t now = spy_now();
    return (struct spy_sample){
        .end_ns = now,
        .dur_ns = now - call->begin_ns,
        .wait_ns = now - call->begin_ns,
    };
}

/* Names prepared in one watch mean nothing in another (a fork's child has other statement rows). */
static uint64_t prepared_key(const struct spy_query *call)
{
    return call->conn->serial ^ call->region->epoch_mono_ns;
}

/* ---- end ------------------------------------------------------------------------------------ */

/* A call that has ended, between what it was and where it is counted. */
struct ended {
    struct spy_sample sample;
    struct spy_classifier *classifier;
    int saved_errno;
};

static struct ended begin_end(const struct spy_query *call, const PGresult *result)
{
    struct ended ended = {
        .sample = end_span(call), .classifier = spy_observe_classifier(), .saved_errno = errno};
    read_result(&ended.sample, call->pq, result);
    return ended;
}

static void finish_end(const struct spy_query *call, const struct ended *ended)
{
    spy_guard_leave(call->pgconn, call->frame);
    errno = ended->saved_errno;
}

/* Counts the call as STMT, or as part of a sequence. */
static void count_as(const struct spy_query *call, struct ended *ended, spy_stmt stmt)
{
    spy_sequence_add(call->region, ended->classifier, call->conn, stmt, &ended->sample);
}

void spy_query_end(struct spy_query *call, const char *text, const PGresult *result)
{
    if (call->region == NULL)
        return;
    struct ended ended = begin_end(call, result);
    spy_stmt stmt = SPY_STMT_OTHER;
    if (text != NULL)
        stmt = spy_classify_sql(ended.classifier, text, strlen(text));
    count_as(call, &ended, stmt);
    finish_end(call, &ended);
}

static spy_stmt stmt_of_name(const struct spy_query *call, struct spy_classifier *classifier,
                             const char *name)
{
    spy_stmt stmt;
    if (name == NULL)
        return SPY_STMT_OTHER;
    if (call->conn != NULL && spy_prepared_get(prepared_key(call), name, &stmt))
        return stmt;
    spy_self_count(call->region, SPY_SELF_PREPARED_UNKNOWN);
    return spy_classify_prepared(classifier, name, NULL, 0);
}

void spy_query_end_prepared(struct spy_query *call, const char *name, const PGresult *result)
{
    if (call->region == NULL)
        return;
    struct ended ended = begin_end(call, result);
    count_as(call, &ended, stmt_of_name(call, ended.classifier, name));
    finish_end(call, &ended);
}

void spy_query_prepared(struct spy_query *call, const char *name, const char *text,
                        const PGresult *result)
{
    if (call->region == NULL)
        return;
    struct ended ended = begin_end(call, result);
    if (!ended.sample.failed && name != NULL && text != NULL && call->conn != NULL)
        spy_prepared_put(prepared_key(call), name,
                         spy_classify_prepared(ended.classifier, name, text, strlen(text)));
    ended.sample.op = spy_classify_builtin(ended.classifier, SPY_BUILTIN_PREPARE);
    spy_record(call->region, &ended.sample);
    finish_end(call, &ended);
}

/* ---- connections ---------------------------------------------------------------------------- */

const struct spy_libpq *spy_query_finish(PGconn *pgconn, const void *caller)
{
    struct spy_conn *conn = spy_conn_find(pgconn);
    struct spy_region *region = spy_process_region();
    if (conn == NULL)
        return spy_libpq_of_caller(caller);
    const struct spy_libpq *pq = conn->pq;
    if (region != NULL)
        spy_sequence_flush(region, spy_observe_classifier(), conn);
    spy_conn_remove(pgconn);
    return pq;
}

static void begin_connect(struct spy_connect *call, const PGconn *guarded, const void *frame)
{
    call->guarded = guarded;
    call->frame = frame;
    spy_process_start();
    call->outermost = spy_guard_enter(guarded, frame);
    call->region = call->outermost ? spy_process_region() : NULL;
    call->begin_ns = call->region != NULL ? spy_now() : 0;
}

const struct spy_libpq *spy_connect_begin(struct spy_connect *call, const void *caller,
                                          const void *frame)
{
    call->pq = spy_libpq_of_caller(caller);
    if (call->pq != NULL)
        begin_connect(call, NULL, frame);
    return call->pq;
}

const struct spy_libpq *spy_reset_begin(struct spy_connect *call, PGconn *pgconn,
                                        const void *caller, const void *frame)
{
    struct spy_conn *conn = conn_of(pgconn, caller, &call->pq);
    struct spy_region *region = spy_process_region();
    if (conn != NULL && region != NULL)
        spy_sequence_flush(region, spy_observe_classifier(), conn);
    if (call->pq != NULL)
        begin_connect(call, pgconn, frame);
    return call->pq;
}

void spy_connect_started(struct spy_connect *call, PGconn *conn)
{
    if (!call->outermost)
        return; /* libpq's own PQconnectStart inside PQconnectdb */
    int saved_errno = errno;
    struct spy_conn *stale = spy_conn_find(conn); /* never finished, and its address used again */
    if (stale != NULL && call->region != NULL)
        spy_sequence_flush(call->region, spy_observe_classifier(), stale);
    if (conn != NULL && spy_conn_add(conn, call->pq) == NULL && call->region != NULL)
        spy_self_count(call->region, SPY_SELF_CONNS_FULL);
    spy_guard_leave(call->guarded, call->frame);
    errno = saved_errno;
}

void spy_connect_end(struct spy_connect *call, PGconn *conn)
{
    uint64_t now = call->region != NULL ? spy_now() : 0;
    int saved_errno = errno;
    if (call->region != NULL) {
        bool failed = conn == NULL || call->pq->PQstatus(conn) != CONNECTION_OK;
        struct spy_sample sample = {
            .op = spy_classify_builtin(spy_observe_classifier(), SPY_BUILTIN_CONNECT),
            .failed = failed,
            .code = failed ? SPY_SQLSTATE_NO_ANSWER : 0,
            .end_ns = now,
            .dur_ns = now - call->begin_ns,
            .wait_ns = now - call->begin_ns,
        };
        spy_record(call->region, &sample);
    }
    spy_connect_started(call, conn);
    errno = saved_errno;
}
