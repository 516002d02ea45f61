/* SPDX-License-Identifier: MIT */
/*
 * Writing the rings of slow and of failed calls, and the worst calls of operations. Readers: tools,
 * by the protocols at struct spy_slow_event and struct spy_worst (tools/ctl/slow.c, image.c).
 */
#include "record/slow.h"

#include "record/calllog.h"
#include "record/shard.h"
#include "runtime/thread.h"

#define RELAXED memory_order_relaxed

/* How often a place is asked for that another thread is writing: longer than the copy takes, unless
 * that thread has lost the processor. A bound, not a lock. */
#define TRIES 256u

static void dropped(struct spy_region *region)
{
    atomic_fetch_add_explicit(&region->slow_dropped, 1, RELAXED);
}

/* Claims EVENT by making its number, SEQ, the odd ODD. Acquire: after the bytes of whoever
 * completed it; pairs with the release in complete(). */
static bool claim(struct spy_slow_event *event, uint64_t seq, uint64_t odd)
{
    return atomic_compare_exchange_strong_explicit(&event->seq, &seq, odd, memory_order_acquire,
                                                   RELAXED);
}

/* Writes a claimed event, and gives it its even number. */
static void complete(struct spy_slow_event *event, uint64_t even, const struct spy_sample *sample,
                     const char *detail)
{
    /* The odd number is seen before any new byte: pairs with the reader's acquire fence. */
    atomic_thread_fence(memory_order_release);
    event->tid = spy_thread.tid;
    event->sample = *sample;
    spy_detail_copy(event->detail, detail);
    atomic_store_explicit(&event->seq, even, memory_order_release);
}

/* ---- the newest ------------------------------------------------------------------------------ */

static void add_newest(struct spy_region *region, enum spy_section section, _Atomic uint64_t *head,
                       uint32_t size, const struct spy_sample *sample, const char *detail)
{
    struct spy_slow_event *ring = spy_region_section(region, section);
    uint64_t n = atomic_fetch_add_explicit(head, 1, RELAXED);
    struct spy_slow_event *event = &ring[n % size];
    uint64_t seq = atomic_load_explicit(&event->seq, RELAXED);
    /* Only from a complete state, and only forward. */
    if (seq % 2 != 0 || seq > 2 * n || !claim(event, seq, 2 * n + 1))
        dropped(region);
    else
        complete(event, 2 * n + 2, sample, detail);
}

/* ---- the worst ------------------------------------------------------------------------------- */

/* The place of a call of RANK, which it has taken from a lower one; SPY_WORST_CALLS where all are
 * as high. What is found the lowest still is when it is taken: a place's rank only grows. */
static uint32_t take_place(struct spy_worst_set *set, uint64_t rank)
{
    for (;;) {
        uint32_t at = 0;
        uint64_t least = UINT64_MAX;
        for (uint32_t i = 0; i < SPY_WORST_CALLS; i++) {
            uint64_t other = atomic_load_explicit(&set->rank[i], RELAXED);
            if (other < least) {
                least = other;
                at = i;
            }
        }
        if (rank <= least)
            return SPY_WORST_CALLS;
        if (atomic_compare_exchange_strong_explicit(&set->rank[at], &least, rank, RELAXED, RELAXED))
            return at;
    }
}

/* Place AT of set I may have been taken again by a higher call meanwhile: that one is left in it,
 * unless it was before a reset. */
static void write_place(struct spy_region *region, struct spy_worst *worst, uint32_t i, uint32_t at,
                        const struct spy_sample *sample, const char *detail)
{
    struct spy_slow_event *event = &worst->set[i].event[at];
    for (uint32_t try = 0; try < TRIES; try++) {
        uint64_t seq = atomic_load_explicit(&event->seq, RELAXED);
        if (seq % 2 != 0 || !claim(event, seq, seq + 1))
            continue;
        if (seq != 0 && spy_worst_rank(i, &event->sample) >= spy_worst_rank(i, sample) &&
            !spy_region_is_before(region, event->sample.end_ns))
            atomic_store_explicit(&event->seq, seq, memory_order_release); /* nothing changed */
        else
            complete(event, seq + 2, sample, detail);
        return;
    }
    dropped(region);
}

static void add_to_set(struct spy_region *region, struct spy_worst *worst, uint32_t i,
                       const struct spy_sample *sample, const char *detail)
{
    uint32_t at = take_place(&worst->set[i], spy_worst_rank(i, sample));
    if (at < SPY_WORST_CALLS)
        write_place(region, worst, i, at, sample, detail);
}

static void add_worst(struct spy_region *region, const struct spy_sample *sample,
                      const char *detail)
{
    struct spy_worst *worst = spy_arena_worst(region, sample->op);
    if (worst == NULL)
        return;
    add_to_set(region, worst, 0, sample, detail);
    add_to_set(region, worst, spy_worst_set_of(sample->end_ns), sample, detail);
}

void spy_slow_forget(struct spy_region *region)
{
    for (uint32_t op = 0; op < spy_region_ops(region); op++) {
        struct spy_worst *worst = spy_region_worst(region, spy_region_op(region, op));
        for (uint32_t i = 0; worst != NULL && i < SPY_WORST_SETS * SPY_WORST_CALLS; i++)
            atomic_store_explicit(&worst->set[i / SPY_WORST_CALLS].rank[i % SPY_WORST_CALLS], 0,
                                  RELAXED);
    }
}

void spy_slow_add(struct spy_region *region, const struct spy_sample *sample, const char *detail)
{
    if (!spy_slow_is(region, spy_region_op(region, sample->op), sample->dur_ns)) {
        add_newest(region, SPY_SECTION_FAILED, &region->failed_head, SPY_FAILED_EVENTS, sample,
                   detail);
        return;
    }
    add_newest(region, SPY_SECTION_SLOW, &region->slow_head, SPY_SLOW_EVENTS, sample, detail);
    add_worst(region, sample, detail);
}
