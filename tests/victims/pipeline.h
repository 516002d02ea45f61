/* SPDX-License-Identifier: MIT */
/*
 * Steps of a pipeline, for the victims that have one. Each says what libpq answered.
 */
#ifndef VICTIMS_PIPELINE_H
#define VICTIMS_PIPELINE_H

#include "wants.h"

__attribute__((unused)) static int queue(PGconn *conn, const char *text)
{
    return PQsendQueryParams(conn, text, 0, NULL, NULL, NULL, NULL, 0);
}

__attribute__((unused)) static void enter(PGconn *conn)
{
    printf("enter: %d\n", PQenterPipelineMode(conn));
}

__attribute__((unused)) static void leave(PGconn *conn)
{
    printf("leave: %d\n", PQexitPipelineMode(conn));
}

/* The end of a segment. */
__attribute__((unused)) static void synced(PGconn *conn)
{
    PGresult *result = PQgetResult(conn);
    printf("%s\n", PQresStatus(PQresultStatus(result)));
    PQclear(result);
}

/* A statement of an aborted segment. */
__attribute__((unused)) static void aborted(PGconn *conn, struct want *w)
{
    PGresult *result = PQgetResult(conn);
    printf("%s: %s\n", w->what, PQresStatus(PQresultStatus(result)));
    PQclear(result);
    printf("then: %d\n", PQgetResult(conn) == NULL);
    w->aborted++;
}

#endif
