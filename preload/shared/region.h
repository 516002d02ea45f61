/* SPDX-License-Identifier: MIT */
/*
 * The region: everything that perfspy knows about one process, in one shared mapping.
 *
 * The library writes it; tools read it, from the file, or as an image sent over the socket, alive
 * or dead, by the same code. What was recorded is published by being here.
 *
 * Layout: a header page, then sections at the offsets the header gives. The arena is last, so that
 * an image may end after its used part. All integers are native-endian; `magic` tells another
 * byte order. A reader trusts nothing before spy_region_check() said yes, and even then bounds
 * every index it reads: the file belongs to the user, not to us.
 *
 * Threads: every shard has one writer, its owner thread, except the overflow shard, which any
 * thread updates with atomic adds, and the rolled shard, which belongs to the helper. Counters are
 * monotonic and are read while they are written; a reader may see one call in `calls` and not yet
 * in `hist` or the other way round, never a torn number.
 *
 * Version: SPY_REGION_VERSION changes whenever any struct here changes; a reader refuses others.
 */
#ifndef SPY_SHARED_REGION_H
#define SPY_SHARED_REGION_H

#include "shared/histogram.h"
#include "shared/names.h"
#include "shared/status.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPY_REGION_MAGIC   0x31594c5053465250ull /* "PRFSPLY1" read as a little-endian number */
#define SPY_REGION_VERSION 1u

/* Capacities. Each is a memory bound: the sum of the sections is fixed when the region is made. */
#define SPY_OPS_MAX       2048u      /* operations; beyond, calls are counted under "other" */
#define SPY_SHARDS        64u        /* threads that record at one time without sharing a shard */
#define SPY_SHARD_SHARED  SPY_SHARDS /* overflow: any thread, atomic adds */
#define SPY_SHARD_ROLLED  (SPY_SHARDS + 1u) /* what history has already taken */
#define SPY_SHARDS_ALL    (SPY_SHARDS + 2u)
#define SPY_CHUNK_BYTES   256u
#define SPY_ARENA_CHUNKS  16384u /* 4 MiB */
#define SPY_TEXT_BYTES    (512u * 1024u)
#define SPY_SLOW_EVENTS   512u
#define SPY_HISTORY_BYTES (512u * 1024u)
#define SPY_HELD_SLOTS    1024u /* connections that may have an unfinished sequence */
#define SPY_HELD_CREDITS  8u    /* statements in the longest sequence */
#define SPY_CODES         16u   /* distinct status codes or SQLSTATEs kept per operation */
#define SPY_BUDGETS       4u    /* benchmarks per operation */
#define SPY_NAME_BYTES    128u
#define SPY_PARAMS_BYTES  128u /* allowed URL parameters of one request, with the NUL */

/* Operations that always exist: where calls go whose operation finds no room. */
#define SPY_OP_OTHER_SQL  0u
#define SPY_OP_OTHER_HTTP 1u
#define SPY_OP_FIRST_FREE 2u

/* What the library could not do, counted. One row: identifier, explanation for a person. */
#define SPY_SELF_COUNTERS(X)                                                                     \
    X(OPS_FULL, "calls counted under \"other\" because the operation table is full")             \
    X(ARENA_FULL, "calls whose counts went to \"other\" because the arena is full")              \
    X(TEXT_FULL, "statements kept without text because the text section is full")                \
    X(SHARED_SHARD, "calls recorded through the shared shard, for want of a free one")           \
    X(STREAMS_FULL, "connections not watched because the stream table is full")                  \
    X(FD_TOO_HIGH, "connections not watched because their descriptor number is too high")        \
    X(STREAMS_LOST, "HTTP connections given up because their bytes made no sense")               \
    X(CONNS_FULL, "libpq connections tracked without prepared statements, the table being full") \
    X(PREPARED_UNKNOWN, "prepared statements executed whose text was never seen")                \
    X(NESTED_DEEP, "calls not timed because callbacks nested too deep")                          \
    X(LOG_DROPPED, "calls not logged because there were too many")                               \
    X(HELD_FULL, "statements credited singly because no room was left to hold a sequence")

