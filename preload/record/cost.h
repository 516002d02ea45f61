/* SPDX-License-Identifier: MIT */
/*
 * Timing the library's own part of one call in SPY_COST_EVERY (shared/cost.h).
 *
 * The others cost a decrement of a counter in the thread's own struct. A call that is timed begins,
 * stops at each point from which the real call may be made, goes on behind it and ends; what a
 * reading of the clock takes is read with it and taken off. Any thread, signal handlers too; no
 * lock, no system call.
 */
#ifndef SPY_RECORD_COST_H
#define SPY_RECORD_COST_H

#include "runtime/thread.h"
#include "shared/region.h"

struct spy_timing {
    uint64_t at_ns;      /* the last reading */
    uint64_t spent_ns;   /* so far */
    uint64_t reading_ns; /* what one takes */
};

/* Draws which call is timed next. Is it this one? */
bool spy_cost_draw(void);

/* Once at the beginning of each call: is it to be timed? */
static inline bool spy_cost_due(void)
{
    return __builtin_expect(--spy_thread.cost_left <= 0, 0) && spy_cost_draw();
}

void spy_cost_begin(struct spy_timing *timing);
void spy_cost_stop(struct spy_timing *timing);
void spy_cost_go_on(struct spy_timing *timing);

/* Stops, and adds the sample. */
void spy_cost_end(struct spy_timing *timing, struct spy_region *region, enum spy_kind kind);

#endif
