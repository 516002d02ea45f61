/* SPDX-License-Identifier: MIT */
/*
 * Adding calls to cells. The two ways to add, plain and atomic, are one code, specialised by the
 * compiler on a constant.
 */
#include "record/record.h"

#include "record/calllog.h"
#include "record/parts.h"
#include "record/shard.h"
#include "record/slow.h"

#define RELAXED memory_order_relaxed
#define INLINE  static inline __attribute__((always_inline))

/* A single writer may add without a locked instruction: nobody else stores to this counter. */
INLINE void add(_Atomic uint64_t *counter, uint64_t n, bool shared)
{
    if (shared)
        atomic_fetch_add_explicit(counter, n, RELAXED);
    else
#if defined(__x86_64__)
        /* The same in one instruction, which the compiler does not find. Its store is whole. */
        __asm__("addq %1, %0" : "+m"(*counter) : "er"(n) : "cc");
#else
        atomic_store_explicit(counter, atomic_load_explicit(counter, RELAXED) + n, RELAXED);
#endif
}

INLINE void lower(_Atomic uint64_t *least, uint64_t value)
{
    uint64_t seen = atomic_load_explicit(least, RELAXED);
    while (value < seen &&
           !atomic_compare_exchange_weak_explicit(least, &seen, value, RELAXED, RELAXED))
        ;
}

INLINE void raise(_Atomic uint64_t *most, uint64_t value)
{
    uint64_t seen = atomic_load_explicit(most, RELAXED);
    while (value > seen &&
           !atomic_compare_exchange_weak_explicit(most, &seen, value, RELAXED, RELAXED))
        ;
}

/* A free slot is claimed by storing its code, with release so that a reader that sees the code
 * sees a count that belongs to it. */
INLINE void add_code(struct spy_code *codes, uint32_t code, uint64_t n, bool shared)
{
    for (uint32_t i = 0; i < SPY_CODES - 1; i++) {
        uint32_t seen = atomic_load_explicit(&codes[i].code, RELAXED);
        if (seen == 0 && !atomic_compare_exchange_strong_explicit(&codes[i].code, &seen, code,
                                                                  memory_order_release, RELAXED))
            ; /* another writer of the shared shard was first; seen is what it stored */
        else if (seen == 0)
            seen = code;
        if (seen == code) {
            add(&codes[i].count, n, shared);
            return;
        }
    }
    atomic_store_explicit(&codes[SPY_CODES - 1].code, SPY_CODE_OTHER, RELAXED);
    add(&codes[SPY_CODES - 1].count, n, shared);
}

/* For want of room in the thread's own cell. Where there is none here either, the count of a
 * request's queries is in no spread. */
__attribute__((noinline, cold)) static void add_spread_shared(struct spy_region *region,
                                                              const struct spy_sample *s)
{
    struct spy_writer common = spy_writer_common(region);
    struct spy_cell *cell = spy_writer_counters(&common, s->op);
    if (cell == NULL)
        return;
    struct spy_spread *spread = spy_region_chunk(region, spy_writer_chunk(&common, &cell->spread));
    if (spread != NULL)
        add(&spread->bucket[spy_spread_index(s->queries)], 1, true);
}

/* How a query was attributed, or what was attributed to a request. */
INLINE void add_way(struct spy_region *region, struct spy_cell *cell, const struct spy_sample *s,
                    bool shared)
{
    if (spy_region_op(region, s->op)->kind == SPY_KIND_HTTP) {
        struct spy_spread *spread =
            spy_region_chunk(region, atomic_load_explicit(&cell->spread, RELAXED));
        if (spread != NULL)
            add(&spread->bucket[spy_spread_index(s->queries)], 1, shared);
        else if (!shared)
            add_spread_shared(region, s);
        add(&cell->queries, s->queries, shared);
        add(&cell->db_wait_ns, s->db_wait_ns, shared);
        add(&cell->db_rows_ns, s->db_rows_ns, shared);
        if (s->guessed)
            add(&cell->guessed, s->guessed, shared);
        return;
    }
    switch (s->way) {
    case SPY_WAY_THREAD:
        add(&cell->way_thread, 1, shared);
        break;
    case SPY_WAY_ONLY:
        add(&cell->way_only, 1, shared);
        break;
    case SPY_WAY_TAG:
        add(&cell->way_tag, 1, shared);
        break;
    default:
        add(&cell->way_none, 1, shared);
        break;
    }
}

