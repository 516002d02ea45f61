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
 * thread updates with atomic adds, and the rolled and the reset shards, which belong to the helper.
 * Counters are monotonic and are read while they are written; a reader may see one call in `calls`
 * and not yet in `hist` or the other way round, never a torn number.
 *
 * Version: SPY_REGION_VERSION changes whenever any struct here changes, or in the headers that
 * are part of this one; a reader refuses others.
 */
#ifndef SPY_SHARED_REGION_H
#define SPY_SHARED_REGION_H

#include "shared/capacity.h"
#include "shared/cell.h"
#include "shared/cost.h"
#include "shared/names.h"
#include "shared/open_rows.h"
#include "shared/samples.h"
#include "shared/status.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPY_REGION_MAGIC   0x31594c5053465250ull /* "PRFSPLY1" read as a little-endian number */
#define SPY_REGION_VERSION 4u

/* What the library could not do, counted. One row: identifier, explanation for a person. */
#define SPY_SELF_COUNTERS(X)                                                                     \
    X(OPS_FULL, "calls counted under \"other\" because the operation table is full")             \
    X(ARENA_FULL, "calls whose counts went to \"other\" because the arena is full")              \
    X(TEXT_FULL, "statements kept without text because the text section is full")                \
    X(SHARED_SHARD, "calls recorded through the shared shard, for want of a free one or room")   \
    X(STREAMS_FULL, "connections not watched because the stream table is full")                  \
    X(FD_TOO_HIGH, "connections not watched because their descriptor number is too high")        \
    X(STREAMS_LOST, "HTTP connections given up because their bytes made no sense")               \
    X(CONNS_FULL, "libpq connections tracked without prepared statements, the table being full") \
    X(PREPARED_UNKNOWN, "prepared statements executed whose text was never seen")                \
    X(NESTED_DEEP, "calls not timed because callbacks nested too deep")                          \
    X(LOG_DROPPED, "calls not logged: too many, or the log could not be written")                \
    X(FLIGHTS_FULL, "statements not timed because too many were in flight on their connection")  \
    X(OPEN_FULL, "requests and connections not listed as in flight because too many were open")  \
    X(REPEATS_FULL, "repeated statements not kept because too many different ones were seen")    \
    X(ENDPOINTS_FULL, "connections whose server is not named because too many were seen")        \
    X(STORAGE_DENIED, "times that the region could not grow: no room on the file system")        \
    X(BATCHES_FULL, "texts of several statements taken for one because too many were seen")      \
    X(ORIGINS_FULL, "statements whose sqlcommenter tags were not used: too many different ones") \
    X(PARTS_FULL, "requests left out of the percentiles of parts because the arena is full")     \
    X(HELD_FULL, "statements credited singly because no room was left to hold a sequence")

enum spy_self_counter {
#define X(id, text) SPY_SELF_##id,
    SPY_SELF_COUNTERS(X)
#undef X
        SPY_SELF_COUNT
};

enum spy_section {
    SPY_SECTION_OPS,       /* struct spy_op[SPY_OPS_MAX] */
    SPY_SECTION_SHARDS,    /* struct spy_shard[SPY_SHARDS_ALL] */
    SPY_SECTION_TEXT,      /* bytes; statement texts, each NUL-terminated */
    SPY_SECTION_SLOW,      /* struct spy_slow_event[SPY_SLOW_EVENTS] */
    SPY_SECTION_FAILED,    /* struct spy_slow_event[SPY_FAILED_EVENTS] */
    SPY_SECTION_HELD,      /* struct spy_held[SPY_HELD_SLOTS] */
    SPY_SECTION_REQUESTS,  /* struct spy_open_request[SPY_OPEN_REQUESTS] */
    SPY_SECTION_CONNS,     /* struct spy_open_conn[SPY_OPEN_CONNS] */
    SPY_SECTION_REPEATS,   /* struct spy_repeat[SPY_REPEATS] */
    SPY_SECTION_ENDPOINTS, /* struct spy_endpoint[SPY_ENDPOINTS]; row 0 is never used */
    SPY_SECTION_HISTORY,   /* rings of bytes, see shared/history.h */
    SPY_SECTION_ARENA,     /* chunks of SPY_CHUNK_BYTES; chunk 0 is never used: 0 means none */
    SPY_SECTION_COUNT
};

