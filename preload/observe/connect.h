/* SPDX-License-Identifier: MIT */
/*
 * Connections come, are reset and go; and what libpq does beside them on connections of its own:
 * pings and cancels. Each is a call of an operation of libpq's own, well ended or failed. Connects
 * and pings are listed while they last (observe/inflight.h), and a request waits for them as for
 * the database, but they are none of its queries.
 *
 * Every begin returns the copy of libpq to call, NULL only where there is none at all. errno is
 * left as the real call left it. A first connect starts the watch of the process. Cancelling is
 * async-signal-safe, as PQcancel is, once any copy of libpq is known.
 */
#ifndef SPY_OBSERVE_CONNECT_H
#define SPY_OBSERVE_CONNECT_H

#include "observe/query.h"

/* Such a call under way; lives in the wrapper's frame. */
struct spy_connect {
    const struct spy_libpq *pq;
    const void *guarded; /* what the guard was entered with */
    const void *frame;
    struct spy_region *region; /* NULL: this is no event */
    uint64_t begin_ns;
    bool outermost;
    struct spy_owner owner;     /* of a connect or ping: the request that waits for it */
    uint32_t open_row;          /* where it is listed as under way, or SPY_OPEN_NO_ROW */
    uint32_t connecting_before; /* spy_thread.connecting outside this call */
};

/* A connection is about to be made, or a server pinged. */
const struct spy_libpq *spy_connect_begin(struct spy_connect *call, const void *caller,
                                          const void *frame);
const struct spy_libpq *spy_ping_begin(struct spy_connect *call, const void *caller,
                                       const void *frame);

/* CONN is about to be reset: what is in flight on it ends. */
const struct spy_libpq *spy_reset_begin(struct spy_connect *call, PGconn *conn, const void *caller,
                                        const void *frame);

/* The connect or reset ended, well or not (CONN may be NULL). */
void spy_connect_end(struct spy_connect *call, PGconn *conn);

/* An asynchronous connect or reset was begun, or not (STARTED). */
void spy_connect_started(struct spy_connect *call, PGconn *conn, bool started);

/* PQconnectPoll or PQresetPoll, begun by spy_query_begin(), returned STATUS. */
void spy_connect_polled(struct spy_query *call, int status);

/* A ping ended. */
void spy_ping_end(struct spy_connect *call, bool failed);

/* CONN is about to be freed: ends what is in flight, credits what is held and forgets it. */
const struct spy_libpq *spy_connect_finish(PGconn *conn, const void *caller);

/* The copy of libpq that made HANDLE, a connection or what cancels one. */
const struct spy_libpq *spy_connect_libpq(const void *handle, const void *caller);

/* PQ made HANDLE, which cancels what runs on CONN (NULL: it did not); HANDLE is about to be freed.
 */
void spy_cancel_made(const void *handle, const PGconn *conn, const struct spy_libpq *pq);
const struct spy_libpq *spy_cancel_freed(const void *handle, const void *caller);

/* HANDLE, or the connection itself, is about to cancel; and did, or FAILED. Inside a call on that
 * very connection this is an event all the same: a signal handler cancels it. */
const struct spy_libpq *spy_cancel_begin(struct spy_connect *call, const void *handle,
                                         const void *caller, const void *frame);
void spy_cancel_end(struct spy_connect *call, const void *handle, bool failed);

/* The cancels of libpq 17, which work like connects: HANDLE is about to cancel, begin to, or go on
 * with it. spy_cancel_end() ends the first, spy_cancel_started() the second: it was begun, or not;
 * spy_cancel_polled() the third: it returned STATUS. */
const struct spy_libpq *spy_cancel_poll_begin(struct spy_connect *call, const void *handle,
                                              const void *caller, const void *frame);
void spy_cancel_started(struct spy_connect *call, const void *handle, bool started);
void spy_cancel_polled(struct spy_connect *call, const void *handle, int status);

#endif