/* What most statements have nothing of. */
INLINE void add_rare(struct spy_region *region, struct spy_cell *cell, const struct spy_sample *s,
                     bool shared)
{
    add(&cell->errors, s->failed != 0, shared);
    add(&cell->aborted, s->aborted != 0, shared);
    add(&cell->queue_ns, s->queue_ns, shared);
    add(&cell->blocked_ns, s->blocked_ns, shared);
    add(&cell->read_ns, s->read_ns, shared);
    if (s->code)
        add_code(spy_region_chunk(region, atomic_load_explicit(&cell->codes, RELAXED)), s->code, 1,
                 shared);
}

INLINE void add_sample(struct spy_region *region, struct spy_cell *cell, const struct spy_sample *s,
                       uint32_t index, bool shared)
{
    add(&cell->calls, 1, shared);
    add(&cell->sum_ns, s->dur_ns, shared);
    add(&cell->wait_ns, s->wait_ns, shared);
    add(&cell->tail_ns, spy_sample_tail_ns(s), shared);
    add(&cell->rows, s->rows, shared);
    if (s->affected)
        add(&cell->affected, s->affected, shared);
    if (s->params)
        add(&cell->params, s->params, shared);
    add(&cell->bytes_in, s->bytes_in, shared);
    add(&cell->bytes_out, s->bytes_out, shared);
    if (s->queue_ns | s->blocked_ns | s->read_ns | s->failed | s->aborted | s->code)
        add_rare(region, cell, s, shared);
    if (s->way)
        add_way(region, cell, s, shared);
    lower(&cell->min_ns, s->dur_ns);
    raise(&cell->max_ns, s->dur_ns);
    add(&cell->level[spy_level_of(s->dur_ns, region->level_bounds_ns)], 1, shared);
    uint32_t chunk = atomic_load_explicit(&cell->octave[index / SPY_HIST_SUB], RELAXED);
    struct spy_octave *octave = spy_region_chunk(region, chunk);
    add(&octave->bucket[index % SPY_HIST_SUB], 1, shared);
}

/* A call of an operation that is sampled (record/sampling.h) is counted like any other; its time,
 * where it was taken, stands for as many calls as it says. */
INLINE void add_weighted(struct spy_region *region, struct spy_cell *cell,
                         const struct spy_sample *s, uint32_t index, bool shared)
{
    uint64_t n = s->sampled;
    add(&cell->sum_ns, n * s->dur_ns, shared);
    add(&cell->wait_ns, n * s->wait_ns, shared);
    add(&cell->tail_ns, n * spy_sample_tail_ns(s), shared);
    add(&cell->queue_ns, n * s->queue_ns, shared);
    lower(&cell->min_ns, s->dur_ns);
    raise(&cell->max_ns, s->dur_ns);
    add(&cell->level[spy_level_of(s->dur_ns, region->level_bounds_ns)], n, shared);
    uint32_t chunk = atomic_load_explicit(&cell->octave[index / SPY_HIST_SUB], RELAXED);
    struct spy_octave *octave = spy_region_chunk(region, chunk);
    add(&octave->bucket[index % SPY_HIST_SUB], n, shared);
    atomic_store_explicit(&cell->last_dur_ns, s->dur_ns, RELAXED);
    atomic_store_explicit(&cell->last_wait_ns, s->wait_ns, RELAXED);
}

INLINE void add_sampled(struct spy_region *region, struct spy_cell *cell,
                        const struct spy_sample *s, uint32_t index, bool shared)
{
    add(&cell->calls, 1, shared);
    add(&cell->rows, s->rows, shared);
    add(&cell->affected, s->affected, shared);
    add(&cell->params, s->params, shared);
    add(&cell->bytes_in, s->bytes_in, shared);
    add(&cell->bytes_out, s->bytes_out, shared);
    if (s->failed)
        add(&cell->errors, 1, shared);
    if (s->code)
        add_code(spy_region_chunk(region, atomic_load_explicit(&cell->codes, RELAXED)), s->code, 1,
                 shared);
    if (s->way)
        add_way(region, cell, s, shared);
    if (s->sampled == SPY_UNTIMED)
        add(&cell->untimed, 1, shared);
    else
        add_weighted(region, cell, s, index, shared);
}

