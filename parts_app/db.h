/* SPDX-License-Identifier: MIT */
/*
 * db.h: running prepared statements and transactions on a connection lent by the pool.
 *
 * A struct parts_db belongs to one thread at a time. All calls block.
 */
#ifndef PARTS_DB_H
#define PARTS_DB_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

struct parts_db {
    PGconn *conn;
    bool broken; /* the pool must replace it */
};

/* How a data function ended. */
enum parts_status {
    PARTS_OK,
    PARTS_NOT_FOUND,
    PARTS_DUPLICATE,   /* a unique value exists already */
    PARTS_REFERENCE,   /* refers to a row that does not exist, or is referred to */
    PARTS_NO_PLACE,    /* create_part: the warehouse does not exist */
    PARTS_UNAVAILABLE, /* database gone, busy or too slow: worth another try */
    PARTS_FAILED,      /* a defect; logged */
};

#define PARTS_PARAMS_MAX 16

/* Bind values in order, all in text form. Begin with {0}. Holds texts by reference. */
struct parts_params {
    int count;
    const char *values[PARTS_PARAMS_MAX];
    char numbers[PARTS_PARAMS_MAX][24];
};

void parts_params_text(struct parts_params *params, const char *value); /* NULL = SQL NULL */
void parts_params_int(struct parts_params *params, int64_t value);
/* An id, or SQL NULL for 0: ids begin at 1, so 0 stands for "none" all over the service. */
void parts_params_id(struct parts_params *params, int64_t id);
void parts_params_bool(struct parts_params *params, bool value);
/* A decimal with DECIMALS places. */
void parts_params_decimal(struct parts_params *params, double value, int decimals);

/*
 * Runs the prepared statement NAME. On PARTS_OK *result holds its rows and the caller calls
 * PQclear; otherwise *result is NULL and the cause has been logged unless it is the client's.
 */
enum parts_status parts_db_run(struct parts_db *db, const char *name,
                               const struct parts_params *params, PGresult **result)
    __attribute__((warn_unused_result));

/* Like parts_db_run for a statement without rows; *affected (may be NULL) counts changed rows. */
enum parts_status parts_db_change(struct parts_db *db, const char *name,
                                  const struct parts_params *params, int64_t *affected)
    __attribute__((warn_unused_result));

/* BEGIN. Every successful begin must be followed by parts_db_end. */
enum parts_status parts_db_begin(struct parts_db *db) __attribute__((warn_unused_result));

/* COMMIT when STATUS is PARTS_OK, else ROLLBACK; returns STATUS, or why the commit failed. */
enum parts_status parts_db_end(struct parts_db *db, enum parts_status status)
    __attribute__((warn_unused_result));

/* The smallest possible statement: does this connection work? */
bool parts_db_ping(struct parts_db *db);

#endif
