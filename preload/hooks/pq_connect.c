/* SPDX-License-Identifier: MIT */
/*
 * Wrappers of the calls that make, reset and end connections of libpq. See pq_exec.c for what a
 * wrapper is.
 */
#include "hooks/hooks.h"
#include "observe/connect.h"

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
    spy_connect_started(&call, conn, conn != NULL);
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
    spy_connect_started(&call, conn, conn != NULL);
    return conn;
}

SPY_EXPORT PGPing PQping(const char *conninfo)
{
    struct spy_connect call;
    const struct spy_libpq *pq = spy_ping_begin(&call, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return PQPING_NO_ATTEMPT;
    PGPing ping = SPY_REAL(pq, PQping)(conninfo);
    spy_ping_end(&call, ping != PQPING_OK);
    return ping;
}

SPY_EXPORT PGPing PQpingParams(const char *const *keywords, const char *const *values,
                               int expand_dbname)
{
    struct spy_connect call;
    const struct spy_libpq *pq = spy_ping_begin(&call, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return PQPING_NO_ATTEMPT;
    PGPing ping = SPY_REAL(pq, PQpingParams)(keywords, values, expand_dbname);
    spy_ping_end(&call, ping != PQPING_OK);
    return ping;
}

SPY_EXPORT PostgresPollingStatusType PQconnectPoll(PGconn *conn)
{
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return PGRES_POLLING_FAILED;
    PostgresPollingStatusType result = SPY_REAL(pq, PQconnectPoll)(conn);
    spy_connect_polled(&call, (int)result);
    return result;
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

SPY_EXPORT int PQresetStart(PGconn *conn)
{
    struct spy_connect call;
    const struct spy_libpq *pq = spy_reset_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return 0;
    int started = SPY_REAL(pq, PQresetStart)(conn);
    spy_connect_started(&call, conn, started != 0);
    return started;
}

SPY_EXPORT PostgresPollingStatusType PQresetPoll(PGconn *conn)
{
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return PGRES_POLLING_FAILED;
    PostgresPollingStatusType result = SPY_REAL(pq, PQresetPoll)(conn);
    spy_connect_polled(&call, (int)result);
    return result;
}

SPY_EXPORT void PQfinish(PGconn *conn)
{
    /* Forgotten before the real call: afterwards the address may be a new connection's. */
    const struct spy_libpq *pq = spy_connect_finish(conn, SPY_CALLER());
    if (pq != NULL)
        SPY_REAL(pq, PQfinish)(conn);
}
