/* SPDX-License-Identifier: MIT */
/*
 * History records and windows: what goes in comes out; what is malformed is refused.
 */
#include "../region_fixture.h"

#include "record/record.h"
#include "record/roll.h"
#include "runtime/process.h"
#include "shared/history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

static void fill(struct spy_totals *t, unsigned seed)
{
    spy_totals_clear(t);
    srand(seed);
    for (int i = 0; i < 200; i++) {
        struct spy_sample s = {
            .dur_ns = 1000ull << (rand() % 30),
            .code = (uint32_t)(200 + rand() % 20),
            .failed = rand() % 2,
            .aborted = rand() % 2,
            .params = (uint16_t)rand(),
            .queue_ns = (uint64_t)rand(),
            .rows = (uint64_t)rand(),
            .affected = (uint64_t)rand(),
            .bytes_out = (uint64_t)rand() * (uint64_t)rand(),
        };
        static const uint64_t bounds[] = {100, 200, 300, 400};
        spy_totals_add_sample(t, &s, bounds);
    }
}

/* All but the extremes, which a record does not keep. */
static void assert_same(struct spy_totals a, struct spy_totals b)
{
    a.min_ns = b.min_ns = a.max_ns = b.max_ns = 0;
    assert_memory_equal(&a, &b, sizeof(a));
}

static void records_come_back(void **state)
{
    (void)state;
    static unsigned char bytes[SPY_HISTORY_RECORD_MAX];
    static struct spy_totals in, out;
    for (unsigned seed = 0; seed < 50; seed++) {
        uint32_t op;
        fill(&in, seed);
        size_t n = spy_history_encode(bytes, seed, &in);
        assert_int_equal(spy_history_decode(bytes, n, &op, &out), n);
        assert_int_equal(op, seed);
        assert_same(in, out);
        assert_true(out.min_ns <= in.min_ns && out.max_ns >= in.max_ns);
    }
}

static void the_largest_record_fits(void **state)
{
    (void)state;
    static unsigned char bytes[SPY_HISTORY_RECORD_MAX];
    static struct spy_totals full;
    memset(&full, 0xFF, sizeof(full));
    full.codes = SPY_CODES;
    assert_true(spy_history_encode(bytes, SPY_OPS_MAX - 1, &full) <= sizeof(bytes));
}

static uint64_t any_number(void)
{
    uint64_t all = (uint64_t)rand() << 42 ^ (uint64_t)rand() << 21 ^ (uint64_t)rand();
    return all >> rand() % 64;
}

static void some_buckets(uint64_t *bucket, uint32_t count)
{
    for (uint32_t i = (uint32_t)rand() % count; i < count; i += 1 + (uint32_t)rand() % 40)
        bucket[i] = rand() % 3 ? any_number() : 1;
}

/* Numbers that no program makes, and that contradict each other: nothing is taken for granted. */
static void whatever_it_says_comes_back(void **state)
{
    (void)state;
    static unsigned char bytes[SPY_HISTORY_RECORD_MAX];
    static struct spy_totals in, out;
    srand(3);
    for (unsigned i = 0; i < 3000; i++) {
        spy_totals_clear(&in);
#define X(name) in.name = rand() % 2 ? any_number() : 0;
        SPY_CELL_COUNTERS(X)
#undef X
        for (int level = 0; level < SPY_LEVEL_COUNT; level++)
            in.level[level] = any_number();
        in.codes = (uint32_t)rand() % (SPY_CODES + 1);
        for (uint32_t k = 0; k < in.codes; k++)
            in.code[k] = (struct spy_code_count){1 + k + (uint32_t)rand() % 99 * 1000,
                                                 1 + (any_number() >> 1)};
        if (rand() % 2)
            some_buckets(in.spread, SPY_HIST_SUB);
        for (int part = 0; part < SPY_PART_COUNT; part++)
            if (rand() % 2) {
                in.part[part].zero = 1 + (any_number() >> 1);
                some_buckets(in.part[part].bucket, SPY_PART_BUCKETS);
                in.part[part].bucket[3] = UINT32_MAX;
            }
        some_buckets(in.hist.bucket, SPY_HIST_BUCKETS);
        uint32_t op, which = (uint32_t)rand() % SPY_OPS_MAX;
        size_t n = spy_history_encode(bytes, which, &in);
        assert_true(n <= sizeof(bytes));
        assert_int_equal(spy_history_decode(bytes, sizeof(bytes), &op, &out), n);
        assert_int_equal(op, which);
        assert_same(in, out);
    }
}

static void cut_records_are_refused(void **state)
{
    (void)state;
    static unsigned char bytes[SPY_HISTORY_RECORD_MAX];
    static struct spy_totals in, out;
    uint32_t op;
    fill(&in, 1);
    size_t n = spy_history_encode(bytes, 5, &in);
    for (size_t cut = 0; cut < n; cut++) {
        unsigned char *copy = malloc(cut + 1); /* so that the sanitizer sees a read past the end */
        memcpy(copy, bytes, cut);
        assert_int_equal(spy_history_decode(copy, cut, &op, &out), 0);
        free(copy);
    }
}

