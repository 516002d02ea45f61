/* SPDX-License-Identifier: MIT */
/*
 * Statements in flight: the queue of a connection, the pool behind all of them, and what becomes of
 * those that find no room.
 */
#include "observe/flight.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct spy_flight numbered(uint32_t n)
{
    return (struct spy_flight){.kind = SPY_FLIGHT_STATEMENT, .op = n, .begin_ns = n + 1};
}

/* Appends flight N; false where it is lost. */
static bool push(struct spy_flights *flights, uint32_t n)
{
    struct spy_flight flight = numbered(n);
    return spy_flights_push(flights, &flight) != NULL;
}

static uint32_t pop(struct spy_flights *flights)
{
    uint32_t n = flights->head->op;
    spy_flights_pop(flights);
    return n;
}

static void first_in_first_out(void **state)
{
    (void)state;
    struct spy_flights flights = {0};
    uint32_t in = 0, out = 0;
    assert_false(spy_flights_any(&flights));
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 1 + round % 7; i++)
            assert_true(push(&flights, in++));
        assert_true(spy_flights_any(&flights));
        assert_int_equal(flights.count, in - out);
        while (in - out > (uint32_t)round % 4)
            assert_int_equal(pop(&flights), out++);
    }
    while (flights.head != NULL)
        assert_int_equal(pop(&flights), out++);
    assert_int_equal(in, out);
    assert_false(spy_flights_any(&flights));
}

/* A program that has one statement in flight at a time never touches the pool. */
static void the_first_is_the_connections_own(void **state)
{
    (void)state;
    struct spy_flights flights = {0};
    for (uint32_t i = 0; i < 2 * SPY_FLIGHTS_MAX; i++) {
        assert_true(push(&flights, i));
        assert_ptr_equal(flights.head, &flights.first);
        assert_int_equal(pop(&flights), i);
    }
    assert_true(push(&flights, 0));
    assert_true(push(&flights, 1));
    assert_int_equal(pop(&flights), 0);
    assert_true(push(&flights, 2)); /* its room is used again while another is in flight */
    assert_ptr_equal(flights.tail, &flights.first);
    assert_int_equal(pop(&flights), 1);
    assert_int_equal(pop(&flights), 2);
}

/* Behind one that was lost all are: results come in order. */
static void a_full_pool_loses_what_comes(void **state)
{
    (void)state;
    struct spy_flights flights = {0}, other = {0};
    for (uint32_t i = 0; i < SPY_FLIGHTS_MAX + 1; i++)
        assert_true(push(&flights, i));
    for (uint32_t i = 0; i < 10; i++)
        assert_false(push(&flights, 0));
    assert_int_equal(flights.lost, 10);
    assert_true(push(&other, 7)); /* each connection has room for one */
    assert_false(push(&other, 8));
    assert_int_equal(pop(&flights), 0);
    assert_int_equal(pop(&flights), 1);
    assert_false(push(&flights, 0)); /* there is room now, but not behind the lost */
    assert_int_equal(flights.lost, 11);
    assert_int_equal(pop(&other), 7);
    assert_true(spy_flights_any(&other));
    spy_flights_clear(&other);
    assert_false(spy_flights_any(&other));
    assert_true(push(&other, 1));
    assert_true(push(&other, 2));
    spy_flights_clear(&other);

    for (uint32_t i = 2; flights.head != NULL; i++)
        assert_int_equal(pop(&flights), i);
    spy_flights_clear(&flights);
    assert_int_equal(flights.lost, 0);

    /* All of it came back, once. */
    for (uint32_t i = 0; i < SPY_FLIGHTS_MAX + 1; i++)
        assert_true(push(&flights, i));
    assert_false(push(&flights, 0));
    spy_flights_clear(&flights);
}

static void bytes_that_leave_are_those_of_all_that_wait(void **state)
{
    (void)state;
    struct spy_flights flights = {0};
    for (uint32_t i = 0; i < 5; i++)
        assert_true(push(&flights, i));
    flights.unsent = flights.head->next;
    flights.head->next->first_ns = 90; /* answered: it was sent by a call that nobody saw */
    spy_flights_sent(&flights, 100);
    assert_null(flights.unsent);
    const struct spy_flight *flight = flights.head;
    assert_int_equal(flight->sent_ns, 0);
    assert_int_equal(flight->next->sent_ns, 0);
    assert_int_equal(flight->next->next->sent_ns, 100);
    assert_int_equal(flights.tail->sent_ns, 100);
    flights.unsent = flights.tail;
    spy_flights_sent(&flights, 200);
    assert_int_equal(flights.tail->sent_ns, 200);
    assert_int_equal(flight->next->next->sent_ns, 100);

    flights.unsent = flights.head; /* what is gone waits no more */
    spy_flights_pop(&flights);
    assert_ptr_equal(flights.unsent, flights.head);
    spy_flights_clear(&flights);
    assert_null(flights.unsent);
}

/* ---- threads -------------------------------------------------------------------------------- */

#define THREADS 4
#define ROUNDS  4000

/* Each has a queue of its own and a pool in common: nobody finds what is another's in its own. */
static void *churn(void *arg)
{
    uint32_t base = *(uint32_t *)arg << 24, in = 0, out = 0, wrong = 0;
    struct spy_flights flights = {0};
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (uint32_t i = 0; i < 1 + round % 13; i++)
            wrong += !push(&flights, base | in++);
        while (in - out > round % 11)
            wrong += pop(&flights) != (base | out++);
    }
    spy_flights_clear(&flights);
    return (void *)(uintptr_t)wrong;
}

static void threads_share_the_pool(void **state)
{
    (void)state;
    pthread_t thread[THREADS];
    uint32_t number[THREADS];
    for (uint32_t i = 0; i < THREADS; i++) {
        number[i] = i + 1;
        assert_int_equal(pthread_create(&thread[i], NULL, churn, &number[i]), 0);
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        void *wrong;
        pthread_join(thread[i], &wrong);
        assert_null(wrong);
    }
    struct spy_flights flights = {0}; /* and all of it came back */
    for (uint32_t i = 0; i < SPY_FLIGHTS_MAX + 1; i++)
        assert_true(push(&flights, i));
    assert_false(push(&flights, 0));
    spy_flights_clear(&flights);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_in_first_out),
        cmocka_unit_test(the_first_is_the_connections_own),
        cmocka_unit_test(a_full_pool_loses_what_comes),
        cmocka_unit_test(bytes_that_leave_are_those_of_all_that_wait),
        cmocka_unit_test(threads_share_the_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
