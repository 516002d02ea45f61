/* SPDX-License-Identifier: MIT */
/*
 * History: what every operation did in each step of time, so that any window can be answered with
 * percentiles, and what the process used of its machine.
 *
 * It is kept in up to SPY_HISTORY_LEVELS resolutions (struct spy_history_level), each a ring of
 * bytes: steps of 10 seconds for an hour, of a minute for a day and of ten minutes after that,
 * unless set otherwise. Steps too old for a level, or for which it has no more room, are added up
 * to a step of the next one. Everything in a step is a count of what changed since the step before,
 * so that sum is exact; only the last level drops steps. A step is
 *     struct spy_history_step, then its records in ascending order of operations,
 * each record the operation as LEB128, and then bits (shared/bits.h): the runs of histogram
 * buckets; a bit for each of the cell counters of cell.h that is not as expected, then these; the
 * levels; the number of codes, then (code, what of the calls it leaves) pairs; whether there is
 * more, and then a bit for the spread and for each part that is there, the runs of the spread, and
 * of each part its runs and what they leave for the requests in which it took no time. Runs are
 * their number, then for each (gap to the end of the run before, length, counts...).
 * history_record.c says what is expected, and which code each number has.
 *
 * The writer (the helper thread, alone) stores a level's tail with release before it overwrites and
 * its head with release after it wrote: a step is there whole or not at all, also after kill -9;
 * its checksum tells one that a lost machine has torn. A step that is added to the next level is
 * committed there before it leaves this one; what both of them hold is told once, by its time.
 * A step enters the rolled shard after it was committed: history_applied and history_applying say
 * which part of it has.
 */
#ifndef SPY_SHARED_HISTORY_H
#define SPY_SHARED_HISTORY_H

#include "shared/totals.h"

/* Largest record, in bytes: every bucket, code and counter at full width. */
#define SPY_HISTORY_RECORD_MAX 36864u

struct spy_history_step {
    uint32_t bytes; /* of the whole step */
    uint32_t records;
    uint64_t begin_ns; /* CLOCK_MONOTONIC */
    uint64_t end_ns;
    uint64_t check;     /* see spy_history_seal() */
    struct spy_use use; /* when the step ended; the most of that where steps were added up */
};

/* Resolutions and size of history. */
struct spy_history_plan {
    uint32_t bytes;
    uint32_t levels;
    uint64_t step_ns[SPY_HISTORY_LEVELS];
    uint64_t keep_ns[SPY_HISTORY_LEVELS];
};

/* The defaults. */
extern const struct spy_history_plan spy_history_default;

/* Reads a size such as 2M or 512K (bytes without a letter; between SPY_HISTORY_BYTES_MIN and MAX),
 * or steps such as 10s:1h,1m:24h: how long each step is, and how long it is kept. Steps are at
 * least 1 s and, from the second on, whole multiples of the one before, at most 60 of them. False,
 * with PLAN unchanged, for anything else. */
bool spy_history_plan_bytes(struct spy_history_plan *plan, const char *text);
bool spy_history_plan_steps(struct spy_history_plan *plan, const char *text);

/* Gives REGION, laid out with plan->bytes of history, its levels. */
void spy_history_begin(struct spy_region *region, const struct spy_history_plan *plan);

/* Reads the operation that a record of at most LEN bytes begins with. Returns the bytes that takes,
 * SPY_HISTORY_OP_MAX at most; 0 where it is none. */
#define SPY_HISTORY_OP_MAX 2u
size_t spy_history_op(const unsigned char *in, size_t len, uint32_t *op);

/* Writes one operation's delta at OUT (SPY_HISTORY_RECORD_MAX bytes). Returns its size. */
size_t spy_history_encode(unsigned char *out, uint32_t op, const struct spy_totals *delta);

/* Reads a record of at most LEN bytes. Returns its size, or 0 where it is malformed. Fills
 * min_ns and max_ns from the outermost buckets. */
size_t spy_history_decode(const unsigned char *in, size_t len, uint32_t *op,
                          struct spy_totals *delta);

/* Checksum of a step: SPY_HISTORY_SEED, updated with its records, and then with its header. */
#define SPY_HISTORY_SEED 0xcbf29ce484222325ull
uint64_t spy_history_sum(uint64_t sum, const void *bytes, size_t n);
uint64_t spy_history_seal(uint64_t sum, const struct spy_history_step *step);

/* What no step holds yet of OP: the shards less the rolled shard. Held credits are not in it: they
 * may still change their operation. Right between rolls; see spy_history_window() for any time. */
void spy_history_undone(struct spy_totals *out, const struct spy_region *region, uint32_t op);

/* A stretch of a process' life. What happened in step S belongs to it where
 * since_ns < S.end_ns <= until_ns: windows that meet share nothing and leave nothing out. */
struct spy_history_window {
    uint64_t since_ns; /* CLOCK_MONOTONIC; what was before a reset is not told */
    uint64_t until_ns; /* UINT64_MAX: now, with what no step holds yet */
    /* Filled in: where the answer really begins and ends. Steps are told whole, so it begins up to
     * one step earlier; or later, where the process is younger or history does not reach. */
    uint64_t begin_ns;
    uint64_t end_ns;   /* UINT64_MAX: now */
    uint64_t reach_ns; /* what was before that is lost; 0: nothing was dropped since a reset */
};

/* What a reader is told: once for each step, with DELTA NULL, before its operations; then for each
 * of those. What no step holds yet comes last, as a step that ends at UINT64_MAX, with no use. */
typedef void spy_history_fn(void *ctx, const struct spy_history_step *step, uint32_t op,
                            const struct spy_totals *delta);

/* Tells what happened in WINDOW, oldest first. Allocates a copy of the rings. */
SPY_MUST_CHECK enum spy_status spy_history_tell(const struct spy_region *region,
                                                struct spy_history_window *window,
                                                spy_history_fn *each, void *ctx);

#endif
