/* SPDX-License-Identifier: MIT */
/*
 * Tallies within a request, and the table of what was found. See repeat.h.
 */
#include "record/repeat.h"

#include "record/shard.h"

#include <string.h>

#define RELAXED memory_order_relaxed

static void add(struct spy_tally *tally, uint64_t ns)
{
    atomic_fetch_add_explicit(&tally->calls, 1, RELAXED);
    atomic_fetch_add_explicit(&tally->ns, ns, RELAXED);
}

static bool claim(struct spy_tally *tally, uint32_t *seen, uint32_t op_plus_1)
{
    return atomic_compare_exchange_strong_explicit(&tally->op, seen, op_plus_1, RELAXED, RELAXED);
}

/* All tallies are taken: OP gets that of a statement which was called once so far, beginning at a
 * place that differs from call to call, so that statements which alternate do not go on driving
 * each other out. A call of that statement by another thread may be counted for OP just then. */
static void replace(struct spy_open_request *r, uint32_t op, uint64_t ns, const void *site)
{
    uint32_t first = atomic_load_explicit(&r->queries, RELAXED);
    for (uint32_t i = 0; i < SPY_TALLIES; i++) {
        struct spy_tally *tally = &r->tally[(first + i) % SPY_TALLIES];
        uint32_t seen = atomic_load_explicit(&tally->op, RELAXED);
        if (atomic_load_explicit(&tally->calls, RELAXED) > 1 || !claim(tally, &seen, op + 1))
            continue;
        atomic_store_explicit(&tally->calls, 1, RELAXED);
        atomic_store_explicit(&tally->ns, ns, RELAXED);
        atomic_store_explicit(&tally->site, (uint64_t)(uintptr_t)site, RELAXED);
        return;
    }
}

void spy_repeats_tally(struct spy_open_request *r, uint32_t op, uint64_t ns, const void *site)
{
    for (uint32_t i = 0; i < SPY_TALLIES; i++) {
        struct spy_tally *tally = &r->tally[i];
        uint32_t seen = atomic_load_explicit(&tally->op, RELAXED);
        if (seen == 0 && claim(tally, &seen, op + 1)) {
            atomic_store_explicit(&tally->site, (uint64_t)(uintptr_t)site, RELAXED);
            seen = op + 1;
        }
        if (seen == op + 1) {
            add(tally, ns);
            return;
        }
    }
    replace(r, op, ns, site);
}

/* More than so many millionths of DUR_NS. Whatever their size: a request may last for days. */
static bool is_share(uint64_t ns, uint64_t dur_ns, uint64_t ppm)
{
    return (unsigned __int128)ns * 1000000 > (unsigned __int128)dur_ns * ppm;
}

/* Does OP read a cursor on? Each such call has other rows. Texts are normalised: in lower case. */
static bool reads_on(const struct spy_region *region, uint32_t op)
{
    const char *text = spy_region_text(region, spy_region_op(region, op));
    return strncmp(text, "fetch ", 6) == 0 || strncmp(text, "move ", 5) == 0;
}

static bool is_repeated(const struct spy_region *region, const struct spy_tally *tally,
                        uint64_t dur_ns)
{
    uint32_t op = atomic_load_explicit(&tally->op, RELAXED);
    uint64_t ns = atomic_load_explicit(&tally->ns, RELAXED);
    if (op == 0 || atomic_load_explicit(&tally->calls, RELAXED) < spy_term(region->repeats_calls) ||
        spy_term(spy_region_op(region, op - 1)->may_repeat) || reads_on(region, op - 1))
        return false;
    return ns > spy_term(region->repeats_ns) ||
           is_share(ns, dur_ns, spy_term(region->repeats_share_ppm));
}

/* The row of KEY, made where there is none; NULL where there is no room. */
static struct spy_repeat *row_of(struct spy_region *region, uint64_t key)
{
    struct spy_repeat *row = spy_region_section(region, SPY_SECTION_REPEATS);
    for (uint32_t i = 0; i < SPY_REPEATS; i++, row++) {
        uint64_t seen = atomic_load_explicit(&row->key, RELAXED);
        if (seen == key ||
            (seen == 0 && (atomic_compare_exchange_strong_explicit(&row->key, &seen, key,
                                                                   memory_order_release, RELAXED) ||
                           seen == key)))
            return row;
    }
    return NULL;
}

static void note(struct spy_repeat *row, const struct spy_tally *tally)
{
    uint32_t calls = atomic_load_explicit(&tally->calls, RELAXED);
    uint32_t most = atomic_load_explicit(&row->most, RELAXED);
    while (calls > most &&
           !atomic_compare_exchange_weak_explicit(&row->most, &most, calls, RELAXED, RELAXED))
        ;
    atomic_fetch_add_explicit(&row->requests, 1, RELAXED);
    atomic_fetch_add_explicit(&row->calls, calls, RELAXED);
    atomic_fetch_add_explicit(&row->ns, atomic_load_explicit(&tally->ns, RELAXED), RELAXED);
    atomic_store_explicit(&row->site, atomic_load_explicit(&tally->site, RELAXED), RELAXED);
}

void spy_repeats_note(struct spy_region *region, const struct spy_open_request *r, uint64_t dur_ns)
{
    uint64_t request_op = atomic_load_explicit(&r->op, RELAXED);
    for (uint32_t i = 0; i < SPY_TALLIES; i++) {
        if (!is_repeated(region, &r->tally[i], dur_ns))
            continue;
        uint64_t op = atomic_load_explicit(&r->tally[i].op, RELAXED);
        struct spy_repeat *row = row_of(region, request_op << 32 | op);
        if (row != NULL)
            note(row, &r->tally[i]);
        else
            spy_self_count(region, SPY_SELF_REPEATS_FULL);
    }
}
