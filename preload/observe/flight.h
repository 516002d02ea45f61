/* SPDX-License-Identifier: MIT */
/*
 * Statements in flight: between the call that sends one and the end of its results.
 *
 * A connection's flights are a queue that mirrors libpq's own: outside a pipeline there is one,
 * inside one results come back in the order in which statements were sent. The first flight of a
 * connection lives in its row, so that a program that does not pipeline never touches the pool.
 *
 * Any thread, one connection at a time; no lock, and no allocation but the pool's mapping, once.
 */
#ifndef SPY_OBSERVE_FLIGHT_H
#define SPY_OBSERVE_FLIGHT_H

#include "classify/classify.h"
#include "observe/attribution.h"
#include "record/capture.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Statements in flight of all connections together, beyond the first of each. */
#define SPY_FLIGHTS_MAX 32768u

/* The name of a prepared statement, cut if longer: for a person, identity goes by its key. */
#define SPY_FLIGHT_NAME_BYTES 24u

enum spy_flight_kind {
    SPY_FLIGHT_STATEMENT, /* one statement, or a text with several */
    SPY_FLIGHT_PREPARE,
    SPY_FLIGHT_OWN,  /* something libpq asks of the server: describe, close, a function call */
    SPY_FLIGHT_SYNC, /* the end of a segment of a pipeline: a call only where it fails */
};

#define SPY_FLIGHT_STOPPED UINT16_MAX

enum spy_copy_way { SPY_COPY_NONE, SPY_COPY_IN, SPY_COPY_OUT };

struct spy_flight {
    struct spy_flight *next;
    uint8_t kind; /* enum spy_flight_kind */
    bool alone;   /* one statement, which no sequence has in it: op is what it is credited to */
    bool whole;   /* a text with several statements that cannot be told apart */
    /* These change while it is in flight. They are not read together with those above: a load over
     * a byte that was just stored waits for that store. */
    _Alignas(4) uint8_t copy; /* enum spy_copy_way, once the server said so */
    bool failed;
    bool aborted; /* never executed: a statement before it in the pipeline had failed */
    uint16_t params;
    uint16_t sampled; /* as in struct spy_sample */
    uint16_t part;    /* of a text with several statements: the one under way, from 0;
                       * SPY_FLIGHT_STOPPED: one failed, the rest is not executed */
    uint32_t code;    /* packed SQLSTATE */
    struct spy_classifier *classifier; /* whose statements the next and prepared_before are */
    spy_stmt stmt;                     /* of a statement */
    uint32_t op;                       /* of any other, and of a statement that is alone */
    struct spy_owner owner;            /* the request it belongs to */
    spy_stmt prepared_before; /* of SPY_FLIGHT_PREPARE: what its name stood for, SPY_STMT_OTHER */
    uint32_t text_before;     /* and its text (observe/prepared.h) */
    uint64_t prepared_key;    /* what its name is known by; 0: it has none, or it was not kept */
    const void *site;         /* address the program called libpq from */
    uint64_t begin_ns;
    uint64_t sent_ns;  /* first bytes to the socket after it was queued; 0: not seen */
    uint64_t first_ns; /* first result handed over; 0: none yet */
    uint64_t over_ns;  /* the result that ends it handed over; 0: not yet */
    uint64_t rows;
    uint64_t affected;
    uint64_t bytes_in;
    uint64_t bytes_out;
    spy_capture_ticket captured;      /* what was asked; 0: it is not captured */
    char name[SPY_FLIGHT_NAME_BYTES]; /* it was prepared under; "" if it was not */
};

struct spy_flights {
    struct spy_flight *head;
    struct spy_flight *tail;
    struct spy_flight *unsent; /* the oldest whose sending is to be seen, or NULL */
    uint32_t count;            /* from head to tail */
    uint32_t lost;             /* behind the tail, for want of room: counted, not timed */
    bool seen;                 /* a result of the oldest was handed over since the last NULL */
    bool stray;                /* the same of one that is not known: it was sent unseen */
    bool left;                 /* bytes went to the socket in the call that is under way */
    bool pipelined;            /* they were sent in a pipeline */
    bool first_used;
    struct spy_flight first;
};

/* FLIGHT is one of statement STMT of its classifier. */
static inline void spy_flight_asks(struct spy_flight *flight, spy_stmt stmt)
{
    flight->stmt = stmt;
    flight->alone = spy_classify_alone(flight->classifier, stmt, &flight->op);
}

/* Maps the pool now, if it can be. */
void spy_flights_reserve(void);

/* Appends a copy of FLIGHT; NULL where the pool is empty: then it is one of the lost. */
struct spy_flight *spy_flights_push(struct spy_flights *flights, const struct spy_flight *flight);

/* Removes the head, of which there must be one. */
void spy_flights_pop(struct spy_flights *flights);

/* Is anything in flight? */
static inline bool spy_flights_any(const struct spy_flights *flights)
{
    return flights->head != NULL || flights->lost != 0;
}

/* Bytes went to the socket: whatever waited for that has been sent at NOW. */
void spy_flights_sent(struct spy_flights *flights, uint64_t now);

/* Makes FLIGHTS, zeroed or used before, empty. */
void spy_flights_clear(struct spy_flights *flights);

#endif
