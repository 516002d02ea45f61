/* SPDX-License-Identifier: MIT */
/*
 * Counters of a program's operations: from a region, and added up. See ledger.h.
 */
#include "ctl/ctl.h"
#include "ctl/format.h"
#include "ctl/ledger.h"

#include <stdlib.h>
#include <string.h>

/* Semantic conventions 1.44: db.client.operation.duration, http.server.request.duration. */
static const double sql_bounds[] = {0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10};
static const double http_bounds[] = {0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25,
                                     0.5,   0.75, 1,     2.5,  5,     7.5, 10};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
_Static_assert(COUNT(http_bounds) < CTL_LEDGER_BOUNDS, "+Inf needs a place");
_Static_assert(COUNT(sql_bounds) < CTL_LEDGER_BOUNDS, "+Inf needs a place");

const double *ctl_ledger_bounds(uint32_t kind, size_t *count)
{
    *count = kind == SPY_KIND_HTTP ? COUNT(http_bounds) : COUNT(sql_bounds);
    return kind == SPY_KIND_HTTP ? http_bounds : sql_bounds;
}

static int by_identity(const void *a, const void *b)
{
    const struct ctl_sum *x = a, *y = b;
    return x->kind != y->kind ? (x->kind < y->kind ? -1 : 1) : strcmp(x->name, y->name);
}

/* ---- from a region -------------------------------------------------------------------------- */

/* A fine bucket counts where its upper bound does: its calls took at most that. So a bound misses
 * calls that took up to 2.2 % (the width of a fine bucket) less than it. */
static void take_buckets(struct ctl_sum *sum, const struct spy_hist *hist)
{
    size_t count;
    const double *bound = ctl_ledger_bounds(sum->kind, &count);
    size_t at = 0;
    for (uint32_t i = 0; i < SPY_HIST_BUCKETS; i++) {
        if (hist->bucket[i] == 0)
            continue;
        while (at < count && spy_hist_upper_s(i) > bound[at])
            at++;
        /* The last fine bucket also has what is longer than its upper bound. */
        sum->bucket[i + 1 < SPY_HIST_BUCKETS ? at : count] += hist->bucket[i];
    }
}

static uint32_t find_code(const struct ctl_sum *sum, uint32_t code)
{
    uint32_t i = 0;
    while (i < sum->codes && sum->code[i].code != code)
        i++;
    return i;
}

static void add_code(struct ctl_sum *sum, uint32_t code, uint64_t count)
{
    uint32_t i = find_code(sum, code);
    if (i == sum->codes && i >= CTL_LEDGER_CODES) {
        code = SPY_CODE_OTHER;
        i = find_code(sum, code);
    }
    if (i == sum->codes)
        sum->code[sum->codes++] = (struct spy_code_count){.code = code};
    sum->code[i].count += count;
}

static void take_totals(struct ctl_sum *sum, const struct spy_totals *t)
{
    sum->timed = spy_totals_timed(t);
    sum->untimed = t->untimed;
    sum->errors = t->errors;
    sum->sum_ns = t->sum_ns;
    sum->rows = t->rows;
    sum->affected = t->affected;
    sum->aborted = t->aborted;
    sum->bytes_in = t->bytes_in;
    sum->bytes_out = t->bytes_out;
    struct ctl_parts parts = ctl_parts_of(t);
    memcpy(sum->part_ns, parts.ns, sizeof(sum->part_ns));
    sum->queries = t->queries;
    sum->attribution = ctl_attribution_of(t);
    memcpy(sum->level, t->level, sizeof(sum->level));
    for (uint32_t i = 0; i < t->codes; i++)
        add_code(sum, t->code[i].code, t->code[i].count);
    take_buckets(sum, &t->hist);
}

/* Findings in requests of operation OP. */
static uint64_t repeated_in(const struct spy_region *region, uint32_t op)
{
    const struct spy_repeat *row = spy_region_section(region, SPY_SECTION_REPEATS);
    uint64_t repeated = 0;
    for (uint32_t i = 0; i < SPY_REPEATS; i++)
        if (atomic_load_explicit(&row[i].key, memory_order_acquire) >> 32 == op)
            repeated += atomic_load_explicit(&row[i].requests, memory_order_relaxed);
    return repeated;
}

static bool is_ready(const struct spy_op *op)
{
    return atomic_load_explicit(&op->state, memory_order_acquire) == SPY_OP_READY &&
           op->kind < SPY_KIND_COUNT;
}

