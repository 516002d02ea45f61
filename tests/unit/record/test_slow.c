/* SPDX-License-Identifier: MIT */
/*
 * Keeping single calls: rings of the newest that a flood of failures does not empty, and the worst
 * of each operation, exactly, under threads.
 */
#include "../region_fixture.h"

#include "record/record.h"
#include "record/slow.h"
#include "runtime/process.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

static const struct spy_slow_event *slow_event(const struct spy_region *region, uint64_t n)
{
    const struct spy_slow_event *ring = spy_region_section(region, SPY_SECTION_SLOW);
    return &ring[n % SPY_SLOW_EVENTS];
}

static const struct spy_slow_event *failed_event(const struct spy_region *region, uint64_t n)
{
    const struct spy_slow_event *ring = spy_region_section(region, SPY_SECTION_FAILED);
    return &ring[n % SPY_FAILED_EVENTS];
}

static void slow(struct spy_region *region, uint64_t dur_ns)
{
    spy_record(region, &(struct spy_sample){.op = 2, .dur_ns = dur_ns});
}

static void failed(struct spy_region *region, uint32_t code, const char *detail)
{
    spy_record_with(region, &(struct spy_sample){.op = 2, .dur_ns = 1, .failed = 1, .code = code},
                    detail);
}

static void slow_and_failed_calls_are_kept(void **state)
{
    (void)state;
    struct spy_region *region = region_fixture();
    slow(region, 999 * FIXTURE_MS);
    slow(region, 1000 * FIXTURE_MS);
    failed(region, 7, NULL);
    assert_int_equal(atomic_load(&region->slow_head), 1);
    assert_int_equal(atomic_load(&region->failed_head), 1);
    assert_int_equal(slow_event(region, 0)->sample.dur_ns, 1000 * FIXTURE_MS);
    assert_int_equal(slow_event(region, 0)->seq, 2);
    assert_int_equal(slow_event(region, 0)->tid, gettid());
    assert_int_equal(failed_event(region, 0)->sample.code, 7);
    assert_string_equal(failed_event(region, 0)->detail, "");
    failed(region, 8, "upd_part");
    assert_string_equal(failed_event(region, 1)->detail, "upd_part");
    for (uint64_t i = 0; i < SPY_SLOW_EVENTS; i++)
        slow(region, (2000 + i) * FIXTURE_MS);
    assert_int_equal(slow_event(region, 0)->sample.dur_ns,
                     (2000 + SPY_SLOW_EVENTS - 1) * FIXTURE_MS);
    assert_int_equal(atomic_load(&region->slow_dropped), 0);
    free(region);
}

static void a_flood_of_failures_leaves_the_slow(void **state)
{
    (void)state;
    struct spy_region *region = region_fixture();
    for (uint64_t i = 0; i < SPY_SLOW_EVENTS; i++)
        slow(region, (1000 + i) * FIXTURE_MS);
    for (uint32_t i = 0; i < 100000; i++)
        failed(region, i, NULL);
    for (uint64_t i = 0; i < SPY_SLOW_EVENTS; i++)
        assert_int_equal(slow_event(region, i)->sample.dur_ns, (1000 + i) * FIXTURE_MS);
    for (uint64_t n = 100000 - SPY_FAILED_EVENTS; n < 100000; n++)
        assert_int_equal(failed_event(region, n)->sample.code, n);
    assert_int_equal(atomic_load(&region->slow_dropped), 0);
    free(region);
}

/* ---- the worst ------------------------------------------------------------------------------ */

static int descending(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x < *y) - (*x > *y);
}

/* How long the calls took that set SET of operation 2 keeps, the longest first; each is complete.
 */
