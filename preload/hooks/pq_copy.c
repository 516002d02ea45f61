/* SPDX-License-Identifier: MIT */
/*
 * Wrappers of libpq's COPY calls, today's and those before PostgreSQL 7.4, which libpq still has.
 * See pq_exec.c for what a wrapper is.
 */
#include "hooks/hooks.h"
#include "observe/query.h"

#include <stdio.h>
#include <string.h>

SPY_EXPORT int PQputCopyData(PGconn *conn, const char *buffer, int n)
{
    SPY_PASS(PQputCopyData, conn, conn, buffer, n);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return -1;
    int result = SPY_REAL(pq, PQputCopyData)(conn, buffer, n);
    spy_query_copied_in(&call, result == 1 ? (uint64_t)n : 0);
    return result;
}

SPY_EXPORT int PQputCopyEnd(PGconn *conn, const char *error)
{
    SPY_PASS(PQputCopyEnd, conn, conn, error);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return -1;
    int result = SPY_REAL(pq, PQputCopyEnd)(conn, error);
    spy_query_done(&call);
    return result;
}

SPY_EXPORT int PQgetCopyData(PGconn *conn, char **buffer, int async)
{
    SPY_PASS(PQgetCopyData, conn, conn, buffer, async);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return -2;
    int result = SPY_REAL(pq, PQgetCopyData)(conn, buffer, async);
    spy_query_copied_out(&call, result > 0 ? (uint64_t)result : 0, result > 0);
    return result;
}

SPY_EXPORT int PQputline(PGconn *conn, const char *line)
{
    SPY_PASS(PQputline, conn, conn, line);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return EOF;
    int result = SPY_REAL(pq, PQputline)(conn, line);
    spy_query_copied_in(&call, result == 0 ? strlen(line) : 0);
    return result;
}

SPY_EXPORT int PQputnbytes(PGconn *conn, const char *buffer, int n)
{
    SPY_PASS(PQputnbytes, conn, conn, buffer, n);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return EOF;
    int result = SPY_REAL(pq, PQputnbytes)(conn, buffer, n);
    spy_query_copied_in(&call, result == 0 ? (uint64_t)n : 0);
    return result;
}

/* 0: a line, whose end is not stored, or "\\." after the last; 1: more than there was room for. */
static bool is_line(int result, const char *buffer)
{
    return result == 0 && strcmp(buffer, "\\.") != 0;
}

static uint64_t bytes_of_line(int result, const char *buffer)
{
    if (result == 1)
        return strlen(buffer);
    return is_line(result, buffer) ? strlen(buffer) + 1 : 0;
}

SPY_EXPORT int PQgetline(PGconn *conn, char *buffer, int room)
{
    SPY_PASS(PQgetline, conn, conn, buffer, room);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return EOF;
    int result = SPY_REAL(pq, PQgetline)(conn, buffer, room);
    spy_query_copied_out(&call, bytes_of_line(result, buffer), is_line(result, buffer));
    return result;
}

SPY_EXPORT int PQgetlineAsync(PGconn *conn, char *buffer, int room)
{
    SPY_PASS(PQgetlineAsync, conn, conn, buffer, room);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return -1;
    int result = SPY_REAL(pq, PQgetlineAsync)(conn, buffer, room);
    bool row = result > 0 && buffer[result - 1] == '\n'; /* else the rest of it is to come */
    spy_query_copied_out(&call, result > 0 ? (uint64_t)result : 0, row);
    return result;
}

SPY_EXPORT int PQendcopy(PGconn *conn)
{
    SPY_PASS(PQendcopy, conn, conn);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return 1;
    int result = SPY_REAL(pq, PQendcopy)(conn);
    spy_query_copy_ended(&call, result != 0);
    return result;
}
