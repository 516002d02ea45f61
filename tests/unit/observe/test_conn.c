/* SPDX-License-Identifier: MIT */
/*
 * The tables of connections and of prepared statements.
 */
#include "observe/conn.h"
#include "observe/prepared.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const PGconn *address(uintptr_t n)
{
    return (const PGconn *)(0x550000000000 + n * 1040);
}

static void rows_are_found_by_address(void **state)
{
    (void)state;
    static struct spy_libpq pq;
    assert_null(spy_conn_find(address(1)));
    struct spy_conn *row = spy_conn_add(address(1), &pq);
    assert_ptr_equal(spy_conn_find(address(1)), row);
    assert_ptr_equal(row->pq, &pq);
    assert_null(spy_conn_find(address(2)));
    assert_null(spy_conn_find(NULL)); /* not a free row */
    spy_conn_remove(address(1));
    assert_null(spy_conn_find(address(1)));
}

/* An address that was never finished and comes again is another connection. */
static void an_address_that_comes_again_is_new(void **state)
{
    (void)state;
    uint64_t first = spy_conn_add(address(1), NULL)->serial;
    struct spy_conn *again = spy_conn_add(address(1), NULL);
    assert_true(again->serial != first);
    spy_conn_remove(address(1));
    assert_null(spy_conn_find(address(1)));
}

static void half_a_table_always_fits_and_churn_leaves_no_traces(void **state)
{
    (void)state;
    for (int round = 0; round < 50; round++) {
        uintptr_t base = (uintptr_t)rand() % 100000;
        for (uintptr_t i = 0; i < SPY_CONNS_MAX / 2; i++)
            assert_non_null(spy_conn_add(address(base + i), NULL));
        for (uintptr_t i = 0; i < SPY_CONNS_MAX / 2; i++)
            spy_conn_remove(address(base + i));
    }
    for (uintptr_t i = 0; i < 200000; i++)
        assert_null(spy_conn_find(address(i)));
}

static void *remove_and_add(void *pq)
{
    spy_conn_remove(address(1));
    return spy_conn_add(address(2), pq);
}

/* A thread remembers which connection it asked for last. Meanwhile that may be finished by another,
 * and its row another's. */
static void what_a_thread_remembers_may_be_gone(void **state)
{
    (void)state;
    static struct spy_libpq pq;
    pthread_t thread;
    struct spy_conn *row = spy_conn_add(address(1), NULL);
    assert_ptr_equal(spy_conn_find(address(1)), row);
    assert_ptr_equal(spy_conn_find(address(1)), row);
    pthread_create(&thread, NULL, remove_and_add, &pq);
    pthread_join(thread, NULL);
    assert_null(spy_conn_find(address(1)));
    assert_ptr_equal(spy_conn_find(address(2))->pq, &pq);
    spy_conn_remove(address(2));
}

static void a_full_table_refuses_and_forgets_nobody(void **state)
{
    (void)state;
    uintptr_t added = 0;
    while (added < 2 * SPY_CONNS_MAX && spy_conn_add(address(added), NULL) != NULL)
        added++;
    assert_in_range(added, SPY_CONNS_MAX / 2, SPY_CONNS_MAX);
    for (uintptr_t i = 0; i < added; i++)
        assert_non_null(spy_conn_find(address(i)));
    for (uintptr_t i = 0; i < added; i++)
        spy_conn_remove(address(i));
}

static void names_belong_to_their_connection(void **state)
{
    (void)state;
    spy_stmt stmt;
    spy_prepared_put(spy_prepared_key(1, "get", strlen("get")), NULL, 7, 0);
    spy_prepared_put(spy_prepared_key(2, "get", strlen("get")), NULL, 8, 0);
    spy_prepared_put(spy_prepared_key(1, "", strlen("")), NULL, 9, 0);
    assert_true(spy_prepared_get(spy_prepared_key(1, "get", strlen("get")), NULL, &stmt) &&
                stmt == 7);
    assert_true(spy_prepared_get(spy_prepared_key(2, "get", strlen("get")), NULL, &stmt) &&
                stmt == 8);
    assert_true(spy_prepared_get(spy_prepared_key(1, "", strlen("")), NULL, &stmt) && stmt == 9);
    assert_false(spy_prepared_get(spy_prepared_key(3, "get", strlen("get")), NULL, &stmt));
    spy_prepared_put(spy_prepared_key(1, "get", strlen("get")), NULL, 10, 0);
    assert_true(spy_prepared_get(spy_prepared_key(1, "get", strlen("get")), NULL, &stmt) &&
                stmt == 10);
}

/* Far more names than places: what is found is right, what is not was forgotten. */
static void a_full_cache_never_lies(void **state)
{
    (void)state;
    char name[32];
    int found = 0;
    for (spy_stmt i = 0; i < 60000; i++) {
        snprintf(name, sizeof(name), "s%u", i);
        spy_prepared_put(spy_prepared_key(5, name, strlen(name)), NULL, i % SPY_STMTS_MAX, 0);
    }
    for (spy_stmt i = 0; i < 60000; i++) {
        spy_stmt stmt;
        snprintf(name, sizeof(name), "s%u", i);
        if (spy_prepared_get(spy_prepared_key(5, name, strlen(name)), NULL, &stmt)) {
            assert_int_equal(stmt, i % SPY_STMTS_MAX);
            found++;
        }
    }
    assert_in_range(found, 10000, 16384);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_found_by_address),
        cmocka_unit_test(an_address_that_comes_again_is_new),
        cmocka_unit_test(half_a_table_always_fits_and_churn_leaves_no_traces),
        cmocka_unit_test(what_a_thread_remembers_may_be_gone),
        cmocka_unit_test(a_full_table_refuses_and_forgets_nobody),
        cmocka_unit_test(names_belong_to_their_connection),
        cmocka_unit_test(a_full_cache_never_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
