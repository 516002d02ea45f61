/* SPDX-License-Identifier: MIT */
/*
 * Shards: where a thread counts. One writer each, so counting is a plain load and store; the
 * shared shard is for threads that found none free, for what finds no room in the half of the arena
 * that threads' own cells may have, and for signal handlers that interrupt a thread in the middle
 * of counting, and is updated by atomic adds.
 *
 * What pairs with what: a cell, an octave and a codes chunk are filled in before their index is
 * stored with release (install() in shard.c); readers (spy_region_cell(), shared/totals.c) load the
 * index with acquire, and so does every thread that counts there. Counters themselves are relaxed:
 * each is monotonic and stands on its own. Who takes a shard over goes on from the dead owner's
 * last stores: those came before the kernel's word that the thread is gone, which is asked for
 * before `owner` is exchanged. `owner` itself guards nothing but that exchange.
 */
#ifndef SPY_RECORD_SHARD_H
#define SPY_RECORD_SHARD_H

#include "runtime/thread.h"
#include "shared/region.h"

#include <stdbool.h>

/* A shard taken for one recording. */
struct spy_writer {
    struct spy_region *region;
    struct spy_shard *shard;
    bool shared; /* several writers: atomic adds */
};

/* Takes the calling thread's shard, or the shared one. Leave with spy_writer_end(). System calls
 * (gettid, and tgkill with signal 0 where shards are short) only at a thread's first recording. */
struct spy_writer spy_writer_take(struct spy_region *region);

/* Has the calling thread a shard of its own, and is not writing to it? */
static inline bool spy_writer_is_own(const struct spy_region *region)
{
    const struct spy_thread *t = &spy_thread;
    return !t->recording && t->epoch == region->epoch_mono_ns &&
           t->shard != spy_region_shard(region, SPY_SHARD_SHARED);
}

/* The same, at once where it is so. */
static inline struct spy_writer spy_writer_begin(struct spy_region *region)
{
    if (__builtin_expect(!spy_writer_is_own(region), 0))
        return spy_writer_take(region);
    spy_thread.recording = 1;
    atomic_signal_fence(memory_order_seq_cst);
    return (struct spy_writer){region, spy_thread.shard, false};
}

static inline void spy_writer_end(const struct spy_writer *writer)
{
    atomic_signal_fence(memory_order_seq_cst);
    if (writer->shard == spy_thread.shard)
        spy_thread.recording = 0;
}

/* The calling thread's id, valid in this region's process: it enrols there first if need be. */
uint32_t spy_writer_enrol(struct spy_region *region);

static inline uint32_t spy_writer_thread_id(struct spy_region *region)
{
    return spy_thread.epoch == region->epoch_mono_ns ? spy_thread.tid : spy_writer_enrol(region);
}

/* The shared shard, for what finds no room elsewhere. Nothing has to end it. */
struct spy_writer spy_writer_common(struct spy_region *region);

/* The cell of OP, for its counters alone; NULL where the arena is full, or, of a thread's own
 * shard, has no room for such any more. So are the others here. */
struct spy_cell *spy_writer_counters(const struct spy_writer *writer, uint32_t op);

/* The same, at once where it is there. */
static inline struct spy_cell *spy_writer_cell_counters(const struct spy_writer *writer,
                                                        uint32_t op)
{
    struct spy_cell *cell = spy_region_chunk(
        writer->region, atomic_load_explicit(&writer->shard->cell[op], memory_order_acquire));
    return SPY_LIKELY(cell != NULL) ? cell : spy_writer_counters(writer, op);
}

/* The cell of OP, with the octave of bucket INDEX and, where CODE is not 0, the codes chunk made.
 */
struct spy_cell *spy_writer_make(const struct spy_writer *writer, uint32_t op, uint32_t index,
                                 uint32_t code);

/* The same, at once where all of it is there. */
static inline struct spy_cell *spy_writer_cell(const struct spy_writer *writer, uint32_t op,
                                               uint32_t index, uint32_t code)
{
    struct spy_cell *cell = spy_region_chunk(
        writer->region, atomic_load_explicit(&writer->shard->cell[op], memory_order_acquire));
    if (__builtin_expect(cell == NULL, 0) ||
        atomic_load_explicit(&cell->octave[index / SPY_HIST_SUB], memory_order_acquire) == 0 ||
        (code != 0 && atomic_load_explicit(&cell->codes, memory_order_acquire) == 0))
        return spy_writer_make(writer, op, index, code);
    return cell;
}

/* The chunk that SLOT names, made where there is none yet; 0 where there is no room. */
uint32_t spy_writer_chunk(const struct spy_writer *writer, _Atomic uint32_t *slot);

/* Makes the spread chunk of CELL, of OP, where OP is a request's and the arena has room. */
void spy_writer_spread(const struct spy_writer *writer, struct spy_cell *cell, uint32_t op);

/* The worst calls of OP, made where it has none yet. NULL where the arena has no room for such any
 * more. Any thread. */
struct spy_worst *spy_arena_worst(struct spy_region *region, uint32_t op);

/* Makes the cells of the two "other" operations in the shared shard, whole, so that there is
 * always a place to count. Once, before the region is published. */
void spy_shards_reserve(struct spy_region *region);

/* Counts COUNTER in the region. */
void spy_self_count(struct spy_region *region, enum spy_self_counter counter);

#endif
