/* SPDX-License-Identifier: MIT */
/*
 * Sampling: of an operation whose rule says `sample: 1/N`, which calls are timed?
 *
 * Of each N calls in a row that a thread makes of the operation (a block) exactly one, and any of
 * them is as likely as another: no loop of the program can be in step with it, and every call's
 * chance is 1/N. The one stands for all N in sums of times, levels and histogram, so these are
 * never more than N - 1 calls a thread away from the exact count of calls, and only grow. It is
 * stratified sampling: a share q of the calls is estimated with a standard error of at most
 * sqrt(q (1 - q) / n) from n timed calls.
 *
 * A block that has begun goes on by its own N when a reload sets another. State is one word in the
 * cell of the thread's shard, and so is handed on with it:
 *
 *     bits 0-10   calls of the block still to come
 *     bits 11-21  the call to time, counted in the same way
 *     bits 22-32  N of the block
 *     bits 33-63  where the sequence of draws stands: a Weyl sequence, whose numbers are mixed
 *                 (finaliser of MurmurHash3, public domain); 0: not begun
 *
 * Any thread, signal handlers too; no lock, no system call but at a thread's first call.
 */
#ifndef SPY_RECORD_SAMPLING_H
#define SPY_RECORD_SAMPLING_H

#include "record/shard.h"

#define SPY_SAMPLING_BITS 11
#define SPY_SAMPLING_MASK ((1u << SPY_SAMPLING_BITS) - 1)

/* A call of OP, of which one in EVERY (2 .. 1024) is timed, begins. Returns for how many calls it
 * stands; SPY_UNTIMED where it is not to be timed; 0, for itself, where there is no room to count.
 */
uint16_t spy_sampling_draw_any(struct spy_region *region, uint32_t op, uint32_t every);

/* The same, at once for the calls of a block before the one to time, and behind it. */
static inline uint16_t spy_sampling_draw(struct spy_region *region, uint32_t op, uint32_t every)
{
    if (!spy_writer_is_own(region))
        return spy_sampling_draw_any(region, op, every);
    spy_thread.recording = 1;
    atomic_signal_fence(memory_order_seq_cst);
    struct spy_cell *cell = spy_region_chunk(
        region, atomic_load_explicit(&spy_thread.shard->cell[op], memory_order_acquire));
    uint64_t word = cell != NULL ? atomic_load_explicit(&cell->draw, memory_order_relaxed) : 0;
    uint64_t left = word & SPY_SAMPLING_MASK;
    bool untimed = left != 0 && left != (word >> SPY_SAMPLING_BITS & SPY_SAMPLING_MASK);
    if (SPY_LIKELY(untimed))
        atomic_store_explicit(&cell->draw, word - 1, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    spy_thread.recording = 0;
    return SPY_LIKELY(untimed) ? (uint16_t)SPY_UNTIMED : spy_sampling_draw_any(region, op, every);
}

#endif
