/* SPDX-License-Identifier: MIT */
/*
 * Rows of open requests and connections: taken and freed by many threads, the counts by which the
 * only request is known, full tables, and shards that do not belong to one thread alone.
 */
#include "../region_fixture.h"

#include "record/open.h"
#include "record/shard.h"
#include "runtime/process.h"
#include "runtime/thread.h"

#include <pthread.h>
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
    free(region);
    return 0;
}

static uint64_t full(void)
{
    return atomic_load(&region->self[SPY_SELF_OPEN_FULL]);
}

static uint32_t only_one(void)
{
    return spy_open_only(atomic_load(&region->open));
}

/* Nothing is open: no count, no row. */
static void assert_nothing_open(void)
{
    assert_int_equal(atomic_load(&region->open), 0);
    for (uint32_t i = 0; i < SPY_SHARDS_ALL; i++)
        assert_int_equal(atomic_load(&spy_region_shard(region, i)->open), 0);
    for (uint32_t i = 0; i < SPY_OPEN_REQUESTS; i++)
        assert_int_equal(atomic_load(&spy_open_request_at(region, i)->taken), 0);
}

/* ---- one thread ----------------------------------------------------------------------------- */

static void the_only_request_is_named(void **state)
{
    (void)state;
    assert_int_equal(only_one(), SPY_OPEN_NO_ROW);
    assert_int_equal(spy_open_own(region), SPY_OPEN_NO_ROW);
    uint32_t a = spy_open_request(region, 3, 100);
    assert_in_range(a, 0, SPY_OPEN_REQUESTS - 1);
    assert_int_equal(only_one(), a);
    assert_int_equal(spy_open_own(region), a);
    uint32_t b = spy_open_request(region, 3, 200);
    assert_int_not_equal(a, b);
    assert_int_equal(only_one(), SPY_OPEN_NO_ROW);
    assert_int_equal(spy_open_own(region), SPY_OPEN_NO_ROW);
    spy_close_request(region, a);
    assert_int_equal(only_one(), b);
    assert_int_equal(spy_open_own(region), b);
    spy_close_request(region, b);
    assert_nothing_open();
    spy_close_request(region, b); /* in a fork's child: nothing is open there */
    assert_nothing_open();
}