/* Where the calls of an operation like OP go that finds no room. */
static uint32_t other_of(const struct spy_region *region, uint32_t op)
{
    uint32_t kind = spy_region_op(region, op)->kind;
    return kind == SPY_KIND_HTTP ? SPY_OP_OTHER_HTTP : SPY_OP_OTHER_SQL;
}

static void add_sample_shared(struct spy_region *region, struct spy_cell *cell,
                              const struct spy_sample *s, uint32_t index)
{
    add_sample(region, cell, s, index, true);
}

/* For want of room in the thread's own shard: in the shared one, and where the arena is full
 * altogether under "other". */
__attribute__((noinline, cold)) static void
record_shared(struct spy_region *region, const struct spy_sample *s, uint32_t index)
{
    struct spy_writer common = spy_writer_common(region);
    struct spy_cell *cell = spy_writer_cell(&common, s->op, index, s->code);
    spy_self_count(region, cell != NULL ? SPY_SELF_SHARED_SHARD : SPY_SELF_ARENA_FULL);
    if (cell == NULL) /* reserved whole by spy_shards_reserve(): never NULL */
        cell = spy_writer_cell(&common, other_of(region, s->op), index, s->code);
    if (cell == NULL)
        return;
    if (s->way != 0)
        spy_writer_spread(&common, cell, s->op);
    add_sample_shared(region, cell, s, index);
    if (spy_region_op(region, s->op)->kind == SPY_KIND_HTTP &&
        !spy_cost_leaves_out(&region->cost, SPY_BACKOFF_DETAIL))
        spy_parts_add(&common, cell, s);
}

/* The cell of a call of a sampled operation: without a time it has no bucket. */
INLINE struct spy_cell *sampled_cell(const struct spy_writer *writer, const struct spy_sample *s,
                                     uint32_t op, uint32_t index)
{
    if (s->sampled != SPY_UNTIMED)
        return spy_writer_cell(writer, op, index, s->code);
    struct spy_cell *cell = spy_writer_cell_counters(writer, op);
    bool room = cell != NULL && (s->code == 0 || spy_writer_chunk(writer, &cell->codes) != 0);
    return room ? cell : NULL;
}

__attribute__((noinline)) static void record_sampled(struct spy_region *region,
                                                     const struct spy_sample *s, const char *detail)
{
    bool timed = s->sampled != SPY_UNTIMED;
    uint32_t index = timed ? spy_hist_index(s->dur_ns) : 0;
    struct spy_writer writer = spy_writer_begin(region);
    struct spy_cell *cell = sampled_cell(&writer, s, s->op, index);
    bool shared = writer.shared || cell == NULL;
    if (cell == NULL) {
        struct spy_writer common = spy_writer_common(region);
        cell = sampled_cell(&common, s, s->op, index);
        spy_self_count(region, cell != NULL ? SPY_SELF_SHARED_SHARD : SPY_SELF_ARENA_FULL);
        if (cell == NULL)
            cell = sampled_cell(&common, s, other_of(region, s->op), index);
    }
    if (cell != NULL && shared)
        add_sampled(region, cell, s, index, true);
    else if (cell != NULL)
        add_sampled(region, cell, s, index, false);
    if (s->failed || (timed && spy_slow_is(region, spy_region_op(region, s->op), s->dur_ns)))
        spy_slow_add(region, s, detail);
    if ((s->failed || timed) && spy_calllog_wants(region, s))
        spy_calllog_push(region, s, detail);
    spy_writer_end(&writer);
}

void spy_record_with(struct spy_region *region, const struct spy_sample *s, const char *detail)
{
    if (__builtin_expect(s->sampled != 0, 0)) {
        record_sampled(region, s, detail);
        return;
    }
    uint32_t index = spy_hist_index(s->dur_ns);
    struct spy_writer writer = spy_writer_begin(region);
    struct spy_cell *cell = spy_writer_cell(&writer, s->op, index, s->code);
    if (cell != NULL && s->way != 0)
        spy_writer_spread(&writer, cell, s->op);
    if (cell == NULL)
        record_shared(region, s, index);
    else if (__builtin_expect(writer.shared, 0))
        add_sample_shared(region, cell, s, index);
    else
        add_sample(region, cell, s, index, false);
    const struct spy_op *op = spy_region_op(region, s->op);
    if (cell != NULL && op->kind == SPY_KIND_HTTP &&
        !spy_cost_leaves_out(&region->cost, SPY_BACKOFF_DETAIL))
        spy_parts_add(&writer, cell, s);
    if (s->failed || spy_slow_is(region, op, s->dur_ns))
        spy_slow_add(region, s, detail);
    if (spy_calllog_wants(region, s))
        spy_calllog_push(region, s, detail);
    spy_writer_end(&writer);
}

