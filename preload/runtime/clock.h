/* SPDX-License-Identifier: MIT */
/*
 * Time: CLOCK_MONOTONIC in nanoseconds. Never wall clock for a duration. Safe anywhere, also in
 * signal handlers; no system call.
 *
 * It is read in the vDSO, at some 20 ns, or, where the kernel's own clock source is the processor's
 * time stamp counter, counted on from such a reading by that counter, at some 8 ns. Each thread
 * counts from a reading of its own (an anchor) that is at most SPY_CLOCK_WINDOW_NS old; nothing is
 * shared but the counter's rate, which is measured once. So whatever happens to the counter, to its
 * rate or to the system's clock (suspend, a move to another machine, slewing) is forgotten after
 * that time; and where two anchors tell that the counter did not keep in step it is used no more.
 *
 * Error: at most half of the 500 ns within which both clocks are read for an anchor, plus what the
 * rate is off (25 ppm as measured, 500 ppm while the system clock is slewed) for a window: 2.4 us,
 * mostly a few ns. A thread's time does not go backwards, but threads may differ by the error: a
 * difference of two readings is to be taken by spy_clock_since().
 */
#ifndef SPY_RUNTIME_CLOCK_H
#define SPY_RUNTIME_CLOCK_H

#include "runtime/thread.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define SPY_CLOCK_WINDOW_NS 4000000u

/* Decides whether the counter may be used, and begins to measure its rate: until that is known, at
 * least 20 ms later, the vDSO is asked. When a watch begins: a fork's child comes here again.
 * System calls. Without it the vDSO is asked for ever. */
void spy_clock_init(void);

/* The time by the vDSO, which becomes the calling thread's anchor if it can. */
uint64_t spy_clock_anchor(void);

static inline uint64_t spy_clock_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static inline uint64_t spy_clock_ns(uint64_t ticks, uint64_t rate)
{
    return (uint64_t)(((unsigned __int128)ticks * rate) >> 32);
}

/* A signal handler may come in anywhere and put another anchor here: any mixture of two is right,
 * because each offset is, at any time within a window of either. */
static inline uint64_t spy_now(void)
{
#if defined(__x86_64__)
    const struct spy_clock *clock = &spy_thread.clock;
    uint64_t window = clock->window;
    uint64_t ticks = window != 0 ? __builtin_ia32_rdtsc() : 0;
    if (__builtin_expect(ticks - clock->ticks < window, 1)) {
        uint64_t now = clock->offset_ns + spy_clock_ns(ticks, clock->rate);
        return __builtin_expect(now >= clock->floor_ns, 1) ? now : clock->floor_ns;
    }
#endif
    return spy_clock_anchor();
}

/* Does the calling thread count on from an anchor? */
static inline bool spy_clock_counts(void)
{
    return spy_thread.clock.window != 0;
}

/* How long THEN has been at NOW: 0 where another thread's reading is ahead. */
static inline uint64_t spy_clock_since(uint64_t now, uint64_t then)
{
    return now > then ? now - then : 0;
}

#endif