struct spy_section_place {
    uint64_t offset; /* from the start of the region */
    uint64_t bytes;
};

enum spy_storage_state {
    SPY_STORAGE_OPEN,
    SPY_STORAGE_DENIED, /* there was no room, a moment ago */
    SPY_STORAGE_CLOSED, /* the program has confined itself: no more system calls */
};

/* One resolution of history: a ring of bytes in its section. Positions count bytes ever written;
 * the helper thread alone writes them (shared/history.h). */
struct spy_history_level {
    uint64_t step_ns; /* what ended in one such stretch of time is one step here, or a few */
    uint64_t keep_ns; /* older steps go to the next level; from the last they are dropped */
    uint32_t offset;  /* of the ring in its section */
    uint32_t bytes;
    _Atomic uint64_t head; /* stored with release after the bytes */
    _Atomic uint64_t tail; /* stored with release before bytes are overwritten */
};

/* What a process uses of its machine. 0: not known. */
struct spy_use {
    uint64_t rss_bytes;
    uint32_t threads;
    uint32_t fds; /* open file descriptors; both with perfspy's own */
};

/* What statistics begin from after a reset, beside its shard. */
struct spy_reset {
    _Atomic uint64_t at_ns; /* CLOCK_MONOTONIC: when the last step of history before it ended */
    _Atomic uint64_t slow_dropped;
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
    char mode[16];     /* "preload" or "attach"; "detached": that watch was ended */
    char boot_id[40];  /* /proc/sys/kernel/random/boot_id */
    char storage[16];  /* "file", or "memory" when no file could be made */
    char problem[256]; /* what went wrong at the start, for a person; "" if nothing */

    /* Rules in force, here and in the rows of operations. Changed by the helper thread alone
     * (publish/rulesfile.h): `rules_change` is odd while it does. An image is of one set of rules
     * where that was even, and the same before and after it was copied; a dump always is. What
     * calls are measured by (bounds, repeats) is read by single atomic loads meanwhile. */
    _Atomic uint32_t rules_change;
    uint32_t rules_generation; /* 1: since the start; each reload that changed something adds 1 */
    uint64_t rules_loaded_ns;  /* CLOCK_REALTIME */
    uint32_t rules_state;      /* enum spy_rules_state */
    uint32_t rules_operations;
    char rules_path[256];
    char rules_error[768]; /* FILE:LINE:COLUMN: text, also of a reload that was refused; "" if none
                            */
    uint64_t level_bounds_ns[SPY_LEVEL_COUNT - 1];
    uint64_t health_window_ns;
    uint64_t health_slow_share_ppm; /* millionths; more than this share of slow calls: warning */
    uint64_t repeats_ns;            /* a statement is repeated (N+1) within a request from */
    uint64_t repeats_share_ppm;     /* repeats_calls on, and more than this time or share of it */
    uint32_t repeats_calls;
    uint32_t sampling; /* 1: the rules say of some operation that it is sampled */

    /* Where the file has holes, only the blocks whose bits are set may be touched. */
    uint32_t sparse;                /* 1: it has; constant once the region is published */
    _Atomic uint32_t storage_state; /* enum spy_storage_state */
    _Atomic uint64_t stored[SPY_BLOCK_WORDS];

    /* Recording has been switched off since then (CLOCK_REALTIME); 0: it is on. */
    _Atomic uint64_t off_since_ns;

    /* How often statistics were begun anew (record/reset.h). Nothing is cleared: what was counted
     * until then is kept where `resets % 2` says (here, in the reset shards, in the rows of
     * repeated statements), and readers take it off. The helper thread fills in the other place,
     * and then stores `resets`, with release: a reset is there whole or not at all, also after kill
     * -9. */
    _Atomic uint32_t resets;
    uint32_t reserved_too;
    struct spy_reset reset[2];

