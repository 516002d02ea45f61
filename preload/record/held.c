/* SPDX-License-Identifier: MIT */
/*
 * Held slots. No lock, no allocation; taking a slot probes the section, at most once for each
 * sequence that is left open.
 */
#include "record/held.h"

#include "record/shard.h"
#include "shared/storage.h"

static struct spy_held *slot_of(struct spy_region *region, uint32_t slot)
{
    return (struct spy_held *)spy_region_section(region, SPY_SECTION_HELD) + slot;
}

uint32_t spy_held_take(struct spy_region *region)
{
    for (uint32_t i = 0; i < SPY_HELD_SLOTS; i++) {
        uint32_t free_mark = 0;
        if (!spy_storage_reach(region, slot_of(region, i), sizeof(struct spy_held)))
            break;
        if (atomic_compare_exchange_strong_explicit(&slot_of(region, i)->taken, &free_mark, 1,
                                                    memory_order_acquire, memory_order_relaxed))
            return i;
    }
    spy_self_count(region, SPY_SELF_HELD_FULL);
    return SPY_HELD_NONE;
}

void spy_held_release(struct spy_region *region, uint32_t slot)
{
    atomic_store_explicit(&slot_of(region, slot)->taken, 0, memory_order_release);
}

void spy_held_set(struct spy_region *region, uint32_t slot, const struct spy_sample *credit,
                  uint32_t n)
{
    struct spy_held *held = slot_of(region, slot);
    uint64_t version = atomic_load_explicit(&held->version, memory_order_relaxed);
    atomic_store_explicit(&held->version, version + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release); /* the odd version is seen before any new byte */
    for (uint32_t i = 0; i < n; i++)
        held->credit[i] = credit[i];
    atomic_store_explicit(&held->credits, n, memory_order_relaxed);
    /* Pairs with the acquire load in shared/totals.c, copy_held(). */
    atomic_store_explicit(&held->version, version + 2, memory_order_release);
}
