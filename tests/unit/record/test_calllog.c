/* SPDX-License-Identifier: MIT */
/*
 * The ring of calls to be logged: order, levels, room for what matters, many producers.
 */
#include "../region_fixture.h"

#include "record/calllog.h"
#include "record/record.h"
#include "runtime/process.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

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
    spy_calllog_open(-1);
    free(region);
    return 0;
}

static void call(uint64_t ms, bool failed, uint64_t rows)
{
    spy_record(region, &(struct spy_sample){
                           .op = 2, .dur_ns = ms * FIXTURE_MS, .failed = failed, .rows = rows});
}

static void levels_go_by_duration_and_failure(void **state)
{
    (void)state;
    struct spy_calllog_entry entry;
    spy_calllog_open(SPY_LOG_DEBUG);
    call(1, false, 0);
    call(400, false, 1);
    call(600, false, 2);
    call(1500, false, 3);
    call(5000, false, 4);
    call(1, true, 5);
    static const enum spy_log_level want[] = {SPY_LOG_DEBUG,   SPY_LOG_DEBUG,   SPY_LOG_INFO,
                                              SPY_LOG_WARNING, SPY_LOG_WARNING, SPY_LOG_ERROR};
    for (uint64_t i = 0; i < 6; i++) {
        assert_true(spy_calllog_pop(&entry));
        assert_int_equal(entry.sample.rows, i);
        assert_int_equal(entry.level, want[i]);
    }
    assert_false(spy_calllog_pop(&entry));
}

static void less_severe_calls_do_not_get_in(void **state)
{
    (void)state;
    struct spy_calllog_entry entry;
    call(5000, true, 0); /* not open at all */
    spy_calllog_open(SPY_LOG_WARNING);
    call(1, false, 0);
    call(600, false, 0);
    call(1500, false, 7);
    assert_true(spy_calllog_pop(&entry));
    assert_int_equal(entry.sample.rows, 7);
    assert_false(spy_calllog_pop(&entry));
}

static void a_full_ring_drops_and_counts_and_keeps_room_for_errors(void **state)
{
    (void)state;
    struct spy_calllog_entry entry;
    spy_calllog_open(SPY_LOG_DEBUG);
    const uint32_t spare = SPY_CALLLOG_ENTRIES / 4 * 3;
    for (uint32_t i = 0; i < SPY_CALLLOG_ENTRIES; i++)
        call(1, false, 0);
    assert_int_equal(atomic_load(&region->self[SPY_SELF_LOG_DROPPED]), SPY_CALLLOG_ENTRIES - spare);
    for (uint32_t i = spare; i < SPY_CALLLOG_ENTRIES; i++)
        call(1, true, 0);
    assert_int_equal(atomic_load(&region->self[SPY_SELF_LOG_DROPPED]), SPY_CALLLOG_ENTRIES - spare);
    call(1, true, 0);
    assert_int_equal(atomic_load(&region->self[SPY_SELF_LOG_DROPPED]),
                     SPY_CALLLOG_ENTRIES - spare + 1);
    for (uint32_t i = 0; i < SPY_CALLLOG_ENTRIES; i++)
        assert_true(spy_calllog_pop(&entry));
    assert_false(spy_calllog_pop(&entry));
    call(1, false, 9); /* and goes on */
    assert_true(spy_calllog_pop(&entry));
    assert_int_equal(entry.sample.rows, 9);
}

static void parameters_come_along(void **state)
{
    (void)state;
    struct spy_calllog_entry entry;
    spy_calllog_open(SPY_LOG_DEBUG);
    spy_record_with(region, &(struct spy_sample){.op = 3, .dur_ns = 5}, "skip=1");
    spy_record_with(region, &(struct spy_sample){.op = 3, .dur_ns = 5}, NULL);
    assert_true(spy_calllog_pop(&entry));
    assert_string_equal(entry.detail, "skip=1");
    assert_true(spy_calllog_pop(&entry));
    assert_string_equal(entry.detail, "");
}

#define PRODUCERS 4
#define CALLS     20000

static _Atomic int running;

static void *produce(void *unused)
{
    (void)unused;
    for (uint64_t i = 1; i <= CALLS; i++)
        call(1, true, i);
    atomic_fetch_sub(&running, 1);
    return NULL;
}

static void many_producers_lose_only_what_is_counted(void **state)
{
    (void)state;
    pthread_t thread[PRODUCERS];
    struct spy_calllog_entry entry;
    uint64_t popped = 0;
    spy_calllog_open(SPY_LOG_DEBUG);
    atomic_store(&running, PRODUCERS);
    for (int i = 0; i < PRODUCERS; i++)
        pthread_create(&thread[i], NULL, produce, NULL);
    while (atomic_load(&running) > 0)
        if (spy_calllog_pop(&entry)) {
            assert_in_range(entry.sample.rows, 1, CALLS);
            popped++;
        } else {
            sched_yield();
        }
    for (int i = 0; i < PRODUCERS; i++)
        pthread_join(thread[i], NULL);
    while (spy_calllog_pop(&entry))
        popped++;
    assert_int_equal(popped + atomic_load(&region->self[SPY_SELF_LOG_DROPPED]), PRODUCERS * CALLS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    spy_process->pid = getpid();
    const struct CMUnitTest tests[] = {
        TEST(levels_go_by_duration_and_failure),
        TEST(less_severe_calls_do_not_get_in),
        TEST(a_full_ring_drops_and_counts_and_keeps_room_for_errors),
        TEST(parameters_come_along),
        TEST(many_producers_lose_only_what_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
