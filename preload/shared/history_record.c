/* SPDX-License-Identifier: MIT */
/*
 * History records: their encoding, and a step's checksum. The library's helper thread encodes
 * (record/roll.c), tools decode; both sides of the format stand here together. Decoding trusts
 * nothing. Allocates nothing.
 *
 * Most of a record would be counts of buckets, small numbers by the hundred: they go as Rice codes,
 * each with the parameter that the two before it make likely. What can be expected of the rest is
 * taken off it: that as many calls as the buckets hold were counted, that all of them had the one
 * level and the one code.
 */
#include "shared/bits.h"
#include "shared/history.h"

/* ---- runs of buckets ------------------------------------------------------------------------ */

/* Parameters of the codes of a run's gap, of its length, and of the number of runs. */
#define GAP_BITS    6u
#define LENGTH_BITS 5u
#define RUNS_BITS   1u

/* So many empty buckets end a run: fewer are shorter to say one by one than by another run. */
#define GAP_MIN 16u

static uint32_t run_begin(const uint64_t *bucket, uint32_t count, uint32_t at)
{
    while (at < count && bucket[at] == 0)
        at++;
    return at;
}

/* Behind the last of the buckets that are no more than GAP_MIN apart. */
static uint32_t run_end(const uint64_t *bucket, uint32_t count, uint32_t at)
{
    uint32_t end = at;
    for (; at < count && at - end < GAP_MIN; at++)
        if (bucket[at] != 0)
            end = at + 1;
    return end;
}

/* The parameter of a count behind counts A and B: their mean, as a power of two. */
static unsigned likely(uint64_t a, uint64_t b)
{
    uint64_t sum = (a < UINT32_MAX ? a : UINT32_MAX) + (b < UINT32_MAX ? b : UINT32_MAX);
    return sum < 3 ? 0 : 62u - (unsigned)__builtin_clzll(sum + sum / 4);
}

static void put_run(struct spy_bit_writer *w, const uint64_t *bucket, uint32_t length)
{
    uint64_t a = 0, b = 0;
    spy_bits_put_small(w, length - 1, LENGTH_BITS);
    for (uint32_t i = 0; i < length; i++) {
        spy_bits_put_small(w, bucket[i], likely(a, b));
        a = b;
        b = bucket[i];
    }
}

static void put_runs(struct spy_bit_writer *w, const uint64_t *bucket, uint32_t count)
{
    uint32_t runs = 0, last = 0;
    for (uint32_t i = run_begin(bucket, count, 0); i < count;
         i = run_begin(bucket, count, run_end(bucket, count, i)))
        runs++;
    spy_bits_put_small(w, runs, RUNS_BITS);
    for (uint32_t i = run_begin(bucket, count, 0); i < count; i = run_begin(bucket, count, last)) {
        spy_bits_put_small(w, i - last, GAP_BITS);
        last = run_end(bucket, count, i);
        put_run(w, bucket + i, last - i);
    }
}

/* The number of counts read, at most ROOM. */
static uint64_t get_run(struct spy_bit_reader *r, uint64_t *bucket, uint64_t room)
{
    uint64_t a = 0, b = 0, length = spy_bits_get_small(r, LENGTH_BITS);
    if (length >= room) {
        r->bad = true;
        return 0;
    }
    for (uint64_t i = 0; i <= length && !r->bad; i++) {
        bucket[i] = spy_bits_get_small(r, likely(a, b));
        a = b;
        b = bucket[i];
    }
    return length + 1;
}

/* The sum of all counts. */
static uint64_t get_runs(struct spy_bit_reader *r, uint64_t *bucket, uint32_t count)
{
    uint64_t at = 0, sum = 0;
    for (uint64_t runs = spy_bits_get_small(r, RUNS_BITS); runs > 0 && !r->bad; runs--) {
        uint64_t gap = spy_bits_get_small(r, GAP_BITS);
        if (gap >= count - at) {
            r->bad = true;
            return 0;
        }
        at += gap;
        at += get_run(r, bucket + at, count - at);
    }
    for (uint64_t i = 0; i < at; i++)
        sum += bucket[i];
    return sum;
}