static void worst_of(uint64_t longest[SPY_WORST_CALLS], const struct spy_region *region,
                     uint32_t set)
{
    const struct spy_worst *worst = spy_region_worst(region, spy_region_op(region, 2));
    assert_non_null(worst);
    for (uint32_t i = 0; i < SPY_WORST_CALLS; i++) {
        const struct spy_slow_event *event = &worst->set[set].event[i];
        longest[i] = event->sample.dur_ns;
        assert_int_equal(event->seq % 2, 0);
        assert_int_equal(worst->set[set].rank[i],
                         event->seq != 0 ? spy_worst_rank(set, &event->sample) : 0);
    }
    qsort(longest, SPY_WORST_CALLS, sizeof(longest[0]), descending);
}

static void the_longest_stay(void **state)
{
    (void)state;
    struct spy_region *region = region_fixture();
    uint64_t longest[SPY_WORST_CALLS];
    slow(region, 1); /* not slow: no room is taken for it */
    assert_null(spy_region_worst(region, spy_region_op(region, 2)));
    for (uint64_t i = 0; i < 5000; i++) /* each of 1000 .. 5999 ms once, in no order */
        slow(region, (1000 + i * 1237 % 5000) * FIXTURE_MS);
    worst_of(longest, region, 0);
    for (uint32_t i = 0; i < SPY_WORST_CALLS; i++)
        assert_int_equal(longest[i], (5999 - i) * FIXTURE_MS);
    assert_int_equal(atomic_load(&region->slow_dropped), 0);
    free(region);
}

#define HOUR SPY_WORST_SPAN_NS

static void slow_at(struct spy_region *region, uint64_t end_ns, uint64_t dur_ns)
{
    spy_record(region, &(struct spy_sample){.op = 2, .end_ns = end_ns, .dur_ns = dur_ns});
}

/* Those of the set that has the hour before END_NS, or after. */
static void expect_hour(const struct spy_region *region, uint64_t end_ns, uint64_t longest_ms)
{
    uint64_t longest[SPY_WORST_CALLS];
    worst_of(longest, region, spy_worst_set_of(end_ns));
    for (uint32_t i = 0; i < SPY_WORST_CALLS; i++)
        assert_int_equal(longest[i], longest_ms > 0 ? (longest_ms - i) * FIXTURE_MS : 0);
}

/* A bad minute stays for ever in its own set; in the other two it gives way to what comes after. */
static void a_bad_minute_does_not_hide_the_worst_of_now(void **state)
{
    (void)state;
    struct spy_region *region = region_fixture();
    uint64_t longest[SPY_WORST_CALLS];
    const uint64_t begin = 1000 * HOUR;
    for (uint64_t i = 0; i < 50; i++)
        slow_at(region, begin + i, (60000 + i) * FIXTURE_MS);
    expect_hour(region, begin, 60049);
    expect_hour(region, begin + HOUR, 0);
    for (uint64_t hour = 1; hour < 80; hour++) {
        for (uint64_t i = 0; i < 20; i++) /* from its first moment to its last, in no order */
            slow_at(region, begin + hour * HOUR + (i == 19 ? HOUR - 1 : i),
                    (2000 + hour * 10 + i * 7 % 20) * FIXTURE_MS);
        expect_hour(region, begin + hour * HOUR, 2000 + hour * 10 + 19);
        expect_hour(region, begin + (hour - 1) * HOUR,
                    hour == 1 ? 60049 : 2000 + (hour - 1) * 10 + 19);
        slow_at(region, begin + (hour - 1) * HOUR,
                1001 * FIXTURE_MS); /* late, and not among them */
        if (hour > 1)
            slow_at(region, begin + (hour - 2) * HOUR, 9000 * FIXTURE_MS); /* too late */
    }
    worst_of(longest, region, 0);
    for (uint32_t i = 0; i < SPY_WORST_CALLS; i++)
        assert_int_equal(longest[i], (60049 - i) * FIXTURE_MS);
    assert_int_equal(atomic_load(&region->slow_dropped), 0);
    free(region);
}

#define THREADS 16
#define CALLS   20000u

static pthread_barrier_t together;
static struct spy_region *shared;

