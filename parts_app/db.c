/* SPDX-License-Identifier: MIT */
/*
 * db.c: running statements, and what their SQLSTATEs mean for the service.
 */
#include "db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

static char *next_number(struct parts_params *params)
{
    return params->numbers[params->count];
}

void parts_params_text(struct parts_params *params, const char *value)
{
    params->values[params->count++] = value;
}

void parts_params_int(struct parts_params *params, int64_t value)
{
    char *text = next_number(params);
    snprintf(text, sizeof params->numbers[0], "%lld", (long long)value);
    parts_params_text(params, text);
}

void parts_params_id(struct parts_params *params, int64_t id)
{
    if (id == 0) {
        parts_params_text(params, NULL);
    } else {
        parts_params_int(params, id);
    }
}

void parts_params_bool(struct parts_params *params, bool value)
{
    parts_params_text(params, value ? "t" : "f");
}

void parts_params_decimal(struct parts_params *params, double value, int decimals)
{
    char *text = next_number(params);
    snprintf(text, sizeof params->numbers[0], "%.*f", decimals, value);
    parts_params_text(params, text);
}

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static enum parts_status status_of_sqlstate(const char *state)
{
    if (strcmp(state, "23505") == 0) { /* unique_violation */
        return PARTS_DUPLICATE;
    }
    if (strcmp(state, "23503") == 0) { /* foreign_key_violation */
        return PARTS_REFERENCE;
    }
    /* Serialization failure and deadlock, resources, operator, timeout: another try may work. */
    if (starts_with(state, "40") || starts_with(state, "53") || starts_with(state, "57") ||
        strcmp(state, "55P03") == 0) {
        return PARTS_UNAVAILABLE;
    }
    /* The prepared statement is gone or stale (DISCARD, changed tables): a new connection helps. */
    if (strcmp(state, "26000") == 0 || strcmp(state, "0A000") == 0) {
        return PARTS_UNAVAILABLE;
    }
    return PARTS_FAILED;
}

static enum parts_status classify(struct parts_db *db, const char *what, const PGresult *result)
{
    ExecStatusType ended = PQresultStatus(result);
    if (ended == PGRES_TUPLES_OK || ended == PGRES_COMMAND_OK) {
        return PARTS_OK;
    }
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (PQstatus(db->conn) != CONNECTION_OK || state == NULL) {
        parts_log("%s: connection lost: %s", what, PQerrorMessage(db->conn));
        db->broken = true;
        return PARTS_UNAVAILABLE;
    }
    enum parts_status status = status_of_sqlstate(state);
    if (strcmp(state, "26000") == 0 || strcmp(state, "0A000") == 0) {
        db->broken = true;
    }
    if (status == PARTS_UNAVAILABLE || status == PARTS_FAILED) {
        parts_log("%s: %s (SQLSTATE %s)", what, message != NULL ? message : "failed", state);
    }
    return status;
}

enum parts_status parts_db_run(struct parts_db *db, const char *name,
                               const struct parts_params *params, PGresult **result)
{
    *result = PQexecPrepared(db->conn, name, params->count, params->values, NULL, NULL, 0);
    enum parts_status status = classify(db, name, *result);
    if (status != PARTS_OK) {
        PQclear(*result);
        *result = NULL;
    }
    return status;
}

enum parts_status parts_db_change(struct parts_db *db, const char *name,
                                  const struct parts_params *params, int64_t *affected)
{
    PGresult *result = NULL;
    enum parts_status status = parts_db_run(db, name, params, &result);
    if (status == PARTS_OK && affected != NULL) {
        *affected = strtoll(PQcmdTuples(result), NULL, 10);
    }
    PQclear(result);
    return status;
}

static enum parts_status run_plain(struct parts_db *db, const char *sql)
{
    PGresult *result = PQexec(db->conn, sql);
    enum parts_status status = classify(db, sql, result);
    PQclear(result);
    return status;
}

enum parts_status parts_db_begin(struct parts_db *db)
{
    return run_plain(db, "BEGIN");
}

enum parts_status parts_db_end(struct parts_db *db, enum parts_status status)
{
    if (status == PARTS_OK) {
        return run_plain(db, "COMMIT");
    }
    if (!db->broken && run_plain(db, "ROLLBACK") != PARTS_OK) {
        db->broken = true;
    }
    return status;
}

bool parts_db_ping(struct parts_db *db)
{
    return run_plain(db, "SELECT 1") == PARTS_OK;
}