static uint64_t sum_of(const uint64_t *bucket, uint32_t count)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += bucket[i];
    return sum;
}

/* ---- the parts of a record ------------------------------------------------------------------ */

enum counter {
#define X(name) COUNTER_##name,
    SPY_CELL_COUNTERS(X)
#undef X
        COUNTERS
};

/* What counter I may be expected to be, by those before it. What is taken off wraps round, and
 * comes back by wrapping. */
static uint64_t expected(const struct spy_totals *t, enum counter i, uint64_t in_buckets)
{
    return i == COUNTER_calls ? in_buckets : i == COUNTER_tail_ns ? t->sum_ns - t->wait_ns : 0;
}

static void put_counters(struct spy_bit_writer *w, const struct spy_totals *t, uint64_t in_buckets)
{
    uint64_t value[COUNTERS], mask = 0;
#define X(name)                                                                \
    value[COUNTER_##name] = t->name - expected(t, COUNTER_##name, in_buckets); \
    mask |= (uint64_t)(value[COUNTER_##name] != 0) << COUNTER_##name;
    SPY_CELL_COUNTERS(X)
#undef X
    spy_bits_put(w, mask, COUNTERS);
    for (uint32_t i = 0; i < COUNTERS; i++)
        if (value[i] != 0)
            spy_bits_put_wide(w, value[i]);
}

static void get_counters(struct spy_bit_reader *r, struct spy_totals *t, uint64_t in_buckets)
{
    uint64_t mask = spy_bits_get(r, COUNTERS);
#define X(name)                                                      \
    t->name = mask >> COUNTER_##name & 1 ? spy_bits_get_wide(r) : 0; \
    t->name += expected(t, COUNTER_##name, in_buckets);
    SPY_CELL_COUNTERS(X)
#undef X
}

/* The highest first: what they leave of the calls in buckets is, nearly always, the lowest. */
static void put_levels(struct spy_bit_writer *w, const struct spy_totals *t, uint64_t in_buckets)
{
    uint64_t left = in_buckets;
    for (int i = SPY_LEVEL_COUNT - 1; i > 0; i--) {
        spy_bits_put_small(w, t->level[i], 0);
        left -= t->level[i];
    }
    spy_bits_put_small(w, t->level[0] - left, 0);
}

static void get_levels(struct spy_bit_reader *r, struct spy_totals *t, uint64_t in_buckets)
{
    uint64_t left = in_buckets;
    for (int i = SPY_LEVEL_COUNT - 1; i > 0; i--) {
        t->level[i] = spy_bits_get_small(r, 0);
        left -= t->level[i];
    }
    t->level[0] = spy_bits_get_small(r, 0) + left;
}

#define CODE_BITS 8u /* of a status; an SQLSTATE is wide */

static void put_codes(struct spy_bit_writer *w, const struct spy_totals *t)
{
    uint32_t codes = 0;
    uint64_t left = t->calls;
    for (uint32_t i = 0; i < t->codes; i++)
        codes += t->code[i].count != 0;
    spy_bits_put_small(w, codes, 0);
    for (uint32_t i = 0; i < t->codes; i++)
        if (t->code[i].count != 0) {
            spy_bits_put_small(w, t->code[i].code, CODE_BITS);
            spy_bits_put_small(w, left - t->code[i].count, 0);
            left -= t->code[i].count;
        }
}

static void get_codes(struct spy_bit_reader *r, struct spy_totals *t)
{
    uint64_t left = t->calls;
    for (uint64_t codes = spy_bits_get_small(r, 0); codes > 0 && !r->bad; codes--) {
        uint32_t code = (uint32_t)spy_bits_get_small(r, CODE_BITS);
        uint64_t less = spy_bits_get_small(r, 0);
        spy_totals_add_code(t, code, left - less);
        left = less;
    }
}

#define SPREAD_BIT 1u /* the parts follow: bit 1 + i is part i */

static void put_request(struct spy_bit_writer *w, const struct spy_totals *t)
{
    uint32_t there = run_begin(t->spread, SPY_HIST_SUB, 0) < SPY_HIST_SUB ? SPREAD_BIT : 0;
    for (uint32_t i = 0; i < SPY_PART_COUNT; i++)
        there |= spy_part_count(&t->part[i]) != 0 ? SPREAD_BIT << (1 + i) : 0;
    spy_bits_put(w, there != 0, 1);
    if (there == 0)
        return;
    spy_bits_put(w, there, 1 + SPY_PART_COUNT);
    if (there & SPREAD_BIT)
        put_runs(w, t->spread, SPY_HIST_SUB);
    for (uint32_t i = 0; i < SPY_PART_COUNT; i++)
        if (there & SPREAD_BIT << (1 + i)) {
            uint64_t in_buckets = sum_of(t->part[i].bucket, SPY_PART_BUCKETS);
            put_runs(w, t->part[i].bucket, SPY_PART_BUCKETS);
            spy_bits_put_small(w, t->calls - in_buckets - t->part[i].zero, 0);
        }
}

static void get_request(struct spy_bit_reader *r, struct spy_totals *t)
{
    uint64_t there = spy_bits_get(r, 1) ? spy_bits_get(r, 1 + SPY_PART_COUNT) : 0;
    if (there & SPREAD_BIT)
        get_runs(r, t->spread, SPY_HIST_SUB);
    for (uint32_t i = 0; i < SPY_PART_COUNT && !r->bad; i++)
        if (there & SPREAD_BIT << (1 + i)) {
            uint64_t in_buckets = get_runs(r, t->part[i].bucket, SPY_PART_BUCKETS);
            t->part[i].zero = t->calls - in_buckets - spy_bits_get_small(r, 0);
        }
}

/* ---- records -------------------------------------------------------------------------------- */

/* LEB128, seven bits a byte, low first. */
static unsigned char *put_op(unsigned char *out, uint32_t op)
{
    for (; op >= 0x80; op >>= 7)
        *out++ = (unsigned char)(op | 0x80);
    *out++ = (unsigned char)op;
    return out;
}

size_t spy_history_op(const unsigned char *in, size_t len, uint32_t *op)
{
    *op = 0;
    for (size_t i = 0; i < len && i < SPY_HISTORY_OP_MAX; i++) {
        *op |= (uint32_t)(in[i] & 0x7F) << 7 * i;
        if (in[i] < 0x80)
            return *op < SPY_OPS_MAX ? i + 1 : 0;
    }
    return 0;
}

size_t spy_history_encode(unsigned char *out, uint32_t op, const struct spy_totals *delta)
{
    struct spy_bit_writer w = {.at = put_op(out, op)};
    put_runs(&w, delta->hist.bucket, SPY_HIST_BUCKETS);
    uint64_t in_buckets = spy_hist_count(&delta->hist);
    put_counters(&w, delta, in_buckets);
    put_levels(&w, delta, in_buckets);
    put_codes(&w, delta);
    put_request(&w, delta);
    spy_bits_end(&w);
    return (size_t)(w.at - out);
}

size_t spy_history_decode(const unsigned char *in, size_t len, uint32_t *op,
                          struct spy_totals *delta)
{
    spy_totals_clear(delta);
    size_t head = spy_history_op(in, len, op);
    if (head == 0)
        return 0;
    struct spy_bit_reader r = {.at = in + head, .end = in + len};
    uint64_t in_buckets = get_runs(&r, delta->hist.bucket, SPY_HIST_BUCKETS);
    get_counters(&r, delta, in_buckets);
    get_levels(&r, delta, in_buckets);
    get_codes(&r, delta);
    get_request(&r, delta);
    if (r.bad)
        return 0;
    spy_totals_bound(delta);
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