/* Rising times, so that places are taken all the time, each time by one thread only. */
static void *rise(void *arg)
{
    uint64_t self = (uint64_t)(uintptr_t)arg;
    pthread_barrier_wait(&together);
    for (uint64_t i = 0; i < CALLS; i++)
        spy_slow_add(shared,
                     &(struct spy_sample){.op = 2,
                                          .dur_ns = 1000 * FIXTURE_MS + i * THREADS + self,
                                          .rows = 7 * (1000 * FIXTURE_MS + i * THREADS + self)},
                     NULL);
    return NULL;
}

static void the_longest_of_all_threads_stay(void **state)
{
    (void)state;
    pthread_t thread[THREADS];
    uint64_t end = 1000 * FIXTURE_MS + (uint64_t)CALLS * THREADS;
    shared = region_fixture();
    pthread_barrier_init(&together, NULL, THREADS);
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, rise, (void *)i), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    /* The times are exact whatever the threads did to each other. */
    const struct spy_worst *worst = spy_region_worst(shared, spy_region_op(shared, 2));
    uint64_t longest[SPY_WORST_CALLS];
    uint32_t older = 0;
    for (uint32_t i = 0; i < SPY_WORST_CALLS; i++) {
        const struct spy_slow_event *event = &worst->set[0].event[i];
        longest[i] = atomic_load(&worst->set[0].rank[i]);
        older += event->sample.dur_ns != longest[i];
        /* Events are whole, and none is shorter than what its place was given to it for. */
        assert_int_equal(event->seq % 2, 0);
        assert_true(event->sample.dur_ns <= longest[i]);
        assert_int_equal(event->sample.rows, 7 * event->sample.dur_ns);
    }
    qsort(longest, SPY_WORST_CALLS, sizeof(longest[0]), descending);
    for (uint32_t i = 0; i < SPY_WORST_CALLS; i++)
        assert_int_equal(longest[i], end - 1 - i);
    /* One whose place was still being written by a thread without a processor was counted. */
    assert_true(older <= atomic_load(&shared->slow_dropped));
    pthread_barrier_destroy(&together);
    free(shared);
}

/* A thread that was killed or jumped away while it wrote leaves its place odd. */
static void a_torn_place_holds_nobody_up(void **state)
{
    (void)state;
    struct spy_region *region = region_fixture();
    slow(region, 1000 * FIXTURE_MS);
    struct spy_worst_set *set = spy_region_worst(region, spy_region_op(region, 2))->set;
    uint32_t torn = set->rank[0] != 0 ? 0 : 1;
    assert_int_equal(set->event[torn].seq, 2);
    set->event[torn].seq = 3;
    for (uint64_t i = 1; i <= SPY_WORST_CALLS; i++)
        slow(region, (1000 + i) * FIXTURE_MS);
    assert_int_equal(set->event[torn].seq, 3);
    assert_int_equal(set->rank[torn], (1000 + SPY_WORST_CALLS) * FIXTURE_MS);
    assert_int_equal(atomic_load(&region->slow_dropped), 1);
    free(region);
}

static void counts_come_before_the_worst(void **state)
{
    (void)state;
    struct spy_region *region = region_fixture();
    slow(region, 1);
    atomic_store(&region->arena_used, SPY_ARENA_CHUNKS / 4 * 3 - SPY_WORST_CHUNKS + 1);
    slow(region, 1000 * FIXTURE_MS);
    assert_null(spy_region_worst(region, spy_region_op(region, 2)));
    assert_int_equal(slow_event(region, 0)->sample.dur_ns, 1000 * FIXTURE_MS);
    free(region);
}

int main(void)
{
    spy_process->pid = getpid();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slow_and_failed_calls_are_kept),
        cmocka_unit_test(a_flood_of_failures_leaves_the_slow),
        cmocka_unit_test(the_longest_stay),
        cmocka_unit_test(a_bad_minute_does_not_hide_the_worst_of_now),
        cmocka_unit_test(the_longest_of_all_threads_stay),
        cmocka_unit_test(a_torn_place_holds_nobody_up),
        cmocka_unit_test(counts_come_before_the_worst),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
