/* SPDX-License-Identifier: MIT */
/*
 * What libpq 17 declares and the headers of older ones do not, and what its stand-in has beside it.
 */
#ifndef VICTIMS_STANDIN17_H
#define VICTIMS_STANDIN17_H

#include <libpq-fe.h>
#include <libpq/libpq-fs.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONNECTION_ALLOCATED ((ConnStatusType)(CONNECTION_CHECK_STANDBY + 1))

typedef struct pg_cancel_conn PGcancelConn;
PGresult *PQclosePrepared(PGconn *conn, const char *name);
PGresult *PQclosePortal(PGconn *conn, const char *name);
PGresult *PQchangePassword(PGconn *conn, const char *user, const char *password);
int PQsendClosePrepared(PGconn *conn, const char *name);
int PQsendClosePortal(PGconn *conn, const char *name);
int PQsendPipelineSync(PGconn *conn);
int PQsetChunkedRowsMode(PGconn *conn, int rows);
PGcancelConn *PQcancelCreate(PGconn *conn);
int PQcancelBlocking(PGcancelConn *cancel);
int PQcancelStart(PGcancelConn *cancel);
PostgresPollingStatusType PQcancelPoll(PGcancelConn *cancel);
void PQcancelReset(PGcancelConn *cancel);
void PQcancelFinish(PGcancelConn *cancel);

/* errno as the last call of the program found it; what calls leave it at (-1: untouched). */
extern int standin_errno_seen;
extern int standin_errno_left;

/* From here on CONN, and what cancels it, fails to connect. */
void standin_refuse(PGconn *conn);

#endif
