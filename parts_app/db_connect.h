/* SPDX-License-Identifier: MIT */
/*
 * db_connect.h: one database connection, set up the way the service needs it.
 *
 * Any thread. Failures are logged, since only the operator can mend them.
 */
#ifndef PARTS_DB_CONNECT_H
#define PARTS_DB_CONNECT_H

#include <libpq-fe.h>
#include <stdbool.h>

/*
 * Connects by DSN: UTF-8, UTC, ISO dates, statements cut after QUERY_TIMEOUT_MS (0 = never).
 * Options of the DSN itself win. Returns NULL after logging why. The caller calls PQfinish.
 */
PGconn *parts_db_connect(const char *dsn, unsigned query_timeout_ms);

/* Prepares all statements of the service. Returns false after logging which one failed. */
bool parts_db_prepare_all(PGconn *conn);

#endif