    /* Bump allocators and ring heads. Any thread, atomic adds. */
    _Alignas(64) _Atomic uint32_t ops_used;
    _Atomic uint32_t arena_used;  /* chunks; may run past the section's end: then it is full */
    _Atomic uint32_t text_used;   /* bytes; may run past SPY_TEXT_BYTES: then it is full */
    _Atomic uint32_t shards_used; /* highest shard ever owned, plus one */
    _Alignas(64) _Atomic uint64_t slow_head; /* events ever written; newest is head - 1 */
    _Atomic uint64_t failed_head;            /* the same of SPY_SECTION_FAILED */
    _Atomic uint64_t slow_dropped;           /* calls that could not be kept where they belong */
    _Atomic uint32_t queried;           /* 1: there has been a libpq connection with a statement */
    _Alignas(64) _Atomic uint64_t open; /* requests under way in the process: see SPY_OPEN_ONE */
    _Alignas(64) _Atomic uint64_t self[SPY_SELF_COUNT];

    /* History. The rest of the levels' fields is constant once the region is published. */
    _Alignas(64) uint32_t history_bytes; /* of its section; a multiple of 4096 */
    uint32_t history_levels;
    uint32_t arena_bytes; /* of its section, likewise */
    uint32_t reserved_here;
    struct spy_history_level history[SPY_HISTORY_LEVELS]; /* the finest first */
    _Atomic uint64_t history_rolled_ns;                   /* CLOCK_MONOTONIC of the last roll */
    _Atomic uint64_t history_lost_ns; /* when the newest step that was dropped ended; 0: none was */
    _Atomic uint64_t history_turn;    /* odd while the helper rolls */
    /* The rolled shard holds what stands in the finest ring before this position, and of the step
     * behind it the operations below history_applying. */
    _Atomic uint64_t history_applied;
    _Atomic uint32_t history_applying;
    _Atomic uint32_t threads; /* struct spy_use at the last roll */
    _Atomic uint32_t fds;
    _Atomic uint64_t rss_bytes;

    /* CLOCK_MONOTONIC when the helper thread was last awake; 0: never. It is so at every roll, and
     * every second while something is under way: how a dead process' last moment is known. */
    _Atomic uint64_t awake_ns;

    struct spy_cost cost; /* what we cost the process */
};

/* One operation. `state` is stored with release when the rest is complete; readers load it with
 * acquire and skip what is not SPY_OP_READY. Nothing changes after that but `open`, what the rules
 * in force say (`rule`, `watch_ns`, `may_repeat`, `sample` and the budgets; see rules_change), and
 * two that are set once: `text`, to SPY_TEXT_CLAIMED by the thread that won it, then with release
 * to the position, once the bytes are there (readers load it with acquire; a position outside the
 * section means no text); and `worst`, like a cell's. */
#define SPY_TEXT_CLAIMED UINT32_MAX
#define SPY_RULE_GONE    UINT32_MAX
enum spy_op_state { SPY_OP_FREE, SPY_OP_READY };

struct spy_op {
    _Atomic uint32_t state;
    uint8_t kind;   /* enum spy_kind */
    uint8_t mapped; /* 1: named by a rule */
    uint8_t budgets;
    uint8_t may_repeat; /* 1: the rules say that it may be repeated within a request */
    uint64_t key;       /* hash of what identifies it; see classify/optable.c */
    uint64_t watch_ns;  /* calls at least this long are kept as slow, as are those of level "slow":
                         * its smallest benchmark on a time; UINT64_MAX where there is none */
    _Atomic uint32_t text;  /* byte position in SPY_SECTION_TEXT of its statement; 0: none yet */
    uint32_t rule;          /* of mapped ones: index of its rule, or SPY_RULE_GONE: it was named by
                             * rules that are no longer in force */
    _Atomic uint32_t worst; /* first chunk of its struct spy_worst; 0: never slow */
    uint32_t sample;        /* one call of so many is timed; 0: every one is */
    struct spy_budget budget[SPY_BUDGETS];
    char name[SPY_NAME_BYTES];
    _Atomic uint64_t open; /* of a request's: those under way, see SPY_OPEN_ONE */
};

