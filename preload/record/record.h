/* SPDX-License-Identifier: MIT */
/*
 * record: a finished call is added to the calling thread's shard, where it was slow or failed also
 * to the ring of slow events, and where calls are logged to the log. Any thread, also in a signal
 * handler; no lock, no allocation, no system call but at a thread's first call (record/shard.h).
 */
#ifndef SPY_RECORD_RECORD_H
#define SPY_RECORD_RECORD_H

#include "shared/region.h"
#include "shared/totals.h"

/* Adds one call; DETAIL is NULL or what struct spy_slow_event keeps as such. Where the arena has no
 * room it is counted under the "other" operation of its kind, and the region's self counter says
 * so. */
void spy_record_with(struct spy_region *region, const struct spy_sample *sample,
                     const char *detail);

static inline void spy_record(struct spy_region *region, const struct spy_sample *sample)
{
    spy_record_with(region, sample, NULL);
}

/* Counts a statement of OP that was queued and never executed: as aborted, not as a call. */
void spy_record_aborted(struct spy_region *region, uint32_t op);

/* The rolled and the reset shards, for the helper thread only (record/roll.c, reset.c): makes room
 * in SHARD for many calls at once, false where the arena is full; and adds them, which then cannot
 * fail. */
bool spy_record_reserve(struct spy_region *region, uint32_t shard, uint32_t op,
                        const struct spy_totals *delta);
void spy_record_totals(struct spy_region *region, uint32_t shard, uint32_t op,
                       const struct spy_totals *delta);

#endif
