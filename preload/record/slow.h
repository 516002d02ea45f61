/* SPDX-License-Identifier: MIT */
/*
 * Single calls that are worth keeping: the newest that were slow, the newest that failed, and of
 * each operation the longest since its statistics began, of this hour and of the hour before. Any
 * thread, also in a signal handler; no lock.
 */
#ifndef SPY_RECORD_SLOW_H
#define SPY_RECORD_SLOW_H

#include "shared/region.h"

/* Keeps a call that was slow (as long as its operation's watch_ns) or failed; DETAIL is as in
 * struct spy_slow_event, or NULL. Drops it, counted, where its place is still being written by
 * another thread: one that was overtaken by a whole round of the ring, or by a longer call. */
void spy_slow_add(struct spy_region *region, const struct spy_sample *sample, const char *detail);

/* The longest calls are looked for anew: after a reset, in the helper thread. The events stay: a
 * reader leaves out those of before. A call that is being recorded at this very moment may keep one
 * of an operation's places by a duration of before. */
void spy_slow_forget(struct spy_region *region);

/* Is a call of OP that took NS to be kept as slow? Both bounds may be changed at this moment by a
 * reload. */
static inline bool spy_slow_is(const struct spy_region *region, const struct spy_op *op,
                               uint64_t ns)
{
    return ns >= spy_term(op->watch_ns) ||
           ns >= spy_term(region->level_bounds_ns[SPY_LEVEL_SLOW - 1]);
}

#endif