/* What the rules in force say, read while a reload may be changing it; and so changed. */
#define spy_term(field)            __atomic_load_n(&(field), __ATOMIC_RELAXED)
#define spy_term_set(field, value) __atomic_store_n(&(field), (value), __ATOMIC_RELAXED)

#define SPY_WORST_CHUNKS 10u
_Static_assert(sizeof(struct spy_worst) <= SPY_WORST_CHUNKS * SPY_CHUNK_BYTES, "outgrew chunks");

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

/* Fills in the section table and the sizes of a region with this version's capacities, and with
 * region->history_bytes of history and region->arena_bytes of arena, the usual where these are 0.
 * Returns the total size in bytes, a multiple of 4096. REGION may be NULL to learn the usual. */
uint64_t spy_region_layout(struct spy_region *region);

/* Of the sections whose size may be set; 0: the usual, SPY_HISTORY_BYTES or SPY_ARENA_BYTES. */
struct spy_region_sizes {
    uint32_t history_bytes;
    uint32_t arena_bytes;
};

/* The size of a region with these. */
uint64_t spy_region_bytes(struct spy_region_sizes sizes);

/*
 * Checks that BYTES bytes at IMAGE are a region of this version whose sections lie inside it. An
 * arena cut after its used part is fine, but what is read afterwards is always a whole region: the
 * memory at IMAGE must have spy_region_bytes() of it, zero after the first BYTES, and be
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

/* Chunks in the arena. */
static inline uint32_t spy_region_chunks(const struct spy_region *region)
{
    return (uint32_t)(region->section[SPY_SECTION_ARENA].bytes / SPY_CHUNK_BYTES);
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

/* The worst calls of OP, or NULL where it never had a slow one. */
static inline struct spy_worst *spy_region_worst(const struct spy_region *region,
                                                 const struct spy_op *op)
{
    uint32_t chunk = atomic_load_explicit(&op->worst, memory_order_acquire);
    if (spy_region_chunk(region, chunk + SPY_WORST_CHUNKS - 1) == NULL)
        return NULL;
    return spy_region_chunk(region, chunk);
}

/* Which of the two places holds what was counted before the last reset; -1: there was none. */
static inline int spy_region_reset(const struct spy_region *region)
{
    uint32_t resets = atomic_load_explicit(&region->resets, memory_order_acquire);
    return resets > 0 ? (int)(resets % 2) : -1;
}

/* When the statistics began, if not with the process: CLOCK_MONOTONIC of the last reset, or 0. */
static inline uint64_t spy_region_reset_ns(const struct spy_region *region)
{
    int which = spy_region_reset(region);
    return which >= 0 ? atomic_load_explicit(&region->reset[which].at_ns, memory_order_relaxed) : 0;
}

/* Did what ended at END_NS do so before the statistics began? */
static inline bool spy_region_is_before(const struct spy_region *region, uint64_t end_ns)
{
    uint64_t reset_ns = spy_region_reset_ns(region);
    return reset_ns != 0 && end_ns <= reset_ns;
}

/* Operations that a reader may look at: 0 .. result - 1, each still to be tested for READY. */
uint32_t spy_region_ops(const struct spy_region *region);

/* The text at byte position AT of the text section, NUL-terminated inside it; "" where AT is 0 or
 * there is none. */
const char *spy_region_text_at(const struct spy_region *region, uint32_t at);

/* Statement text of an operation; "" if it has none. */
static inline const char *spy_region_text(const struct spy_region *region, const struct spy_op *op)
{
    return spy_region_text_at(region, atomic_load_explicit(&op->text, memory_order_acquire));
}

/* Adds LEN bytes of TEXT and a NUL to the text section. Returns their position, to be stored with
 * release where readers find it, or 0, counted, where there is no room. Any thread. */
uint32_t spy_region_text_add(struct spy_region *region, const char *text, uint32_t len);

#endif
