/* SPDX-License-Identifier: MIT */
/*
 * Streams: exchanges on real descriptors' numbers; reuse, foreign protocols, concurrent sides.
 */
#include "stream_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <sys/uio.h>

static void an_exchange_is_recorded(void **state)
{
    (void)state;
    spy_stream_open(5);
    assert_true(spy_stream_watched(5));
    in(5, request);
    out(5, response);
    assert_int_equal(calls_of("api.get"), 1);
    assert_int_equal(totals.code[0].code, 200);
    assert_int_equal(totals.bytes_in, strlen(request));
    assert_int_equal(totals.bytes_out, strlen(response));
    spy_stream_close(5);
    assert_false(spy_stream_watched(5));
    assert_int_equal(calls_of("api.get"), 1);
}

static void buffers_of_a_vector_are_one_write(void **state)
{
    (void)state;
    spy_stream_open(5);
    in(5, request);
    struct iovec iov[3] = {{(void *)(uintptr_t)response, 10},
                           {NULL, 0},
                           {(void *)(uintptr_t)(response + 10), strlen(response) - 10}};
    struct spy_io io = spy_io_out(5);
    spy_stream_outv(&io, iov, 3, (ssize_t)strlen(response));
    assert_int_equal(calls_of("api.get"), 1);
    assert_int_equal(totals.bytes_out, strlen(response));
    spy_stream_close(5);
}

static void a_client_that_leaves_is_aborted(void **state)
{
    (void)state;
    spy_stream_open(5);
    in(5, request);
    spy_stream_close(5);
    assert_int_equal(calls_of("api.get"), 1);
    assert_int_equal(totals.aborted, 1);
}

/* The number was closed by a way we did not see. */
static void a_reused_number_is_a_new_connection(void **state)
{
    (void)state;
    spy_stream_open(5);
    in(5, "GET /x/1 HT");
    spy_stream_open(5);
    in(5, request);
    out(5, response);
    assert_int_equal(calls_of("api.get"), 1);
    assert_int_equal(totals.aborted, 0);
    spy_stream_close(5);
}

/* A read that was under way when the descriptor was closed and accepted anew. */
static void a_late_return_is_not_the_successors(void **state)
{
    (void)state;
    spy_stream_open(5);
    struct spy_io late = spy_io_in(5);
    spy_stream_close(5);
    spy_stream_open(5);
    spy_stream_in(&late, request, (ssize_t)strlen(request));
    out(5, response); /* would complete the request if it had been taken for this connection's */
    assert_int_equal(calls_of("api.get"), 0);
    spy_stream_close(5);
}

static void what_is_not_http_is_left_alone(void **state)
{
    (void)state;
    spy_stream_open(5);
    in(5, "\x16\x03\x01\x02");
    assert_false(spy_stream_watched(5));
    spy_stream_open(6);
    out(6, "220 smtp ready\r\n");
    assert_false(spy_stream_watched(6));
    assert_int_equal(atomic_load(&f.region->self[SPY_SELF_STREAMS_LOST]), 0);
}

static void failed_calls_tell_nothing(void **state)
{
    (void)state;
    spy_stream_open(5);
    in(5, request);
    struct spy_io io = spy_io_out(5);
    errno = EAGAIN;
    spy_stream_out(&io, response, strlen(response), -1);
    assert_int_equal(errno, EAGAIN);
    errno = EPIPE;
    spy_stream_out(&io, response, strlen(response), -1);
    assert_int_equal(errno, EPIPE);
    struct spy_io read_io = spy_io_in(5);
    spy_stream_in(&read_io, NULL, -1);
    spy_stream_in(&read_io, NULL, 0);
    out(5, response);
    assert_int_equal(calls_of("api.get"), 1);
    spy_stream_close(5);
}

/* ---- threads --------------------------------------------------------------------------------- */

#define ROUNDS 3000

static void *churn(void *arg)
{
    int fd = *(const int *)arg;
    for (int i = 0; i < ROUNDS; i++) {
        spy_stream_open(fd);
        in(fd, request);
        out(fd, response);
        spy_stream_close(fd);
    }
    return NULL;
}

static void connections_of_many_threads_all_count(void **state)
{
    (void)state;
    enum { THREADS = 6 };
    pthread_t thread[THREADS];
    int fd[THREADS];
    for (int i = 0; i < THREADS; i++) {
        fd[i] = 20 + i;
        pthread_create(&thread[i], NULL, churn, &fd[i]);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(calls_of("api.get"), THREADS * ROUNDS);
}

static _Atomic int stop;

static void *abuse(void *arg)
{
    (void)arg;
    while (!atomic_load(&stop)) {
        in(30, request);
        out(30, response);
    }
    return NULL;
}

/* Two threads on one socket, opened and closed under them: nothing sensible to count, nothing may
 * break. */
static void misuse_does_no_harm(void **state)
{
    (void)state;
    pthread_t a, b;
    atomic_store(&stop, 0);
    pthread_create(&a, NULL, abuse, NULL);
    pthread_create(&b, NULL, abuse, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        spy_stream_open(30);
        spy_stream_close(30);
    }
    atomic_store(&stop, 1);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    spy_stream_close(30);
    spy_stream_open(31);
    in(31, request);
    out(31, response);
    uint64_t before = calls_of("api.get");
    in(31, request);
    out(31, response);
    assert_int_equal(calls_of("api.get"), before + 1);
    spy_stream_close(31);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_exchange_is_recorded),
        TEST(buffers_of_a_vector_are_one_write),
        TEST(a_client_that_leaves_is_aborted),
        TEST(a_reused_number_is_a_new_connection),
        TEST(a_late_return_is_not_the_successors),
        TEST(what_is_not_http_is_left_alone),
        TEST(failed_calls_tell_nothing),
        TEST(connections_of_many_threads_all_count),
        TEST(misuse_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