static void random_bytes_do_no_harm(void **state)
{
    (void)state;
    static struct spy_totals out;
    unsigned char bytes[256];
    srand(7);
    for (int i = 0; i < 20000; i++) {
        uint32_t op = 0;
        for (size_t k = 0; k < sizeof(bytes); k++)
            bytes[k] = (unsigned char)(rand() >> (rand() % 8));
        if (spy_history_decode(bytes, sizeof(bytes), &op, &out) != 0)
            assert_true(op < SPY_OPS_MAX);
    }
}

/* ---- windows -------------------------------------------------------------------------------- */

static struct spy_totals window_sum;

static const struct spy_use no_use;

static void sum_up(void *ctx, const struct spy_history_step *step, uint32_t op,
                   const struct spy_totals *delta)
{
    (void)step;
    if (delta != NULL && op == *(const uint32_t *)ctx)
        spy_totals_add(&window_sum, delta);
}

static uint64_t calls_since(struct spy_region *region, uint32_t op, uint64_t since)
{
    struct spy_history_window window = {.since_ns = since, .until_ns = UINT64_MAX};
    spy_totals_clear(&window_sum);
    assert_int_equal(spy_history_tell(region, &window, sum_up, &op), SPY_OK);
    return window_sum.calls;
}

static void calls(struct spy_region *region, uint32_t op, int n, uint64_t dur_ns)
{
    for (int i = 0; i < n; i++)
        spy_record(region, &(struct spy_sample){.op = op, .dur_ns = dur_ns, .code = 200});
}

static void a_window_is_the_sum_of_its_steps(void **state)
{
    (void)state;
    struct spy_region *region = region_fixture();
    uint64_t t0 = region->epoch_mono_ns;
    calls(region, 3, 5, FIXTURE_MS);
    spy_history_roll(region, t0 + 10, &no_use);
    calls(region, 3, 7, 2 * FIXTURE_MS);
    calls(region, 2, 1, FIXTURE_MS);
    spy_history_roll(region, t0 + 20, &no_use);
    spy_history_roll(region, t0 + 30, &no_use); /* nothing happened: no records */
    calls(region, 3, 11, 4 * FIXTURE_MS);
    assert_int_equal(calls_since(region, 3, t0), 23);
    assert_int_equal(calls_since(region, 3, t0 + 10), 18);
    assert_int_equal(calls_since(region, 3, t0 + 20), 11);
    assert_int_equal(calls_since(region, 2, t0 + 10), 1);
    assert_int_equal(calls_since(region, 2, t0 + 20), 0);
    assert_int_equal(spy_hist_count(&window_sum.hist), 0);
    free(region);
}

/* Statements that were never executed make a step of their own; a window in which there was nothing
 * else has no times, and the calls of other windows are as they were. */
static void never_executed_is_part_of_a_window(void **state)
{
    (void)state;
    struct spy_region *region = region_fixture();
    uint64_t t0 = region->epoch_mono_ns;
    calls(region, 2, 1, FIXTURE_MS);
    spy_history_roll(region, t0 + 10, &no_use);
    spy_record_aborted(region, 2);
    spy_record_aborted(region, 2);
    for (int rolled = 0; rolled < 2; rolled++) {
        assert_int_equal(calls_since(region, 2, t0 + 10), 0);
        assert_int_equal(window_sum.aborted, 2);
        assert_true(window_sum.min_ns == UINT64_MAX);
        assert_int_equal(window_sum.max_ns, 0);
        spy_history_roll(region, t0 + 20, &no_use);
    }
    assert_int_equal(calls_since(region, 2, t0 + 20), 0);
    assert_int_equal(window_sum.aborted, 0);
    calls(region, 2, 1, 4 * FIXTURE_MS);
    assert_int_equal(calls_since(region, 2, t0 + 20), 1);
    assert_int_equal(window_sum.aborted, 0);
    assert_int_equal(calls_since(region, 2, t0), 2);
    assert_int_equal(window_sum.aborted, 2);
    free(region);
}

/* An operation that never got to a call, in a region without room. */
static void never_executed_stays_unrolled_without_room(void **state)
{
    (void)state;
    struct spy_region *region = region_fixture();
    uint64_t t0 = region->epoch_mono_ns;
    spy_record_aborted(region, 2);
    atomic_store(&region->arena_used, SPY_ARENA_CHUNKS);
    spy_history_roll(region, t0 + 10, &no_use);
    assert_int_equal(region->history[0].head, sizeof(struct spy_history_step));
    calls_since(region, 2, t0 + 10);
    assert_int_equal(window_sum.aborted, 1);
    free(region);
}

int main(void)
{
    spy_process->pid = getpid();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_back),
        cmocka_unit_test(the_largest_record_fits),
        cmocka_unit_test(whatever_it_says_comes_back),
        cmocka_unit_test(cut_records_are_refused),
        cmocka_unit_test(random_bytes_do_no_harm),
        cmocka_unit_test(a_window_is_the_sum_of_its_steps),
        cmocka_unit_test(never_executed_is_part_of_a_window),
        cmocka_unit_test(never_executed_stays_unrolled_without_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
