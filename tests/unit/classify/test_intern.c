/* SPDX-License-Identifier: MIT */
/*
 * Interning: one row for one key, whoever asks at the same time; rows of lost races are not lost;
 * a full table says so.
 */
#include "classify/intern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <string.h>

#define MAX     2048u
#define THREADS 8u

struct table {
    _Atomic uint32_t used;
    struct spy_intern intern;
    uint64_t content[MAX + THREADS]; /* plain: only the protocol protects it */
};

static struct table table;

static void open_table(uint32_t max)
{
    memset(&table, 0, sizeof(table));
    atomic_store(&table.used, 1);
    assert_true(spy_intern_open(&table.intern, &table.used, max));
}

static uint64_t spread(uint64_t n)
{
    n = (n + 1) * 0x9E3779B97F4A7C15ull;
    return (n ^ n >> 32) * 0xD6E8FEB86659FD93ull;
}

static uint32_t intern(uint64_t key)
{
    uint32_t row = spy_intern_find(&table.intern, key);
    if (row != 0)
        return row;
    row = spy_intern_take(&table.intern);
    if (row == 0)
        return 0;
    table.content[row] = key;
    return spy_intern_publish(&table.intern, key, row);
}

static void test_rows(void **state)
{
    (void)state;
    open_table(MAX);
    assert_int_equal(spy_intern_find(&table.intern, 7), 0);
    for (uint64_t n = 0; n < MAX - 1; n++)
        assert_int_equal(intern(spread(n)), n + 1);
    for (uint64_t n = 0; n < MAX - 1; n++)
        assert_int_equal(spy_intern_find(&table.intern, spread(n)), n + 1);
    for (int i = 0; i < 10; i++)
        assert_int_equal(intern(spread(MAX + 1)), 0);
    assert_int_equal(atomic_load(&table.used), MAX); /* does not run on while full */
    spy_intern_close(&table.intern);
}

/* Keys that want the same slots: probing goes on, also around the end. */
static void test_colliding_slots(void **state)
{
    (void)state;
    open_table(64);
    for (uint64_t n = 1; n < 64; n++)
        assert_int_equal(intern(n << 20 | 0xFFFE), n);
    for (uint64_t n = 1; n < 64; n++)
        assert_int_equal(spy_intern_find(&table.intern, n << 20 | 0xFFFE), n);
    spy_intern_close(&table.intern);
}

static void test_lost_race_gives_back(void **state)
{
    (void)state;
    open_table(MAX);
    uint32_t first = spy_intern_take(&table.intern), second = spy_intern_take(&table.intern);
    assert_int_equal(spy_intern_publish(&table.intern, 99ull << 20, first), first);
    assert_int_equal(spy_intern_publish(&table.intern, 99ull << 20, second), first);
    assert_int_equal(spy_intern_take(&table.intern), second);
    assert_int_equal(spy_intern_take(&table.intern), second + 1);
    spy_intern_close(&table.intern);
}

static pthread_barrier_t start;
static uint32_t rows[THREADS][MAX];

static void *race(void *arg)
{
    uint32_t *mine = arg;
    pthread_barrier_wait(&start);
    for (uint64_t n = 0; n < MAX - 1; n++) {
        mine[n] = intern(spread(n));
        if (mine[n] == 0 || table.content[mine[n]] != spread(n))
            return arg; /* a row nobody filled, or another key's */
    }
    return NULL;
}

/* Every key of a table that holds exactly all of them: a leaked row would make one fail. */
static void test_races(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        pthread_t thread[THREADS];
        open_table(MAX + THREADS);
        pthread_barrier_init(&start, NULL, THREADS);
        for (unsigned t = 0; t < THREADS; t++)
            assert_int_equal(pthread_create(&thread[t], NULL, race, rows[t]), 0);
        for (unsigned t = 0; t < THREADS; t++) {
            void *failed;
            pthread_join(thread[t], &failed);
            assert_null(failed);
        }
        for (unsigned t = 1; t < THREADS; t++)
            assert_memory_equal(rows[t], rows[0], (MAX - 1) * sizeof(rows[0][0]));
        assert_in_range(atomic_load(&table.used), MAX, MAX + THREADS);
        pthread_barrier_destroy(&start);
        spy_intern_close(&table.intern);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_colliding_slots),
        cmocka_unit_test(test_lost_race_gives_back),
        cmocka_unit_test(test_races),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
