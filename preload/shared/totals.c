/* SPDX-License-Identifier: MIT */
/*
 * Adding up cells. Runs in tools and in the helper thread; reads cells that their owners are
 * writing, with relaxed loads: each number is whole, and all of them are monotonic.
 */
#include "shared/totals.h"

#include "shared/storage.h"

#include <string.h>

static uint64_t load(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void widen(struct spy_totals *into, uint64_t min_ns, uint64_t max_ns)
{
    if (min_ns < into->min_ns)
        into->min_ns = min_ns;
    if (max_ns > into->max_ns)
        into->max_ns = max_ns;
}

void spy_totals_clear(struct spy_totals *totals)
{
    memset(totals, 0, sizeof(*totals));
    totals->min_ns = UINT64_MAX;
}

void spy_totals_add_code(struct spy_totals *into, uint32_t code, uint64_t count)
{
    if (code == 0 || count == 0)
        return;
    uint32_t i = 0;
    while (i < into->codes && into->code[i].code != code)
        i++;
    if (i == SPY_CODES) { /* the last slot is for what finds none */
        i = SPY_CODES - 1;
        into->code[i].code = SPY_CODE_OTHER;
    } else if (i == into->codes) {
        into->code[i] = (struct spy_code_count){.code = code};
        into->codes++;
    }
    into->code[i].count += count;
}

void spy_totals_add(struct spy_totals *into, const struct spy_totals *from)
{
#define X(name) into->name += from->name;
    SPY_CELL_COUNTERS(X)
#undef X
    widen(into, from->min_ns, from->max_ns);
    for (int i = 0; i < SPY_LEVEL_COUNT; i++)
        into->level[i] += from->level[i];
    for (uint32_t i = 0; i < from->codes; i++)
        spy_totals_add_code(into, from->code[i].code, from->code[i].count);
    for (uint32_t i = 0; i < SPY_HIST_SUB; i++)
        into->spread[i] += from->spread[i];
    for (uint32_t i = 0; i < SPY_PART_COUNT; i++) {
        into->part[i].zero += from->part[i].zero;
        for (uint32_t k = 0; k < SPY_PART_BUCKETS; k++)
            into->part[i].bucket[k] += from->part[i].bucket[k];
    }
    spy_hist_merge(&into->hist, &from->hist);
}

static void add_octaves(struct spy_totals *into, const struct spy_region *region,
                        const struct spy_cell *cell)
{
    for (uint32_t i = 0; i < SPY_HIST_OCTAVES; i++) {
        uint32_t chunk = atomic_load_explicit(&cell->octave[i], memory_order_acquire);
        const struct spy_octave *octave = spy_region_chunk(region, chunk);
        if (octave == NULL)
            continue;
        for (uint32_t k = 0; k < SPY_HIST_SUB; k++)
            into->hist.bucket[i * SPY_HIST_SUB + k] += load(&octave->bucket[k]);
    }
}

static void add_codes(struct spy_totals *into, const struct spy_region *region,
                      const struct spy_cell *cell)
{
    uint32_t chunk = atomic_load_explicit(&cell->codes, memory_order_acquire);
    const struct spy_code *code = spy_region_chunk(region, chunk);
    if (code == NULL)
        return;
    for (uint32_t i = 0; i < SPY_CODES; i++)
        spy_totals_add_code(into, atomic_load_explicit(&code[i].code, memory_order_acquire),
                            load(&code[i].count));
}

static void add_spread(struct spy_totals *into, const struct spy_region *region,
                       const struct spy_cell *cell)
{
    uint32_t chunk = atomic_load_explicit(&cell->spread, memory_order_acquire);
    const struct spy_spread *spread = spy_region_chunk(region, chunk);
    for (uint32_t i = 0; spread != NULL && i < SPY_HIST_SUB; i++)
        into->spread[i] += load(&spread->bucket[i]);
}

static void add_part(struct spy_part_hist *into, const struct spy_region *region,
                     const struct spy_parts *parts, uint32_t part)
{
    into->zero += load(&parts->zero[part]);
    for (uint32_t i = 0; i < SPY_PART_CHUNKS; i++) {
        uint32_t chunk = atomic_load_explicit(&parts->chunk[part][i], memory_order_acquire);
        const struct spy_part_chunk *buckets = spy_region_chunk(region, chunk);
        for (uint32_t k = 0; buckets != NULL && k < SPY_PART_CHUNK_BUCKETS; k++)
            into->bucket[i * SPY_PART_CHUNK_BUCKETS + k] += load(&buckets->bucket[k]);
    }
}

static void add_parts(struct spy_totals *into, const struct spy_region *region,
                      const struct spy_cell *cell)
{
    uint32_t chunk = atomic_load_explicit(&cell->parts, memory_order_acquire);
    const struct spy_parts *parts = spy_region_chunk(region, chunk);
    for (uint32_t i = 0; parts != NULL && i < SPY_PART_COUNT; i++)
        add_part(&into->part[i], region, parts, i);
}

void spy_totals_add_cell(struct spy_totals *into, const struct spy_region *region,
                         const struct spy_cell *cell)
{
#define X(name) into->name += load(&cell->name);
    SPY_CELL_COUNTERS(X)
#undef X
    widen(into, load(&cell->min_ns), load(&cell->max_ns));
    for (int i = 0; i < SPY_LEVEL_COUNT; i++)
        into->level[i] += load(&cell->level[i]);
    add_codes(into, region, cell);
    add_spread(into, region, cell);
    add_parts(into, region, cell);
    add_octaves(into, region, cell);
}

void spy_totals_add_sample(struct spy_totals *into, const struct spy_sample *sample,
                           const uint64_t bounds[SPY_LEVEL_COUNT - 1])
{
    into->calls++;
    into->errors += sample->failed != 0;
    into->aborted += sample->aborted != 0;
    into->sum_ns += sample->dur_ns;
    into->wait_ns += sample->wait_ns;
    into->tail_ns += spy_sample_tail_ns(sample);
    into->queue_ns += sample->queue_ns;
    into->blocked_ns += sample->blocked_ns;
    into->rows += sample->rows;
    into->affected += sample->affected;
    into->params += sample->params;
    into->bytes_in += sample->bytes_in;
    into->bytes_out += sample->bytes_out;
    into->read_ns += sample->read_ns;
    into->way_thread += sample->way == SPY_WAY_THREAD;
    into->way_only += sample->way == SPY_WAY_ONLY;
    into->way_tag += sample->way == SPY_WAY_TAG;
    into->way_none += sample->way == SPY_WAY_NONE;
    widen(into, sample->dur_ns, sample->dur_ns);
    into->level[spy_level_of(sample->dur_ns, bounds)]++;
    spy_totals_add_code(into, sample->code, 1);
    into->hist.bucket[spy_hist_index(sample->dur_ns)]++;
}

/* Copies a held slot between two equal, even readings of its version (pairs with the release
 * stores in record/held.c). Gives up after a few tries: its writer is busy crediting. */
static bool copy_held(struct spy_held *copy, const struct spy_held *held)
{
    for (int tries = 0; tries < 8; tries++) {
        uint64_t before = atomic_load_explicit(&held->version, memory_order_acquire);
        memcpy(copy, held, sizeof(*copy));
        atomic_thread_fence(memory_order_acquire);
        uint64_t after = atomic_load_explicit(&held->version, memory_order_relaxed);
        if (before == after && before % 2 == 0)
            return true;
    }
    return false;
}

void spy_totals_add_held(struct spy_totals *into, const struct spy_region *region, uint32_t op)
{
    const struct spy_held *held = spy_region_section(region, SPY_SECTION_HELD);
    for (uint32_t i = 0; i < SPY_HELD_SLOTS; i++) {
        if (!spy_storage_has(region, &held[i], sizeof(held[i])))
            continue; /* never taken */
        struct spy_held copy;
        if (atomic_load_explicit(&held[i].credits, memory_order_relaxed) == 0 ||
            !copy_held(&copy, &held[i]))
            continue;
        uint32_t credits = atomic_load_explicit(&copy.credits, memory_order_relaxed);
        for (uint32_t k = 0; k < credits && k < SPY_HELD_CREDITS; k++)
            if (copy.credit[k].op == op)
                spy_totals_add_sample(into, &copy.credit[k], region->level_bounds_ns);
    }
}

void spy_totals_of_shards(struct spy_totals *out, const struct spy_region *region, uint32_t op)
{
    spy_totals_clear(out);
    for (uint32_t shard = 0; shard < SPY_SHARD_ROLLED; shard++) {
        const struct spy_cell *cell = spy_region_cell(region, shard, op);
        if (cell != NULL)
            spy_totals_add_cell(out, region, cell);
    }
}

void spy_totals_of_op(struct spy_totals *out, const struct spy_region *region, uint32_t op)
{
    spy_totals_of_shards(out, region, op);
    spy_totals_add_held(out, region, op);
}

static void less(uint64_t *from, uint64_t amount)
{
    *from = *from > amount ? *from - amount : 0;
}

void spy_totals_subtract(struct spy_totals *into, const struct spy_totals *from)
{
#define X(name) less(&into->name, from->name);
    SPY_CELL_COUNTERS(X)
#undef X
    for (int i = 0; i < SPY_LEVEL_COUNT; i++)
        less(&into->level[i], from->level[i]);
    for (uint32_t i = 0; i < into->codes; i++)
        for (uint32_t k = 0; k < from->codes; k++)
            if (into->code[i].code == from->code[k].code)
                less(&into->code[i].count, from->code[k].count);
    for (uint32_t i = 0; i < SPY_HIST_BUCKETS; i++)
        less(&into->hist.bucket[i], from->hist.bucket[i]);
    for (uint32_t i = 0; i < SPY_HIST_SUB; i++)
        less(&into->spread[i], from->spread[i]);
    for (uint32_t i = 0; i < SPY_PART_COUNT; i++) {
        less(&into->part[i].zero, from->part[i].zero);
        for (uint32_t k = 0; k < SPY_PART_BUCKETS; k++)
            less(&into->part[i].bucket[k], from->part[i].bucket[k]);
    }
}

void spy_totals_since_reset(struct spy_totals *out, const struct spy_region *region, uint32_t op)
{
    int which = spy_region_reset(region); /* before the shards: these only grow meanwhile */
    const struct spy_cell *cell =
        which >= 0 ? spy_region_cell(region, SPY_SHARD_RESET + (uint32_t)which, op) : NULL;
    spy_totals_of_shards(out, region, op);
    if (cell != NULL) {
        struct spy_totals before;
        spy_totals_clear(&before);
        spy_totals_add_cell(&before, region, cell);
        spy_totals_subtract(out, &before);
        spy_totals_bound(out);
    }
    spy_totals_add_held(out, region, op);
}

/* Shares CALLS out to the COUNT numbers at VALUE, which add up to SUM, in proportion: by rounding
 * what they add up to so far, so that the result does so exactly. */
static void share_out(uint64_t *value, uint32_t count, uint64_t sum, uint64_t calls)
{
    uint64_t before = 0, given = 0;
    for (uint32_t i = 0; i < count; i++) {
        before += value[i];
        uint64_t upto = (uint64_t)(((unsigned __int128)before * calls + sum / 2) / sum);
        value[i] = upto - given;
        given = upto;
    }
}

void spy_totals_estimate(struct spy_totals *totals)
{
    uint64_t sum = spy_hist_count(&totals->hist), levels = 0, calls = totals->calls;
    for (uint32_t i = 0; i < SPY_LEVEL_COUNT; i++)
        levels += totals->level[i];
    if (totals->untimed == 0 || sum == 0 || levels == 0)
        return;
    uint64_t *times[] = {&totals->sum_ns, &totals->wait_ns, &totals->tail_ns, &totals->queue_ns};
    for (uint32_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
        *times[i] = (uint64_t)((unsigned __int128)*times[i] * calls / sum);
    share_out(totals->level, SPY_LEVEL_COUNT, levels, calls);
    share_out(totals->hist.bucket, SPY_HIST_BUCKETS, sum, calls);
}

void spy_totals_bound(struct spy_totals *totals)
{
    const uint64_t *bucket = totals->hist.bucket;
    uint32_t low = 0, high = SPY_HIST_BUCKETS - 1;
    totals->min_ns = UINT64_MAX;
    totals->max_ns = 0;
    while (low < SPY_HIST_BUCKETS && bucket[low] == 0)
        low++;
    if (low == SPY_HIST_BUCKETS)
        return;
    while (bucket[high] == 0)
        high--;
    totals->min_ns = low == 0 ? 0 : (uint64_t)(spy_hist_lower_s(low) * 1e9);
    totals->max_ns = (uint64_t)(spy_hist_upper_s(high) * 1e9);
}
