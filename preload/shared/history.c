/* SPDX-License-Identifier: MIT */
/*
 * History steps: their encoding, and windows read from the ring. The library's helper thread
 * encodes (record/roll.c), tools decode; both sides of the format stand here together. Decoding
 * trusts nothing: a malformed record ends the step.
 */
#include "shared/history.h"

#include <stdlib.h>
#include <string.h>

/* ---- numbers: LEB128, seven bits a byte, low first ------------------------------------------ */

struct writer {
    unsigned char *at;
};

struct reader {
    const unsigned char *at;
    const unsigned char *end;
    bool bad;
};

static void put(struct writer *w, uint64_t value)
{
    while (value >= 0x80) {
        *w->at++ = (unsigned char)(value | 0x80);
        value >>= 7;
    }
    *w->at++ = (unsigned char)value;
}

static uint64_t get(struct reader *r)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (r->at == r->end)
            break;
        unsigned char byte = *r->at++;
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return value;
    }
    r->bad = true;
    return 0;
}

/* ---- records -------------------------------------------------------------------------------- */

static uint32_t run_end(const struct spy_hist *hist, uint32_t at)
{
    while (at < SPY_HIST_BUCKETS && hist->bucket[at] != 0)
        at++;
    return at;
}

static uint32_t run_begin(const struct spy_hist *hist, uint32_t at)
{
    while (at < SPY_HIST_BUCKETS && hist->bucket[at] == 0)
        at++;
    return at;
}

static void put_hist(struct writer *w, const struct spy_hist *hist)
{
    uint32_t runs = 0;
    for (uint32_t i = run_begin(hist, 0); i < SPY_HIST_BUCKETS;
         i = run_begin(hist, run_end(hist, i)))
        runs++;
    put(w, runs);
    uint32_t last = 0;
    for (uint32_t i = run_begin(hist, 0); i < SPY_HIST_BUCKETS; i = run_begin(hist, last)) {
        put(w, i - last);
        last = run_end(hist, i);
        put(w, last - i);
        for (; i < last; i++)
            put(w, hist->bucket[i]);
    }
}

static void get_hist(struct reader *r, struct spy_hist *hist)
{
    uint64_t at = 0;
    for (uint64_t runs = get(r); runs > 0 && !r->bad; runs--) {
        at += get(r);
        uint64_t length = get(r);
        if (at > SPY_HIST_BUCKETS || length > SPY_HIST_BUCKETS - at) {
            r->bad = true;
            return;
        }
        for (uint64_t end = at + length; at < end; at++)
            hist->bucket[at] = get(r);
    }
}

size_t spy_history_encode(unsigned char *out, uint32_t op, const struct spy_totals *delta)
{
    struct writer w = {out};
    put(&w, op);
#define X(name) put(&w, delta->name);
    SPY_CELL_COUNTERS(X)
#undef X
    for (int i = 0; i < SPY_LEVEL_COUNT; i++)
        put(&w, delta->level[i]);
    put(&w, delta->codes);
    for (uint32_t i = 0; i < delta->codes; i++) {
        put(&w, delta->code[i].code);
        put(&w, delta->code[i].count);
    }
    put_hist(&w, &delta->hist);
    return (size_t)(w.at - out);
}

/* A window's exact extremes are not kept; the outer bounds of its outermost buckets stand for
 * them, so that a quantile is never clamped wrongly. Without a bucket there are none. */
static void extremes_from_hist(struct spy_totals *delta)
{
    uint32_t low = run_begin(&delta->hist, 0);
    delta->min_ns = UINT64_MAX;
    delta->max_ns = 0;
    if (low == SPY_HIST_BUCKETS)
        return;
    uint32_t high = SPY_HIST_BUCKETS - 1;
    while (delta->hist.bucket[high] == 0)
        high--;
    delta->min_ns = low == 0 ? 0 : (uint64_t)(spy_hist_lower_s(low) * 1e9);
    delta->max_ns = (uint64_t)(spy_hist_upper_s(high) * 1e9);
}

size_t spy_history_decode(const unsigned char *in, size_t len, uint32_t *op,
                          struct spy_totals *delta)
{
    struct reader r = {in, in + len, false};
    spy_totals_clear(delta);
    uint64_t which = get(&r);
#define X(name) delta->name = get(&r);
    SPY_CELL_COUNTERS(X)
#undef X
    for (int i = 0; i < SPY_LEVEL_COUNT; i++)
        delta->level[i] = get(&r);
    uint64_t codes = get(&r);
    for (; codes > 0 && !r.bad; codes--) {
        uint32_t code = (uint32_t)get(&r);
        spy_totals_add_code(delta, code, get(&r));
    }
    get_hist(&r, &delta->hist);
    if (r.bad || which >= SPY_OPS_MAX)
        return 0;
    extremes_from_hist(delta);
    *op = (uint32_t)which;
    return (size_t)(r.at - in);
}

/* ---- windows -------------------------------------------------------------------------------- */

