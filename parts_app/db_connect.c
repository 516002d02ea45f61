/* SPDX-License-Identifier: MIT */
/*
 * db_connect.c: one database connection. Session settings travel in the startup packet, so that
 * connecting costs no further round trips and no connection can miss them.
 */
#include "db_connect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "statements.h"

/* Server notices are for a person at psql; here they would only clutter the log. */
static void ignore_notice(void *closure, const PGresult *result)
{
    (void)closure;
    (void)result;
}

/*
 * The DSN's own `options`, and PGOPTIONS, are appended after ours: the server lets the last one
 * win. Returns false when the DSN is malformed or does not fit.
 */
static bool session_options(const char *dsn, unsigned query_timeout_ms, char *text, size_t size)
{
    char *why = NULL;
    PQconninfoOption *parsed = PQconninfoParse(dsn, &why);
    if (parsed == NULL) {
        parts_log("the database connection string is malformed: %s",
                  why != NULL ? why : "out of memory");
        PQfreemem(why);
        return false;
    }
    const char *own = getenv("PGOPTIONS");
    for (const PQconninfoOption *option = parsed; option->keyword != NULL; option++) {
        if (strcmp(option->keyword, "options") == 0 && option->val != NULL) {
            own = option->val;
        }
    }
    /* JIT compilation costs more than any statement of this service takes. */
    int length = snprintf(text, size,
                          "-c statement_timeout=%u -c TimeZone=UTC -c DateStyle=ISO -c jit=off"
                          " %s",
                          query_timeout_ms, own != NULL ? own : "");
    PQconninfoFree(parsed);
    if (length < 0 || (size_t)length >= size) {
        parts_log("the options of the database connection string are too long");
        return false;
    }
    return true;
}

PGconn *parts_db_connect(const char *dsn, unsigned query_timeout_ms)
{
    char options[1024];
    if (!session_options(dsn, query_timeout_ms, options, sizeof options)) {
        return NULL;
    }
    /* What stands before dbname are defaults that the DSN may override, what follows is fixed. */
    const char *const keywords[] = {
        "connect_timeout",
        "tcp_user_timeout",
        "fallback_application_name",
        "dbname",
        "client_encoding",
        "options",
        NULL,
    };
    const char *const values[] = {"5", "15000", "parts_server", dsn, "UTF8", options, NULL};
    PGconn *conn = PQconnectdbParams(keywords, values, 1);
    if (conn == NULL || PQstatus(conn) != CONNECTION_OK) {
        parts_log("no database: %s", conn != NULL ? PQerrorMessage(conn) : "out of memory");
        PQfinish(conn);
        return NULL;
    }
    PQsetNoticeReceiver(conn, ignore_notice, NULL);
    return conn;
}

bool parts_db_prepare_all(PGconn *conn)
{
    for (size_t list = 0; parts_statement_lists[list] != NULL; list++) {
        for (const struct parts_statement *at = parts_statement_lists[list]; at->name != NULL;
             at++) {
            PGresult *result = PQprepare(conn, at->name, at->sql, 0, NULL);
            bool prepared = PQresultStatus(result) == PGRES_COMMAND_OK;
            if (!prepared) {
                parts_log("cannot prepare %s (has the database been made by --init?): %s", at->name,
                          PQresultErrorMessage(result));
            }
            PQclear(result);
            if (!prepared) {
                return false;
            }
        }
    }
    return true;
}
