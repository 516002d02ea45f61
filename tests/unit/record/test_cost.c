/* SPDX-License-Identifier: MIT */
/*
 * Which calls are timed, and what becomes of the times.
 */
#include "../region_fixture.h"

#include "record/cost.h"
#include "runtime/clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define CALLS   (SPY_COST_EVERY * 4096u)
#define THREADS 4

static struct spy_region *region;

static int setup(void **state)
{
    (void)state;
    region = region_fixture();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(region);
    return 0;
}

/* Gaps of 1 to 511, spread evenly: their mean's standard deviation over 4,096 of them is 2.3. */
static void one_call_in_256(void **state)
{
    (void)state;
    uint32_t samples = 0, last = 0, longest = 0, even = 0;
    spy_thread.cost_seed = 12345;
    spy_thread.cost_left = 0;
    for (uint32_t i = 1; i <= CALLS; i++) {
        if (!spy_cost_due())
            continue;
        longest = i - last > longest ? i - last : longest;
        last = i;
        even += i % 2 == 0;
        samples++;
    }
    assert_in_range(samples, 4096 - 256, 4096 + 256);
    assert_in_range(longest, 500, 2 * SPY_COST_EVERY - 1);
    assert_in_range(even, samples * 4 / 10, samples * 6 / 10); /* in step with no loop */
}

/* Threads that end long before a gap does are sampled as often: each begins somewhere in one. */
static void short_threads_are_sampled_as_often(void **state)
{
    (void)state;
    const uint32_t threads = 40000, calls = 16;
    uint32_t samples = 0;
    for (uint32_t i = 0; i < threads; i++) {
        spy_thread.cost_seed = 0;
        spy_thread.cost_left = 0;
        for (uint32_t k = 0; k < calls; k++)
            samples += spy_cost_due();
    }
    uint32_t expected = threads * calls / SPY_COST_EVERY;
    assert_in_range(samples, expected * 8 / 10, expected * 12 / 10);
}

static void what_is_timed_is_added(void **state)
{
    (void)state;
    struct spy_timing timing = {.at_ns = spy_now(), .spent_ns = 700, .reading_ns = 1000000000};
    spy_cost_end(&timing, region, SPY_KIND_SQL);
    const struct spy_cost_side *side = &region->cost.side[SPY_KIND_SQL];
    assert_int_equal(side->samples, 1);
    assert_int_equal(side->ns, 700); /* readings are taken off, and never more than there was */
    assert_int_equal(spy_cost_calls_ns(&region->cost), 700 * SPY_COST_EVERY);
    assert_int_equal(region->cost.side[SPY_KIND_HTTP].samples, 0);
}

/* Not believed, but a call. */
static void what_is_too_long_is_cut(void **state)
{
    (void)state;
    struct spy_timing timing = {
        .at_ns = spy_now(), .spent_ns = SPY_COST_CUT_NS + 1, .reading_ns = 1000000000};
    spy_cost_end(&timing, region, SPY_KIND_HTTP);
    const struct spy_cost_side *side = &region->cost.side[SPY_KIND_HTTP];
    assert_int_equal(side->samples, 0);
    assert_int_equal(side->ns, 0);
    assert_int_equal(side->cut, 1);
    assert_int_equal(spy_cost_call_ns(side), 0);
    assert_int_equal(spy_cost_calls(side), SPY_COST_EVERY);
}

/* The real call, between stop and go_on, is not ours: it takes 20 ms here. */
static void the_real_call_is_not_counted(void **state)
{
    (void)state;
    struct spy_timing timing;
    struct timespec pause = {0, 20000000};
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < 20; i++) { /* in one of them, at least, the thread keeps the processor */
        spy_cost_begin(&timing);
        spy_cost_stop(&timing);
        nanosleep(&pause, NULL);
        spy_cost_go_on(&timing);
        spy_cost_stop(&timing);
        least = timing.spent_ns < least ? timing.spent_ns : least;
    }
    assert_true(least < 20000000);
}

static void *add_samples(void *unused)
{
    (void)unused;
    for (int i = 0; i < 10000; i++) {
        struct spy_timing timing = {.at_ns = spy_now(), .spent_ns = 5, .reading_ns = 1000000000};
        spy_cost_end(&timing, region, SPY_KIND_SQL);
    }
    return NULL;
}

static void threads_add_together(void **state)
{
    (void)state;
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, add_samples, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(region->cost.side[SPY_KIND_SQL].samples, THREADS * 10000);
    assert_int_equal(region->cost.side[SPY_KIND_SQL].ns, THREADS * 50000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_call_in_256),
        cmocka_unit_test(short_threads_are_sampled_as_often),
        cmocka_unit_test_setup_teardown(what_is_timed_is_added, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_too_long_is_cut, setup, teardown),
        cmocka_unit_test(the_real_call_is_not_counted),
        cmocka_unit_test_setup_teardown(threads_add_together, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
