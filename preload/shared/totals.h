/* SPDX-License-Identifier: MIT */
/*
 * Totals: the sum of an operation's cells, the reader's side of the shards. Totals of shards,
 * windows, processes and hosts add up without loss.
 */
#ifndef SPY_SHARED_TOTALS_H
#define SPY_SHARED_TOTALS_H

#include "shared/region.h"

struct spy_code_count {
    uint32_t code;
    uint64_t count;
};

struct spy_totals {
#define X(name) uint64_t name;
    SPY_CELL_COUNTERS(X)
#undef X
    uint64_t min_ns; /* UINT64_MAX when there were no calls */
    uint64_t max_ns;
    uint64_t level[SPY_LEVEL_COUNT];
    struct spy_code_count code[SPY_CODES];
    uint32_t codes;
    uint64_t spread[SPY_HIST_SUB];             /* struct spy_spread */
    struct spy_part_hist part[SPY_PART_COUNT]; /* of requests */
    struct spy_hist hist;
};

void spy_totals_clear(struct spy_totals *totals);

/* Is there anything in it? An operation may have statements that were never executed, and no call.
 */
static inline bool spy_totals_any(const struct spy_totals *totals)
{
    return totals->calls != 0 || totals->aborted != 0;
}

/* Calls whose time was taken: all but some of an operation that is sampled. */
static inline uint64_t spy_totals_timed(const struct spy_totals *totals)
{
    return totals->calls > totals->untimed ? totals->calls - totals->untimed : 0;
}

/* Where some calls were not timed: scales sums of times, levels and histogram, in which each timed
 * one stands for several, so that they are of just as many calls as there were. For totals that are
 * about to be told: they no longer only grow. Without a timed call nothing is known, and done. */
void spy_totals_estimate(struct spy_totals *totals);

/* INTO += FROM, exactly. */
void spy_totals_add(struct spy_totals *into, const struct spy_totals *from);

/* INTO += one cell, read while its owner may be writing. */
void spy_totals_add_cell(struct spy_totals *into, const struct spy_region *region,
                         const struct spy_cell *cell);

/* INTO += one call of a statement. BOUNDS are the region's level bounds. */
void spy_totals_add_sample(struct spy_totals *into, const struct spy_sample *sample,
                           const uint64_t bounds[SPY_LEVEL_COUNT - 1]);

/* What operation OP has in every thread's shard. */
void spy_totals_of_shards(struct spy_totals *out, const struct spy_region *region, uint32_t op);

/* Adds what is held for OP: calls that are over but may yet become part of a sequence. */
void spy_totals_add_held(struct spy_totals *into, const struct spy_region *region, uint32_t op);

/* All that operation OP ever did in this region: both of the above. */
void spy_totals_of_op(struct spy_totals *out, const struct spy_region *region, uint32_t op);

/* What operation OP did since its statistics began: all that it ever did, less what it had done at
 * the last reset. Where there was one, and it had been called before, min_ns and max_ns are bounds
 * (spy_totals_bound()). */
void spy_totals_since_reset(struct spy_totals *out, const struct spy_region *region, uint32_t op);

/* INTO -= FROM, each number saturating at 0. Leaves min_ns and max_ns as they are. */
void spy_totals_subtract(struct spy_totals *into, const struct spy_totals *from);

/* Sets min_ns and max_ns to the outer bounds of the outermost buckets, where the exact extremes are
 * not known, so that a quantile is never clamped wrongly. Without a bucket there are none. */
void spy_totals_bound(struct spy_totals *totals);

/* Adds COUNT to CODE; a seventeenth code is counted under SPY_CODE_OTHER. */
void spy_totals_add_code(struct spy_totals *into, uint32_t code, uint64_t count);

#endif
