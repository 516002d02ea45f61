/* SPDX-License-Identifier: MIT */
/*
 * History records: their encoding, and a step's checksum. The library's helper thread encodes
 * (record/roll.c), tools decode; both sides of the format stand here together. Decoding trusts
 * nothing. Allocates nothing.
 */
#include "shared/history.h"

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

/* ---- runs of buckets ------------------------------------------------------------------------ */

static uint32_t run_end(const uint64_t *bucket, uint32_t count, uint32_t at)
{
    while (at < count && bucket[at] != 0)
        at++;
    return at;
}

static uint32_t run_begin(const uint64_t *bucket, uint32_t count, uint32_t at)
{
    while (at < count && bucket[at] == 0)
        at++;
    return at;
}

static void put_runs(struct writer *w, const uint64_t *bucket, uint32_t count)
{
    uint32_t runs = 0;
    for (uint32_t i = run_begin(bucket, count, 0); i < count;
         i = run_begin(bucket, count, run_end(bucket, count, i)))
        runs++;
    put(w, runs);
    uint32_t last = 0;
    for (uint32_t i = run_begin(bucket, count, 0); i < count; i = run_begin(bucket, count, last)) {
        put(w, i - last);
        last = run_end(bucket, count, i);
        put(w, last - i);
        for (; i < last; i++)
            put(w, bucket[i]);
    }
}

static void get_runs(struct reader *r, uint64_t *bucket, uint32_t count)
{
    uint64_t at = 0;
    for (uint64_t runs = get(r); runs > 0 && !r->bad; runs--) {
        uint64_t gap = get(r), length = get(r);
        if (gap > count - at || length > count - at - gap) {
            r->bad = true;
            return;
        }
        at += gap;
        for (uint64_t end = at + length; at < end; at++)
            bucket[at] = get(r);
    }
}

/* ---- the parts of a record ------------------------------------------------------------------ */

static void put_counters(struct writer *w, const struct spy_totals *t)
{
    uint64_t mask = 0, bit = 1;
#define X(name) mask |= t->name != 0 ? bit : 0, bit <<= 1;
    SPY_CELL_COUNTERS(X)
#undef X
    put(w, mask);
#define X(name) t->name != 0 ? put(w, t->name) : (void)0;
    SPY_CELL_COUNTERS(X)
#undef X
}

static void get_counters(struct reader *r, struct spy_totals *t)
{
    uint64_t mask = get(r);
#define X(name)                      \
    t->name = mask & 1 ? get(r) : 0; \
    mask >>= 1;
    SPY_CELL_COUNTERS(X)
#undef X
    r->bad = r->bad || mask != 0;
}

static void put_codes(struct writer *w, const struct spy_totals *t)
{
    uint32_t codes = 0;
    for (uint32_t i = 0; i < t->codes; i++)
        codes += t->code[i].count != 0;
    put(w, codes);
    for (uint32_t i = 0; i < t->codes; i++)
        if (t->code[i].count != 0) {
            put(w, t->code[i].code);
            put(w, t->code[i].count);
        }
}

static void get_codes(struct reader *r, struct spy_totals *t)
{
    for (uint64_t codes = get(r); codes > 0 && !r->bad; codes--) {
        uint32_t code = (uint32_t)get(r);
        spy_totals_add_code(t, code, get(r));
    }
}

#define SPREAD_BIT 1u /* the parts follow: bit 1 + i is part i */

static void put_request(struct writer *w, const struct spy_totals *t)
{
    uint32_t there = run_begin(t->spread, SPY_HIST_SUB, 0) < SPY_HIST_SUB ? SPREAD_BIT : 0;
    for (uint32_t i = 0; i < SPY_PART_COUNT; i++)
        there |= spy_part_count(&t->part[i]) != 0 ? SPREAD_BIT << (1 + i) : 0;
    put(w, there);
    if (there & SPREAD_BIT)
        put_runs(w, t->spread, SPY_HIST_SUB);
    for (uint32_t i = 0; i < SPY_PART_COUNT; i++)
        if (there & SPREAD_BIT << (1 + i)) {
            put(w, t->part[i].zero);
            put_runs(w, t->part[i].bucket, SPY_PART_BUCKETS);
        }
}

static void get_request(struct reader *r, struct spy_totals *t)
{
    uint64_t there = get(r);
    r->bad = r->bad || there >> (1 + SPY_PART_COUNT) != 0;
    if (there & SPREAD_BIT)
        get_runs(r, t->spread, SPY_HIST_SUB);
    for (uint32_t i = 0; i < SPY_PART_COUNT && !r->bad; i++)
        if (there & SPREAD_BIT << (1 + i)) {
            t->part[i].zero = get(r);
            get_runs(r, t->part[i].bucket, SPY_PART_BUCKETS);
        }
}

/* ---- records -------------------------------------------------------------------------------- */

size_t spy_history_encode(unsigned char *out, uint32_t op, const struct spy_totals *delta)
{
    struct writer w = {out};
    put(&w, op);
    put_counters(&w, delta);
    for (int i = 0; i < SPY_LEVEL_COUNT; i++)
        put(&w, delta->level[i]);
    put_codes(&w, delta);
    put_runs(&w, delta->hist.bucket, SPY_HIST_BUCKETS);
    put_request(&w, delta);
    return (size_t)(w.at - out);
}

size_t spy_history_decode(const unsigned char *in, size_t len, uint32_t *op,
                          struct spy_totals *delta)
{
    struct reader r = {in, in + len, false};
    spy_totals_clear(delta);
    uint64_t which = get(&r);
    get_counters(&r, delta);
    for (int i = 0; i < SPY_LEVEL_COUNT; i++)
        delta->level[i] = get(&r);
    get_codes(&r, delta);
    get_runs(&r, delta->hist.bucket, SPY_HIST_BUCKETS);
    get_request(&r, delta);
    if (r.bad || which >= SPY_OPS_MAX)
        return 0;
    spy_totals_bound(delta);
    *op = (uint32_t)which;
    return (size_t)(r.at - in);
}

/* ---- checksums: FNV-1a, 64 bits (Fowler, Noll, Vo) ------------------------------------------- */

uint64_t spy_history_sum(uint64_t sum, const void *bytes, size_t n)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < n; i++)
        sum = (sum ^ at[i]) * 0x100000001b3ull;
    return sum;
}

uint64_t spy_history_seal(uint64_t sum, const struct spy_history_step *step)
{
    struct spy_history_step unsealed = *step;
    unsealed.check = 0;
    return spy_history_sum(sum, &unsealed, sizeof(unsealed));
}
