/* SPDX-License-Identifier: MIT */
/*
 * Windows, read from the rings of history. Runs in tools; also right while the helper writes and
 * after it was killed in the middle of that. Trusts nothing it reads: what is malformed, or torn by
 * its checksum, ends its ring.
 */
#include "shared/history.h"

#include <stdlib.h>
#include <string.h>

#define STEP_BYTES sizeof(struct spy_history_step)

/* ---- copies of the rings -------------------------------------------------------------------- */

/* The part of a ring that holds whole steps, in writing order. */
struct ring_copy {
    unsigned char *bytes;
    uint64_t begin; /* position of bytes[0] */
    uint64_t end;
};

/* Copies [tail, head) and then drops what the writer overtook meanwhile: it moves tail, with
 * release, before it overwrites. */
static enum spy_status copy_ring(struct ring_copy *copy, const struct spy_region *region,
                                 const struct spy_history_level *level)
{
    const unsigned char *ring = spy_region_section(region, SPY_SECTION_HISTORY);
    ring += level->offset;
    copy->begin = atomic_load_explicit(&level->tail, memory_order_acquire);
    copy->end = atomic_load_explicit(&level->head, memory_order_acquire);
    if (copy->end < copy->begin || copy->end - copy->begin > level->bytes)
        return SPY_ERR_CORRUPT;
    copy->bytes = malloc(level->bytes);
    if (copy->bytes == NULL)
        return SPY_ERR_NOMEM;
    size_t count = copy->end - copy->begin, from = copy->begin % level->bytes;
    size_t first = count < level->bytes - from ? count : level->bytes - from;
    memcpy(copy->bytes, ring + from, first);
    memcpy(copy->bytes + first, ring, count - first);
    atomic_thread_fence(memory_order_acquire);
    uint64_t tail = atomic_load_explicit(&level->tail, memory_order_relaxed);
    if (tail > copy->begin) {
        uint64_t lost = tail < copy->end ? tail - copy->begin : copy->end - copy->begin;
        memmove(copy->bytes, copy->bytes + lost, copy->end - copy->begin - lost);
        copy->begin += lost;
    }
    return SPY_OK;
}

struct rings {
    struct ring_copy level[SPY_HISTORY_LEVELS];
    uint32_t levels;
};

static void free_rings(struct rings *rings)
{
    for (uint32_t i = 0; i < rings->levels; i++)
        free(rings->level[i].bytes);
}

/* The finest first: what moves on meanwhile is then found in both, not in none. */
static enum spy_status copy_rings(struct rings *rings, const struct spy_region *region)
{
    memset(rings, 0, sizeof(*rings));
    for (uint32_t i = 0; i < region->history_levels; i++) {
        enum spy_status status = copy_ring(&rings->level[i], region, &region->history[i]);
        rings->levels = i + 1;
        if (status != SPY_OK) {
            free_rings(rings);
            return status;
        }
    }
    return SPY_OK;
}

/* The step at *AT of RING; moves *AT behind it. False at the end, or at what is no step. */
static bool next_step(const struct ring_copy *ring, size_t *at, struct spy_history_step *step,
                      const unsigned char **records)
{
    size_t left = ring->end - ring->begin - *at;
    if (left < STEP_BYTES)
        return false;
    memcpy(step, ring->bytes + *at, STEP_BYTES);
    if (step->bytes < STEP_BYTES || step->bytes > left || step->begin_ns > step->end_ns)
        return false;
    *records = ring->bytes + *at + STEP_BYTES;
    uint64_t sum = spy_history_sum(SPY_HISTORY_SEED, *records, step->bytes - STEP_BYTES);
    *at += step->bytes;
    return spy_history_seal(sum, step) == step->check;
}

/* ---- what no step holds yet ----------------------------------------------------------------- */

void spy_history_undone(struct spy_totals *out, const struct spy_region *region, uint32_t op)
{
    spy_totals_of_shards(out, region, op);
    const struct spy_cell *rolled = spy_region_cell(region, SPY_SHARD_ROLLED, op);
    if (rolled == NULL)
        return;
    struct spy_totals before;
    spy_totals_clear(&before);
    spy_totals_add_cell(&before, region, rolled);
    spy_totals_subtract(out, &before);
    spy_totals_bound(out);
}

/* The operations of the newest step that are not in the rolled shard yet, the writer having been
 * seen, or killed, on the way. Of the one operation it was adding a part may be missing twice:
 * nothing is told twice. */
static size_t find_unapplied(const struct spy_region *region, const struct ring_copy *ring,
                             const unsigned char **records)
{
    uint64_t applied = atomic_load_explicit(&region->history_applied, memory_order_acquire);
    struct spy_history_step step;
    if (applied < ring->begin || applied >= ring->end)
        return 0;
    size_t at = applied - ring->begin;
    if (!next_step(ring, &at, &step, records))
        return 0;
    return step.bytes - STEP_BYTES;
}

struct telling {
    const struct spy_region *region;
    spy_history_fn *each;
    void *ctx;
    const unsigned char *unapplied; /* records of the newest step */
    size_t unapplied_bytes;
};

