/* SPDX-License-Identifier: MIT */
/*
 * The table of libpq connections: which copy of libpq made it, whom it talks to, the statements in
 * flight on it and its unfinished sequence. The handles by which libpq cancels (PGcancel,
 * PGcancelConn) have rows too: a call on one must reach the copy that made it.
 *
 * Fixed memory, keyed by the object's address. A PGconn belongs to one thread at a time but may
 * migrate; only its own thread looks it up, so a row needs no lock, and the table only that rows
 * are claimed and freed by atomic exchange of their key.
 */
#ifndef SPY_OBSERVE_CONN_H
#define SPY_OBSERVE_CONN_H

#include "classify/classify.h"
#include "observe/flight.h"
#include "runtime/libpq.h"
#include "runtime/process.h"
#include "runtime/thread.h"

#include <stdatomic.h>

/* Statements run on a connection since the last credit; see observe/sequence.h. `count` and
 * `owner` are atomic because the thread that ends a request and the thread that has meanwhile been
 * given the connection may look at the same time. */
struct spy_pending {
    _Atomic uint32_t count;
    _Atomic uint32_t owner; /* thread that left statements open; UINT32_MAX: flushed; 0: nobody */
    uint32_t slot;          /* held slot of the region, valid while count > 0 */
    uint64_t epoch;         /* region the statements belong to */
    const struct spy_classifier *classifier; /* that they are of */
    spy_stmt stmt[SPY_RULES_STEPS];
    struct spy_sample sample[SPY_RULES_STEPS];
    spy_capture_ticket captured[SPY_RULES_STEPS];
};

/* A prepared statement that was executed on a connection, and what its name led to. */
struct spy_executed {
    _Alignas(64) char name[SPY_FLIGHT_NAME_BYTES];
    const struct spy_classifier *classifier; /* NULL: none was */
    uint64_t key;
    uint32_t len;     /* of the name, which is not cut */
    uint32_t changes; /* prepared_changes then */
    spy_stmt stmt;
    uint32_t op;
    bool alone;
};
_Static_assert(sizeof(struct spy_executed) == 64, "one cache line");

#define SPY_CONN_EXECUTED 4u

struct spy_query;

struct spy_conn {
    _Atomic(const void *) handle; /* NULL: the row is free. Whoever has the object reads what it
                                   * stored, or had handed over with the object */
    const struct spy_libpq *pq;
    uint64_t serial;     /* never used again, unlike the address */
    uint32_t resumed;    /* spy_process_resumed when it was last used */
    uint64_t connect_ns; /* an asynchronous connect or reset began then; 0: none is under way */
    struct spy_owner connect_owner; /* the request that waits for that */
    uint64_t facts_epoch; /* region in which the next two are right; 0: not asked for yet */
    uint16_t endpoint;
    int32_t backend_pid;
    uint32_t open_row;       /* where it is listed (record/open.h), valid while open_epoch is the */
    uint64_t open_epoch;     /* region's; 0: it has not been listed yet */
    struct spy_query *batch; /* a synchronous call of several statements, while it is under way */
    struct spy_flights flights;
    struct spy_pending pending;
    bool named; /* it was noted what names stand for, under this serial or one before it */
    uint32_t prepared_changes; /* how often a name came to stand for something else */
    struct spy_executed executed[SPY_CONN_EXECUTED]; /* by the ends of their names */
};

/* Fixed capacity: a process with more connections times them all the same, but without prepared
 * statements' texts and sequences (counted, CONNS_FULL). */
#define SPY_CONNS_MAX 4096u

/* Maps the table now, if it can be. */
void spy_conns_reserve(void);

/* Row I, in use or not; NULL where the table was never needed. */
struct spy_conn *spy_conn_at(uint32_t i);

/* Was recording on ever since CONN was last used? */
static inline bool spy_conn_is_current(const struct spy_conn *conn)
{
    return conn->resumed == atomic_load_explicit(&spy_process_resumed, memory_order_relaxed);
}

/* CONN was first seen in a call of libpq's own. Where recording has been switched on before, the
 * program's call around it may be of before that, so CONN is not used yet. */
static inline void spy_conn_not_joined(struct spy_conn *conn)
{
    uint32_t resumed = atomic_load_explicit(&spy_process_resumed, memory_order_relaxed);
    conn->resumed = resumed > 0 ? resumed - 1 : 0;
}

/* Recording was off meanwhile: what was in flight is forgotten, and what lies open is credited. */
void spy_conn_rejoin(struct spy_conn *conn);

/* The row of HANDLE, or NULL. A program may pass NULL to libpq; it has no row. */
struct spy_conn *spy_conn_search(const void *handle);

/* The same, at once where it is the one that the calling thread asked for last. */
static inline struct spy_conn *spy_conn_find(const void *handle)
{
    struct spy_conn *last = spy_thread.conn;
    if (last != NULL && handle != NULL &&
        atomic_load_explicit(&last->handle, memory_order_relaxed) == handle)
        return last;
    return spy_conn_search(handle);
}

/* A fresh row for HANDLE, replacing one that was never finished; NULL where the table is full. */
struct spy_conn *spy_conn_add(const void *handle, const struct spy_libpq *pq);

/* The same where it is known that HANDLE has no row. */
struct spy_conn *spy_conn_add_new(const void *handle, const struct spy_libpq *pq);

/* Asks PGCONN, CONN's, whom it talks to: once it is made, and again in another REGION. */
void spy_conn_learn(struct spy_conn *conn, const PGconn *pgconn, struct spy_region *region);

/* Frees the row of HANDLE. */
void spy_conn_remove(const void *handle);

#endif
