/* SPDX-License-Identifier: MIT */
/*
 * Steps into rings; see ring.h. The tail moves, with release, before anything is overwritten; a
 * reader that copied meanwhile finds out by loading it again. The head is stored last.
 */
#include "record/ring.h"

#include "shared/storage.h"

#include <string.h>

static unsigned char *ring_of(const struct spy_region *region, uint32_t level)
{
    unsigned char *section = spy_region_section(region, SPY_SECTION_HISTORY);
    return section + region->history[level].offset;
}

const void *spy_ring_view(const struct spy_region *region, uint32_t level, uint64_t at, size_t n,
                          void *scratch)
{
    const unsigned char *ring = ring_of(region, level);
    size_t size = region->history[level].bytes, from = at % size;
    if (n <= size - from)
        return ring + from;
    memcpy(scratch, ring + from, size - from);
    memcpy((char *)scratch + (size - from), ring, n - (size - from));
    return scratch;
}

static void put_bytes(const struct spy_step_writer *w, uint64_t at, const void *bytes, size_t n)
{
    unsigned char *ring = ring_of(w->region, w->level);
    size_t size = w->region->history[w->level].bytes, from = at % size;
    size_t first = n <= size - from ? n : size - from;
    memcpy(ring + from, bytes, first);
    memcpy(ring, (const char *)bytes + first, n - first);
}

/* N bytes at position AT have storage. */
static bool reach(const struct spy_step_writer *w, uint64_t at, size_t n)
{
    unsigned char *ring = ring_of(w->region, w->level);
    size_t size = w->region->history[w->level].bytes, from = at % size;
    size_t first = n <= size - from ? n : size - from;
    return spy_storage_reach(w->region, ring + from, first) &&
           (n == first || spy_storage_reach(w->region, ring, n - first));
}

struct spy_step_writer spy_step_begin(struct spy_region *region, uint32_t level)
{
    struct spy_step_writer w = {.region = region, .level = level, .sum = SPY_HISTORY_SEED};
    w.begin = atomic_load_explicit(&region->history[level].head, memory_order_relaxed);
    w.at = w.begin + sizeof(struct spy_history_step);
    spy_compact_room(region, level, w.at, w.begin);
    w.denied = !reach(&w, w.begin, sizeof(struct spy_history_step));
    return w;
}

bool spy_step_put(struct spy_step_writer *w, const void *record, size_t bytes)
{
    if (w->at + bytes - w->begin > w->region->history[w->level].bytes)
        return false;
    spy_compact_room(w->region, w->level, w->at + bytes, w->begin);
    w->denied = w->denied || !reach(w, w->at, bytes);
    if (w->denied)
        return false;
    put_bytes(w, w->at, record, bytes);
    w->sum = spy_history_sum(w->sum, record, bytes);
    w->at += bytes;
    w->records++;
    return true;
}

bool spy_step_commit(struct spy_step_writer *w, struct spy_history_step *step)
{
    if (w->denied)
        return false;
    step->bytes = (uint32_t)(w->at - w->begin);
    step->records = w->records;
    step->check = spy_history_seal(w->sum, step);
    put_bytes(w, w->begin, step, sizeof(*step));
    atomic_store_explicit(&w->region->history[w->level].head, w->at, memory_order_release);
    return true;
}
