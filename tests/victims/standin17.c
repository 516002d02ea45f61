/* SPDX-License-Identifier: MIT */
/*
 * A stand-in for libpq 17, where Debian has 15: what its documentation says of the functions that
 * the watching library interposes, without a server. Like the real one it calls its own exported
 * functions through the PLT. A statement's text says what it answers:
 *
 *   "rows 5"     five rows      "error 42601"  an error with that SQLSTATE      other: no rows
 *
 * Beside that it does what the real one cannot be asked for: it notes what errno was when the
 * program's call arrived, and leaves errno as it was told to.
 */
#include "standin17_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- errno ---------------------------------------------------------------------------------- */

int standin_errno_seen;
int standin_errno_left = -1;
static int depth;

void standin_enter(void)
{
    if (depth++ == 0)
        standin_errno_seen = errno;
}

void standin_leave(void)
{
    if (--depth == 0 && standin_errno_left >= 0)
        errno = standin_errno_left;
}

/* ---- connections ---------------------------------------------------------------------------- */

static PGconn *make(const char *conninfo, int polls)
{
    PGconn *conn = calloc(1, sizeof(*conn));
    conn->refused = strcmp(conninfo, "refused") == 0;
    conn->polls = polls;
    conn->status = CONNECTION_STARTED;
    return conn;
}

static PostgresPollingStatusType poll_once(PGconn *conn)
{
    if (conn == NULL || conn->status == CONNECTION_BAD)
        return PGRES_POLLING_FAILED;
    if (conn->polls-- > 0)
        return PGRES_POLLING_READING;
    conn->status = conn->refused ? CONNECTION_BAD : CONNECTION_OK;
    return conn->refused ? PGRES_POLLING_FAILED : PGRES_POLLING_OK;
}

static PGconn *connect_by_polling(const char *conninfo)
{
    PGconn *conn = PQconnectStart(conninfo);
    while (PQconnectPoll(conn) == PGRES_POLLING_READING)
        ;
    return conn;
}

PGconn *PQconnectStart(const char *conninfo)
{
    RETURN(make(conninfo, 3));
}

PGconn *PQconnectStartParams(const char *const *keywords, const char *const *values, int expand)
{
    (void)keywords, (void)expand;
    RETURN(make(values[0], 3));
}

PostgresPollingStatusType PQconnectPoll(PGconn *conn)
{
    RETURN(poll_once(conn));
}

PGconn *PQconnectdb(const char *conninfo)
{
    RETURN(connect_by_polling(conninfo));
}

PGconn *PQconnectdbParams(const char *const *keywords, const char *const *values, int expand)
{
    (void)keywords, (void)expand;
    RETURN(connect_by_polling(values[0]));
}

PGconn *PQsetdbLogin(const char *host, const char *port, const char *options, const char *tty,
                     const char *db, const char *login, const char *password)
{
    (void)host, (void)port, (void)options, (void)tty, (void)login, (void)password;
    RETURN(connect_by_polling(db));
}

int standin_restart(PGconn *conn)
{
    if (conn == NULL)
        return 0;
    conn->status = CONNECTION_STARTED;
    conn->polls = 3;
    conn->entries = 0;
    return 1;
}

int PQresetStart(PGconn *conn)
{
    RETURN(standin_restart(conn));
}

PostgresPollingStatusType PQresetPoll(PGconn *conn)
{
    RETURN(PQconnectPoll(conn));
}

void PQreset(PGconn *conn)
{
    standin_enter();
    for (standin_restart(conn); PQconnectPoll(conn) == PGRES_POLLING_READING;)
        ;
    standin_leave();
}

static PGPing ping(const char *conninfo)
{
    PGconn *conn = PQconnectdb(conninfo);
    PGPing answer = conn->status == CONNECTION_OK ? PQPING_OK : PQPING_NO_RESPONSE;
    PQfinish(conn);
    return answer;
}

PGPing PQping(const char *conninfo)
{
    RETURN(ping(conninfo));
}

PGPing PQpingParams(const char *const *keywords, const char *const *values, int expand)
{
    (void)keywords, (void)expand;
    RETURN(ping(values[0]));
}

void PQfinish(PGconn *conn)
{
    standin_enter();
    free(conn);
    standin_leave();
}

/* ---- what can be asked, at the price of errno --------------------------------------------------
 */

void standin_refuse(PGconn *conn)
{
    conn->refused = true;
}

ConnStatusType PQstatus(const PGconn *conn)
{
    errno = EDOM;
    return conn != NULL ? conn->status : CONNECTION_BAD;
}

PGTransactionStatusType PQtransactionStatus(const PGconn *conn)
{
    errno = EDOM;
    return conn != NULL ? PQTRANS_IDLE : PQTRANS_UNKNOWN;
}

PGpipelineStatus PQpipelineStatus(const PGconn *conn)
{
    errno = EDOM;
    return conn->pipeline;
}

const char *PQparameterStatus(const PGconn *conn, const char *name)
{
    errno = EDOM;
    (void)conn, (void)name;
    return NULL;
}

int PQbackendPID(const PGconn *conn)
{
    errno = EDOM;
    return conn != NULL ? 17 : 0;
}

#define TEXT(name, value)           \
    char *name(const PGconn *conn)  \
    {                               \
        static char text[] = value; \
        (void)conn;                 \
        errno = EDOM;               \
        return text;                \
    }
TEXT(PQhost, "stand.in")
TEXT(PQport, "17")
TEXT(PQdb, "database")
TEXT(PQuser, "user")

ExecStatusType PQresultStatus(const PGresult *res)
{
    errno = EDOM;
    return res != NULL ? res->status : PGRES_FATAL_ERROR;
}

int PQntuples(const PGresult *res)
{
    errno = EDOM;
    return res->rows;
}

char *PQcmdStatus(PGresult *res)
{
    errno = EDOM;
    return res->tag;
}

char *PQresultErrorField(const PGresult *res, int field)
{
    errno = EDOM;
    (void)field;
    return res != NULL && res->sqlstate[0] != '\0' ? (char *)(uintptr_t)res->sqlstate : NULL;
}

size_t PQresultMemorySize(const PGresult *res)
{
    errno = EDOM;
    (void)res;
    return sizeof(*res);
}

void PQclear(PGresult *res)
{
    free(res);
}
