/* SPDX-License-Identifier: MIT */
/*
 * init.c: `parts_server --init`. One transaction, so that an interrupted run leaves nothing
 * behind; an advisory lock, so that two runs at once do not meet.
 */
#include "init.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "args.h"
#include "db_connect.h"
#include "log.h"
#include "password.h"
#include "schema.h"

/* Any number will do that nobody else uses in this database. */
#define INIT_LOCK_SQL "SELECT pg_advisory_xact_lock(7240611)"

static const char admin_sql[] =
    "INSERT INTO users (username, password_hash, role) VALUES ($1, $2, 'admin')"
    " ON CONFLICT (username) DO UPDATE SET password_hash = excluded.password_hash,"
    " role = 'admin', is_active = true";

/* Runs SQL with PARAMS; logs a failure as "cannot WHAT". Rows, if any, are left to the caller in
 * *result unless that is NULL. */
static bool run(PGconn *conn, const char *what, const char *sql, int count,
                const char *const params[], PGresult **result)
{
    /* Only PQexec takes several commands in one text, only PQexecParams takes values. */
    PGresult *got = count == 0 ? PQexec(conn, sql)
                               : PQexecParams(conn, sql, count, NULL, params, NULL, NULL, 0);
    ExecStatusType status = PQresultStatus(got);
    bool done = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (!done) {
        parts_log("cannot %s: %s", what, PQresultErrorMessage(got));
    }
    if (done && result != NULL) {
        *result = got;
    } else {
        PQclear(got);
    }
    return done;
}

static bool check_encoding(PGconn *conn)
{
    const char *encoding = PQparameterStatus(conn, "server_encoding");
    if (encoding != NULL && strcmp(encoding, "UTF8") == 0) {
        return true;
    }
    parts_log("the database must have the encoding UTF8, not %s; make it with"
              " createdb --encoding=UTF8 --template=template0",
              encoding != NULL ? encoding : "an unknown one");
    return false;
}

static bool catalogue_empty(PGconn *conn, bool *empty)
{
    PGresult *result = NULL;
    if (!run(conn, "look for data",
             "SELECT EXISTS (SELECT FROM parts) OR EXISTS (SELECT FROM organisations)", 0, NULL,
             &result)) {
        return false;
    }
    *empty = PQgetvalue(result, 0, 0)[0] == 'f';
    PQclear(result);
    return true;
}

static bool seed(PGconn *conn, int64_t parts)
{
    bool empty = false;
    if (!catalogue_empty(conn, &empty)) {
        return false;
    }
    if (!empty) {
        parts_log("the catalogue has data already; none was added");
        return true;
    }
    char count[24];
    snprintf(count, sizeof count, "%lld", (long long)parts);
    const char *const params[] = {count};
    for (size_t i = 0; parts_seed_sql[i] != NULL; i++) {
        if (!run(conn, "make the seed data", parts_seed_sql[i], 1, params, NULL)) {
            return false;
        }
    }
    parts_log("made %s parts with inventory and usage history", count);
    return true;
}

static bool make_admin(PGconn *conn, const char *username, const char *password)
{
    if (username == NULL) {
        parts_log("no user was made; set PARTS_ADMIN_USER and PARTS_ADMIN_PASSWORD for one");
        return true;
    }
    char hash[PARTS_HASH_SIZE];
    if (!parts_password_hash(password, hash)) {
        parts_log("libcrypt cannot hash the password");
        return false;
    }
    const char *const params[] = {username, hash};
    if (!run(conn, "make the user", admin_sql, 2, params, NULL)) {
        return false;
    }
    parts_log("user %s is an admin", username);
    return true;
}

/* Both or neither; and what POST /token will accept. */
static bool check_admin(const char *username, const char *password)
{
    if ((username == NULL) != (password == NULL)) {
        parts_log("PARTS_ADMIN_USER and PARTS_ADMIN_PASSWORD go together: %s is missing",
                  username == NULL ? "PARTS_ADMIN_USER" : "PARTS_ADMIN_PASSWORD");
        return false;
    }
    if (username == NULL) {
        return true;
    }
    size_t name_length = strlen(username);
    if (name_length < 1 || name_length > 100 || !parts_text_valid(username, name_length)) {
        parts_log("PARTS_ADMIN_USER must have 1 to 100 bytes of UTF-8");
        return false;
    }
    if (password[0] == '\0' || strlen(password) >= PARTS_PASSWORD_MAX) {
        parts_log("PARTS_ADMIN_PASSWORD must have 1 to %d bytes", PARTS_PASSWORD_MAX - 1);
        return false;
    }
    return true;
}

static bool init_database(PGconn *conn, const struct parts_options *options, const char *username,
                          const char *password)
{
    return check_encoding(conn) && run(conn, "begin", "BEGIN", 0, NULL, NULL) &&
           run(conn, "lock", INIT_LOCK_SQL, 0, NULL, NULL) &&
           run(conn, "make the schema", parts_schema_sql, 0, NULL, NULL) &&
           seed(conn, options->seed_parts) && make_admin(conn, username, password) &&
           run(conn, "commit", "COMMIT", 0, NULL, NULL) &&
           /* Fresh statistics and visibility maps: good plans from the first request on. */
           run(conn, "vacuum",
               "VACUUM (ANALYZE) parts, inventory, usage_history, organisations,"
               " warehouses, users",
               0, NULL, NULL);
}

int parts_init_run(const struct parts_options *options)
{
    const char *username = getenv("PARTS_ADMIN_USER");
    const char *password = getenv("PARTS_ADMIN_PASSWORD");
    if (!check_admin(username, password)) {
        return EX_USAGE;
    }
    /* Seeding millions of parts takes longer than any request may. */
    PGconn *conn = parts_db_connect(options->dsn, 0);
    if (conn == NULL) {
        return EX_UNAVAILABLE;
    }
    bool done = init_database(conn, options, username, password);
    PQfinish(conn);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
