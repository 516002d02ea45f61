/* SPDX-License-Identifier: MIT */
/*
 * What is counted of an operation: a thread's shard has a cell of each that the thread called, and
 * a cell has chunks of the region's arena for what only some need. Who writes, and what a reader
 * may see of it, says region.h, which these structs are part of.
 */
#ifndef SPY_SHARED_CELL_H
#define SPY_SHARED_CELL_H

#include "shared/capacity.h"
#include "shared/histogram.h"
#include "shared/names.h"
#include "shared/parts.h"

#include <stdatomic.h>
#include <stdint.h>

/* Counters of one operation in one shard. One row: name, meaning, unit.
 * `wait` is begin to first result (SQL) or to first response byte (HTTP); `tail` is the rest of
 * the call: rows consumed (SQL), response written (HTTP); `queue` is the part of `wait` that passed
 * before the statement's bytes went to the socket (pipelines, non-blocking connections); `blocked`
 * is the time in which response bytes waited for the socket: inside the writing calls, the first
 * included, and between them while it was full. `rows` are those handed to the program, or, of a
 * statement that returns none, those it affected; `affected` counts what a statement changed, made
 * or copied in, also where it returns rows as well. `aborted` of
 * HTTP are calls whose client went away; of SQL they are no calls at all, but statements that were
 * never executed: one before them in the pipeline failed, or the connection ended.
 *
 * `untimed` are calls of a statement that is sampled whose time was not taken; each that was stands
 * in every sum of times, in the levels and in the histogram for as many calls as the rules say
 * (record/sampling.h). `guessed` are queries of a request that were such calls: in its `db_wait`
 * and `db_rows` each has the times of one that was timed.
 *
 * Of a request: `read` is the time until its last byte was read, `db_wait` and `db_rows` the wait
 * and the tail of the `queries` that were attributed to it. Of a statement: the ways by which its
 * calls were attributed to a request (enum spy_way); none of them where no request was under way.
 */
#define SPY_CELL_COUNTERS(X) \
    X(calls)                 \
    X(errors)                \
    X(sum_ns)                \
    X(wait_ns)               \
    X(tail_ns)               \
    X(queue_ns)              \
    X(blocked_ns)            \
    X(rows)                  \
    X(affected)              \
    X(params)                \
    X(read_ns)               \
    X(db_wait_ns)            \
    X(db_rows_ns)            \
    X(queries)               \
    X(way_thread)            \
    X(way_only)              \
    X(way_tag)               \
    X(way_none)              \
    X(bytes_in)              \
    X(bytes_out)             \
    X(aborted)               \
    X(untimed)               \
    X(guessed)

struct spy_cell {
#define X(name) _Atomic uint64_t name;
    SPY_CELL_COUNTERS(X)
#undef X
    _Atomic uint64_t min_ns; /* UINT64_MAX until the first call */
    _Atomic uint64_t max_ns;
    _Atomic uint64_t level[SPY_LEVEL_COUNT];
    _Atomic uint32_t octave[SPY_HIST_OCTAVES]; /* chunk with that octave's buckets; 0: none yet */
    _Atomic uint32_t codes;                    /* chunk with struct spy_code[SPY_CODES]; 0: none */
    _Atomic uint32_t spread;                   /* chunk with struct spy_spread; 0: none */
    _Atomic uint32_t parts;                    /* chunk with struct spy_parts; 0: none */
    _Atomic uint64_t draw;                     /* of a sampled one: see record/sampling.h */
    _Atomic uint64_t last_dur_ns; /* of the call of a sampled one that was last timed */
    _Atomic uint64_t last_wait_ns;
};

#define SPY_CELL_CHUNKS 2u
_Static_assert(sizeof(struct spy_cell) <= SPY_CELL_CHUNKS * SPY_CHUNK_BYTES, "cell outgrew chunks");

/* A chunk of buckets: one octave of one histogram. */
struct spy_octave {
    _Atomic uint64_t bucket[SPY_HIST_SUB];
};
_Static_assert(sizeof(struct spy_octave) == SPY_CHUNK_BYTES, "octave is one chunk");

/* How many requests made how many queries: 0 .. 15 have a bucket each, above that there are two a
 * power of two (16-23, 24-31, 32-47, ...), and the last takes all from 3,072. Kept of requests
 * only, in processes that have a libpq connection. */
struct spy_spread {
    _Atomic uint64_t bucket[SPY_HIST_SUB];
};
_Static_assert(sizeof(struct spy_spread) == SPY_CHUNK_BYTES, "spread is one chunk");

static inline uint32_t spy_spread_index(uint32_t queries)
{
    if (queries < 16)
        return queries;
    uint32_t power = 31 - (uint32_t)__builtin_clz(queries);
    uint32_t index = 16 + 2 * (power - 4) + ((queries >> (power - 1)) & 1);
    return index < SPY_HIST_SUB ? index : SPY_HIST_SUB - 1;
}

/* The smallest number of queries that goes into bucket INDEX. */
static inline uint32_t spy_spread_floor(uint32_t index)
{
    if (index < 16)
        return index;
    uint32_t power = 4 + (index - 16) / 2;
    return (1u << power) + ((index & 1) << (power - 1));
}

/* The parts of a request's time, as coarser histograms (shared/parts.h). Of requests only. */
struct spy_parts {
    _Atomic uint64_t zero[SPY_PART_COUNT]; /* requests in which that part took no time */
    _Atomic uint32_t chunk[SPY_PART_COUNT][SPY_PART_CHUNKS]; /* struct spy_part_chunk; 0: none */
};
_Static_assert(sizeof(struct spy_parts) <= SPY_CHUNK_BYTES, "parts outgrew a chunk");

struct spy_part_chunk {
    _Atomic uint64_t bucket[SPY_PART_CHUNK_BUCKETS];
};
_Static_assert(sizeof(struct spy_part_chunk) == SPY_CHUNK_BYTES, "part's buckets are one chunk");

/* How often a code was seen: an HTTP status, or a packed SQLSTATE. The last slot collects what
 * finds no slot, under code SPY_CODE_OTHER. */
#define SPY_CODE_OTHER UINT32_MAX
struct spy_code {
    _Atomic uint32_t code; /* 0: free */
    uint32_t reserved;
    _Atomic uint64_t count;
};
_Static_assert(sizeof(struct spy_code) * SPY_CODES == SPY_CHUNK_BYTES, "codes are one chunk");

/* Chunks of a cell with every octave, its codes and its parts: what one operation can need in one
 * shard. */
#define SPY_CELL_CHUNKS_MAX \
    (SPY_CELL_CHUNKS + SPY_HIST_OCTAVES + 3u + SPY_PART_COUNT * SPY_PART_CHUNKS)

/* A thread's own counters. `owner` holds the thread's id in its low 22 bits (record/shard.c), 0
 * when it was never taken; taken by compare-and-swap, and taken over without clearing from a thread
 * that no longer exists. */
struct spy_shard {
    _Alignas(64) _Atomic uint32_t owner;
    /* Requests under way whose head this thread read: see SPY_OPEN_ONE. Any thread subtracts. */
    _Atomic uint64_t open;
    /* The thread is writing a response since then (CLOCK_MONOTONIC); 0: it is not. */
    _Atomic uint64_t writing_ns;
    _Atomic uint32_t cell[SPY_OPS_MAX]; /* first chunk of the operation's cell; 0: none yet */
};

#endif
