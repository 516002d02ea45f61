/* SPDX-License-Identifier: MIT */
/*
 * Repeated statements: what a request counts, when it is too much, who may, and the table of what
 * was found, also when many threads come at once.
 */
#include "../region_fixture.h"

#include "record/repeat.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define CALLS 5u
#define TIME  (50 * FIXTURE_MS)
#define SHARE 300000u /* 30 % */
#define HTTP  3u
#define DAY   (86400ull * 1000 * FIXTURE_MS)

static struct spy_region *region;
static struct spy_open_request request;

static int setup(void **state)
{
    (void)state;
    region = region_fixture();
    region->repeats_calls = CALLS;
    region->repeats_ns = TIME;
    region->repeats_share_ppm = SHARE;
    memset(&request, 0, sizeof(request));
    atomic_store(&request.op, HTTP);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(region);
    return 0;
}

static const void *site(uintptr_t address)
{
    return (const void *)address; /* never read */
}

/* COUNT calls of OP, which took NS together. */
static void call(uint32_t op, uint32_t count, uint64_t ns)
{
    for (uint32_t i = 0; i < count; i++) {
        atomic_fetch_add(&request.queries, 1); /* as the caller does */
        spy_repeats_tally(&request, op, i == 0 ? ns - ns / count * (count - 1) : ns / count,
                          site(1000 + op));
    }
}

static const struct spy_tally *tally_of(uint32_t op)
{
    for (uint32_t i = 0; i < SPY_TALLIES; i++)
        if (atomic_load(&request.tally[i].op) == op + 1)
            return &request.tally[i];
    return NULL;
}

static struct spy_repeat *row(uint32_t i)
{
    return (struct spy_repeat *)spy_region_section(region, SPY_SECTION_REPEATS) + i;
}

/* Does a request that took DUR_NS, and called one statement so often and so long, repeat it? */
static bool repeats(uint32_t count, uint64_t ns, uint64_t dur_ns)
{
    memset(row(0), 0, sizeof(*row(0)));
    memset(request.tally, 0, sizeof(request.tally));
    call(2, count, ns);
    spy_repeats_note(region, &request, dur_ns);
    return row(0)->key != 0;
}

static void thresholds(void **state)
{
    (void)state;
    assert_true(repeats(CALLS, TIME + 1, DAY));
    assert_false(repeats(CALLS, TIME, DAY)); /* more than, not as much as */
    assert_false(repeats(CALLS - 1, 10 * TIME, 10 * TIME));
    assert_false(repeats(CALLS, 3 * FIXTURE_MS, 10 * FIXTURE_MS));
    assert_true(repeats(CALLS, 3 * FIXTURE_MS + 1, 10 * FIXTURE_MS));
    assert_true(repeats(1000, 1000, 1000));
    assert_false(repeats(1000, 0, 0));
    /* A response that goes on for days, such as a stream of events, has asked a little now and
     * then. */
    assert_false(repeats(1000, 20 * FIXTURE_MS, 2 * DAY));
    region->repeats_ns = UINT64_MAX;
    assert_true(repeats(1000, DAY, 2 * DAY));
    assert_false(repeats(1000, DAY, 4 * DAY));
    region->repeats_ns = TIME;
    region->repeats_calls = 2;
    assert_true(repeats(2, TIME + 1, DAY));
}

static void what_may_repeat_is_not_accused(void **state)
{
    (void)state;
    spy_region_op(region, 2)->may_repeat = 1;
    assert_false(repeats(100, TIME + 1, DAY));
    spy_region_op(region, 2)->may_repeat = 0;
    assert_true(repeats(100, TIME + 1, DAY));
}

/* Each call has rows of its own. */
static void cursors_that_are_read_on_are_not_accused(void **state)
{
    static const char *const texts[] = {"fetch forward ? from c", "move ? in c", "fetched"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        spy_region_op(region, 2)->text =
            spy_region_text_add(region, texts[i], (uint32_t)strlen(texts[i]));
        assert_int_equal(repeats(100, TIME + 1, DAY), i == 2);
    }
}

static void a_clean_request_leaves_nothing(void **state)
{
    (void)state;
    spy_repeats_note(region, &request, DAY);
    for (uint32_t op = 10; op < 10 + SPY_TALLIES; op++)
        call(op, 1, TIME);
    spy_repeats_note(region, &request, TIME);
    assert_int_equal(row(0)->key, 0);
}

static void a_finding_tells_all(void **state)
{
    (void)state;
    call(2, 7, 70 * FIXTURE_MS);
    call(10, 1, FIXTURE_MS);
    call(11, 6, 60 * FIXTURE_MS);
    spy_repeats_note(region, &request, 200 * FIXTURE_MS);
    memset(request.tally, 0, sizeof(request.tally));
    call(2, 9, 90 * FIXTURE_MS);
    spy_repeats_note(region, &request, 200 * FIXTURE_MS);
    assert_int_equal(row(0)->key, (uint64_t)HTTP << 32 | (2 + 1));
    assert_int_equal(row(0)->requests, 2);
    assert_int_equal(row(0)->calls, 16);
    assert_int_equal(row(0)->most, 9);
    assert_int_equal(row(0)->ns, 160 * FIXTURE_MS);
    assert_int_equal(row(0)->site, 1002);
    assert_int_equal(row(1)->key, (uint64_t)HTTP << 32 | (11 + 1));
    assert_int_equal(row(1)->calls, 6);
    assert_int_equal(row(1)->most, 6);
    atomic_store(&request.op, 1); /* the same statement in another operation is another finding */
    spy_repeats_note(region, &request, 200 * FIXTURE_MS);
    assert_int_equal(row(2)->key, (uint64_t)1 << 32 | (2 + 1));
    assert_int_equal(row(2)->most, 9);
    assert_int_equal(row(3)->key, 0);
}

