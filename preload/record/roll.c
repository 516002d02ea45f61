/* SPDX-License-Identifier: MIT */
/*
 * The writer of history's finest ring. A step is written and committed first, and then added to the
 * rolled shard, whose difference from the other shards is what no step holds yet. In between,
 * history_applied and history_applying tell a reader how far that has come: a process may be killed
 * anywhere in here, and nothing is told twice or lost (of one operation, in the few stores that add
 * it, calls since the roll may be).
 */
#include "record/roll.h"

#include "record/record.h"
#include "record/ring.h"

static uint64_t load(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* Was OP called since the last roll? A glance at its cells, so that a roll costs what was called,
 * not what could be. */
static bool is_changed(const struct spy_region *region, uint32_t op)
{
    uint64_t seen = 0, rolled = 0;
    for (uint32_t shard = 0; shard <= SPY_SHARD_ROLLED; shard++) {
        const struct spy_cell *cell = spy_region_cell(region, shard, op);
        if (cell != NULL)
            *(shard == SPY_SHARD_ROLLED ? &rolled : &seen) +=
                load(&cell->calls) + load(&cell->aborted);
    }
    return seen != rolled;
}

/* Writes OP's delta. False where there is no room for it: then it stays undone, windows still have
 * it, and a later step may take it. */
static bool put_op(struct spy_step_writer *w, uint32_t op)
{
    static unsigned char record[SPY_HISTORY_RECORD_MAX]; /* one helper thread: no other user */
    struct spy_totals delta;
    if (!is_changed(w->region, op))
        return true;
    spy_history_undone(&delta, w->region, op);
    if (!spy_totals_any(&delta))
        return true;
    return spy_record_reserve(w->region, SPY_SHARD_ROLLED, op, &delta) &&
           spy_step_put(w, record, spy_history_encode(record, op, &delta));
}

/* Adds the committed step, at position BEGIN, to the rolled shard. */
static void apply(struct spy_region *region, uint64_t begin, const struct spy_history_step *step)
{
    static unsigned char scratch[SPY_HISTORY_RECORD_MAX];
    struct spy_totals delta;
    uint64_t at = begin + sizeof(*step), end = begin + step->bytes;
    while (at < end) {
        uint32_t op;
        size_t left = end - at < sizeof(scratch) ? end - at : sizeof(scratch);
        const void *record = spy_ring_view(region, 0, at, left, scratch);
        size_t used = spy_history_decode(record, left, &op, &delta);
        if (used == 0)
            break;
        atomic_store_explicit(&region->history_applying, op, memory_order_release);
        spy_record_totals(region, SPY_SHARD_ROLLED, op, &delta);
        atomic_store_explicit(&region->history_applying, op + 1, memory_order_release);
        at += used;
    }
    atomic_store_explicit(&region->history_applied, end, memory_order_release);
}

static void turn(struct spy_region *region)
{
    atomic_fetch_add_explicit(&region->history_turn, 1, memory_order_acq_rel);
}

void spy_history_note_use(struct spy_region *region, const struct spy_use *use)
{
    atomic_store_explicit(&region->rss_bytes, use->rss_bytes, memory_order_relaxed);
    atomic_store_explicit(&region->threads, use->threads, memory_order_relaxed);
    atomic_store_explicit(&region->fds, use->fds, memory_order_relaxed);
}

bool spy_history_roll(struct spy_region *region, uint64_t now_ns, const struct spy_use *use)
{
    uint64_t last = load(&region->history_rolled_ns);
    bool whole = true;
    if (region->history_levels == 0)
        return false;
    if (now_ns <= last)
        now_ns = last + 1; /* steps are told apart by when they ended */
    turn(region);
    struct spy_step_writer w = spy_step_begin(region, 0);
    for (uint32_t op = 0; op < spy_region_ops(region); op++)
        whole &= put_op(&w, op);
    struct spy_history_step step = {
        .begin_ns = last != 0 ? last : region->epoch_mono_ns,
        .end_ns = now_ns,
        .use = *use,
    };
    spy_history_note_use(region, use);
    atomic_store_explicit(&region->history_applying, 0, memory_order_release);
    bool committed = spy_step_commit(&w, &step); /* else it is in the next */
    if (committed) {
        apply(region, w.begin, &step);
        atomic_store_explicit(&region->history_rolled_ns, now_ns, memory_order_release);
    }
    spy_compact_old(region, now_ns);
    turn(region);
    return committed && whole;
}