static void a_row_is_new_each_time(void **state)
{
    (void)state;
    uint32_t row = spy_open_request(region, 3, 100);
    struct spy_open_request *r = spy_open_request_at(region, row);
    assert_int_equal(atomic_load(&r->taken), 2);
    assert_int_equal(atomic_load(&r->op), 3);
    assert_int_equal(atomic_load(&r->begin_ns), 100);
    assert_int_equal(atomic_load(&r->tid), spy_thread.tid);
    atomic_store(&r->queries, 9);
    atomic_store(&r->db_wait_ns, 9);
    atomic_store(&r->db_rows_ns, 9);
    atomic_store(&r->stalled_ns, 9);
    for (int i = 0; i < 3; i++) {
        atomic_store(&r->tally[i].op, 5);
        atomic_store(&r->tally[i].calls, 9);
        atomic_store(&r->tally[i].ns, 9);
    }
    spy_close_request(region, row);
    assert_int_equal(spy_open_request(region, 1, 200), row); /* the same place, still warm */
    assert_int_equal(atomic_load(&r->op), 1);
    assert_int_equal(atomic_load(&r->begin_ns), 200);
    assert_int_equal(r->queries + r->db_wait_ns + r->db_rows_ns + r->stalled_ns, 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(r->tally[i].op + r->tally[i].calls + r->tally[i].ns, 0);
    spy_close_request(region, row);
}

/* One thread that has many requests open at a time finds room for them: its rows are not all
 * looked for in one place. */
static void an_event_loop_has_room(void **state)
{
    (void)state;
    static uint32_t row[SPY_OPEN_REQUESTS / 4];
    static bool seen[SPY_OPEN_REQUESTS];
    memset(seen, 0, sizeof(seen));
    for (uint32_t i = 0; i < SPY_OPEN_REQUESTS / 4; i++) {
        row[i] = spy_open_request(region, 3, 100);
        assert_in_range(row[i], 0, SPY_OPEN_REQUESTS - 1);
        assert_false(seen[row[i]]);
        seen[row[i]] = true;
    }
    assert_int_equal(full(), 0);
    assert_int_equal(atomic_load(&region->open) >> 40, SPY_OPEN_REQUESTS / 4);
    for (uint32_t i = 0; i < SPY_OPEN_REQUESTS / 4; i++)
        spy_close_request(region, row[i]);
    assert_nothing_open();
}

static void a_full_table_of_requests_says_so(void **state)
{
    (void)state;
    uint32_t opened = 0, first = spy_open_request(region, 3, 100), refused = 0;
    for (; refused < 1000; opened += 1)
        refused += spy_open_request(region, 3, 100) == SPY_OPEN_NO_ROW;
    assert_int_equal(full(), refused);
    assert_int_equal(atomic_load(&region->open) >> 40, 1 + opened - refused);
    assert_true(1 + opened - refused > SPY_OPEN_REQUESTS / 2);
    uint64_t before = atomic_load(&region->open);
    spy_close_request(region, SPY_OPEN_NO_ROW); /* what a refused one gets to close */
    assert_int_equal(atomic_load(&region->open), before);
    spy_close_request(region, first);
    for (uint32_t i = 0; i < SPY_OPEN_REQUESTS; i++)
        if (atomic_load(&spy_open_request_at(region, i)->taken) != 0)
            spy_close_request(region, i);
    assert_nothing_open();
}

/* ---- threads -------------------------------------------------------------------------------- */

#define THREADS 72 /* more than there are shards */
#define TURNS   30000

static pthread_barrier_t together;
static _Atomic uint32_t wrong;
static _Atomic uint32_t letter; /* row, plus 1, of a request that any thread may close */

/* A request that one thread opened, another closes. */
static void pass_on(uint32_t row)
{
    uint32_t other = atomic_exchange(&letter, row + 1);
    if (other != 0)
        spy_close_request(region, other - 1);
}

static void *churn(void *arg)
{
    uint32_t mark = 1000 + (uint32_t)(uintptr_t)arg;
    pthread_barrier_wait(&together);
    for (uint32_t i = 0; i < TURNS; i++) {
        uint32_t row = spy_open_request(region, mark, i + 1);
        if (row == SPY_OPEN_NO_ROW)
            continue;
        struct spy_open_request *r = spy_open_request_at(region, row);
        uint32_t own = spy_open_own(region);
        /* What it passed on may be open still: then there is no one answer. */
        wrong += own != row && own != SPY_OPEN_NO_ROW;
        wrong += atomic_load(&r->op) != mark || atomic_load(&r->begin_ns) != i + 1;
        if (i % 3 == 0)
            pass_on(row);
        else
            spy_close_request(region, row);
    }
    pthread_barrier_wait(&together); /* all alive at once: shards run short */
    return NULL;
}

/* In a table that is nearly full, so that threads come together at the few rows there are. */
static void counts_are_right_after_churn(void **state)
{
    (void)state;
    pthread_t thread[THREADS];
    for (uint32_t i = 0; i < SPY_OPEN_REQUESTS; i++)
        atomic_store(&spy_open_request_at(region, i)->taken, i % 64 != 0);
    pthread_barrier_init(&together, NULL, THREADS);
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, churn, (void *)i), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    pthread_barrier_destroy(&together);
    if (letter != 0)
        spy_close_request(region, atomic_exchange(&letter, 0) - 1);
    assert_int_equal(wrong, 0);
    for (uint32_t i = 0; i < SPY_OPEN_REQUESTS; i++)
        if (i % 64 != 0)
            atomic_store(&spy_open_request_at(region, i)->taken, 0);
    assert_nothing_open();
}