enum spy_self_counter {
#define X(id, text) SPY_SELF_##id,
    SPY_SELF_COUNTERS(X)
#undef X
        SPY_SELF_COUNT
};

enum spy_section {
    SPY_SECTION_OPS,     /* struct spy_op[SPY_OPS_MAX] */
    SPY_SECTION_SHARDS,  /* struct spy_shard[SPY_SHARDS_ALL] */
    SPY_SECTION_TEXT,    /* bytes; statement texts, each NUL-terminated */
    SPY_SECTION_SLOW,    /* struct spy_slow_event[SPY_SLOW_EVENTS] */
    SPY_SECTION_HELD,    /* struct spy_held[SPY_HELD_SLOTS] */
    SPY_SECTION_HISTORY, /* ring of bytes, see shared/history.h */
    SPY_SECTION_ARENA,   /* chunks of SPY_CHUNK_BYTES; chunk 0 is never used: 0 means none */
    SPY_SECTION_COUNT
};

struct spy_section_place {
    uint64_t offset; /* from the start of the region */
    uint64_t bytes;
};

struct spy_region {
    uint64_t magic;
    uint32_t version;
    uint32_t header_bytes;
    uint64_t total_bytes;
    struct spy_section_place section[SPY_SECTION_COUNT];

    /* The process. start_ticks is field 22 of /proc/PID/stat: with pid it names a process for
     * ever on one boot. Clocks: a CLOCK_MONOTONIC and a CLOCK_REALTIME reading of one moment. */
    int32_t pid;
    uint32_t uid;
    uint64_t start_ticks;
    uint64_t epoch_mono_ns;
    uint64_t epoch_real_ns;
    char exe[256];     /* /proc/self/exe, NUL-terminated, cut if longer */
    char mode[16];     /* "preload" or "attach" */
    char boot_id[40];  /* /proc/sys/kernel/random/boot_id */
    char storage[16];  /* "file", or "memory" when no file could be made */
    char problem[256]; /* what went wrong at the start, for a person; "" if nothing */

    /* Rules in force. Written before the first call is recorded, then constant. */
    uint32_t rules_state; /* enum spy_rules_state */
    uint32_t rules_operations;
    char rules_path[256];
    char rules_error[768]; /* FILE:LINE:COLUMN: text; "" if none */
    uint64_t level_bounds_ns[SPY_LEVEL_COUNT - 1];
    uint64_t health_window_ns;
    uint64_t health_slow_share_ppm; /* millionths; more than this share of slow calls: warning */

    /* Bump allocators and ring heads. Any thread, atomic adds. */
    _Alignas(64) _Atomic uint32_t ops_used;
    _Atomic uint32_t arena_used;  /* chunks; may run past SPY_ARENA_CHUNKS: then it is full */
    _Atomic uint32_t text_used;   /* bytes; may run past SPY_TEXT_BYTES: then it is full */
    _Atomic uint32_t shards_used; /* highest shard ever owned, plus one */
    _Alignas(64) _Atomic uint64_t slow_head; /* events ever written; newest is head - 1 */
    _Atomic uint64_t slow_dropped;
    _Alignas(64) _Atomic uint64_t self[SPY_SELF_COUNT];

    /* History ring, written by the helper only: byte positions ever written. head is stored with
     * release after the bytes; tail is stored with release before bytes are overwritten. */
    _Alignas(64) _Atomic uint64_t history_head;
    _Atomic uint64_t history_tail;
    _Atomic uint64_t history_rolled_ns; /* CLOCK_MONOTONIC of the last roll */
};

