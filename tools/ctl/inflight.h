/* SPDX-License-Identifier: MIT */
/*
 * What is under way at this moment, collected from several processes: requests, and libpq
 * connections with a statement in flight or an open transaction, or that are being made. Of a dead
 * process: what was under way when it died.
 */
#ifndef CTL_INFLIGHT_H
#define CTL_INFLIGHT_H

#include "ctl/source.h"

#define CTL_WAITS(X)                                                               \
    X(PROGRAM, "program", "the program itself: its code, a lock, another service") \
    X(CONNECT, "connect", "a connection to the database")                          \
    X(QUEUE, "queue", "the program: it has not sent the statement yet")            \
    X(SERVER, "server", "the database's first result")                             \
    X(ROWS, "rows", "rows being fetched or copied")                                \
    X(CLIENT, "client", "the client, to take the response")

enum ctl_waits {
#define X(id, name, text) CTL_WAITS_##id,
    CTL_WAITS(X)
#undef X
        CTL_WAITS_COUNT
};

/* Where something runs, and since when. */
struct ctl_place {
    int32_t pid;
    uint32_t tid;
    bool dead;           /* the process is: what it did when it died */
    uint64_t since_ns;   /* CLOCK_REALTIME */
    uint64_t elapsed_ns; /* until now; of a dead process until its last sign of life */
    bool at_most;        /* of an operation that is sampled: it may have begun later */
};

struct ctl_open_request {
    struct ctl_place place;
    char operation[SPY_NAME_BYTES + 1];
    enum ctl_waits waits;
    char statement[SPY_NAME_BYTES + 1]; /* operation of the statement under way for it; "" */
    int32_t backend_pid;                /* that is at it; 0 */
    uint32_t queries;                   /* that ended */
    uint64_t db_ns;                     /* they took, and those under way, until now */
};

struct ctl_open_conn {
    struct ctl_place place; /* of the statement; where idle, since the transaction was opened */
    bool idle;              /* in a transaction, with no statement under way */
    char operation[SPY_NAME_BYTES + 1]; /* under way; where idle, the last one */
    char *statement;                    /* its text, or NULL */
    enum ctl_waits waits;
    char request[SPY_NAME_BYTES + 1];   /* operation of the request it belongs to; "" */
    uint32_t queued;                    /* statements in flight, this one included */
    char opened_by[SPY_NAME_BYTES + 1]; /* operation that opened the transaction; "" */
    uint64_t idle_ns;                   /* since the last statement ended */
    uint64_t transaction_ns;            /* in a transaction for so long; 0: in none */
    uint32_t transaction;               /* PGTransactionStatusType + 1; 0: not known */
    int32_t backend_pid;
    char database[65];
    char user[65];
    char host[113];
    char port[13];
};

struct ctl_inflight {
    struct ctl_open_request *request;
    size_t requests;
    struct ctl_open_conn *conn; /* once sorted: those with a statement, then the idle ones */
    size_t conns;
    size_t statements; /* how many of them have one */
    uint64_t unlisted; /* not listed because the tables were full, ever */
};

/* Adds what REGION shows. */
void ctl_inflight_add(struct ctl_inflight *inflight, const struct ctl_process *process,
                      const struct spy_region *region, const struct ctl_run *run);

/* Adds every process of SOURCE. False where no process could be read. */
bool ctl_inflight_load(struct ctl_inflight *inflight, const struct ctl_source *source,
                       const struct ctl_run *run);
/* The longest first, of each kind. */
void ctl_inflight_sort(struct ctl_inflight *inflight);
void ctl_inflight_free(struct ctl_inflight *inflight);

/* cmd_inflight.c: tables for a person, of at most LIMIT rows. */
void ctl_inflight_print(const struct ctl_inflight *inflight, size_t limit,
                        const struct ctl_run *run);

const char *ctl_waits_name(enum ctl_waits waits);

#endif
