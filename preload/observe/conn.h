/* SPDX-License-Identifier: MIT */
/*
 * The table of libpq connections: which copy of libpq made it, and its unfinished sequence.
 *
 * Fixed memory, keyed by the PGconn's address. A PGconn belongs to one thread at a time but may
 * migrate; only its own thread looks it up, so a row needs no lock, and the table only that rows
 * are claimed and freed by atomic exchange of their key.
 */
#ifndef SPY_OBSERVE_CONN_H
#define SPY_OBSERVE_CONN_H

#include "classify/classify.h"
#include "runtime/libpq.h"

#include <stdatomic.h>

/* Statements run on a connection since the last credit; see observe/sequence.h. `count` and
 * `owner` are atomic because the thread that ends a request and the thread that has meanwhile been
 * given the connection may look at the same time. */
struct spy_pending {
    _Atomic uint32_t count;
    _Atomic uint32_t owner; /* thread id that left statements open; SPY_PENDING_FLUSH; 0: nobody */
    uint32_t slot;          /* held slot of the region, valid while count > 0 */
    uint64_t epoch;         /* region the statements belong to */
    spy_stmt stmt[SPY_RULES_STEPS];
    struct spy_sample sample[SPY_RULES_STEPS];
};

struct spy_conn {
    const struct spy_libpq *pq;
    uint64_t serial; /* never used again, unlike the address */
    struct spy_pending pending;
};

/* Fixed capacity: a process with more connections times them all the same, but without prepared
 * statements' texts and sequences (counted, CONNS_FULL). */
#define SPY_CONNS_MAX 4096u

/* The row of CONN, or NULL. A program may pass NULL to libpq; it has no row. */
struct spy_conn *spy_conn_find(const PGconn *conn);

/* A fresh row for CONN, replacing one that was never finished; NULL where the table is full. */
struct spy_conn *spy_conn_add(const PGconn *conn, const struct spy_libpq *pq);

/* Frees the row of CONN. */
void spy_conn_remove(const PGconn *conn);

#endif
