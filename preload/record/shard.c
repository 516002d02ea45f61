/* SPDX-License-Identifier: MIT */
/*
 * Taking shards, and making cells in the arena. Any thread; no lock, no allocation.
 */
#include "record/shard.h"

#include "runtime/process.h"
#include "shared/storage.h"

#define RELAXED memory_order_relaxed

void spy_self_count(struct spy_region *region, enum spy_self_counter counter)
{
    atomic_fetch_add_explicit(&region->self[counter], 1, RELAXED);
}

/* ---- owning a shard ------------------------------------------------------------------------- */

/* A shard's owner: the thread's id (the kernel's are below 2^22) and a turn that changes with every
 * taking, so that of two threads that found one owner dead only the first gets the shard, even if
 * the other bears the dead one's id again. */
#define TID_MASK ((1u << 22) - 1)

static uint32_t next_owner(uint32_t owner, uint32_t tid)
{
    return ((owner | TID_MASK) + 1) | tid;
}

/* Takes shard I if it is free or its owner has ended. A thread that the kernel no longer knows
 * will never write again, so its counters are simply carried on. A shard that bears our own id is
 * a dead namesake's. */
static bool take(struct spy_region *region, uint32_t i, uint32_t tid)
{
    struct spy_shard *shard = spy_region_shard(region, i);
    uint32_t owner = atomic_load_explicit(&shard->owner, RELAXED);
    uint32_t holder = owner & TID_MASK;
    if (holder != 0 && holder != tid && spy_process_has_thread((int)holder))
        return false;
    if (!atomic_compare_exchange_strong_explicit(&shard->owner, &owner, next_owner(owner, tid),
                                                 memory_order_acq_rel, RELAXED))
        return false;
    uint32_t used = atomic_load_explicit(&region->shards_used, RELAXED);
    while (used <= i && !atomic_compare_exchange_weak_explicit(&region->shards_used, &used, i + 1,
                                                               RELAXED, RELAXED))
        ;
    return true;
}

/* Unused shards first, in order, so that few threads touch few pages; then those of the dead,
 * begun at a place that differs from thread to thread. */
static struct spy_shard *acquire(struct spy_region *region, uint32_t tid)
{
    uint32_t used = atomic_load_explicit(&region->shards_used, RELAXED);
    for (uint32_t i = used; i < SPY_SHARDS; i++)
        if (take(region, i, tid))
            return spy_region_shard(region, i);
    for (uint32_t i = 0; i < SPY_SHARDS; i++)
        if (take(region, (tid + i) % SPY_SHARDS, tid))
            return spy_region_shard(region, (tid + i) % SPY_SHARDS);
    return spy_region_shard(region, SPY_SHARD_SHARED);
}

/* A thread's first recording in this region; a fork's child comes here again. */
static void enrol(struct spy_thread *t, struct spy_region *region)
{
    t->tid = (uint32_t)spy_process_thread_id();
    t->shard = acquire(region, t->tid);
    t->epoch = region->epoch_mono_ns;
}

uint32_t spy_writer_enrol(struct spy_region *region)
{
    enrol(&spy_thread, region);
    return spy_thread.tid;
}

struct spy_writer spy_writer_take(struct spy_region *region)
{
    struct spy_thread *t = &spy_thread;
    struct spy_shard *common = spy_region_shard(region, SPY_SHARD_SHARED);
    if (t->recording) { /* a signal handler, on top of a recording of its own thread */
        spy_self_count(region, SPY_SELF_SHARED_SHARD);
        return (struct spy_writer){region, common, true};
    }
    t->recording = 1;
    atomic_signal_fence(memory_order_seq_cst);
    if (t->epoch != region->epoch_mono_ns)
        enrol(t, region);
    bool shared = t->shard == common;
    if (shared)
        spy_self_count(region, SPY_SELF_SHARED_SHARD);
    return (struct spy_writer){region, t->shard, shared};
}

struct spy_writer spy_writer_common(struct spy_region *region)
{
    return (struct spy_writer){region, spy_region_shard(region, SPY_SHARD_SHARED), true};
}

/* ---- the arena ------------------------------------------------------------------------------ */

/* Threads' own cells are a matter of speed, and may have half of it: what they leave is enough for
 * all operations in the shared shard and in the rolled one. */
static uint32_t limit_of(const struct spy_writer *writer)
{
    bool own = writer->shard < spy_region_shard(writer->region, SPY_SHARDS);
    uint32_t chunks = spy_region_chunks(writer->region);
    return own ? chunks / 2 : chunks;
}