/* Takes what a committed step holds already off DELTA. */
static void take_unapplied(struct telling *t, uint32_t op, struct spy_totals *delta)
{
    struct spy_totals step;
    uint32_t applying = atomic_load_explicit(&t->region->history_applying, memory_order_acquire);
    if (op < applying)
        return;
    const unsigned char *at = t->unapplied;
    for (size_t left = t->unapplied_bytes; left > 0;) {
        uint32_t which;
        size_t used = spy_history_decode(at, left, &which, &step);
        if (used == 0)
            return;
        if (which == op) {
            spy_totals_subtract(delta, &step);
            spy_totals_bound(delta);
        }
        at += used;
        left -= used;
    }
}

static void tell_undone(struct telling *t, uint64_t rolled_ns)
{
    struct spy_totals delta;
    const struct spy_history_step step = {.begin_ns = rolled_ns, .end_ns = UINT64_MAX};
    t->each(t->ctx, &step, 0, NULL);
    for (uint32_t op = 0; op < spy_region_ops(t->region); op++) {
        spy_history_undone(&delta, t->region, op);
        if (t->unapplied_bytes > 0)
            take_unapplied(t, op, &delta);
        spy_totals_add_held(&delta, t->region, op);
        if (spy_totals_any(&delta))
            t->each(t->ctx, &step, op, &delta);
    }
}

/* ---- windows -------------------------------------------------------------------------------- */

static void tell_step(struct telling *t, const struct spy_history_step *step,
                      const unsigned char *records)
{
    struct spy_totals delta;
    size_t left = step->bytes - STEP_BYTES;
    t->each(t->ctx, step, 0, NULL);
    for (uint32_t i = 0; i < step->records; i++) {
        uint32_t op;
        size_t used = spy_history_decode(records, left, &op, &delta);
        if (used == 0)
            return;
        t->each(t->ctx, step, op, &delta);
        records += used;
        left -= used;
    }
}

/* Tells the steps of RING in the window, but not those that a coarser level holds: what ended by
 * *TOLD_NS. */
static void tell_ring(struct telling *t, const struct ring_copy *ring,
                      struct spy_history_window *window, uint64_t *told_ns)
{
    struct spy_history_step step;
    const unsigned char *records;
    for (size_t at = 0; next_step(ring, &at, &step, &records);) {
        if (step.end_ns <= *told_ns)
            continue;
        *told_ns = step.end_ns;
        if (step.end_ns <= window->since_ns || step.end_ns > window->until_ns)
            continue;
        if (step.begin_ns < window->begin_ns)
            window->begin_ns = step.begin_ns;
        window->end_ns = step.end_ns;
        tell_step(t, &step, records);
    }
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Where the window begins, once its steps are told: with the first of them, or, where there is
 * none, with what no step holds yet; but not before history does, or statistics. */
static void bound_window(struct spy_history_window *window, const struct spy_region *region,
                         uint64_t rolled_ns, uint64_t reset_ns)
{
    uint64_t lost = atomic_load_explicit(&region->history_lost_ns, memory_order_acquire);
    uint64_t reach = later(later(lost, reset_ns), region->epoch_mono_ns);
    window->reach_ns = lost > reset_ns ? lost : 0;
    if (window->until_ns == UINT64_MAX && rolled_ns < window->begin_ns)
        window->begin_ns = rolled_ns;
    uint64_t since = later(window->since_ns, reach);
    if (since < window->begin_ns)
        window->begin_ns = since;
    if (window->begin_ns < reach)
        window->begin_ns = reach;
    if (window->until_ns == UINT64_MAX)
        window->end_ns = UINT64_MAX;
    else if (window->end_ns < window->begin_ns)
        window->end_ns = window->begin_ns;
}

enum spy_status spy_history_tell(const struct spy_region *region, struct spy_history_window *window,
                                 spy_history_fn *each, void *ctx)
{
    struct rings rings;
    uint64_t reset_ns = spy_region_reset_ns(region);
    window->since_ns = later(window->since_ns, reset_ns);
    enum spy_status status = copy_rings(&rings, region);
    if (status != SPY_OK)
        return status;
    struct telling t = {.region = region, .each = each, .ctx = ctx};
    uint64_t told = 0;
    window->begin_ns = UINT64_MAX;
    window->end_ns = 0;
    for (uint32_t i = rings.levels; i > 0; i--)
        tell_ring(&t, &rings.level[i - 1], window, &told);
    uint64_t rolled = atomic_load_explicit(&region->history_rolled_ns, memory_order_acquire);
    rolled = later(later(rolled, told), region->epoch_mono_ns);
    if (window->until_ns == UINT64_MAX) {
        if (rings.levels > 0)
            t.unapplied_bytes = find_unapplied(region, &rings.level[0], &t.unapplied);
        tell_undone(&t, rolled);
    }
    bound_window(window, region, rolled, reset_ns);
    free_rings(&rings);
    return SPY_OK;
}
