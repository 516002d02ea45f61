/* SPDX-License-Identifier: MIT */
/*
 * What the library keeps for each thread: one small struct in static TLS (initial-exec: reached
 * without a call, never allocated lazily, so it is safe in signal handlers). Fields are ordered by
 * how often a call touches them.
 *
 * Nothing is registered for a thread's end: a shard's owner is recognised as gone by its thread
 * id (record/shard.c), so there is no destructor whose order against other libraries' matters.
 */
#ifndef SPY_RUNTIME_THREAD_H
#define SPY_RUNTIME_THREAD_H

#include "shared/region.h"

#include <stdint.h>

/* Calls of one thread that may be under way at once: one, and those made by callbacks (notice
 * processors) on other connections. Beyond that calls pass untimed, counted. */
#define SPY_GUARD_DEPTH 6

/* Connections with a held sequence that one request may touch before they are credited early. */
#define SPY_THREAD_HELD 8

struct spy_libpq;

struct spy_guard_frame {
    const void *conn;  /* of the call; NULL while a connection is being made */
    const void *frame; /* stack address of the wrapper; NULL: not in use */
    void *row;         /* the connection's, for whoever entered; NULL: not noted */
    /* The copy whose own calls on CONN tell nothing; NULL: they may. */
    const struct spy_libpq *passes;
};

/* A way that calls seldom take: kept out of the others' code. */
#define SPY_SELDOM    __attribute__((noinline, cold))
#define SPY_LIKELY(x) __builtin_expect(!!(x), 1)

/* A reading of the time stamp counter and of the system's clock (runtime/clock.h). */
struct spy_clock {
    uint64_t window;    /* in ticks: how long it may be counted on from; 0: there is none */
    uint64_t ticks;     /* the counter when it was read */
    uint64_t rate;      /* nanoseconds a tick, 32 bits of them behind the point */
    uint64_t offset_ns; /* what to add to the counter's nanoseconds */
    uint64_t floor_ns;  /* what the anchor before may have told */
};

struct spy_thread {
    struct spy_clock clock;
    struct spy_shard *shard; /* valid while epoch is the region's */
    uint64_t epoch;          /* region->epoch_mono_ns when the shard was taken; 0: never */
    uint32_t tid;
    uint32_t recording; /* 1 while the shard is being written: a signal handler goes elsewhere */
    uint32_t guard_depth;
    uint32_t held_count;
    int32_t cost_left;   /* calls until one is timed (record/cost.h) */
    uint32_t cost_seed;  /* of the draw; 0: none was made */
    uint32_t connecting; /* row of the connect that is listed as under way, plus 1; 0: none */
    void *conn;          /* struct spy_conn of the connection that was last looked up, or NULL */
    void *sending; /* struct spy_conn with statements whose bytes are still to go, while a call of
                    * libpq on it is under way that may send them; else NULL */
    struct spy_guard_frame guard[SPY_GUARD_DEPTH];
    const void *held[SPY_THREAD_HELD]; /* connections whose sequence this thread left open */
};

extern __thread struct spy_thread spy_thread;

#endif