static void *open_one(void *row)
{
    *(uint32_t *)row = spy_open_request(region, 3, 100);
    return NULL;
}

static void *own_of_thread(void *row)
{
    *(uint32_t *)row = spy_open_own(region);
    return NULL;
}

static uint32_t in_a_thread(void *(*function)(void *))
{
    pthread_t thread;
    uint32_t row;
    assert_int_equal(pthread_create(&thread, NULL, function, &row), 0);
    pthread_join(thread, NULL);
    return row;
}

/* Whoever counts in a shard, it is not told another thread's request for its own. */
static void another_threads_request_is_never_ones_own(void **state)
{
    (void)state;
    (void)spy_open_own(region); /* this thread, which stays alive, owns the first shard */
    uint32_t owner = atomic_load(&spy_region_shard(region, 0)->owner);
    for (uint32_t i = 1; i < SPY_SHARDS; i++)
        atomic_store(&spy_region_shard(region, i)->owner, owner);
    atomic_store(&region->shards_used, SPY_SHARDS);
    uint32_t row = in_a_thread(open_one); /* in the shared shard */
    assert_in_range(row, 0, SPY_OPEN_REQUESTS - 1);
    assert_int_equal(spy_open_only(spy_region_shard(region, SPY_SHARD_SHARED)->open), row);
    assert_int_equal(in_a_thread(own_of_thread), SPY_OPEN_NO_ROW);
    spy_close_request(region, row);

    atomic_store(&spy_region_shard(region, 7)->owner, 0);
    row = in_a_thread(open_one); /* in a shard of its own, which it leaves behind with a request */
    assert_int_equal(spy_open_only(spy_region_shard(region, 7)->open), row);
    uint32_t left_by = atomic_load(&spy_region_shard(region, 7)->owner);
    assert_int_equal(in_a_thread(own_of_thread), SPY_OPEN_NO_ROW);
    assert_int_not_equal(atomic_load(&spy_region_shard(region, 7)->owner), left_by);
    spy_close_request(region, row);
    assert_nothing_open();
}

/* ---- connections ---------------------------------------------------------------------------- */

static void a_connections_row_is_all_zero(void **state)
{
    (void)state;
    uint32_t row = spy_open_conn(region);
    struct spy_open_conn *c = spy_open_conn_at(region, row);
    atomic_store(&c->phase, SPY_PHASE_ROWS);
    atomic_store(&c->transaction_ns, 9);
    atomic_store(&c->queued, 9);
    spy_close_conn(region, row);
    assert_int_equal(atomic_load(&c->taken), 0);
    assert_int_equal(spy_open_conn(region), row);
    assert_int_equal(atomic_load(&c->taken), 2);
    assert_int_equal(c->phase + c->transaction_ns + c->queued, 0);
}

static void every_connection_has_a_row(void **state)
{
    (void)state;
    static bool seen[SPY_OPEN_CONNS];
    for (uint32_t i = 0; i < SPY_OPEN_CONNS; i++) {
        uint32_t row = spy_open_conn(region);
        assert_in_range(row, 0, SPY_OPEN_CONNS - 1);
        assert_false(seen[row]);
        seen[row] = true;
    }
    assert_int_equal(full(), 0);
    assert_int_equal(spy_open_conn(region), SPY_OPEN_NO_ROW);
    assert_int_equal(full(), 1);
    spy_close_conn(region, SPY_OPEN_NO_ROW);
    spy_close_conn(region, 17);
    assert_int_equal(spy_open_conn(region), 17);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    spy_process->pid = getpid();
    const struct CMUnitTest tests[] = {
        TEST(the_only_request_is_named),     TEST(a_row_is_new_each_time),
        TEST(an_event_loop_has_room),        TEST(a_full_table_of_requests_says_so),
        TEST(counts_are_right_after_churn),  TEST(another_threads_request_is_never_ones_own),
        TEST(a_connections_row_is_all_zero), TEST(every_connection_has_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
