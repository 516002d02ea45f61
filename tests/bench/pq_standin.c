/* SPDX-License-Identifier: MIT */
/*
 * A stand-in for libpq that takes no time: it calls its own functions as libpq does, and answers
 * every statement with one row. What a call costs with the library preloaded and what without it
 * differ by what the library costs.
 */
#include "pq_standin.h"

#include <libpq-fe.h>

static PGconn only;
static char tag[] = "SELECT 1", name[] = "bench";

PGconn *PQconnectdb(const char *conninfo)
{
    (void)conninfo;
    return &only;
}

void PQfinish(PGconn *conn)
{
    (void)conn;
}

ConnStatusType PQstatus(const PGconn *conn)
{
    (void)conn;
    return CONNECTION_OK;
}

PGTransactionStatusType PQtransactionStatus(const PGconn *conn)
{
    return conn->results > 0 ? PQTRANS_ACTIVE : PQTRANS_IDLE;
}

PGpipelineStatus PQpipelineStatus(const PGconn *conn)
{
    (void)conn;
    return PQ_PIPELINE_OFF;
}

int PQbackendPID(const PGconn *conn)
{
    (void)conn;
    return 1;
}

char *PQhost(const PGconn *conn)
{
    (void)conn;
    return name;
}

char *PQport(const PGconn *conn)
{
    (void)conn;
    return name;
}

char *PQdb(const PGconn *conn)
{
    (void)conn;
    return name;
}

char *PQuser(const PGconn *conn)
{
    (void)conn;
    return name;
}

ExecStatusType PQresultStatus(const PGresult *result)
{
    switch (result != NULL ? *(const char *)result : '\0') {
    case STANDIN_ROWS:
        return PGRES_TUPLES_OK;
    case STANDIN_COPY_IN:
        return PGRES_COPY_IN;
    case STANDIN_COPY_OUT:
        return PGRES_COPY_OUT;
    default:
        return PGRES_FATAL_ERROR;
    }
}

int PQntuples(const PGresult *result)
{
    return result != NULL;
}

char *PQcmdStatus(PGresult *result)
{
    (void)result;
    return tag;
}

size_t PQresultMemorySize(const PGresult *result)
{
    (void)result;
    return 100;
}

PGresult *PQgetResult(PGconn *conn)
{
    return conn->results > 0 && conn->results-- > 0 ? (PGresult *)tag : NULL;
}

int PQsendQuery(PGconn *conn, const char *query)
{
    (void)query;
    conn->results = 1;
    return 1;
}

int PQsendQueryPrepared(PGconn *conn, const char *statement, int n, const char *const *values,
                        const int *lengths, const int *formats, int result_format)
{
    (void)statement, (void)n, (void)values, (void)lengths, (void)formats, (void)result_format;
    conn->results = 1;
    return 1;
}

static PGresult *last(PGconn *conn)
{
    PGresult *result, *answer = NULL;
    while ((result = PQgetResult(conn)) != NULL)
        answer = result;
    return answer;
}

PGresult *PQprepare(PGconn *conn, const char *statement, const char *query, int n, const Oid *types)
{
    (void)statement, (void)query, (void)n, (void)types;
    last(conn);
    conn->results = 1;
    return last(conn);
}

PGresult *PQexec(PGconn *conn, const char *query)
{
    last(conn);
    return PQsendQuery(conn, query) ? last(conn) : NULL;
}

PGresult *PQexecPrepared(PGconn *conn, const char *statement, int n, const char *const *values,
                         const int *lengths, const int *formats, int result_format)
{
    last(conn);
    if (!PQsendQueryPrepared(conn, statement, n, values, lengths, formats, result_format))
        return NULL;
    return last(conn);
}