void spy_record_aborted(struct spy_region *region, uint32_t op)
{
    struct spy_writer writer = spy_writer_begin(region);
    struct spy_cell *cell = spy_writer_counters(&writer, op);
    bool shared = writer.shared;
    if (cell == NULL) {
        struct spy_writer common = spy_writer_common(region);
        shared = true;
        cell = spy_writer_counters(&common, op);
        spy_self_count(region, cell != NULL ? SPY_SELF_SHARED_SHARD : SPY_SELF_ARENA_FULL);
        if (cell == NULL)
            cell = spy_writer_counters(&common, other_of(region, op));
    }
    if (cell != NULL)
        add(&cell->aborted, 1, shared);
    spy_writer_end(&writer);
}

/* ---- the helper thread's shards -------------------------------------------------------------- */

/* NULL where there is no room, or where a call was read whose duration is not in the histogram yet:
 * that one is for a later step. */
static struct spy_cell *room_for(const struct spy_writer *writer, uint32_t op,
                                 const struct spy_totals *delta)
{
    struct spy_cell *cell = delta->calls == delta->untimed ? spy_writer_counters(writer, op) : NULL;
    if (cell != NULL && delta->codes > 0 && spy_writer_chunk(writer, &cell->codes) == 0)
        return NULL;
    for (uint32_t i = 0; i < SPY_HIST_BUCKETS; i++)
        if (delta->hist.bucket[i] != 0) {
            cell = spy_writer_cell(writer, op, i, delta->codes);
            if (cell == NULL)
                return NULL;
        }
    return cell;
}

static bool has_spread(const struct spy_totals *delta)
{
    uint64_t any = 0;
    for (uint32_t i = 0; i < SPY_HIST_SUB; i++)
        any |= delta->spread[i];
    return any != 0;
}

static struct spy_writer writer_of(struct spy_region *region, uint32_t shard)
{
    return (struct spy_writer){region, spy_region_shard(region, shard), false};
}

bool spy_record_reserve(struct spy_region *region, uint32_t shard, uint32_t op,
                        const struct spy_totals *delta)
{
    struct spy_writer writer = writer_of(region, shard);
    struct spy_cell *cell = room_for(&writer, op, delta);
    if (cell == NULL || !spy_parts_reserve(&writer, cell, delta))
        return false;
    return !has_spread(delta) || spy_writer_chunk(&writer, &cell->spread) != 0;
}

static void add_buckets(struct spy_region *region, struct spy_cell *cell,
                        const struct spy_totals *delta)
{
    for (uint32_t i = 0; i < SPY_HIST_BUCKETS; i++)
        if (delta->hist.bucket[i] != 0) {
            uint32_t chunk = atomic_load_explicit(&cell->octave[i / SPY_HIST_SUB], RELAXED);
            struct spy_octave *octave = spy_region_chunk(region, chunk);
            add(&octave->bucket[i % SPY_HIST_SUB], delta->hist.bucket[i], false);
        }
    struct spy_spread *spread =
        spy_region_chunk(region, atomic_load_explicit(&cell->spread, RELAXED));
    for (uint32_t i = 0; i < SPY_HIST_SUB && spread != NULL; i++)
        add(&spread->bucket[i], delta->spread[i], false);
}

void spy_record_totals(struct spy_region *region, uint32_t shard, uint32_t op,
                       const struct spy_totals *delta)
{
    struct spy_writer writer = writer_of(region, shard);
    struct spy_cell *cell = spy_writer_counters(&writer, op);
#define X(name) add(&cell->name, delta->name, false);
    SPY_CELL_COUNTERS(X)
#undef X
    for (int i = 0; i < SPY_LEVEL_COUNT; i++)
        add(&cell->level[i], delta->level[i], false);
    struct spy_code *codes = spy_region_chunk(region, atomic_load_explicit(&cell->codes, RELAXED));
    for (uint32_t i = 0; i < delta->codes && codes != NULL; i++)
        add_code(codes, delta->code[i].code, delta->code[i].count, false);
    add_buckets(region, cell, delta);
    spy_parts_add_totals(&writer, cell, delta);
}
