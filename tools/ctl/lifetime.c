/* SPDX-License-Identifier: MIT */
/*
 * When a process was last alive, by its region. Declared in model.h.
 */
#include "ctl/model.h"
#include "ctl/proc.h"

#include <string.h>

#define LOAD(field) atomic_load_explicit(&(field), memory_order_relaxed)

uint64_t ctl_now_mono_ns(const struct spy_region *region, const struct ctl_run *now)
{
    char boot_id[40];
    ctl_proc_boot_id(boot_id);
    if (strcmp(boot_id, region->boot_id) == 0)
        return now->now_mono_ns;
    uint64_t since_epoch =
        now->now_real_ns > region->epoch_real_ns ? now->now_real_ns - region->epoch_real_ns : 0;
    return region->epoch_mono_ns + since_epoch;
}

/* A moment that the region tells, unless it lies in the future: then it is no such thing. */
static void see(uint64_t *last, uint64_t moment_ns, uint64_t now_ns)
{
    if (moment_ns > *last && moment_ns <= now_ns)
        *last = moment_ns;
}

static void see_events(uint64_t *last, const struct spy_region *region, enum spy_section section,
                       uint32_t count, uint64_t now_ns)
{
    const struct spy_slow_event *event = spy_region_section(region, section);
    for (uint32_t i = 0; i < count; i++)
        if (atomic_load_explicit(&event[i].seq, memory_order_acquire) % 2 == 0)
            see(last, event[i].sample.end_ns, now_ns);
}

uint64_t ctl_last_mono_ns(const struct spy_region *region, const struct ctl_run *now)
{
    uint64_t now_ns = ctl_now_mono_ns(region, now), last = region->epoch_mono_ns;
    see(&last, LOAD(region->history_rolled_ns), now_ns);
    see(&last, LOAD(region->awake_ns), now_ns);
    see_events(&last, region, SPY_SECTION_SLOW, SPY_SLOW_EVENTS, now_ns);
    see_events(&last, region, SPY_SECTION_FAILED, SPY_FAILED_EVENTS, now_ns);
    const struct spy_open_request *r = spy_region_section(region, SPY_SECTION_REQUESTS);
    for (uint32_t i = 0; i < SPY_OPEN_REQUESTS; i++) {
        see(&last, LOAD(r[i].begin_ns), now_ns);
        see(&last, LOAD(r[i].stalled_ns), now_ns);
    }
    const struct spy_open_conn *c = spy_region_section(region, SPY_SECTION_CONNS);
    for (uint32_t i = 0; i < SPY_OPEN_CONNS; i++)
        see(&last, LOAD(c[i].since_ns), now_ns);
    for (uint32_t i = 0; i < SPY_SHARDS; i++)
        see(&last, LOAD(spy_region_shard(region, i)->writing_ns), now_ns);
    return last;
}