/* One operation. `state` is stored with release when the rest is complete; readers load it with
 * acquire and skip what is not SPY_OP_READY. Nothing changes after that but `text`, which is set
 * once: to SPY_TEXT_CLAIMED by the thread that won it, then with release to the position, once the
 * bytes are there. Readers load it with acquire; a position outside the section means no text. */
#define SPY_TEXT_CLAIMED UINT32_MAX
enum spy_op_state { SPY_OP_FREE, SPY_OP_READY };

struct spy_op {
    _Atomic uint32_t state;
    uint8_t kind;   /* enum spy_kind */
    uint8_t mapped; /* 1: named by a rule */
    uint8_t budgets;
    uint8_t reserved;
    uint64_t key;      /* hash of what identifies it; see classify/optable.c */
    uint64_t watch_ns; /* calls at least this long are kept as slow: the level bound of "slow", or
                        * the operation's smallest benchmark on a time where that is less */
    _Atomic uint32_t text; /* byte position in SPY_SECTION_TEXT of its statement; 0: none yet */
    uint32_t rule;         /* index of its rule, meaningful where mapped */
    struct spy_budget budget[SPY_BUDGETS];
    char name[SPY_NAME_BYTES];
};

/* Counters of one operation in one shard. One row: name, meaning, unit.
 * `wait` is begin to first result (SQL) or to first response byte (HTTP); `tail` is the rest of
 * the call: rows consumed (SQL), response written (HTTP); `blocked` is the time in which response
 * bytes waited for the socket: inside the writing calls, the first included, and between them
 * while it was full. */
#define SPY_CELL_COUNTERS(X) \
    X(calls)                 \
    X(errors)                \
    X(sum_ns)                \
    X(wait_ns)               \
    X(tail_ns)               \
    X(blocked_ns)            \
    X(rows)                  \
    X(bytes_in)              \
    X(bytes_out)             \
    X(aborted)

struct spy_cell {
#define X(name) _Atomic uint64_t name;
    SPY_CELL_COUNTERS(X)
#undef X
    _Atomic uint64_t min_ns; /* UINT64_MAX until the first call */
    _Atomic uint64_t max_ns;
    _Atomic uint64_t level[SPY_LEVEL_COUNT];
    _Atomic uint32_t octave[SPY_HIST_OCTAVES]; /* chunk with that octave's buckets; 0: none yet */
    _Atomic uint32_t codes;                    /* chunk with struct spy_code[SPY_CODES]; 0: none */
    uint32_t reserved;
};

#define SPY_CELL_CHUNKS 2u
_Static_assert(sizeof(struct spy_cell) <= SPY_CELL_CHUNKS * SPY_CHUNK_BYTES, "cell outgrew chunks");

/* A chunk of buckets: one octave of one histogram. */
struct spy_octave {
    _Atomic uint64_t bucket[SPY_HIST_SUB];
};
_Static_assert(sizeof(struct spy_octave) == SPY_CHUNK_BYTES, "octave is one chunk");

/* How often a code was seen: an HTTP status, or a packed SQLSTATE. The last slot collects what
 * finds no slot, under code SPY_CODE_OTHER. */
#define SPY_CODE_OTHER UINT32_MAX
struct spy_code {
    _Atomic uint32_t code; /* 0: free */
    uint32_t reserved;
    _Atomic uint64_t count;
};
_Static_assert(sizeof(struct spy_code) * SPY_CODES == SPY_CHUNK_BYTES, "codes are one chunk");

/* Chunks of a cell with every octave and its codes: what one operation can need in one shard. */
#define SPY_CELL_CHUNKS_MAX (SPY_CELL_CHUNKS + SPY_HIST_OCTAVES + 1u)

/* A thread's own counters. `owner` holds the thread's id in its low 22 bits (record/shard.c), 0
 * when it was never taken; taken by compare-and-swap, and taken over without clearing from a thread
 * that no longer exists. */
struct spy_shard {
    _Alignas(64) _Atomic uint32_t owner;
    _Atomic uint32_t cell[SPY_OPS_MAX]; /* first chunk of the operation's cell; 0: none yet */
};

