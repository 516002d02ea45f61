/* SPDX-License-Identifier: MIT */
/*
 * The region's rows for what is under way: requests and connections as they are this moment, whom
 * connections talk to, and which statements requests repeat. A part of shared/region.h, which says
 * where the rows lie.
 *
 * Single numbers, each stored relaxed by whoever changes it: a reader may see a state that is a few
 * stores old, never a torn number. A row is taken and freed through `taken`.
 */
#ifndef SPY_SHARED_OPEN_ROWS_H
#define SPY_SHARED_OPEN_ROWS_H

#include <stdatomic.h>
#include <stdint.h>

#define SPY_TALLIES 8u /* statements counted within one request */

/* Requests under way, counted and told apart in one word: each adds SPY_OPEN_ONE plus its row plus
 * 1. Where the count is 1 the low bits name the only one. */
#define SPY_OPEN_ONE    (1ull << 40)
#define SPY_OPEN_NO_ROW UINT32_MAX

/* The row that OPEN names: the only request counted in it; SPY_OPEN_NO_ROW where there is none or
 * more than one. */
static inline uint32_t spy_open_only(uint64_t open)
{
    return open >> 40 == 1 ? (uint32_t)(open & (SPY_OPEN_ONE - 1)) - 1 : SPY_OPEN_NO_ROW;
}

/* A statement's calls within one request. `op` is stored with release once it is taken. */
struct spy_tally {
    _Atomic uint32_t op; /* plus 1; 0: free */
    _Atomic uint32_t calls;
    _Atomic uint64_t ns;
    _Atomic uint64_t site; /* address the first of them was called from */
};

struct spy_open_request {
    _Alignas(64) _Atomic uint32_t taken; /* 0 free, 1 claimed, 2 open */
    _Atomic uint32_t op;
    _Atomic uint32_t tid;   /* thread that read its head */
    _Atomic uint32_t shard; /* of that thread */
    _Atomic uint64_t begin_ns;
    _Atomic uint64_t stalled_ns; /* its response waits since then for the client; 0: it does not */
    _Atomic uint64_t db_wait_ns;
    _Atomic uint64_t db_rows_ns;
    _Atomic uint32_t queries;
    _Atomic uint32_t guessed; /* of them those that were not timed */
    struct spy_tally tally[SPY_TALLIES];
};

enum spy_conn_phase {
    SPY_PHASE_IDLE,
    SPY_PHASE_CONNECTING,
    SPY_PHASE_QUEUED, /* sent to libpq, not yet to the server */
    SPY_PHASE_SERVER, /* waits for the first result */
    SPY_PHASE_ROWS,   /* results are being fetched, or copied */
};

struct spy_open_conn {
    _Alignas(64) _Atomic uint32_t taken; /* 0 free, 1 taken */
    _Atomic uint32_t phase;              /* enum spy_conn_phase */
    _Atomic uint64_t since_ns;           /* statement begun, or where idle the last one ended; of a
                                          * sampled operation's perhaps up to a step of history
                                          * before that (observe/sampling.h) */
    _Atomic uint32_t op;                 /* of the statement under way, or where idle the last */
    _Atomic uint32_t request;            /* row of the request it belongs to, plus 1; 0: none */
    _Atomic uint32_t tid;                /* thread that began the statement */
    _Atomic uint32_t endpoint;
    _Atomic int32_t backend_pid;
    _Atomic uint32_t transaction;    /* PGTransactionStatusType + 1 when last idle; 0: not known */
    _Atomic uint64_t transaction_ns; /* in a transaction since then; 0: in none */
    _Atomic uint32_t transaction_op; /* that opened it */
    _Atomic uint32_t queued;         /* statements in flight */
};

struct spy_repeat_sum {
    _Atomic uint64_t requests;
    _Atomic uint64_t calls;
    _Atomic uint64_t ns;
};

/* A statement that requests of one operation repeat. `key` is stored with release when it is
 * claimed; numbers are added relaxed. */
struct spy_repeat {
    _Atomic uint64_t key; /* request's op << 32 | statement's op + 1; 0: free */
    _Atomic uint64_t requests;
    _Atomic uint64_t calls;
    _Atomic uint64_t ns;
    _Atomic uint32_t most;      /* calls in one request, since the last reset */
    _Atomic uint32_t site_text; /* like spy_op.text: "module+0xoffset (symbol)" */
    _Atomic uint64_t site;
    struct spy_repeat_sum before[2]; /* a reset: see spy_region.resets */
};

/* Whom a libpq connection talks to. The lower half of `state` goes from FREE to CLAIMED by
 * compare-and-swap and to READY with release once the texts are there; the upper half is the row
 * that was made next (shared/endpoint.h, by which rows are read). Nothing else changes after that.
 * Texts are cut if longer, and NUL-terminated. */
enum spy_endpoint_state { SPY_ENDPOINT_FREE, SPY_ENDPOINT_CLAIMED, SPY_ENDPOINT_READY };

struct spy_endpoint {
    _Atomic uint32_t state;
    char port[12];
    char host[112]; /* name or address; a directory where it is a Unix socket */
    char database[64];
    char user[64];
};

#endif
