/* SPDX-License-Identifier: MIT */
/*
 * The table of TLS sessions: found again, freed, used anew, full.
 */
#include "observe/session.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct spy_copy copy, other;

/* As malloc gives them. */
static const void *session_at(uintptr_t number)
{
    return (const void *)(0x555500000000u + number * 6208);
}

static void a_session_is_found_until_it_is_removed(void **state)
{
    (void)state;
    assert_null(spy_session_find(session_at(1)));
    spy_session_remove(session_at(1));
    struct spy_session *row = spy_session_add(session_at(1), &copy);
    assert_non_null(row);
    assert_ptr_equal(row->copy, &copy);
    assert_int_equal(row->side, SPY_SESSION_UNKNOWN);
    row->handle = 7;
    assert_ptr_equal(spy_session_find(session_at(1)), row);
    assert_null(spy_session_find(session_at(2)));
    assert_null(spy_session_find(NULL));
    spy_session_remove(session_at(1));
    assert_null(spy_session_find(session_at(1)));
}

static void adding_again_gives_the_same_row(void **state)
{
    (void)state;
    struct spy_session *row = spy_session_add(session_at(1), &copy);
    row->handle = 7;
    assert_ptr_equal(spy_session_add(session_at(1), &other), row);
    assert_int_equal(row->handle, 7);
    spy_session_remove(session_at(1));
    row = spy_session_add(session_at(1), &other); /* the address was used anew */
    assert_int_equal(row->handle, 0);
    assert_ptr_equal(row->copy, &other);
    spy_session_remove(session_at(1));
}

static void a_hundred_thousand_fit(void **state)
{
    (void)state;
    uintptr_t added = 0;
    while (added < 100000 && spy_session_add(session_at(added), &copy) != NULL)
        added++;
    assert_int_equal(added, 100000);
    for (uintptr_t i = 0; i < added; i++)
        spy_session_find(session_at(i))->handle = i;
    for (uintptr_t i = 0; i < added; i++)
        assert_int_equal(spy_session_find(session_at(i))->handle, i);
    while (spy_session_add(session_at(added), &copy) != NULL)
        added++;
    assert_true(added < SPY_SESSIONS_MAX);
    assert_null(spy_session_find(session_at(added))); /* refused, not put in another's place */
    for (uintptr_t i = 0; i < added; i++)
        spy_session_remove(session_at(i));
    assert_non_null(spy_session_add(session_at(added), &copy));
    spy_session_remove(session_at(added));
}

#define ROUNDS 20000

static void *churn(void *arg)
{
    uintptr_t first = *(const uintptr_t *)arg;
    size_t wrong = 0;
    for (uintptr_t i = 0; i < ROUNDS; i++) {
        const void *address = session_at(first + i % 64);
        struct spy_session *row = spy_session_add(address, &copy);
        wrong += row == NULL || row->handle != 0;
        if (row == NULL)
            continue;
        row->handle = first;
        wrong += spy_session_find(address) != row || row->handle != first;
        spy_session_remove(address);
    }
    return (void *)wrong;
}

static void threads_do_not_disturb_each_other(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    pthread_t thread[THREADS];
    uintptr_t first[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++) {
        first[i] = 1000 * (i + 1);
        assert_int_equal(pthread_create(&thread[i], NULL, churn, &first[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        pthread_join(thread[i], &wrong);
        assert_null(wrong);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_is_found_until_it_is_removed),
        cmocka_unit_test(adding_again_gives_the_same_row),
        cmocka_unit_test(a_hundred_thousand_fit),
        cmocka_unit_test(threads_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
