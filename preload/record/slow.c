/* SPDX-License-Identifier: MIT */
/*
 * Writing the slow ring. Readers: tools, by the protocol at struct spy_slow_event.
 */
#include "record/slow.h"

#include "record/calllog.h"
#include "runtime/thread.h"

void spy_slow_add(struct spy_region *region, const struct spy_sample *sample, const char *detail)
{
    uint64_t n = atomic_fetch_add_explicit(&region->slow_head, 1, memory_order_relaxed);
    struct spy_slow_event *ring = spy_region_section(region, SPY_SECTION_SLOW);
    struct spy_slow_event *event = &ring[n % SPY_SLOW_EVENTS];
    uint64_t seq = atomic_load_explicit(&event->seq, memory_order_relaxed);
    /* Claim the slot: only from a complete state, and only forward. Acquire: after the bytes of
     * whoever completed it. */
    if (seq % 2 != 0 || seq > 2 * n ||
        !atomic_compare_exchange_strong_explicit(&event->seq, &seq, 2 * n + 1, memory_order_acquire,
                                                 memory_order_relaxed)) {
        atomic_fetch_add_explicit(&region->slow_dropped, 1, memory_order_relaxed);
        return;
    }
    atomic_thread_fence(memory_order_release); /* the odd number is seen before any new byte */
    event->tid = spy_thread.tid;
    event->sample = *sample;
    spy_detail_copy(event->detail, detail);
    atomic_store_explicit(&event->seq, 2 * n + 2, memory_order_release);
}
