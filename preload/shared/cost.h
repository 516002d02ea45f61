/* SPDX-License-Identifier: MIT */
/*
 * What perfspy costs the process it is in: estimated from samples of its calls, and what it leaves
 * out where that is too much. Part of the region.
 *
 * Of each thread's calls (of libpq, and of sockets that carry requests) one in SPY_COST_EVERY is
 * timed around the library's own part of it. Which one is drawn at random, with gaps of 1 to
 * 2 * SPY_COST_EVERY - 1: a fixed gap would meet the same call of a program's loop again and again.
 * So (samples + cut) * SPY_COST_EVERY is about the number of calls, and the mean of the samples
 * about what one costs.
 *
 * Times are of the clock, not of the processor: that would take a system call. A sample longer than
 * SPY_COST_CUT_NS is taken for one whose thread lost the processor, and counts as a call only.
 */
#ifndef SPY_SHARED_COST_H
#define SPY_SHARED_COST_H

#include "shared/names.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SPY_COST_EVERY  256u
#define SPY_COST_CUT_NS 50000u

/* PERFSPY_COST_LIMIT, unless it is set: millionths of the process' CPU time. */
#define SPY_COST_LIMIT_PPM 100000u

/* What is left out, each with all before it. */
enum spy_backoff {
    SPY_BACKOFF_NONE,
    SPY_BACKOFF_CAPTURE, /* captures: one under way ended, none begins */
    SPY_BACKOFF_DETAIL,  /* attribution of queries to requests, and what hangs on it (queries and
                          * database time of requests, repeated statements); percentiles of the
                          * parts of requests */
};

/* Calls of one kind (enum spy_kind). Any thread, atomic adds. */
struct spy_cost_side {
    _Atomic uint64_t samples;
    _Atomic uint64_t ns;  /* their sum, without what reading the clock took */
    _Atomic uint64_t cut; /* samples that were too long to be believed */
};

/* How the helper thread reads time. */
enum spy_cost_clock { SPY_COST_CLOCK_UNKNOWN, SPY_COST_CLOCK_VDSO, SPY_COST_CLOCK_COUNTER };

struct spy_cost {
    _Alignas(64) struct spy_cost_side side[SPY_KIND_COUNT];

    /* Written by the helper thread, at each roll and when it starts. The times are of one moment.
     */
    _Alignas(64) _Atomic uint32_t backoff; /* enum spy_backoff */
    uint32_t limit_ppm;                    /* constant; 0: never backs off */
    _Atomic uint64_t changed_ns; /* CLOCK_MONOTONIC when `backoff` was last stored; 0: never */
    _Atomic uint32_t backoffs;   /* how often it left SPY_BACKOFF_NONE */
    _Atomic uint32_t clock;      /* enum spy_cost_clock */
    _Atomic uint64_t noted_ns;   /* CLOCK_MONOTONIC of the times below; 0: not known */
    _Atomic uint64_t calls_ns;   /* spy_cost_calls_ns() */
    _Atomic uint64_t helper_ns;  /* CPU time of the helper thread */
    _Atomic uint64_t process_ns; /* CPU time of the process, the helper included */
};

/* The cost of a call of SIDE in nanoseconds; 0 without samples. */
static inline uint64_t spy_cost_call_ns(const struct spy_cost_side *side)
{
    uint64_t samples = atomic_load_explicit(&side->samples, memory_order_relaxed);
    uint64_t ns = atomic_load_explicit(&side->ns, memory_order_relaxed);
    return samples != 0 ? ns / samples : 0;
}

/* About how many calls SIDE has seen. */
static inline uint64_t spy_cost_calls(const struct spy_cost_side *side)
{
    return (atomic_load_explicit(&side->samples, memory_order_relaxed) +
            atomic_load_explicit(&side->cut, memory_order_relaxed)) *
           SPY_COST_EVERY;
}

/* About what all calls have cost so far, in nanoseconds. */
static inline uint64_t spy_cost_calls_ns(const struct spy_cost *cost)
{
    uint64_t sum = 0;
    for (int kind = 0; kind < SPY_KIND_COUNT; kind++)
        sum += spy_cost_calls(&cost->side[kind]) * spy_cost_call_ns(&cost->side[kind]);
    return sum;
}

static inline bool spy_cost_leaves_out(const struct spy_cost *cost, enum spy_backoff what)
{
    /* Acquire: whoever sees that something is back finds since when. */
    return atomic_load_explicit(&cost->backoff, memory_order_acquire) >= (uint32_t)what;
}

/* "captures, attribution ...": what BACKOFF leaves out, for a person; "" for none. */
const char *spy_backoff_text(uint32_t backoff);

#endif
