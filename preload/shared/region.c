/* SPDX-License-Identifier: MIT */
/*
 * Layout and validation of the region, and the readers' ways into it. Reads memory that another
 * process, or another version, may have written: every offset and index is bounded before use.
 * Allocates nothing; safe in any thread.
 */
#include "shared/storage.h"

#include <string.h>

#define PAGE_BYTES 4096u

static uint64_t page_up(uint64_t bytes)
{
    return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

static const uint64_t section_bytes[SPY_SECTION_COUNT] = {
    [SPY_SECTION_OPS] = SPY_OPS_MAX * sizeof(struct spy_op),
    [SPY_SECTION_SHARDS] = SPY_SHARDS_ALL * sizeof(struct spy_shard),
    [SPY_SECTION_TEXT] = SPY_TEXT_BYTES,
    [SPY_SECTION_SLOW] = SPY_SLOW_EVENTS * sizeof(struct spy_slow_event),
    [SPY_SECTION_FAILED] = SPY_FAILED_EVENTS * sizeof(struct spy_slow_event),
    [SPY_SECTION_HELD] = SPY_HELD_SLOTS * sizeof(struct spy_held),
    [SPY_SECTION_REQUESTS] = SPY_OPEN_REQUESTS * sizeof(struct spy_open_request),
    [SPY_SECTION_CONNS] = SPY_OPEN_CONNS * sizeof(struct spy_open_conn),
    [SPY_SECTION_REPEATS] = SPY_REPEATS * sizeof(struct spy_repeat),
    [SPY_SECTION_ENDPOINTS] = SPY_ENDPOINTS * sizeof(struct spy_endpoint),
};

static uint64_t bytes_of(int section, struct spy_region_sizes sizes)
{
    return section == SPY_SECTION_HISTORY ? sizes.history_bytes
           : section == SPY_SECTION_ARENA ? sizes.arena_bytes
                                          : section_bytes[section];
}

static struct spy_region_sizes sizes_of(const struct spy_region *region)
{
    return (struct spy_region_sizes){region->history_bytes, region->arena_bytes};
}

static struct spy_region_sizes or_usual(struct spy_region_sizes sizes)
{
    if (sizes.history_bytes == 0)
        sizes.history_bytes = SPY_HISTORY_BYTES;
    if (sizes.arena_bytes == 0)
        sizes.arena_bytes = SPY_ARENA_BYTES;
    return sizes;
}

const char *spy_self_text(uint32_t counter)
{
#define X(id, text) text,
    static const char *const texts[] = {SPY_SELF_COUNTERS(X)};
#undef X
    return counter < SPY_SELF_COUNT ? texts[counter] : "?";
}

uint64_t spy_region_bytes(struct spy_region_sizes sizes)
{
    sizes = or_usual(sizes);
    uint64_t at = page_up(sizeof(struct spy_region));
    for (int i = 0; i < SPY_SECTION_COUNT; i++)
        at += page_up(bytes_of(i, sizes));
    return at;
}

uint64_t spy_region_layout(struct spy_region *region)
{
    if (region == NULL)
        return spy_region_bytes((struct spy_region_sizes){0});
    struct spy_region_sizes sizes = or_usual(sizes_of(region));
    region->history_bytes = sizes.history_bytes;
    region->arena_bytes = sizes.arena_bytes;
    uint64_t at = page_up(sizeof(*region));
    for (int i = 0; i < SPY_SECTION_COUNT; i++) {
        region->section[i].offset = at;
        region->section[i].bytes = bytes_of(i, sizes);
        at += page_up(region->section[i].bytes);
    }
    region->magic = SPY_REGION_MAGIC;
    region->version = SPY_REGION_VERSION;
    region->header_bytes = sizeof(*region);
    region->total_bytes = at;
    return at;
}

/* The size of history, and where its rings lie in it. */
static enum spy_status check_history(const struct spy_region *region, struct spy_error *err)
{
    uint32_t bytes = region->history_bytes;
    bool fine = bytes >= SPY_HISTORY_BYTES_MIN && bytes <= SPY_HISTORY_BYTES_MAX &&
                bytes % PAGE_BYTES == 0 && region->history_levels <= SPY_HISTORY_LEVELS;
    for (uint32_t i = 0; fine && i < region->history_levels; i++)
        fine = region->history[i].bytes > 0 && region->history[i].step_ns > 0 &&
               (uint64_t)region->history[i].offset + region->history[i].bytes <= bytes;
    return fine ? SPY_OK
                : spy_fail(err, SPY_ERR_CORRUPT, "its history does not fit %u bytes", bytes);
}

static enum spy_status check_arena(const struct spy_region *region, struct spy_error *err)
{
    uint32_t bytes = region->arena_bytes;
    bool fine = bytes >= SPY_ARENA_BYTES_MIN && bytes <= SPY_ARENA_BYTES && bytes % PAGE_BYTES == 0;
    return fine ? SPY_OK : spy_fail(err, SPY_ERR_CORRUPT, "an arena of %u bytes", bytes);
}

static enum spy_status check_section(const struct spy_region *region, int i, uint64_t bytes,
                                     struct spy_error *err)
{
    const struct spy_section_place *place = &region->section[i];
    bool whole = place->offset <= bytes && place->bytes <= bytes - place->offset;
    bool cut_arena = i == SPY_SECTION_ARENA && place->offset <= bytes;
    if (place->offset % PAGE_BYTES != 0 || place->offset < sizeof(*region) ||
        place->bytes != bytes_of(i, sizes_of(region)) || !(whole || cut_arena))
        return spy_fail(err, SPY_ERR_CORRUPT, "section %d does not fit a file of %llu bytes", i,
                        (unsigned long long)bytes);
    return SPY_OK;
}

/* Strings in the header must end inside their fields, whoever wrote them. */
static bool strings_end(const struct spy_region *r)
{
    return memchr(r->exe, 0, sizeof(r->exe)) && memchr(r->mode, 0, sizeof(r->mode)) &&
           memchr(r->boot_id, 0, sizeof(r->boot_id)) && memchr(r->storage, 0, sizeof(r->storage)) &&
           memchr(r->problem, 0, sizeof(r->problem)) &&
           memchr(r->rules_path, 0, sizeof(r->rules_path)) &&
           memchr(r->rules_error, 0, sizeof(r->rules_error));
}

enum spy_status spy_region_check(const void *image, uint64_t bytes, struct spy_error *err)
{
    const struct spy_region *region = image;
    if (bytes < sizeof(*region))
        return spy_fail(err, SPY_ERR_CORRUPT, "%llu bytes are too few for a region",
                        (unsigned long long)bytes);
    if (region->magic == __builtin_bswap64(SPY_REGION_MAGIC))
        return spy_fail(err, SPY_ERR_VERSION, "written on a machine of another byte order");
    if (region->magic != SPY_REGION_MAGIC)
        return spy_fail(err, SPY_ERR_CORRUPT, "not a region, or one that was never finished");
    if (region->version != SPY_REGION_VERSION)
        return spy_fail(err, SPY_ERR_VERSION, "region version %u, this tool reads version %u",
                        region->version, SPY_REGION_VERSION);
    if (region->header_bytes != sizeof(*region))
        return spy_fail(err, SPY_ERR_VERSION,
                        "region version %u of another build: its header has %u bytes, not %zu",
                        region->version, region->header_bytes, sizeof(*region));
    if (!strings_end(region))
        return spy_fail(err, SPY_ERR_CORRUPT, "a text in the header does not end");
    enum spy_status status = check_history(region, err);
    if (status == SPY_OK)
        status = check_arena(region, err);
    if (status != SPY_OK)
        return status;
    for (int i = 0; i < SPY_SECTION_COUNT; i++) {
        status = check_section(region, i, bytes, err);
        if (status != SPY_OK)
            return status;
    }
    return SPY_OK;
}

const struct spy_cell *spy_region_cell(const struct spy_region *region, uint32_t shard, uint32_t op)
{
    const struct spy_shard *s = spy_region_shard(region, shard);
    uint32_t chunk = atomic_load_explicit(&s->cell[op], memory_order_acquire);
    if (spy_region_chunk(region, chunk + SPY_CELL_CHUNKS - 1) == NULL)
        return NULL;
    return spy_region_chunk(region, chunk);
}

uint32_t spy_region_ops(const struct spy_region *region)
{
    uint32_t used = atomic_load_explicit(&region->ops_used, memory_order_acquire);
    return used < SPY_OPS_MAX ? used : SPY_OPS_MAX;
}

const char *spy_region_text_at(const struct spy_region *region, uint32_t at)
{
    const char *base = spy_region_section(region, SPY_SECTION_TEXT);
    if (at == 0 || at >= SPY_TEXT_BYTES || memchr(base + at, 0, SPY_TEXT_BYTES - at) == NULL)
        return "";
    return base + at;
}

uint32_t spy_region_text_add(struct spy_region *region, const char *text, uint32_t len)
{
    uint32_t at = SPY_TEXT_BYTES; /* asked before adding: the count never runs far past the end */
    if (atomic_load_explicit(&region->text_used, memory_order_relaxed) <= SPY_TEXT_BYTES - len - 1)
        at = atomic_fetch_add_explicit(&region->text_used, len + 1, memory_order_relaxed);
    char *place = (char *)spy_region_section(region, SPY_SECTION_TEXT) + at;
    if (at > SPY_TEXT_BYTES - len - 1 || !spy_storage_reach(region, place, len + 1)) {
        atomic_fetch_add_explicit(&region->self[SPY_SELF_TEXT_FULL], 1, memory_order_relaxed);
        return 0;
    }
    memcpy(place, text, len);
    place[len] = '\0';
    return at;
}