void spy_history_undone(struct spy_totals *out, const struct spy_region *region, uint32_t op)
{
    spy_totals_of_shards(out, region, op);
    const struct spy_cell *rolled = spy_region_cell(region, SPY_SHARD_ROLLED, op);
    if (rolled != NULL) {
        struct spy_totals before;
        spy_totals_clear(&before);
        spy_totals_add_cell(&before, region, rolled);
        spy_totals_subtract(out, &before);
        extremes_from_hist(out);
    }
    memset(out->spread, 0, sizeof(out->spread)); /* nothing is kept to subtract from it */
}

/* The part of the ring that holds whole steps, in writing order. */
struct ring_copy {
    unsigned char *bytes;
    uint64_t begin; /* position of bytes[0] */
    uint64_t end;
};

/* Copies [tail, head) and then drops what the writer overtook meanwhile: it moves tail, with
 * release, before it overwrites. */
static enum spy_status copy_ring(struct ring_copy *copy, const struct spy_region *region)
{
    const unsigned char *ring = spy_region_section(region, SPY_SECTION_HISTORY);
    copy->begin = atomic_load_explicit(&region->history_tail, memory_order_acquire);
    copy->end = atomic_load_explicit(&region->history_head, memory_order_acquire);
    if (copy->end < copy->begin || copy->end - copy->begin > SPY_HISTORY_BYTES)
        return SPY_ERR_CORRUPT;
    copy->bytes = malloc(SPY_HISTORY_BYTES);
    if (copy->bytes == NULL)
        return SPY_ERR_NOMEM;
    for (uint64_t at = copy->begin; at < copy->end; at++)
        copy->bytes[at - copy->begin] = ring[at % SPY_HISTORY_BYTES];
    atomic_thread_fence(memory_order_acquire);
    uint64_t tail = atomic_load_explicit(&region->history_tail, memory_order_relaxed);
    if (tail > copy->begin) {
        uint64_t lost = tail < copy->end ? tail - copy->begin : copy->end - copy->begin;
        memmove(copy->bytes, copy->bytes + lost, copy->end - copy->begin - lost);
        copy->begin += lost;
    }
    return SPY_OK;
}

typedef void window_fn(void *ctx, uint32_t op, const struct spy_totals *delta);

static void tell_step(const struct spy_history_step *step, const unsigned char *records,
                      size_t bytes, window_fn *each, void *ctx)
{
    struct spy_totals delta;
    for (uint32_t i = 0; i < step->records; i++) {
        uint32_t op;
        size_t used = spy_history_decode(records, bytes, &op, &delta);
        if (used == 0)
            return;
        each(ctx, op, &delta);
        records += used;
        bytes -= used;
    }
}

/* Tells the steps that ended after SINCE_NS. Returns when the first of them began; UINT64_MAX
 * where there is none. */
static uint64_t tell_ring(const struct ring_copy *ring, uint64_t since_ns, window_fn *each,
                          void *ctx)
{
    uint64_t first_ns = UINT64_MAX;
    size_t size = ring->end - ring->begin;
    for (size_t at = 0; size - at >= sizeof(struct spy_history_step);) {
        struct spy_history_step step;
        memcpy(&step, ring->bytes + at, sizeof(step));
        if (step.bytes < sizeof(step) || step.bytes > size - at)
            break;
        if (step.end_ns > since_ns) {
            first_ns = step.begin_ns < first_ns ? step.begin_ns : first_ns;
            tell_step(&step, ring->bytes + at + sizeof(step), step.bytes - sizeof(step), each, ctx);
        }
        at += step.bytes;
    }
    return first_ns;
}

/* How far back the ring reaches. Idle times have no steps, so as long as no step was dropped that
 * is the start of the process; afterwards it is the oldest step. */
static uint64_t ring_reach(const struct ring_copy *ring, const struct spy_region *region)
{
    struct spy_history_step oldest;
    if (ring->begin == 0)
        return region->epoch_mono_ns;
    if (ring->end - ring->begin < sizeof(oldest))
        return atomic_load_explicit(&region->history_rolled_ns, memory_order_acquire);
    memcpy(&oldest, ring->bytes, sizeof(oldest));
    return oldest.begin_ns;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

enum spy_status spy_history_window(const struct spy_region *region, uint64_t since_ns,
                                   uint64_t *covered_ns, window_fn *each, void *ctx)
{
    struct ring_copy ring;
    enum spy_status status = copy_ring(&ring, region);
    if (status != SPY_OK)
        return status;
    uint64_t reach = ring_reach(&ring, region);
    uint64_t rolled = atomic_load_explicit(&region->history_rolled_ns, memory_order_acquire);
    uint64_t first = earlier(tell_ring(&ring, since_ns, each, ctx), later(rolled, reach));
    *covered_ns = earlier(first, later(since_ns, reach));
    free(ring.bytes);

    struct spy_totals delta;
    for (uint32_t op = 0; op < spy_region_ops(region); op++) {
        spy_history_undone(&delta, region, op);
        spy_totals_add_held(&delta, region, op);
        if (spy_totals_any(&delta))
            each(ctx, op, &delta);
    }
    return SPY_OK;
}
