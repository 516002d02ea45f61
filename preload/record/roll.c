/* SPDX-License-Identifier: MIT */
/*
 * The history ring's only writer. What it has written it also adds to the rolled shard, whose
 * difference from the other shards is therefore always what no step holds yet.
 */
#include "record/roll.h"

#include "record/record.h"
#include "shared/history.h"

#include <string.h>

struct step_writer {
    struct spy_region *region;
    uint64_t begin; /* position of the step's header */
    uint64_t at;
    uint32_t records;
};

/* Gives up the oldest steps until BYTES more fit. The tail moves, with release, before anything is
 * overwritten; a reader that copied meanwhile finds out by loading it again. */
static void make_room(struct step_writer *w, size_t bytes)
{
    const unsigned char *ring = spy_region_section(w->region, SPY_SECTION_HISTORY);
    uint64_t tail = atomic_load_explicit(&w->region->history_tail, memory_order_relaxed);
    while (w->at + bytes - tail > SPY_HISTORY_BYTES && tail < w->begin) {
        struct spy_history_step oldest;
        for (size_t i = 0; i < sizeof(oldest); i++)
            ((unsigned char *)&oldest)[i] = ring[(tail + i) % SPY_HISTORY_BYTES];
        tail += oldest.bytes;
    }
    atomic_store_explicit(&w->region->history_tail, tail, memory_order_release);
    atomic_thread_fence(memory_order_seq_cst);
}

static void put_bytes(struct step_writer *w, uint64_t at, const void *bytes, size_t n)
{
    unsigned char *ring = spy_region_section(w->region, SPY_SECTION_HISTORY);
    for (size_t i = 0; i < n; i++)
        ring[(at + i) % SPY_HISTORY_BYTES] = ((const unsigned char *)bytes)[i];
}

static void roll_op(struct step_writer *w, uint32_t op)
{
    static unsigned char record[SPY_HISTORY_RECORD_MAX]; /* one helper thread: no other user */
    struct spy_totals delta;
    spy_history_undone(&delta, w->region, op);
    if (!spy_totals_any(&delta))
        return;
    size_t bytes = spy_history_encode(record, op, &delta);
    bool fits = w->at + bytes - w->begin <= SPY_HISTORY_BYTES;
    if (!fits || !spy_record_rolled(w->region, op, &delta))
        return; /* stays unrolled: windows still have it, a later step may take it */
    make_room(w, bytes);
    put_bytes(w, w->at, record, bytes);
    w->at += bytes;
    w->records++;
}

void spy_history_roll(struct spy_region *region, uint64_t now_ns)
{
    uint64_t head = atomic_load_explicit(&region->history_head, memory_order_relaxed);
    uint64_t last = atomic_load_explicit(&region->history_rolled_ns, memory_order_relaxed);
    struct step_writer w = {.region = region, .begin = head};
    w.at = head + sizeof(struct spy_history_step);
    for (uint32_t op = 0; op < spy_region_ops(region); op++)
        roll_op(&w, op);
    if (w.records > 0) {
        struct spy_history_step step = {
            .bytes = (uint32_t)(w.at - w.begin),
            .records = w.records,
            .begin_ns = last != 0 ? last : region->epoch_mono_ns,
            .end_ns = now_ns,
        };
        make_room(&w, 0);
        put_bytes(&w, w.begin, &step, sizeof(step));
        atomic_store_explicit(&region->history_head, w.at, memory_order_release);
    }
    atomic_store_explicit(&region->history_rolled_ns, now_ns, memory_order_release);
}
