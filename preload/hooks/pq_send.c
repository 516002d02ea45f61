/* SPDX-License-Identifier: MIT */
/*
 * Wrappers of libpq's asynchronous calls: statements are sent, in a pipeline or one at a time, and
 * their results fetched. See pq_exec.c for what a wrapper is.
 */
#include "hooks/hooks.h"
#include "observe/query.h"
#include "runtime/clock.h"

#include <string.h>

/* The rest of the first three is apart, so that passing on libpq's own calls (all of PQexec and its
 * like make one) saves no register. */
SPY_REST int send_query(PGconn *conn, const char *query, const void *caller, const void *frame)
{
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, caller, frame);
    if (pq == NULL)
        return 0;
    spy_query_text(&call, query);
    int sent = SPY_REAL(pq, PQsendQuery)(conn, query);
    spy_query_sent(&call, sent);
    return sent;
}

SPY_EXPORT int PQsendQuery(PGconn *conn, const char *query)
{
    SPY_PASS(PQsendQuery, conn, conn, query);
    return send_query(conn, query, SPY_CALLER(), SPY_FRAME());
}

SPY_REST int send_params(PGconn *conn, const char *command, int n, const Oid *types,
                         const char *const *values, const int *lengths, const int *formats,
                         int result_format, const void *caller, const void *frame)
{
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, caller, frame);
    if (pq == NULL)
        return 0;
    spy_query_command(&call, command, n);
    spy_query_values(&call, n, types, values, lengths, formats);
    int sent = SPY_REAL(pq, PQsendQueryParams)(conn, command, n, types, values, lengths, formats,
                                               result_format);
    spy_query_sent(&call, sent);
    return sent;
}

SPY_EXPORT int PQsendQueryParams(PGconn *conn, const char *command, int n, const Oid *types,
                                 const char *const *values, const int *lengths, const int *formats,
                                 int result_format)
{
    SPY_PASS(PQsendQueryParams, conn, conn, command, n, types, values, lengths, formats,
             result_format);
    return send_params(conn, command, n, types, values, lengths, formats, result_format,
                       SPY_CALLER(), SPY_FRAME());
}

SPY_REST int send_prepare(PGconn *conn, const char *name, const char *query, int n,
                          const Oid *types, const void *caller, const void *frame)
{
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, caller, frame);
    if (pq == NULL)
        return 0;
    spy_query_prepare(&call, name, query);
    int sent = SPY_REAL(pq, PQsendPrepare)(conn, name, query, n, types);
    spy_query_sent(&call, sent);
    return sent;
}

/* See PQprepare(). */
SPY_EXPORT int PQsendPrepare(PGconn *conn, const char *name, const char *query, int n,
                             const Oid *types)
{
    if (!spy_query_knows_names(conn))
        SPY_PASS(PQsendPrepare, conn, conn, name, query, n, types);
    return send_prepare(conn, name, query, n, types, SPY_CALLER(), SPY_FRAME());
}

SPY_REST int send_prepared(PGconn *conn, const char *name, int n, const char *const *values,
                           const int *lengths, const int *formats, int result_format,
                           const void *caller, const void *frame)
{
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, caller, frame);
    if (pq == NULL)
        return 0;
    spy_query_name(&call, name, n);
    spy_query_values(&call, n, NULL, values, lengths, formats);
    int sent =
        SPY_REAL(pq, PQsendQueryPrepared)(conn, name, n, values, lengths, formats, result_format);
    spy_query_sent(&call, sent);
    return sent;
}

SPY_EXPORT int PQsendQueryPrepared(PGconn *conn, const char *name, int n, const char *const *values,
                                   const int *lengths, const int *formats, int result_format)
{
    SPY_PASS(PQsendQueryPrepared, conn, conn, name, n, values, lengths, formats, result_format);
    return send_prepared(conn, name, n, values, lengths, formats, result_format, SPY_CALLER(),
                         SPY_FRAME());
}

SPY_EXPORT int PQsendDescribePrepared(PGconn *conn, const char *name)
{
    SPY_PASS(PQsendDescribePrepared, conn, conn, name);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return 0;
    spy_query_own(&call, SPY_BUILTIN_DESCRIBE);
    int sent = SPY_REAL(pq, PQsendDescribePrepared)(conn, name);
    spy_query_sent(&call, sent);
    return sent;
}

