/* SPDX-License-Identifier: MIT */
/*
 * Totals: the three ways a call may take into them (counted in a shard, held, added as a sample)
 * come to the same in every counter there is, and what was added can be taken away again.
 */
#include "../region_fixture.h"

#include "record/held.h"
#include "record/record.h"
#include "runtime/process.h"
#include "shared/totals.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#define SAMPLES 500

static uint64_t next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
    return *seed >> 33;
}

/* A call of operation 3 with something in every field that is counted. */
static struct spy_sample random_sample(uint64_t *seed)
{
    uint64_t dur_ns = 1000ull << (next(seed) % 24);
    return (struct spy_sample){
        .op = 3,
        .code = 200 + (uint32_t)(next(seed) % 5),
        .failed = next(seed) % 2,
        .aborted = next(seed) % 3 == 0,
        .way = (uint8_t)(next(seed) % (SPY_WAY_NONE + 1)),
        .params = (uint16_t)(1 + next(seed) % 65535),
        .queries = (uint32_t)next(seed) % 20,
        .dur_ns = dur_ns,
        .wait_ns = dur_ns / 2,
        .queue_ns = dur_ns / 3,
        .blocked_ns = dur_ns / 5,
        .rows = 1 + next(seed) % 100,
        .affected = 1 + next(seed) % 50,
        .bytes_in = 1 + next(seed),
        .bytes_out = 1 + next(seed),
        .read_ns = dur_ns / 7,
        .db_wait_ns = dur_ns / 8,
        .db_rows_ns = dur_ns / 9,
    };
}

/* The samples have something in each of these. */
static void everything_counts(const struct spy_totals *t)
{
    const uint64_t counters[] = {
        t->calls,     t->errors,     t->aborted,    t->sum_ns,   t->wait_ns, t->tail_ns,
        t->queue_ns,  t->blocked_ns, t->rows,       t->affected, t->params,  t->bytes_in,
        t->bytes_out, t->read_ns,    t->way_thread, t->way_only, t->way_tag, t->way_none,
    };
    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
        assert_int_not_equal(counters[i], 0);
}

static void all_ways_come_to_the_same(void **state)
{
    (void)state;
    static struct spy_totals added, recorded, held;
    struct spy_region *region = region_fixture();
    struct spy_sample credit[SPY_HELD_CREDITS];
    uint64_t seed = 1;
    spy_region_op(region, 3)->kind = SPY_KIND_SQL;
    spy_totals_clear(&added);
    for (int i = 0; i < SAMPLES; i++) {
        struct spy_sample s = random_sample(&seed);
        spy_record(region, &s);
        spy_totals_add_sample(&added, &s, region->level_bounds_ns);
    }
    spy_totals_of_op(&recorded, region, 3);
    everything_counts(&recorded);
    assert_memory_equal(&recorded, &added, sizeof(added));

    uint32_t slot = spy_held_take(region);
    for (uint32_t i = 0; i < SPY_HELD_CREDITS; i++) {
        credit[i] = random_sample(&seed);
        spy_totals_add_sample(&added, &credit[i], region->level_bounds_ns);
    }
    spy_held_set(region, slot, credit, SPY_HELD_CREDITS);
    spy_totals_of_op(&held, region, 3);
    assert_memory_equal(&held, &added, sizeof(added));
    free(region);
}

static void what_was_added_can_be_taken_away(void **state)
{
    (void)state;
    static struct spy_totals a, b, sum;
    static const uint64_t bounds[] = {100, 200, 300, 400};
    uint64_t seed = 2;
    spy_totals_clear(&a);
    spy_totals_clear(&b);
    for (int i = 0; i < SAMPLES; i++) {
        struct spy_sample s = random_sample(&seed);
        spy_totals_add_sample(i % 3 == 0 ? &a : &b, &s, bounds);
    }
    sum = a;
    spy_totals_add(&sum, &b);
    assert_int_equal(sum.calls, SAMPLES);
    spy_totals_subtract(&sum, &b);
    sum.min_ns = a.min_ns; /* left as they were */
    sum.max_ns = a.max_ns;
    assert_memory_equal(&sum, &a, sizeof(a));
    spy_totals_subtract(&sum, &b);
    spy_totals_subtract(&sum, &b);
    assert_int_equal(sum.queue_ns, 0); /* never below nothing */
    assert_false(spy_totals_any(&sum));
}

/* What queries did for a request, and how many of them there were. */
static void requests_have_their_queries(void **state)
{
    (void)state;
    static struct spy_totals t;
    struct spy_region *region = region_fixture();
    const uint32_t queries[] = {0, 3, 3, 15, 16, 23, 24, 3071, 3072, 1000000};
    spy_region_op(region, 3)->kind = SPY_KIND_HTTP;
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++)
        spy_record(region, &(struct spy_sample){.op = 3,
                                                .way = SPY_WAY_THREAD,
                                                .queries = queries[i],
                                                .dur_ns = 1000,
                                                .db_wait_ns = 10,
                                                .db_rows_ns = 1});
    spy_totals_of_op(&t, region, 3);
    assert_int_equal(t.calls, 10);
    assert_int_equal(t.queries, 1006227);
    assert_int_equal(t.db_wait_ns, 100);
    assert_int_equal(t.db_rows_ns, 10);
    assert_int_equal(t.way_thread, 0);
    const uint64_t spread[SPY_HIST_SUB] = {
        [0] = 1, [3] = 2, [15] = 1, [16] = 2, [17] = 1, [30] = 1, [31] = 2};
    assert_memory_equal(t.spread, spread, sizeof(spread));
    for (uint32_t i = 0; i < SPY_HIST_SUB; i++)
        assert_int_equal(spy_spread_index(spy_spread_floor(i)), i);
    free(region);
}

static void never_executed_is_something(void **state)
{
    (void)state;
    static struct spy_totals t;
    spy_totals_clear(&t);
    assert_false(spy_totals_any(&t));
    t.aborted = 1;
    assert_true(spy_totals_any(&t));
}

int main(void)
{
    spy_process->pid = getpid();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_ways_come_to_the_same),
        cmocka_unit_test(what_was_added_can_be_taken_away),
        cmocka_unit_test(requests_have_their_queries),
        cmocka_unit_test(never_executed_is_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
