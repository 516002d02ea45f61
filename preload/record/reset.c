/* SPDX-License-Identifier: MIT */
/*
 * Keeping aside what was counted before a reset. See reset.h. There are two places for it: the one
 * in force is left alone, and the other is brought to what the rolled shard holds, which has just
 * taken all that there is.
 */
#include "record/reset.h"

#include "record/record.h"
#include "record/roll.h"
#include "record/slow.h"

#define RELAXED memory_order_relaxed

static void add_shard(struct spy_totals *totals, const struct spy_region *region, uint32_t shard,
                      uint32_t op)
{
    const struct spy_cell *cell = spy_region_cell(region, shard, op);
    spy_totals_clear(totals);
    if (cell != NULL)
        spy_totals_add_cell(totals, region, cell);
}

/* What SHARD lacks of OP. */
static bool lacks(struct spy_totals *delta, const struct spy_region *region, uint32_t shard,
                  uint32_t op)
{
    struct spy_totals there;
    add_shard(delta, region, SPY_SHARD_ROLLED, op);
    add_shard(&there, region, shard, op);
    spy_totals_subtract(delta, &there);
    return spy_totals_any(delta);
}

/* Room first, for everything: then nothing can fail. */
static bool reserve(struct spy_region *region, uint32_t shard)
{
    struct spy_totals delta;
    for (uint32_t op = 0; op < spy_region_ops(region); op++)
        if (lacks(&delta, region, shard, op) && !spy_record_reserve(region, shard, op, &delta))
            return false;
    return true;
}

static void fill(struct spy_region *region, uint32_t shard)
{
    struct spy_totals delta;
    for (uint32_t op = 0; op < spy_region_ops(region); op++)
        if (lacks(&delta, region, shard, op))
            spy_record_totals(region, shard, op, &delta);
}

static void copy(_Atomic uint64_t *to, const _Atomic uint64_t *from)
{
    atomic_store_explicit(to, atomic_load_explicit(from, RELAXED), RELAXED);
}

static void keep_repeats(struct spy_region *region, uint32_t which)
{
    struct spy_repeat *row = spy_region_section(region, SPY_SECTION_REPEATS);
    for (uint32_t i = 0; i < SPY_REPEATS; i++, row++) {
        copy(&row->before[which].requests, &row->requests);
        copy(&row->before[which].calls, &row->calls);
        copy(&row->before[which].ns, &row->ns);
    }
}

static void forget_most(struct spy_region *region)
{
    struct spy_repeat *row = spy_region_section(region, SPY_SECTION_REPEATS);
    for (uint32_t i = 0; i < SPY_REPEATS; i++)
        atomic_store_explicit(&row[i].most, 0, RELAXED);
}

bool spy_record_reset(struct spy_region *region, uint64_t now_ns, const struct spy_use *use)
{
    uint32_t resets = atomic_load_explicit(&region->resets, RELAXED) + 1, which = resets % 2;
    if (!spy_history_roll(region, now_ns, use) || !reserve(region, SPY_SHARD_RESET + which))
        return false;
    fill(region, SPY_SHARD_RESET + which);
    keep_repeats(region, which);
    copy(&region->reset[which].slow_dropped, &region->slow_dropped);
    copy(&region->reset[which].at_ns, &region->history_rolled_ns);
    atomic_store_explicit(&region->resets, resets, memory_order_release);
    forget_most(region); /* both from now on: what was before has no place any more */
    spy_slow_forget(region);
    return true;
}