/* Chunks AT and the CHUNKS - 1 behind it are below LIMIT, and have storage. */
static bool can_have(struct spy_region *region, uint32_t at, uint32_t chunks, uint32_t limit)
{
    const char *arena = spy_region_section(region, SPY_SECTION_ARENA);
    return at + chunks <= limit && spy_storage_reach(region, arena + (uint64_t)at * SPY_CHUNK_BYTES,
                                                     (uint64_t)chunks * SPY_CHUNK_BYTES);
}

/* CHUNKS zeroed chunks in a row, below LIMIT, or 0. Asked before adding: what is not to be had is
 * not used up. Others may have added meanwhile, and what lies behind LIMIT then is used all the
 * same. */
static uint32_t arena_take(struct spy_region *region, uint32_t chunks, uint32_t limit)
{
    if (!can_have(region, atomic_load_explicit(&region->arena_used, RELAXED), chunks, limit))
        return 0;
    uint32_t at = atomic_fetch_add_explicit(&region->arena_used, chunks, RELAXED);
    return can_have(region, at, chunks, spy_region_chunks(region)) ? at : 0;
}

/* Stores CHUNK where SLOT is still 0. Alone or not, the compare-and-swap is right; it runs once
 * for each chunk. The loser's chunk stays unused. Returns what SLOT holds then. */
static uint32_t install(_Atomic uint32_t *slot, uint32_t chunk)
{
    uint32_t expected = 0;
    if (chunk == 0 || atomic_compare_exchange_strong_explicit(
                          slot, &expected, chunk, memory_order_release, memory_order_acquire))
        return chunk;
    return expected;
}

uint32_t spy_writer_chunk(const struct spy_writer *writer, _Atomic uint32_t *slot)
{
    uint32_t chunk = atomic_load_explicit(slot, memory_order_acquire);
    return chunk != 0 ? chunk : install(slot, arena_take(writer->region, 1, limit_of(writer)));
}

struct spy_cell *spy_writer_counters(const struct spy_writer *writer, uint32_t op)
{
    _Atomic uint32_t *slot = &writer->shard->cell[op];
    uint32_t chunk = atomic_load_explicit(slot, memory_order_acquire);
    if (chunk == 0) {
        chunk = arena_take(writer->region, SPY_CELL_CHUNKS, limit_of(writer));
        struct spy_cell *cell = spy_region_chunk(writer->region, chunk);
        if (cell == NULL)
            return NULL;
        atomic_store_explicit(&cell->min_ns, UINT64_MAX, RELAXED);
        chunk = install(slot, chunk);
    }
    return spy_region_chunk(writer->region, chunk);
}

struct spy_cell *spy_writer_make(const struct spy_writer *writer, uint32_t op, uint32_t index,
                                 uint32_t code)
{
    struct spy_cell *cell = spy_writer_counters(writer, op);
    if (cell == NULL || spy_writer_chunk(writer, &cell->octave[index / SPY_HIST_SUB]) == 0)
        return NULL;
    if (code != 0 && spy_writer_chunk(writer, &cell->codes) == 0)
        return NULL;
    return cell;
}

void spy_writer_spread(const struct spy_writer *writer, struct spy_cell *cell, uint32_t op)
{
    if (spy_region_op(writer->region, op)->kind == SPY_KIND_HTTP)
        spy_writer_chunk(writer, &cell->spread);
}

/* Single calls may have three quarters of the arena: counts come first. */
struct spy_worst *spy_arena_worst(struct spy_region *region, uint32_t op)
{
    struct spy_op *row = spy_region_op(region, op);
    if (atomic_load_explicit(&row->worst, RELAXED) == 0)
        install(&row->worst,
                arena_take(region, SPY_WORST_CHUNKS, spy_region_chunks(region) / 4 * 3));
    return spy_region_worst(region, row);
}

void spy_shards_reserve(struct spy_region *region)
{
    struct spy_writer writer = spy_writer_common(region);
    for (uint32_t octave = 0; octave < SPY_HIST_OCTAVES; octave++) {
        spy_writer_cell(&writer, SPY_OP_OTHER_SQL, octave * SPY_HIST_SUB, 1);
        spy_writer_cell(&writer, SPY_OP_OTHER_HTTP, octave * SPY_HIST_SUB, 1);
    }
}
