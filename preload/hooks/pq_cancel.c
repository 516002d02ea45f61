/* SPDX-License-Identifier: MIT */
/*
 * Wrappers of libpq's cancelling: the calls that may come from a signal handler, and those of libpq
 * 17, on a connection of their own. See pq_exec.c for what a wrapper is.
 */
#include "hooks/hooks.h"
#include "observe/connect.h"

SPY_EXPORT PGcancel *PQgetCancel(PGconn *conn)
{
    const struct spy_libpq *pq = spy_connect_libpq(conn, SPY_CALLER());
    if (pq == NULL)
        return NULL;
    PGcancel *cancel = SPY_REAL(pq, PQgetCancel)(conn);
    spy_cancel_made(cancel, conn, pq);
    return cancel;
}

SPY_EXPORT void PQfreeCancel(PGcancel *cancel)
{
    const struct spy_libpq *pq = spy_cancel_freed(cancel, SPY_CALLER());
    if (pq != NULL)
        SPY_REAL(pq, PQfreeCancel)(cancel);
}

/* Async-signal-safe. */
SPY_EXPORT int PQcancel(PGcancel *cancel, char *error, int error_size)
{
    struct spy_connect call;
    const struct spy_libpq *pq = spy_cancel_begin(&call, cancel, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return 0;
    int done = SPY_REAL(pq, PQcancel)(cancel, error, error_size);
    spy_cancel_end(&call, cancel, !done);
    return done;
}

SPY_EXPORT int PQrequestCancel(PGconn *conn)
{
    struct spy_connect call;
    const struct spy_libpq *pq = spy_cancel_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return 0;
    int done = SPY_REAL(pq, PQrequestCancel)(conn);
    spy_cancel_end(&call, conn, !done);
    return done;
}

SPY_EXPORT PGcancelConn *PQcancelCreate(PGconn *conn)
{
    const struct spy_libpq *pq = spy_connect_libpq(conn, SPY_CALLER());
    if (pq == NULL || SPY_REAL(pq, PQcancelCreate) == NULL)
        return NULL;
    PGcancelConn *cancel = SPY_REAL(pq, PQcancelCreate)(conn);
    spy_cancel_made(cancel, conn, pq);
    return cancel;
}

SPY_EXPORT int PQcancelBlocking(PGcancelConn *cancel)
{
    struct spy_connect call;
    const struct spy_libpq *pq = spy_cancel_poll_begin(&call, cancel, SPY_CALLER(), SPY_FRAME());
    int done = 0;
    if (pq == NULL)
        return 0;
    if (SPY_REAL(pq, PQcancelBlocking) != NULL)
        done = SPY_REAL(pq, PQcancelBlocking)(cancel);
    spy_cancel_end(&call, cancel, !done);
    return done;
}

SPY_EXPORT int PQcancelStart(PGcancelConn *cancel)
{
    struct spy_connect call;
    const struct spy_libpq *pq = spy_cancel_poll_begin(&call, cancel, SPY_CALLER(), SPY_FRAME());
    int started = 0;
    if (pq == NULL)
        return 0;
    if (SPY_REAL(pq, PQcancelStart) != NULL)
        started = SPY_REAL(pq, PQcancelStart)(cancel);
    spy_cancel_started(&call, cancel, started != 0);
    return started;
}

SPY_EXPORT PostgresPollingStatusType PQcancelPoll(PGcancelConn *cancel)
{
    struct spy_connect call;
    const struct spy_libpq *pq = spy_cancel_poll_begin(&call, cancel, SPY_CALLER(), SPY_FRAME());
    PostgresPollingStatusType status = PGRES_POLLING_FAILED;
    if (pq == NULL)
        return status;
    if (SPY_REAL(pq, PQcancelPoll) != NULL)
        status = SPY_REAL(pq, PQcancelPoll)(cancel);
    spy_cancel_polled(&call, cancel, (int)status);
    return status;
}

SPY_EXPORT void PQcancelFinish(PGcancelConn *cancel)
{
    const struct spy_libpq *pq = spy_cancel_freed(cancel, SPY_CALLER());
    if (pq != NULL && SPY_REAL(pq, PQcancelFinish) != NULL)
        SPY_REAL(pq, PQcancelFinish)(cancel);
}
