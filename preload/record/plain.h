/* SPDX-License-Identifier: MIT */
/*
 * Recording a plain call, in the caller's own code: a statement that went well, fast, and belongs
 * to no request. That is most of them, and of what spy_record_with() has to look at they have
 * nothing. Contract as record.h; what is counted is the same (tests/unit/record/test_plain.c).
 */
#ifndef SPY_RECORD_PLAIN_H
#define SPY_RECORD_PLAIN_H

#include "record/calllog.h"
#include "record/shard.h"
#include "record/slow.h"

/* All that such a call is recorded by: it was over with its first result. */
struct spy_plain {
    uint32_t op;
    uint16_t params;
    uint64_t dur_ns; /* and wait */
    uint64_t rows;
    uint64_t affected;
    uint64_t bytes_in;
};

/* As in record.c: the thread is the shard's only writer, a reader finds whole numbers. */
static inline void spy_plain_add(_Atomic uint64_t *counter, uint64_t n)
{
#if defined(__x86_64__)
    __asm__("addq %1, %0" : "+m"(*counter) : "er"(n) : "cc");
#else
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
                          memory_order_relaxed);
#endif
}

static inline void spy_plain_count(struct spy_cell *cell, struct spy_octave *octave, uint32_t index,
                                   const struct spy_plain *call)
{
    spy_plain_add(&cell->calls, 1);
    spy_plain_add(&cell->sum_ns, call->dur_ns);
    spy_plain_add(&cell->wait_ns, call->dur_ns);
    spy_plain_add(&cell->rows, call->rows);
    if (call->affected)
        spy_plain_add(&cell->affected, call->affected);
    if (call->params)
        spy_plain_add(&cell->params, call->params);
    spy_plain_add(&cell->bytes_in, call->bytes_in);
    if (call->dur_ns < atomic_load_explicit(&cell->min_ns, memory_order_relaxed))
        atomic_store_explicit(&cell->min_ns, call->dur_ns, memory_order_relaxed);
    if (call->dur_ns > atomic_load_explicit(&cell->max_ns, memory_order_relaxed))
        atomic_store_explicit(&cell->max_ns, call->dur_ns, memory_order_relaxed);
    spy_plain_add(&cell->level[SPY_LEVEL_EXCELLENT], 1);
    spy_plain_add(&octave->bucket[index % SPY_HIST_SUB], 1);
}

/* False, and nothing was done, where there is more to it: the call was not that fast, or is to be
 * kept or logged; the thread has no shard of its own or is writing to it; the operation's cell is
 * not there yet. */
static inline __attribute__((always_inline)) bool spy_record_plain(struct spy_region *region,
                                                                   const struct spy_plain *call)
{
    struct spy_thread *t = &spy_thread;
    if (call->dur_ns >= spy_term(region->level_bounds_ns[SPY_LEVEL_EXCELLENT]) ||
        call->dur_ns >= spy_term(spy_region_op(region, call->op)->watch_ns) ||
        atomic_load_explicit(&spy_calllog_level, memory_order_relaxed) >= SPY_LOG_DEBUG ||
        t->recording || t->epoch != region->epoch_mono_ns ||
        t->shard == spy_region_shard(region, SPY_SHARD_SHARED))
        return false;
    uint32_t index = spy_hist_index(call->dur_ns);
    struct spy_cell *cell = spy_region_chunk(
        region, atomic_load_explicit(&t->shard->cell[call->op], memory_order_acquire));
    struct spy_octave *octave =
        cell != NULL
            ? spy_region_chunk(region, atomic_load_explicit(&cell->octave[index / SPY_HIST_SUB],
                                                            memory_order_acquire))
            : NULL;
    if (octave == NULL)
        return false;
    t->recording = 1;
    atomic_signal_fence(memory_order_seq_cst);
    spy_plain_count(cell, octave, index, call);
    atomic_signal_fence(memory_order_seq_cst);
    t->recording = 0;
    return true;
}

/* The same of a call that was not timed (record/sampling.h), whose duration is not read. */
static inline __attribute__((always_inline)) bool spy_record_untimed(struct spy_region *region,
                                                                     const struct spy_plain *call)
{
    struct spy_thread *t = &spy_thread;
    if (!spy_writer_is_own(region))
        return false;
    struct spy_cell *cell = spy_region_chunk(
        region, atomic_load_explicit(&t->shard->cell[call->op], memory_order_acquire));
    if (cell == NULL)
        return false;
    t->recording = 1;
    atomic_signal_fence(memory_order_seq_cst);
    spy_plain_add(&cell->calls, 1);
    spy_plain_add(&cell->untimed, 1);
    spy_plain_add(&cell->rows, call->rows);
    if (call->affected)
        spy_plain_add(&cell->affected, call->affected);
    if (call->params)
        spy_plain_add(&cell->params, call->params);
    spy_plain_add(&cell->bytes_in, call->bytes_in);
    atomic_signal_fence(memory_order_seq_cst);
    t->recording = 0;
    return true;
}

#endif
