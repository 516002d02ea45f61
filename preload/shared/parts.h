/* SPDX-License-Identifier: MIT */
/*
 * The parts of a request's wall time, each with a histogram of its own: the buckets of
 * shared/histogram.h at scale 3 instead of 5. Bucket i covers (2^(i/8), 2^((i+1)/8)] seconds, four
 * buckets of scale 5, by the exact down-scaling of OpenTelemetry's exponential histograms; a
 * quantile is told as the geometric middle of its bucket, at most 2^(1/16) - 1 = 4.4 % off. A part
 * that took no time at all, as that of the database in a request without queries, is counted apart
 * and told as 0.
 */
#ifndef SPY_SHARED_PARTS_H
#define SPY_SHARED_PARTS_H

#include "shared/histogram.h"

/* Identifier, key, name. PROGRAM is what the others before it leave of the total, at least 0: of
 * queries that ran at once the parts overlap. FIRST_BYTE is no part of the sum: the time until the
 * response began. */
#define SPY_PARTS(X)                             \
    X(READ, "read", "reading")                   \
    X(DB_WAIT, "database_wait", "database wait") \
    X(DB_ROWS, "database_rows", "database rows") \
    X(BLOCKED, "blocked", "blocked")             \
    X(PROGRAM, "program", "program")             \
    X(FIRST_BYTE, "first_byte", "first byte")

enum spy_part {
#define X(id, key, name) SPY_PART_##id,
    SPY_PARTS(X)
#undef X
        SPY_PART_COUNT
};

#define SPY_PART_SCALE         3
#define SPY_PART_DOWN          (SPY_HIST_SCALE - SPY_PART_SCALE) /* index >> this */
#define SPY_PART_BUCKETS       (SPY_HIST_BUCKETS >> SPY_PART_DOWN)
#define SPY_PART_CHUNK_BUCKETS 32 /* four octaves: a chunk of the region's arena */
#define SPY_PART_CHUNKS        (SPY_PART_BUCKETS / SPY_PART_CHUNK_BUCKETS)

/* Dense histogram of one part, for readers. */
struct spy_part_hist {
    uint64_t zero;
    uint64_t bucket[SPY_PART_BUCKETS];
};

static inline uint32_t spy_part_index(uint64_t ns)
{
    return spy_hist_index(ns) >> SPY_PART_DOWN;
}

/* Requests in HIST. */
uint64_t spy_part_count(const struct spy_part_hist *hist);

/* Quantile Q (0..1) in nanoseconds by nearest rank, as spy_hist_quantile_ns(); at most MAX_NS, the
 * longest request. 0 when HIST is empty. */
double spy_part_quantile_ns(const struct spy_part_hist *hist, double q, uint64_t max_ns);

#endif