/* What happened in one call: recorded, credited and held in this one form. */
struct spy_sample {
    uint32_t op;
    uint32_t code; /* HTTP status or packed SQLSTATE; 0: none */
    uint8_t failed;
    uint8_t aborted; /* the peer went away before the end */
    uint8_t reserved[6];
    uint64_t end_ns; /* CLOCK_MONOTONIC */
    uint64_t dur_ns;
    uint64_t wait_ns;
    uint64_t blocked_ns;
    uint64_t rows;
    uint64_t bytes_in;
    uint64_t bytes_out;
};

/* A slow or failed call. `seq` is 2 * n + 1 while event n is being written and 2 * n + 2 when it
 * is complete; a reader copies the event between two equal, even readings of it. */
struct spy_slow_event {
    _Atomic uint64_t seq;
    uint32_t tid;
    uint32_t reserved;
    struct spy_sample sample;
    char params[SPY_PARAMS_BYTES]; /* of a request, "name=value name=value"; NUL-terminated */
};

/* Statements run on one connection that may yet turn out to be part of a sequence, as they would
 * be credited if nothing followed. Single writer: the connection's thread. `version` is odd while
 * it writes. A reader adds the credits of each slot whose version was even and unchanged. */
struct spy_held {
    _Atomic uint64_t version;
    _Atomic uint32_t credits;
    _Atomic uint32_t taken; /* 1: a connection has this slot */
    struct spy_sample credit[SPY_HELD_CREDITS];
};

/* Text for a person about a self counter. */
const char *spy_self_text(uint32_t counter);

/* Fills in the section table and the sizes of a region with this version's capacities. Returns
 * the total size in bytes, a multiple of 4096. REGION may be NULL to learn the size only. */
uint64_t spy_region_layout(struct spy_region *region);

/*
 * Checks that BYTES bytes at IMAGE are a region of this version whose sections lie inside it. An
 * arena cut after its used part is fine, but what is read afterwards is always a whole region: the
 * memory at IMAGE must have spy_region_layout(NULL) bytes, zero after the first BYTES, and be
 * aligned to 64. Says in ERR what is wrong.
 */
SPY_MUST_CHECK enum spy_status spy_region_check(const void *image, uint64_t bytes,
                                                struct spy_error *err);

static inline void *spy_region_section(const struct spy_region *region, enum spy_section section)
{
    return (char *)(uintptr_t)region + region->section[section].offset;
}

static inline struct spy_op *spy_region_op(const struct spy_region *region, uint32_t op)
{
    return (struct spy_op *)spy_region_section(region, SPY_SECTION_OPS) + op;
}

static inline struct spy_shard *spy_region_shard(const struct spy_region *region, uint32_t shard)
{
    return (struct spy_shard *)spy_region_section(region, SPY_SECTION_SHARDS) + shard;
}

/* Chunk CHUNK of the arena, or NULL where CHUNK is 0 or lies outside the image. */
static inline void *spy_region_chunk(const struct spy_region *region, uint32_t chunk)
{
    uint64_t room = region->section[SPY_SECTION_ARENA].bytes / SPY_CHUNK_BYTES;
    if (chunk == 0 || chunk >= room)
        return NULL;
    return (char *)spy_region_section(region, SPY_SECTION_ARENA) +
           (uint64_t)chunk * SPY_CHUNK_BYTES;
}

/* The cell of OP in shard SHARD, or NULL where none was ever made. */
const struct spy_cell *spy_region_cell(const struct spy_region *region, uint32_t shard,
                                       uint32_t op);

/* Operations that a reader may look at: 0 .. result - 1, each still to be tested for READY. */
uint32_t spy_region_ops(const struct spy_region *region);

/* Statement text of an operation, NUL-terminated inside the section; "" if it has none. */
const char *spy_region_text(const struct spy_region *region, const struct spy_op *op);

#endif
