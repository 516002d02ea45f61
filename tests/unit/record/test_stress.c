/* SPDX-License-Identifier: MIT */
/*
 * Recording by more threads than fit, and by threads that come and go: the exact total, and nothing
 * grows. In `make test` a short form; with SPY_STRESS set (`make stress`) 64 threads record ten
 * million calls each, and a hundred thousand threads one each.
 */
#include "../region_fixture.h"

#include "record/record.h"
#include "record/shard.h"
#include "runtime/process.h"
#include "shared/totals.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define THREADS_MAX 200

static struct spy_totals totals;
static struct spy_region *region;
static pthread_barrier_t together;
static uint64_t calls_each;

static uint64_t scaled(uint64_t test, uint64_t stress)
{
    return getenv("SPY_STRESS") != NULL ? stress : test;
}

/* Four operations of two kinds, durations over twelve octaves, three codes. */
static void *hammer(void *unused)
{
    (void)unused;
    pthread_barrier_wait(&together);
    for (uint64_t i = 0; i < calls_each; i++)
        spy_record(region, &(struct spy_sample){.op = (uint32_t)(i % 4),
                                                .dur_ns = 1000ull << (i % 12),
                                                .wait_ns = 1000,
                                                .code = 200 + (uint32_t)(i % 3),
                                                .rows = 2,
                                                .bytes_in = 3,
                                                .bytes_out = 5});
    pthread_barrier_wait(&together); /* all alive at once: shards run short */
    return NULL;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void run_threads(uint32_t threads)
{
    pthread_t thread[THREADS_MAX];
    pthread_barrier_init(&together, NULL, threads);
    for (uint32_t i = 0; i < threads; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, hammer, NULL), 0);
    for (uint32_t i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    pthread_barrier_destroy(&together);
}

/* CALLS is a multiple of 12, so that each operation has its quarter. */
static void expect_all(uint64_t calls)
{
    uint64_t ns = 0;
    for (uint32_t op = 0; op < 4; op++) {
        spy_totals_of_op(&totals, region, op);
        assert_int_equal(totals.calls, calls / 4);
        assert_int_equal(spy_hist_count(&totals.hist), calls / 4);
        assert_int_equal(totals.wait_ns, calls / 4 * 1000);
        assert_int_equal(totals.rows, calls / 4 * 2);
        assert_int_equal(totals.bytes_in, calls / 4 * 3);
        assert_int_equal(totals.bytes_out, calls / 4 * 5);
        uint64_t by_code = 0;
        for (uint32_t i = 0; i < totals.codes; i++)
            by_code += totals.code[i].count;
        assert_int_equal(by_code, calls / 4);
        ns += totals.sum_ns;
    }
    assert_int_equal(ns, calls / 12 * 1000 * ((1 << 12) - 1));
}

static void hammer_with(uint32_t threads, uint64_t each)
{
    region = region_fixture();
    spy_shards_reserve(region);
    calls_each = each;
    double begin = seconds();
    run_threads(threads);
    double took = seconds() - begin;
    expect_all(threads * each);
    printf("# %u threads recorded %llu calls in %.2f s: %.0f ns a call by the clock\n", threads,
           (unsigned long long)(threads * each), took, took * 1e9 / (double)(threads * each));
    assert_int_equal(atomic_load(&region->self[SPY_SELF_SHARED_SHARD]) > 0, threads > SPY_SHARDS);
    free(region);
}

static void as_many_threads_as_shards(void **state)
{
    (void)state;
    hammer_with(64, scaled(60000, 9999996));
}

static void more_threads_than_shards(void **state)
{
    (void)state;
    hammer_with(80, scaled(12000, 600000));
    hammer_with(200, scaled(6000, 240000));
}

static void *record_once(void *unused)
{
    (void)unused;
    spy_record(region, &(struct spy_sample){.op = 2, .dur_ns = 5000, .code = 1});
    return NULL;
}

/* The first threads take a shard each; then they are handed on. */
static void thread_churn_does_not_grow(void **state)
{
    (void)state;
    const uint64_t churn = scaled(3000, 100000);
    uint32_t arena = 0;
    region = region_fixture();
    for (uint64_t i = 0; i < churn; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, record_once, NULL), 0);
        pthread_join(thread, NULL);
        if (i == 500)
            arena = atomic_load(&region->arena_used);
    }
    spy_totals_of_op(&totals, region, 2);
    assert_int_equal(totals.calls, churn);
    assert_int_equal(spy_hist_count(&totals.hist), churn);
    assert_int_equal(atomic_load(&region->arena_used), arena);
    assert_in_range(atomic_load(&region->shards_used), 1, SPY_SHARDS);
    assert_int_equal(atomic_load(&region->self[SPY_SELF_SHARED_SHARD]), 0);
    free(region);
}

int main(void)
{
    spy_process->pid = getpid();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_threads_as_shards),
        cmocka_unit_test(more_threads_than_shards),
        cmocka_unit_test(thread_churn_does_not_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
