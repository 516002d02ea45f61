/* SPDX-License-Identifier: MIT */
/*
 * db_pool.h: a fixed number of database connections shared by the request threads.
 *
 * Thread-safe. A connection that broke is replaced when it is next wanted; while the database is
 * down callers are told at once instead of queueing behind connection attempts.
 */
#ifndef PARTS_DB_POOL_H
#define PARTS_DB_POOL_H

#include "db.h"

struct parts_pool;

enum parts_pool_outcome {
    PARTS_POOL_OK,
    PARTS_POOL_EXHAUSTED, /* all connections stayed busy for the whole bounded wait */
    PARTS_POOL_DOWN,      /* no connection can be made at present */
};

struct parts_pool_settings {
    const char *dsn; /* must outlive the pool */
    unsigned size;
    unsigned wait_ms;
    unsigned query_timeout_ms;
};

/*
 * Makes the pool and tries to connect all of it. A database that is down is not an error: the
 * pool keeps trying as connections are wanted. Returns NULL when out of memory.
 */
struct parts_pool *parts_pool_new(const struct parts_pool_settings *settings);

/* Lends a connection for one request; on PARTS_POOL_OK *db goes back by parts_pool_release. */
enum parts_pool_outcome parts_pool_acquire(struct parts_pool *pool, struct parts_db **db);

/* Takes a connection back. One that is broken or stuck in a transaction is closed. */
void parts_pool_release(struct parts_pool *pool, struct parts_db *db);

/*
 * Cuts the sockets of all connections, so that threads blocked in a statement return with an
 * error; nothing can be acquired afterwards. For a shutdown whose patience has run out.
 */
void parts_pool_abort(struct parts_pool *pool);

/* Closes all connections. None may be on loan. */
void parts_pool_free(struct parts_pool *pool);

#endif
