/* SPDX-License-Identifier: MIT */
/*
 * Counting what is in a region's tables; see occupancy.h. The region may be written meanwhile, or
 * lie: no number is believed beyond the size of its table.
 */
#include "ctl/occupancy.h"

#include "ctl/format.h"
#include "shared/endpoint.h"

#define LOAD(field) atomic_load_explicit(&(field), memory_order_relaxed)

/* How many of the COUNT elements of SIZE bytes have a 32-bit number that is not 0 at OFFSET. */
static uint64_t taken(const struct spy_region *region, enum spy_section section, uint32_t count,
                      size_t size, size_t offset)
{
    const char *at = (const char *)spy_region_section(region, section) + offset;
    uint64_t n = 0;
    for (uint32_t i = 0; i < count; i++, at += size)
        n += LOAD(*(const _Atomic uint32_t *)(const void *)at) != 0;
    return n;
}

static uint64_t repeats(const struct spy_region *region)
{
    const struct spy_repeat *repeat = spy_region_section(region, SPY_SECTION_REPEATS);
    uint64_t n = 0;
    for (uint32_t i = 0; i < SPY_REPEATS; i++)
        n += LOAD(repeat[i].key) != 0;
    return n;
}

static uint64_t endpoints(const struct spy_region *region)
{
    uint64_t n = 0;
    for (uint32_t i = 1; i < SPY_ENDPOINTS; i++)
        n += spy_endpoint_at(region, i) != NULL;
    return n;
}

static uint64_t history(const struct spy_region *region)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < SPY_HISTORY_LEVELS && i < region->history_levels; i++) {
        uint64_t head = LOAD(region->history[i].head), tail = LOAD(region->history[i].tail);
        bytes += head > tail ? head - tail : 0;
    }
    return bytes;
}

/* Where the file has holes, what is not one. */
static uint64_t storage(const struct spy_region *region)
{
    uint64_t blocks = 0;
    if (!region->sparse)
        return region->total_bytes;
    for (uint32_t i = 0; i < SPY_BLOCK_WORDS; i++)
        blocks += (uint64_t)__builtin_popcountll(LOAD(region->stored[i]));
    return blocks * SPY_BLOCK_BYTES;
}

static void set(struct ctl_occupancy *out, enum ctl_table_id id, uint64_t used, uint64_t size)
{
    out->used[id] = used < size ? used : size;
    out->size[id] = size;
}

void ctl_occupancy_read(struct ctl_occupancy *out, const struct spy_region *region)
{
    set(out, CTL_TABLE_region, storage(region), region->total_bytes);
    set(out, CTL_TABLE_operations, spy_region_ops(region), SPY_OPS_MAX);
    set(out, CTL_TABLE_shards, LOAD(region->shards_used), SPY_SHARDS);
    set(out, CTL_TABLE_arena, (uint64_t)LOAD(region->arena_used) * SPY_CHUNK_BYTES,
        region->arena_bytes);
    set(out, CTL_TABLE_texts, LOAD(region->text_used), SPY_TEXT_BYTES);
    set(out, CTL_TABLE_slow, LOAD(region->slow_head), SPY_SLOW_EVENTS);
    set(out, CTL_TABLE_failed, LOAD(region->failed_head), SPY_FAILED_EVENTS);
    set(out, CTL_TABLE_held,
        taken(region, SPY_SECTION_HELD, SPY_HELD_SLOTS, sizeof(struct spy_held),
              offsetof(struct spy_held, taken)),
        SPY_HELD_SLOTS);
    set(out, CTL_TABLE_requests,
        taken(region, SPY_SECTION_REQUESTS, SPY_OPEN_REQUESTS, sizeof(struct spy_open_request),
              offsetof(struct spy_open_request, taken)),
        SPY_OPEN_REQUESTS);
    set(out, CTL_TABLE_connections,
        taken(region, SPY_SECTION_CONNS, SPY_OPEN_CONNS, sizeof(struct spy_open_conn),
              offsetof(struct spy_open_conn, taken)),
        SPY_OPEN_CONNS);
    set(out, CTL_TABLE_repeats, repeats(region), SPY_REPEATS);
    set(out, CTL_TABLE_endpoints, endpoints(region), SPY_ENDPOINTS - 1);
    set(out, CTL_TABLE_history, history(region), region->history_bytes);
}

static const struct {
    const char *name;
    const char *text;
    bool bytes;
} tables[CTL_TABLE_COUNT] = {
#define X(id, bytes, text) {#id, text, bytes},
    CTL_TABLES(X)
#undef X
};

const char *ctl_occupancy_name(enum ctl_table_id id)
{
    return tables[id].name;
}

static const char *number(char out[CTL_NUMBER_BYTES], uint64_t n, bool bytes)
{
    return bytes ? ctl_format_bytes(out, n) : ctl_format_count(out, n);
}

void ctl_occupancy_print(const struct ctl_occupancy *occupancy, FILE *out)
{
    for (uint32_t i = 0; i < CTL_TABLE_COUNT; i++) {
        char used[CTL_NUMBER_BYTES], size[CTL_NUMBER_BYTES];
        fprintf(out, "  %-12s %9s of %9s  %3u %%  %s\n", tables[i].name,
                number(used, occupancy->used[i], tables[i].bytes),
                number(size, occupancy->size[i], tables[i].bytes),
                (unsigned)(occupancy->used[i] * 100 / occupancy->size[i]), tables[i].text);
    }
}

json_t *ctl_occupancy_json(const struct ctl_occupancy *occupancy)
{
    json_t *o = json_object();
    for (uint32_t i = 0; i < CTL_TABLE_COUNT; i++) {
        json_t *table = json_object();
        ctl_json_set(table, "used", ctl_json_count(occupancy->used[i]));
        ctl_json_set(table, "size", ctl_json_count(occupancy->size[i]));
        ctl_json_set(o, tables[i].name, table);
    }
    return o;
}
