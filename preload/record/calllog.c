/* SPDX-License-Identifier: MIT */
/*
 * The ring of calls to be logged: a bounded queue of many producers and one consumer. Each slot has
 * a turn number that says whose it is: `place` when free for the producer of that place, `place` +
 * 1 when full, and `place` + the ring's size when free for the next round.
 */
#include "record/calllog.h"

#include "record/shard.h"
#include "runtime/thread.h"

#define MASK (SPY_CALLLOG_ENTRIES - 1)
_Static_assert((SPY_CALLLOG_ENTRIES & MASK) == 0, "places wrap by a mask");

struct slot {
    _Atomic uint64_t turn;
    struct spy_calllog_entry entry;
};

static struct slot ring[SPY_CALLLOG_ENTRIES];
static _Atomic uint64_t pushed;
static _Atomic uint64_t popped;

_Atomic int spy_calllog_level = -1;

void spy_calllog_open(int level)
{
    for (uint64_t place = 0; level >= 0 && place < SPY_CALLLOG_ENTRIES; place++)
        atomic_store_explicit(&ring[place].turn, place, memory_order_relaxed);
    atomic_store_explicit(&pushed, 0, memory_order_relaxed);
    atomic_store_explicit(&popped, 0, memory_order_relaxed);
    atomic_store_explicit(&spy_calllog_level, level, memory_order_release);
}

enum spy_log_level spy_calllog_level_of(const struct spy_region *region,
                                        const struct spy_sample *sample)
{
    static const enum spy_log_level by_level[SPY_LEVEL_COUNT] = {
        [SPY_LEVEL_EXCELLENT] = SPY_LOG_DEBUG,  [SPY_LEVEL_GOOD] = SPY_LOG_DEBUG,
        [SPY_LEVEL_ACCEPTABLE] = SPY_LOG_INFO,  [SPY_LEVEL_SLOW] = SPY_LOG_WARNING,
        [SPY_LEVEL_CRITICAL] = SPY_LOG_WARNING,
    };
    if (sample->failed)
        return SPY_LOG_ERROR;
    return by_level[spy_level_of(sample->dur_ns, region->level_bounds_ns)];
}

/* Takes a place to fill, or NULL where the ring is full, or nearly so for what can be spared. */
static struct slot *claim(bool spare, uint64_t *place)
{
    uint64_t at = atomic_load_explicit(&pushed, memory_order_relaxed);
    for (;;) {
        struct slot *slot = &ring[at & MASK];
        uint64_t turn = atomic_load_explicit(&slot->turn, memory_order_acquire);
        if (turn > at) { /* another thread was faster */
            at = atomic_load_explicit(&pushed, memory_order_relaxed);
            continue;
        }
        /* At a place that is not full yet the consumer cannot have passed it: no wrap here. */
        uint64_t waiting = at - atomic_load_explicit(&popped, memory_order_relaxed);
        if (turn < at || (spare && waiting >= SPY_CALLLOG_ENTRIES / 4 * 3))
            return NULL;
        if (atomic_compare_exchange_weak_explicit(&pushed, &at, at + 1, memory_order_relaxed,
                                                  memory_order_relaxed)) {
            *place = at;
            return slot;
        }
    }
}

void spy_calllog_push(struct spy_region *region, const struct spy_sample *sample,
                      const char *detail)
{
    uint64_t place;
    enum spy_log_level level = spy_calllog_level_of(region, sample);
    struct slot *slot = claim(level > SPY_LOG_WARNING, &place);
    if (slot == NULL) {
        spy_self_count(region, SPY_SELF_LOG_DROPPED);
        return;
    }
    slot->entry.sample = *sample;
    slot->entry.tid = spy_thread.tid;
    slot->entry.level = (uint32_t)level;
    spy_detail_copy(slot->entry.detail, detail);
    /* Pairs with the acquire load in spy_calllog_pop(). */
    atomic_store_explicit(&slot->turn, place + 1, memory_order_release);
}

bool spy_calllog_pop(struct spy_calllog_entry *entry)
{
    uint64_t at = atomic_load_explicit(&popped, memory_order_relaxed);
    struct slot *slot = &ring[at & MASK];
    if (atomic_load_explicit(&slot->turn, memory_order_acquire) != at + 1)
        return false;
    *entry = slot->entry;
    /* Pairs with the acquire load in claim(): the slot may be filled anew. */
    atomic_store_explicit(&slot->turn, at + SPY_CALLLOG_ENTRIES, memory_order_release);
    atomic_store_explicit(&popped, at + 1, memory_order_relaxed);
    return true;
}
