/* SPDX-License-Identifier: MIT */
/*
 * Shards: where a thread counts. One writer each, so counting is a plain load and store; the
 * shared shard is for threads that found none free and for signal handlers that interrupt a thread
 * in the middle of counting, and is updated by atomic adds.
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
struct spy_writer spy_writer_begin(struct spy_region *region);
void spy_writer_end(const struct spy_writer *writer);

/* The calling thread's id, valid in this region's process. */
uint32_t spy_writer_thread_id(struct spy_region *region);

/* The cell of OP, for its counters alone; NULL where the arena is full. */
struct spy_cell *spy_writer_counters(const struct spy_writer *writer, uint32_t op);

/* The cell of OP, with the octave of bucket INDEX and, where CODE is not 0, the codes chunk made.
 * NULL where the arena is full. */
struct spy_cell *spy_writer_cell(const struct spy_writer *writer, uint32_t op, uint32_t index,
                                 uint32_t code);

/* Makes the spread chunk of CELL, of OP, where OP is a request's and the arena has room. */
void spy_writer_spread(const struct spy_writer *writer, struct spy_cell *cell, uint32_t op);

/* The worst calls of OP, made where it has none yet. NULL where the arena is full. Any thread. */
struct spy_worst *spy_arena_worst(struct spy_region *region, uint32_t op);

/* Makes the cells of the two "other" operations in the shared shard, whole, so that there is
 * always a place to count. Once, before the region is published. */
void spy_shards_reserve(struct spy_region *region);

/* Counts COUNTER in the region. */
void spy_self_count(struct spy_region *region, enum spy_self_counter counter);

#endif
