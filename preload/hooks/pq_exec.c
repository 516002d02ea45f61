/* SPDX-License-Identifier: MIT */
/*
 * Wrappers of libpq's synchronous calls. Each makes the real call of the right copy of libpq and
 * hands over what it saw; what it means is observe/query.h's business. A wrapper never changes a
 * result. Where there is no libpq to call at all it fails as libpq does when it cannot send; so
 * does one of a function that this copy of libpq is too old for.
 */
#include "hooks/hooks.h"
#include "observe/query.h"

SPY_REST PGresult *exec(PGconn *conn, const char *query, const void *caller, const void *frame)
{
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, caller, frame);
    if (pq == NULL)
        return NULL;
    spy_query_text(&call, query);
    PGresult *result = SPY_REAL(pq, PQexec)(conn, query);
    spy_query_end(&call, result);
    return result;
}

SPY_EXPORT PGresult *PQexec(PGconn *conn, const char *query)
{
    SPY_PASS(PQexec, conn, conn, query);
    return exec(conn, query, SPY_CALLER(), SPY_FRAME());
}

SPY_REST PGresult *exec_params(PGconn *conn, const char *command, int n, const Oid *types,
                               const char *const *values, const int *lengths, const int *formats,
                               int result_format, const void *caller, const void *frame)
{
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, caller, frame);
    if (pq == NULL)
        return NULL;
    spy_query_command(&call, command, n);
    spy_query_values(&call, n, types, values, lengths, formats);
    PGresult *result = SPY_REAL(pq, PQexecParams)(conn, command, n, types, values, lengths, formats,
                                                  result_format);
    spy_query_end(&call, result);
    return result;
}

SPY_EXPORT PGresult *PQexecParams(PGconn *conn, const char *command, int n, const Oid *types,
                                  const char *const *values, const int *lengths, const int *formats,
                                  int result_format)
{
    SPY_PASS(PQexecParams, conn, conn, command, n, types, values, lengths, formats, result_format);
    return exec_params(conn, command, n, types, values, lengths, formats, result_format,
                       SPY_CALLER(), SPY_FRAME());
}

SPY_REST PGresult *prepare(PGconn *conn, const char *name, const char *query, int n,
                           const Oid *types, const void *caller, const void *frame)
{
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, caller, frame);
    if (pq == NULL)
        return NULL;
    spy_query_prepare(&call, name, query);
    PGresult *result = SPY_REAL(pq, PQprepare)(conn, name, query, n, types);
    spy_query_end(&call, result);
    return result;
}

/* Not passed on at once where names are known: while recording is switched off, too, it is to be
 * known that one stands for another text now. */
SPY_EXPORT PGresult *PQprepare(PGconn *conn, const char *name, const char *query, int n,
                               const Oid *types)
{
    if (!spy_query_knows_names(conn))
        SPY_PASS(PQprepare, conn, conn, name, query, n, types);
    return prepare(conn, name, query, n, types, SPY_CALLER(), SPY_FRAME());
}

SPY_REST PGresult *exec_prepared(PGconn *conn, const char *name, int n, const char *const *values,
                                 const int *lengths, const int *formats, int result_format,
                                 const void *caller, const void *frame)
{
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, caller, frame);
    if (pq == NULL)
        return NULL;
    spy_query_name(&call, name, n);
    spy_query_values(&call, n, NULL, values, lengths, formats);
    PGresult *result =
        SPY_REAL(pq, PQexecPrepared)(conn, name, n, values, lengths, formats, result_format);
    spy_query_end(&call, result);
    return result;
}

SPY_EXPORT PGresult *PQexecPrepared(PGconn *conn, const char *name, int n,
                                    const char *const *values, const int *lengths,
                                    const int *formats, int result_format)
{
    SPY_PASS(PQexecPrepared, conn, conn, name, n, values, lengths, formats, result_format);
    return exec_prepared(conn, name, n, values, lengths, formats, result_format, SPY_CALLER(),
                         SPY_FRAME());
}

SPY_EXPORT PGresult *PQdescribePrepared(PGconn *conn, const char *name)
{
    SPY_PASS(PQdescribePrepared, conn, conn, name);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return NULL;
    spy_query_own(&call, SPY_BUILTIN_DESCRIBE);
    PGresult *result = SPY_REAL(pq, PQdescribePrepared)(conn, name);
    spy_query_end(&call, result);
    return result;
}

SPY_EXPORT PGresult *PQdescribePortal(PGconn *conn, const char *name)
{
    SPY_PASS(PQdescribePortal, conn, conn, name);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return NULL;
    spy_query_own(&call, SPY_BUILTIN_DESCRIBE);
    PGresult *result = SPY_REAL(pq, PQdescribePortal)(conn, name);
    spy_query_end(&call, result);
    return result;
}

SPY_EXPORT PGresult *PQclosePrepared(PGconn *conn, const char *name)
{
    SPY_PASS(PQclosePrepared, conn, conn, name);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return NULL;
    if (SPY_REAL(pq, PQclosePrepared) == NULL) {
        spy_query_done(&call);
        return NULL;
    }
    spy_query_own(&call, SPY_BUILTIN_CLOSE);
    PGresult *result = SPY_REAL(pq, PQclosePrepared)(conn, name);
    spy_query_end(&call, result);
    return result;
}

SPY_EXPORT PGresult *PQclosePortal(PGconn *conn, const char *name)
{
    SPY_PASS(PQclosePortal, conn, conn, name);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return NULL;
    if (SPY_REAL(pq, PQclosePortal) == NULL) {
        spy_query_done(&call);
        return NULL;
    }
    spy_query_own(&call, SPY_BUILTIN_CLOSE);
    PGresult *result = SPY_REAL(pq, PQclosePortal)(conn, name);
    spy_query_end(&call, result);
    return result;
}

SPY_EXPORT PGresult *PQfn(PGconn *conn, int function, int *buffer, int *length, int is_int,
                          const PQArgBlock *args, int n)
{
    SPY_PASS(PQfn, conn, conn, function, buffer, length, is_int, args, n);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return NULL;
    spy_query_own(&call, SPY_BUILTIN_FUNCTION);
    PGresult *result = SPY_REAL(pq, PQfn)(conn, function, buffer, length, is_int, args, n);
    spy_query_end(&call, result);
    return result;
}

SPY_EXPORT PGresult *PQchangePassword(PGconn *conn, const char *user, const char *password)
{
    SPY_PASS(PQchangePassword, conn, conn, user, password);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return NULL;
    if (SPY_REAL(pq, PQchangePassword) == NULL) {
        spy_query_done(&call);
        return NULL;
    }
    spy_query_own(&call, SPY_BUILTIN_CHANGE_PASSWORD);
    PGresult *result = SPY_REAL(pq, PQchangePassword)(conn, user, password);
    spy_query_end(&call, result);
    return result;
}
