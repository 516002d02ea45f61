/* SPDX-License-Identifier: MIT */
/*
 * The stand-in's large objects, which do nothing, well, and its cancelling.
 */
#include "standin17_state.h"

#include <stdio.h>
#include <stdlib.h>

#pragma GCC diagnostic ignored "-Wunused-parameter"

#define LARGE_OBJECT(type, name, ...)         \
    type name(PGconn *conn, __VA_ARGS__)      \
    {                                         \
        RETURN((type)(conn != NULL ? 1 : 0)); \
    }
LARGE_OBJECT(int, lo_open, Oid a, int b)
LARGE_OBJECT(int, lo_close, int a)
LARGE_OBJECT(int, lo_read, int a, char *b, size_t c)
LARGE_OBJECT(int, lo_write, int a, const char *b, size_t c)
LARGE_OBJECT(int, lo_lseek, int a, int b, int c)
LARGE_OBJECT(pg_int64, lo_lseek64, int a, pg_int64 b, int c)
LARGE_OBJECT(int, lo_tell, int a)
LARGE_OBJECT(pg_int64, lo_tell64, int a)
LARGE_OBJECT(int, lo_truncate, int a, size_t b)
LARGE_OBJECT(int, lo_truncate64, int a, pg_int64 b)
LARGE_OBJECT(Oid, lo_creat, int a)
LARGE_OBJECT(Oid, lo_create, Oid a)
LARGE_OBJECT(int, lo_unlink, Oid a)
LARGE_OBJECT(Oid, lo_import, const char *a)
LARGE_OBJECT(Oid, lo_import_with_oid, const char *a, Oid b)
LARGE_OBJECT(int, lo_export, Oid a, const char *b)

/* ---- cancelling ----------------------------------------------------------------------------- */

PGcancel *PQgetCancel(PGconn *conn)
{
    RETURN(conn != NULL ? (PGcancel *)calloc(1, sizeof(PGcancel)) : NULL);
}

void PQfreeCancel(PGcancel *cancel)
{
    standin_enter();
    free(cancel);
    standin_leave();
}

static int refuse_null(const void *object, char *error, int size)
{
    if (object == NULL)
        snprintf(error, (size_t)size, "no cancel object supplied");
    return object != NULL;
}

int PQcancel(PGcancel *cancel, char *error, int error_size)
{
    RETURN(refuse_null(cancel, error, error_size));
}

static int request_cancel(PGconn *conn)
{
    char error[64];
    PGcancel *cancel = PQgetCancel(conn);
    int done = PQcancel(cancel, error, sizeof(error));
    PQfreeCancel(cancel);
    return done;
}

int PQrequestCancel(PGconn *conn)
{
    RETURN(request_cancel(conn));
}

/* Made of nothing it is a handle, too, that can only fail. */
static PGcancelConn *make_cancel(const PGconn *conn)
{
    PGcancelConn *cancel = calloc(1, sizeof(*cancel));
    cancel->conn.status = conn != NULL ? CONNECTION_ALLOCATED : CONNECTION_BAD;
    cancel->conn.refused = conn != NULL && conn->refused;
    return cancel;
}

PGcancelConn *PQcancelCreate(PGconn *conn)
{
    RETURN(make_cancel(conn));
}

static int start_cancel(PGcancelConn *cancel)
{
    if (cancel->conn.status != CONNECTION_ALLOCATED) {
        cancel->conn.status = CONNECTION_BAD;
        return 0;
    }
    return standin_restart(&cancel->conn);
}

int PQcancelStart(PGcancelConn *cancel)
{
    RETURN(start_cancel(cancel));
}

PostgresPollingStatusType PQcancelPoll(PGcancelConn *cancel)
{
    RETURN(PQconnectPoll(&cancel->conn));
}

static int cancel_blocking(PGcancelConn *cancel)
{
    PostgresPollingStatusType status = PGRES_POLLING_FAILED;
    if (PQcancelStart(cancel))
        do
            status = PQcancelPoll(cancel);
        while (status == PGRES_POLLING_READING);
    return status == PGRES_POLLING_OK;
}

int PQcancelBlocking(PGcancelConn *cancel)
{
    RETURN(cancel_blocking(cancel));
}

void PQcancelReset(PGcancelConn *cancel)
{
    cancel->conn.status = CONNECTION_ALLOCATED;
}

void PQcancelFinish(PGcancelConn *cancel)
{
    PQfinish(&cancel->conn);
}
