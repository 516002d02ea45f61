/* SPDX-License-Identifier: MIT */
/*
 * History: what every operation did in each step of time (SPY_HISTORY_STEP_NS), so that any window
 * can be answered with percentiles.
 *
 * The section is a ring of bytes. A step is
 *     u32 bytes of the whole step, u32 records, u64 begin_ns, u64 end_ns (CLOCK_MONOTONIC),
 * then the records, each a run of LEB128 numbers: operation; the cell counters of region.h in
 * their order; the levels; the number of codes, then (code, count) pairs; the number of runs of
 * buckets, then for each run (gap to the end of the run before, length, counts...). Only what
 * changed since the step before is in it: deltas add up to the totals, nothing is averaged.
 *
 * Positions count bytes ever written. The writer (the helper thread, alone) stores history_tail
 * with release before it overwrites and history_head with release after it wrote; a reader copies
 * [tail, head), loads tail again with acquire and drops what the writer has overtaken.
 */
#ifndef SPY_SHARED_HISTORY_H
#define SPY_SHARED_HISTORY_H

#include "shared/totals.h"

#define SPY_HISTORY_STEP_NS 10000000000ull /* 10 s */

/* Largest step record of one operation, in bytes: every bucket, code and counter at full width. */
#define SPY_HISTORY_RECORD_MAX 12288u

struct spy_history_step {
    uint32_t bytes;
    uint32_t records;
    uint64_t begin_ns;
    uint64_t end_ns;
};

/* Writes one operation's delta at OUT (SPY_HISTORY_RECORD_MAX bytes). Returns its size. */
size_t spy_history_encode(unsigned char *out, uint32_t op, const struct spy_totals *delta);

/* Reads a record of at most LEN bytes. Returns its size, or 0 where it is malformed. Fills
 * min_ns and max_ns from the outermost buckets. */
size_t spy_history_decode(const unsigned char *in, size_t len, uint32_t *op,
                          struct spy_totals *delta);

/* What no step holds yet of OP: the shards less the rolled shard. Held credits are not in it: they
 * may still change their operation. */
void spy_history_undone(struct spy_totals *out, const struct spy_region *region, uint32_t op);

/*
 * Tells every operation's activity since SINCE_NS (CLOCK_MONOTONIC): calls EACH for every record
 * of every step that ended after SINCE_NS, oldest first, and once more for each operation that has
 * something not rolled yet. Allocates a copy of the ring.
 *
 * *COVERED_NS is where the answer really begins: a step is told whole, so up to one step before
 * SINCE_NS; or later than SINCE_NS where the process is younger or the ring was too small.
 */
SPY_MUST_CHECK enum spy_status
spy_history_window(const struct spy_region *region, uint64_t since_ns, uint64_t *covered_ns,
                   void (*each)(void *ctx, uint32_t op, const struct spy_totals *delta), void *ctx);

#endif