SPY_EXPORT int PQsendDescribePortal(PGconn *conn, const char *name)
{
    SPY_PASS(PQsendDescribePortal, conn, conn, name);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return 0;
    spy_query_own(&call, SPY_BUILTIN_DESCRIBE);
    int sent = SPY_REAL(pq, PQsendDescribePortal)(conn, name);
    spy_query_sent(&call, sent);
    return sent;
}

SPY_EXPORT int PQsendClosePrepared(PGconn *conn, const char *name)
{
    SPY_PASS(PQsendClosePrepared, conn, conn, name);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return 0;
    if (SPY_REAL(pq, PQsendClosePrepared) == NULL) {
        spy_query_done(&call);
        return 0;
    }
    spy_query_own(&call, SPY_BUILTIN_CLOSE);
    int sent = SPY_REAL(pq, PQsendClosePrepared)(conn, name);
    spy_query_sent(&call, sent);
    return sent;
}

SPY_EXPORT int PQsendClosePortal(PGconn *conn, const char *name)
{
    SPY_PASS(PQsendClosePortal, conn, conn, name);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return 0;
    if (SPY_REAL(pq, PQsendClosePortal) == NULL) {
        spy_query_done(&call);
        return 0;
    }
    spy_query_own(&call, SPY_BUILTIN_CLOSE);
    int sent = SPY_REAL(pq, PQsendClosePortal)(conn, name);
    spy_query_sent(&call, sent);
    return sent;
}

SPY_EXPORT int PQpipelineSync(PGconn *conn)
{
    SPY_PASS(PQpipelineSync, conn, conn);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return 0;
    int sent = SPY_REAL(pq, PQpipelineSync)(conn);
    spy_query_synced(&call, sent);
    return sent;
}

SPY_EXPORT int PQsendPipelineSync(PGconn *conn)
{
    SPY_PASS(PQsendPipelineSync, conn, conn);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return 0;
    if (SPY_REAL(pq, PQsendPipelineSync) == NULL) {
        spy_query_done(&call);
        return 0;
    }
    int sent = SPY_REAL(pq, PQsendPipelineSync)(conn);
    spy_query_synced(&call, sent);
    return sent;
}

/* On its own, so that libpq's calls, three in each synchronous one, save no registers. */
__attribute__((noinline)) static PGresult *get_result(PGconn *conn, const void *caller,
                                                      const void *frame)
{
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, caller, frame);
    if (pq == NULL)
        return NULL;
    PGresult *result = SPY_REAL(pq, PQgetResult)(conn);
    spy_query_result(&call, result);
    return result;
}

SPY_EXPORT PGresult *PQgetResult(PGconn *conn)
{
    SPY_PASS(PQgetResult, conn, conn);
    return get_result(conn, SPY_CALLER(), SPY_FRAME());
}

/* These are here because statements of a pipeline may leave in them. */
SPY_EXPORT int PQsendFlushRequest(PGconn *conn)
{
    SPY_PASS(PQsendFlushRequest, conn, conn);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return 0;
    int sent =
        SPY_REAL(pq, PQsendFlushRequest) != NULL ? SPY_REAL(pq, PQsendFlushRequest)(conn) : 0;
    spy_query_done(&call);
    return sent;
}

SPY_EXPORT int PQsetnonblocking(PGconn *conn, int nonblocking)
{
    SPY_PASS(PQsetnonblocking, conn, conn, nonblocking);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return -1;
    int result = SPY_REAL(pq, PQsetnonblocking)(conn, nonblocking);
    spy_query_done(&call);
    return result;
}

SPY_EXPORT int PQconsumeInput(PGconn *conn)
{
    SPY_PASS(PQconsumeInput, conn, conn);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return 0;
    int result = SPY_REAL(pq, PQconsumeInput)(conn);
    spy_query_done(&call);
    return result;
}

SPY_EXPORT int PQflush(PGconn *conn)
{
    SPY_PASS(PQflush, conn, conn);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return -1;
    int result = SPY_REAL(pq, PQflush)(conn);
    spy_query_done(&call);
    return result;
}

SPY_EXPORT PGnotify *PQnotifies(PGconn *conn)
{
    SPY_PASS(PQnotifies, conn, conn);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return NULL;
    uint64_t begin_ns = call.region != NULL ? spy_now() : 0;
    PGnotify *notify = SPY_REAL(pq, PQnotifies)(conn);
    if (notify != NULL)
        spy_query_notified(&call, begin_ns, notify->extra != NULL ? strlen(notify->extra) : 0);
    else
        spy_query_done(&call);
    return notify;
}