/* ---- more statements than tallies ----------------------------------------------------------- */

static void a_late_statement_is_found(void **state)
{
    (void)state;
    for (uint32_t op = 10; op < 10 + SPY_TALLIES; op++)
        call(op, 1, FIXTURE_MS);
    call(2, 20, 100 * FIXTURE_MS);
    assert_non_null(tally_of(2));
    assert_int_equal(tally_of(2)->calls, 20);
    assert_int_equal(tally_of(2)->ns, 100 * FIXTURE_MS);
    assert_int_equal(tally_of(2)->site, 1002);
}

static void late_statements_that_alternate_are_found(void **state)
{
    (void)state;
    for (uint32_t op = 10; op < 10 + SPY_TALLIES; op++)
        call(op, op < 16 ? 2 : 1, FIXTURE_MS); /* two places can be had */
    for (int i = 0; i < 20; i++) {
        call(2, 1, FIXTURE_MS);
        call(5, 1, FIXTURE_MS);
    }
    assert_non_null(tally_of(2));
    assert_non_null(tally_of(5));
    assert_true(tally_of(2)->calls >= 19);
    assert_true(tally_of(5)->calls >= 19);
}

static void what_was_repeated_keeps_its_place(void **state)
{
    (void)state;
    for (uint32_t op = 10; op < 10 + SPY_TALLIES; op++)
        call(op, 2, FIXTURE_MS);
    call(2, 20, 100 * FIXTURE_MS);
    assert_null(tally_of(2));
    for (uint32_t op = 10; op < 10 + SPY_TALLIES; op++)
        assert_int_equal(tally_of(op)->calls, 2);
}

/* ---- the table ------------------------------------------------------------------------------ */

static void note(uint32_t statement)
{
    memset(request.tally, 0, sizeof(request.tally));
    call(statement, CALLS, 10 * TIME);
    spy_repeats_note(region, &request, DAY);
}

static void a_full_table_says_so(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < SPY_REPEATS; i++)
        note(100 + i);
    assert_int_equal(region->self[SPY_SELF_REPEATS_FULL], 0);
    note(99);
    note(99);
    assert_int_equal(region->self[SPY_SELF_REPEATS_FULL], 2);
    note(100 + SPY_REPEATS - 1); /* known: goes on */
    assert_int_equal(row(SPY_REPEATS - 1)->requests, 2);
    assert_int_equal(region->self[SPY_SELF_REPEATS_FULL], 2);
}

#define THREADS 8
#define TURNS   200000u

static pthread_barrier_t together;

static void *tally_and_note(void *arg)
{
    static struct spy_open_request others[THREADS];
    struct spy_open_request *own = &others[(uintptr_t)arg];
    atomic_store(&own->op, HTTP);
    for (uint32_t i = 0; i < CALLS + (uintptr_t)arg; i++)
        spy_repeats_tally(own, 50 + (uint32_t)(uintptr_t)arg % 2, TIME, site(7));
    pthread_barrier_wait(&together);
    for (uint32_t i = 0; i < TURNS; i++) {
        spy_repeats_tally(&request, 100 + i % SPY_TALLIES, 3, site(7));
        if (i % 10 == 0)
            spy_repeats_note(region, own, DAY);
    }
    return NULL;
}

/* Statements of one request by many threads, and findings of many requests at once. */
static void threads_lose_nothing(void **state)
{
    (void)state;
    pthread_t thread[THREADS];
    pthread_barrier_init(&together, NULL, THREADS);
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, tally_and_note, (void *)i), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    pthread_barrier_destroy(&together);
    for (uint32_t op = 100; op < 100 + SPY_TALLIES; op++) {
        assert_non_null(tally_of(op));
        assert_int_equal(tally_of(op)->calls, THREADS * TURNS / SPY_TALLIES);
        assert_int_equal(tally_of(op)->ns, 3ull * THREADS * TURNS / SPY_TALLIES);
        assert_int_equal(tally_of(op)->site, 7);
    }
    uint32_t calls[2] = {0}, most[2] = {0};
    for (uint32_t i = 0; i < THREADS; i++) {
        calls[i % 2] += (CALLS + i) * (TURNS / 10);
        most[i % 2] = CALLS + i;
    }
    for (uint32_t i = 0; i < 2; i++) { /* in the order in which they came */
        uint32_t which = (uint32_t)row(i)->key - 1 - 50;
        assert_in_range(which, 0, 1);
        assert_int_equal(row(i)->requests, THREADS / 2 * (TURNS / 10));
        assert_int_equal(row(i)->calls, calls[which]);
        assert_int_equal(row(i)->most, most[which]);
    }
    assert_int_not_equal(row(0)->key, row(1)->key);
    assert_int_equal(row(2)->key, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(thresholds),
        TEST(what_may_repeat_is_not_accused),
        TEST(cursors_that_are_read_on_are_not_accused),
        TEST(a_clean_request_leaves_nothing),
        TEST(a_finding_tells_all),
        TEST(a_late_statement_is_found),
        TEST(late_statements_that_alternate_are_found),
        TEST(what_was_repeated_keeps_its_place),
        TEST(a_full_table_says_so),
        TEST(threads_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
