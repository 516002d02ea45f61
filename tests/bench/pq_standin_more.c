/* SPDX-License-Identifier: MIT */
/*
 * The rest of the stand-in for libpq: parameters, COPY, and the calls of an event loop. A COPY
 * never ends; PQexecParams begins one where the text begins with the result's kind.
 */
#include "pq_standin.h"

#include <libpq-fe.h>
#include <stdio.h>

static char copy_in[] = {STANDIN_COPY_IN, '\0'};
static char copy_out[] = {STANDIN_COPY_OUT, '\0'};
static char row[] = "1\tBolt M6x20\tconsumable\n";

int PQsendQueryParams(PGconn *conn, const char *query, int n, const Oid *types,
                      const char *const *values, const int *lengths, const int *formats,
                      int result_format)
{
    (void)query, (void)n, (void)types, (void)values;
    (void)lengths, (void)formats, (void)result_format;
    conn->results = 1;
    return 1;
}

PGresult *PQexecParams(PGconn *conn, const char *query, int n, const Oid *types,
                       const char *const *values, const int *lengths, const int *formats,
                       int result_format)
{
    PGresult *result, *answer = NULL;
    while (PQgetResult(conn) != NULL)
        ;
    if (*query == STANDIN_COPY_IN)
        return (PGresult *)copy_in;
    if (*query == STANDIN_COPY_OUT)
        return (PGresult *)copy_out;
    PQsendQueryParams(conn, query, n, types, values, lengths, formats, result_format);
    while ((result = PQgetResult(conn)) != NULL)
        answer = result;
    return answer;
}

int PQputCopyData(PGconn *conn, const char *buffer, int n)
{
    (void)conn, (void)buffer, (void)n;
    return 1;
}

int PQgetCopyData(PGconn *conn, char **buffer, int async)
{
    (void)conn, (void)async;
    *buffer = row;
    return sizeof(row) - 1;
}

void PQfreemem(void *buffer)
{
    (void)buffer;
}

void PQclear(PGresult *result)
{
    (void)result;
}

char *PQerrorMessage(const PGconn *conn)
{
    (void)conn;
    return row;
}

int PQconsumeInput(PGconn *conn)
{
    (void)conn;
    return 1;
}

int PQisBusy(PGconn *conn)
{
    (void)conn;
    return 0;
}

int PQflush(PGconn *conn)
{
    (void)conn;
    return 0;
}