static uint64_t load(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static struct ctl_spent spent_of(const struct spy_cost *cost)
{
    struct ctl_spent spent = {
        .helper_ns = load(&cost->helper_ns),
        .process_ns = load(&cost->process_ns),
        .backoffs = atomic_load_explicit(&cost->backoffs, memory_order_relaxed),
    };
    for (uint32_t kind = 0; kind < SPY_KIND_COUNT; kind++) {
        spent.timed[kind] = load(&cost->side[kind].samples);
        spent.timed_ns[kind] = load(&cost->side[kind].ns);
    }
    return spent;
}

void ctl_sums_of_region(struct ctl_sums *out, const struct spy_region *region)
{
    uint32_t ops = spy_region_ops(region);
    memset(out, 0, sizeof(*out));
    ctl_program_name(out->program, region->exe, sizeof(region->exe));
    out->sum = ctl_alloc(ops * sizeof(*out->sum));
    for (uint32_t i = 0; i < ops; i++) {
        const struct spy_op *op = spy_region_op(region, i);
        struct spy_totals totals;
        if (!is_ready(op))
            continue;
        spy_totals_of_shards(&totals, region, i);
        if (!spy_totals_any(&totals))
            continue;
        struct ctl_sum *sum = &out->sum[out->count++];
        sum->kind = op->kind;
        ctl_format_clean(sum->name, sizeof(sum->name), op->name, sizeof(op->name));
        take_totals(sum, &totals);
        sum->repeated = repeated_in(region, i);
    }
    if (out->count > 0)
        qsort(out->sum, out->count, sizeof(*out->sum), by_identity);
    for (uint32_t i = 0; i < SPY_SELF_COUNT; i++)
        out->self[i] = load(&region->self[i]);
    out->slow_dropped = load(&region->slow_dropped);
    out->spent = spent_of(&region->cost);
}

/* ---- adding up ------------------------------------------------------------------------------ */

static void add_sum(struct ctl_sum *into, const struct ctl_sum *from)
{
    into->timed += from->timed;
    into->untimed += from->untimed;
    into->errors += from->errors;
    into->sum_ns += from->sum_ns;
    into->rows += from->rows;
    into->affected += from->affected;
    into->aborted += from->aborted;
    into->bytes_in += from->bytes_in;
    into->bytes_out += from->bytes_out;
    for (uint32_t i = 0; i < SPY_PART_PROGRAM; i++)
        into->part_ns[i] += from->part_ns[i];
    into->queries += from->queries;
    into->repeated += from->repeated;
    into->attribution.thread += from->attribution.thread;
    into->attribution.only += from->attribution.only;
    into->attribution.tag += from->attribution.tag;
    into->attribution.none += from->attribution.none;
    for (uint32_t i = 0; i < SPY_LEVEL_COUNT; i++)
        into->level[i] += from->level[i];
    for (uint32_t i = 0; i < CTL_LEDGER_BOUNDS; i++)
        into->bucket[i] += from->bucket[i];
    for (uint32_t i = 0; i < from->codes; i++)
        add_code(into, from->code[i].code, from->code[i].count);
}

/* The place of KEY, or where it would have to be put in. */
static size_t place_of(const struct ctl_sums *sums, const struct ctl_sum *key, bool *there)
{
    size_t low = 0, high = sums->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (by_identity(&sums->sum[middle], key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *there = low < sums->count && by_identity(&sums->sum[low], key) == 0;
    return low;
}

static void add_one(struct ctl_sums *into, const struct ctl_sum *from)
{
    bool there;
    struct ctl_sum key = {.kind = from->kind};
    memcpy(key.name, from->name, sizeof(key.name));
    size_t at = place_of(into, &key, &there);
    if (!there && into->count >= CTL_LEDGER_OPERATIONS) {
        snprintf(key.name, sizeof(key.name), "other (%s)", spy_kind_name(key.kind));
        at = place_of(into, &key, &there);
    }
    if (!there) {
        into->sum = ctl_grow(into->sum, into->count + 1, sizeof(*into->sum));
        memmove(&into->sum[at + 1], &into->sum[at], (into->count - at) * sizeof(*into->sum));
        into->sum[at] = key;
        into->count++;
    }
    add_sum(&into->sum[at], from);
}

static void add_spent(struct ctl_spent *into, const struct ctl_spent *from)
{
    for (uint32_t kind = 0; kind < SPY_KIND_COUNT; kind++) {
        into->timed[kind] += from->timed[kind];
        into->timed_ns[kind] += from->timed_ns[kind];
    }
    into->helper_ns += from->helper_ns;
    into->process_ns += from->process_ns;
    into->backoffs += from->backoffs;
}

void ctl_sums_add(struct ctl_sums *into, const struct ctl_sums *from)
{
    for (size_t i = 0; i < from->count; i++)
        add_one(into, &from->sum[i]);
    for (uint32_t i = 0; i < SPY_SELF_COUNT; i++)
        into->self[i] += from->self[i];
    into->slow_dropped += from->slow_dropped;
    add_spent(&into->spent, &from->spent);
}
