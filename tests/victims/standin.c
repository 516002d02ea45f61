/* SPDX-License-Identifier: MIT */
/*
 * A stand-in for libpq, built under several names: its objects know which copy made them, so that
 * a call that reaches the wrong copy is found out. It talks to no server. Only for what the real
 * libpq cannot show: which copy is called, and what our own wrappers cost.
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#ifndef COPY
#error "build with -DCOPY='\"name\"'"
#endif

struct pg_conn {
    const char *copy;
};

struct pg_result {
    const char *copy;
};

static const char this_copy[] = COPY;

static void must_be_ours(const char *copy)
{
    if (copy == this_copy)
        return;
    fprintf(stderr, "copy %s was handed an object of copy %s\n", this_copy, copy);
    exit(9);
}

PGconn *PQconnectStart(const char *conninfo)
{
    PGconn *conn = malloc(sizeof(*conn));
    (void)conninfo;
    if (conn != NULL)
        conn->copy = this_copy;
    return conn;
}

/* By its exported name, as libpq does, and as the last thing. */
PGconn *PQconnectdb(const char *conninfo)
{
    return PQconnectStart(conninfo);
}

void PQfinish(PGconn *conn)
{
    must_be_ours(conn->copy);
    free(conn);
}

ConnStatusType PQstatus(const PGconn *conn)
{
    must_be_ours(conn->copy);
    return CONNECTION_OK;
}

static PGresult *result(PGconn *conn)
{
    static PGresult ours = {this_copy};
    must_be_ours(conn->copy);
    return &ours;
}

PGresult *PQexec(PGconn *conn, const char *query)
{
    (void)query;
    return result(conn);
}

PGresult *PQprepare(PGconn *conn, const char *name, const char *query, int n, const Oid *types)
{
    (void)name, (void)query, (void)n, (void)types;
    return result(conn);
}

PGresult *PQexecPrepared(PGconn *conn, const char *name, int n, const char *const *values,
                         const int *lengths, const int *formats, int result_format)
{
    (void)name, (void)n, (void)values, (void)lengths, (void)formats, (void)result_format;
    return result(conn);
}

void PQclear(PGresult *res)
{
    must_be_ours(res->copy);
}

ExecStatusType PQresultStatus(const PGresult *res)
{
    must_be_ours(res->copy);
    return PGRES_TUPLES_OK;
}

int PQntuples(const PGresult *res)
{
    must_be_ours(res->copy);
    return 1;
}

size_t PQresultMemorySize(const PGresult *res)
{
    must_be_ours(res->copy);
    return 100;
}

PGTransactionStatusType PQtransactionStatus(const PGconn *conn)
{
    must_be_ours(conn->copy);
    return PQTRANS_IDLE;
}

int PQbackendPID(const PGconn *conn)
{
    must_be_ours(conn->copy);
    return 1;
}

static char *text_of(const PGconn *conn)
{
    static char text[] = COPY;
    must_be_ours(conn->copy);
    return text;
}

char *PQhost(const PGconn *conn)
{
    return text_of(conn);
}

char *PQport(const PGconn *conn)
{
    return text_of(conn);
}

char *PQdb(const PGconn *conn)
{
    return text_of(conn);
}

char *PQuser(const PGconn *conn)
{
    return text_of(conn);
}

char *PQcmdStatus(PGresult *res)
{
    static char tag[] = "SELECT 1";
    must_be_ours(res->copy);
    return tag;
}
