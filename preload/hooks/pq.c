/* SPDX-License-Identifier: MIT */
/*
 * Wrappers of libpq's synchronous functions. Each makes the real call of the right copy of libpq
 * and hands over what it saw; what it means is observe/query.c's business. A wrapper never changes
 * a result. Where there is no libpq to call at all it fails as libpq does when it cannot send.
 */
#include "hooks/hooks.h"
#include "observe/query.h"

SPY_EXPORT PGconn *PQconnectdb(const char *conninfo)
{
    struct spy_connect call;
    const struct spy_libpq *pq = spy_connect_begin(&call, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return NULL;
    PGconn *conn = SPY_REAL(pq, PQconnectdb)(conninfo);
    spy_connect_end(&call, conn);
    return conn;
}

SPY_EXPORT PGconn *PQconnectdbParams(const char *const *keywords, const char *const *values,
                                     int expand_dbname)
{
    struct spy_connect call;
    const struct spy_libpq *pq = spy_connect_begin(&call, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return NULL;
    PGconn *conn = SPY_REAL(pq, PQconnectdbParams)(keywords, values, expand_dbname);
    spy_connect_end(&call, conn);
    return conn;
}

SPY_EXPORT PGconn *PQsetdbLogin(const char *host, const char *port, const char *options,
                                const char *tty, const char *db, const char *login,
                                const char *password)
{
    struct spy_connect call;
    const struct spy_libpq *pq = spy_connect_begin(&call, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return NULL;
    PGconn *conn = SPY_REAL(pq, PQsetdbLogin)(host, port, options, tty, db, login, password);
    spy_connect_end(&call, conn);
    return conn;
}

SPY_EXPORT PGconn *PQconnectStart(const char *conninfo)
{
    struct spy_connect call;
    const struct spy_libpq *pq = spy_connect_begin(&call, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return NULL;
    PGconn *conn = SPY_REAL(pq, PQconnectStart)(conninfo);
    spy_connect_started(&call, conn);
    return conn;
}

SPY_EXPORT PGconn *PQconnectStartParams(const char *const *keywords, const char *const *values,
                                        int expand_dbname)
{
    struct spy_connect call;
    const struct spy_libpq *pq = spy_connect_begin(&call, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return NULL;
    PGconn *conn = SPY_REAL(pq, PQconnectStartParams)(keywords, values, expand_dbname);
    spy_connect_started(&call, conn);
    return conn;
}

SPY_EXPORT void PQreset(PGconn *conn)
{
    struct spy_connect call;
    const struct spy_libpq *pq = spy_reset_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return;
    SPY_REAL(pq, PQreset)(conn);
    spy_connect_end(&call, conn);
}

SPY_EXPORT void PQfinish(PGconn *conn)
{
    /* Forgotten before the real call: afterwards the address may be a new connection's. */
    const struct spy_libpq *pq = spy_query_finish(conn, SPY_CALLER());
    if (pq != NULL)
        SPY_REAL(pq, PQfinish)(conn);
}

SPY_EXPORT PGresult *PQexec(PGconn *conn, const char *query)
{
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return NULL;
    PGresult *result = SPY_REAL(pq, PQexec)(conn, query);
    spy_query_end(&call, query, result);
    return result;
}

SPY_EXPORT PGresult *PQexecParams(PGconn *conn, const char *command, int n, const Oid *types,
                                  const char *const *values, const int *lengths, const int *formats,
                                  int result_format)
{
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return NULL;
    PGresult *result = SPY_REAL(pq, PQexecParams)(conn, command, n, types, values, lengths, formats,
                                                  result_format);
    spy_query_end(&call, command, result);
    return result;
}

SPY_EXPORT PGresult *PQprepare(PGconn *conn, const char *name, const char *query, int n,
                               const Oid *types)
{
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return NULL;
    PGresult *result = SPY_REAL(pq, PQprepare)(conn, name, query, n, types);
    spy_query_prepared(&call, name, query, result);
    return result;
}

SPY_EXPORT PGresult *PQexecPrepared(PGconn *conn, const char *name, int n,
                                    const char *const *values, const int *lengths,
                                    const int *formats, int result_format)
{
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return NULL;
    PGresult *result =
        SPY_REAL(pq, PQexecPrepared)(conn, name, n, values, lengths, formats, result_format);
    spy_query_end_prepared(&call, name, result);
    return result;
}
