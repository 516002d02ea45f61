/* SPDX-License-Identifier: MIT */
/*
 * Queries and connects of libpq: from the wrappers' begin and end to recorded calls.
 *
 * Every begin returns the copy of libpq to call, NULL only where there is none at all, and notes
 * in the caller's struct whether the call is an event. Between begin and end nothing but the real
 * call happens. errno is left as the real call left it.
 *
 * Hot path of a known connection: no lock, no allocation, no system call.
 */
#ifndef SPY_OBSERVE_QUERY_H
#define SPY_OBSERVE_QUERY_H

#include "observe/conn.h"
#include "runtime/guard.h"
#include "runtime/libpq.h"

/* A query under way; lives in the wrapper's frame. */
struct spy_query {
    const struct spy_libpq *pq;
    struct spy_conn *conn; /* NULL where the connection table is full */
    const PGconn *pgconn;
    const void *frame;
    struct spy_region *region; /* NULL: pass through, this is no event */
    uint64_t begin_ns;
};

/* A connect or reset under way. */
struct spy_connect {
    const struct spy_libpq *pq;
    const PGconn *guarded; /* what the guard was entered with */
    const void *frame;
    struct spy_region *region;
    uint64_t begin_ns;
    bool outermost;
};

const struct spy_libpq *spy_query_begin(struct spy_query *call, PGconn *conn, const void *caller,
                                        const void *frame);

/* The statement TEXT ended with RESULT (NULL: libpq could not run it). */
void spy_query_end(struct spy_query *call, const char *text, const PGresult *result);

/* The statement prepared under NAME ended with RESULT. */
void spy_query_end_prepared(struct spy_query *call, const char *name, const PGresult *result);

/* TEXT was prepared under NAME, or not, says RESULT. */
void spy_query_prepared(struct spy_query *call, const char *name, const char *text,
                        const PGresult *result);

/* CONN is about to be freed: credits what is held and forgets it. */
const struct spy_libpq *spy_query_finish(PGconn *conn, const void *caller);

/* A connection is about to be made: starts the watch of this process if it is the first. */
const struct spy_libpq *spy_connect_begin(struct spy_connect *call, const void *caller,
                                          const void *frame);
const struct spy_libpq *spy_reset_begin(struct spy_connect *call, PGconn *conn, const void *caller,
                                        const void *frame);

/* The connect ended, well or not (CONN may be NULL). */
void spy_connect_end(struct spy_connect *call, PGconn *conn);

/* An asynchronous connect was begun: CONN is known from here on, its time is not. */
void spy_connect_started(struct spy_connect *call, PGconn *conn);

#endif
