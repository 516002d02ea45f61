/* SPDX-License-Identifier: MIT */
/*
 * Descriptors of streams: any number, ranges, full tables, duplicates, joining, ciphertext.
 */
#include "stream_fixture.h"

#include "observe/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/un.h>

/* ---- numbers --------------------------------------------------------------------------------- */

static void exchange_on(int fd)
{
    spy_stream_open(fd);
    assert_true(spy_stream_watched(fd));
    in(fd, request);
    out(fd, response);
    spy_stream_close(fd);
    assert_false(spy_stream_watched(fd));
}

static void any_number_is_watched(void **state)
{
    (void)state;
    static const int numbers[] = {0, (int)SPY_FD_DIRECT - 1, (int)SPY_FD_DIRECT, 3000000, INT_MAX};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        exchange_on(numbers[i]);
    assert_int_equal(calls_of("api.get"), 5);
    assert_false(spy_stream_watched(-1));
    assert_false(spy_stream_watched(INT_MIN));
    assert_false(spy_stream_watched(1000000000));
    spy_stream_open(-1);
    spy_stream_close(-1);
    spy_stream_dup(-1, 5);
    spy_stream_end(-1);
    assert_int_equal(atomic_load(&f.region->self[SPY_SELF_FD_TOO_HIGH]), 0);
}

static void a_range_ends_what_is_in_it(void **state)
{
    (void)state;
    static const int numbers[] = {9, 10, (int)SPY_FD_DIRECT + 7, 3000000, 3000001};
    for (size_t i = 0; i < 5; i++)
        spy_stream_open(numbers[i]);
    spy_stream_close_range(10, 3000000);
    assert_true(spy_stream_watched(9));
    assert_false(spy_stream_watched(10));
    assert_false(spy_stream_watched((int)SPY_FD_DIRECT + 7));
    assert_false(spy_stream_watched(3000000));
    assert_true(spy_stream_watched(3000001));
    spy_stream_close_range(0, UINT_MAX);
    assert_false(spy_stream_watched(9));
    assert_false(spy_stream_watched(3000001));
}

static void a_full_table_is_counted_and_recovers(void **state)
{
    (void)state;
    for (int fd = 10; fd < 10 + (int)SPY_STREAMS_MAX + 3; fd++)
        spy_stream_open(fd);
    assert_int_equal(atomic_load(&f.region->self[SPY_SELF_STREAMS_FULL]), 3);
    assert_true(SPY_STREAMS_MAX >= 100000);
    in(10 + 100000, request);
    out(10 + 100000, response);
    assert_int_equal(calls_of("api.get"), 1);
    spy_stream_close_range(10, 10 + SPY_STREAMS_MAX + 3);
    exchange_on(5);
    assert_int_equal(calls_of("api.get"), 2);
}

/* ---- several descriptors of one connection ----------------------------------------------------
 */

static void a_duplicate_is_the_same_connection(void **state)
{
    (void)state;
    spy_stream_open(5);
    spy_stream_dup(5, 200000);
    in(5, request);
    spy_stream_close(5);
    assert_true(spy_stream_watched(200000));
    out(200000, response);
    in(200000, request);
    assert_int_equal(calls_of("api.get"), 1);
    assert_int_equal(totals.aborted, 0);
    spy_stream_close(200000);
    assert_int_equal(calls_of("api.get"), 2);
    assert_int_equal(totals.aborted, 1);
}

static void the_end_is_the_end_of_all_duplicates(void **state)
{
    (void)state;
    spy_stream_open(5);
    spy_stream_dup(5, 6);
    in(5, request);
    spy_stream_end(6);
    assert_int_equal(calls_of("api.get"), 1);
    assert_int_equal(totals.aborted, 1);
    out(5, response); /* to nobody */
    assert_false(spy_stream_watched(5));
    spy_stream_close(5);
    spy_stream_close(6);
    exchange_on(5); /* as clean as ever */
    assert_int_equal(calls_of("api.get"), 2);
}

static void a_duplicate_of_what_was_given_up_is_foreign(void **state)
{
    (void)state;
    spy_stream_open(5);
    spy_stream_dup(5, 6);
    in(5, "SSH-2.0-x\r\n");
    in(6, request);
    assert_false(spy_stream_watched(5));
    assert_false(spy_stream_watched(6));
    out(6, response);
    assert_int_equal(calls_of("api.get"), 0);
    spy_stream_close(5);
    spy_stream_close(6);
}

/* ---- joining ----------------------------------------------------------------------------------
 */

/* A connection that nobody told us about: what another process accepted and passed. */
static void pair(int end[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, end), 0);
}

static void read_by_a_stranger(int fd, const char *text)
{
    assert_false(spy_stream_watched(fd));
    spy_stream_stranger(fd, text, (ssize_t)strlen(text));
}

static void a_request_on_an_unknown_socket_is_joined(void **state)
{
    (void)state;
    int end[2];
    pair(end);
    read_by_a_stranger(end[0], request);
    assert_true(spy_stream_watched(end[0]));
    out(end[0], response);
    assert_int_equal(calls_of("api.get"), 1);
    assert_int_equal(totals.bytes_in, strlen(request));
    spy_stream_close(end[0]);
    close(end[0]);
    close(end[1]);
}

static void nothing_less_than_a_request_is_joined(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "GET /x/1 HTTP/1.1",
        "GET /x/1 HTTP/2.0\r\n\r\n",
        "GOT /x/1 HTTP/1.1\r\n\r\n",
        "GET x/1 HTTP/1.1\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\n",
        "GET /x/1 in HTTP/1\r\n\r\n",
        "Gaudeamus igitur HTTP/1.1\n",
        "GET\n/x/1 HTTP/1.1 x HTTP/1.1\n",
    };
    int end[2];
    pair(end);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        read_by_a_stranger(end[0], texts[i]);
    assert_false(spy_stream_watched(end[0]));
    close(end[0]);
    close(end[1]);
}

/* A file of requests, a pipe, a listening socket, a datagram socket, a closed number. */
static void only_a_connection_is_joined(void **state)
{
    (void)state;
    int pipes[2];
    struct sockaddr_un nameless = {.sun_family = AF_UNIX};
    int listening = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(listening, (struct sockaddr *)&nameless, sizeof(sa_family_t)), 0);
    assert_int_equal(listen(listening, 1), 0);
    assert_int_equal(pipe(pipes), 0);
    int fds[] = {open("/dev/null", O_RDONLY), pipes[0], listening, socket(AF_UNIX, SOCK_DGRAM, 0),
                 4000};
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        errno = 4242;
        read_by_a_stranger(fds[i], request);
        assert_int_equal(errno, 4242);
        assert_false(spy_stream_watched(fds[i]));
        spy_stream_close(fds[i]);
        close(fds[i]);
    }
    close(pipes[1]);
}

static void a_client_is_never_joined(void **state)
{
    (void)state;
    int end[2];
    pair(end);
    spy_stream_connected(end[0]);
    read_by_a_stranger(end[0], request);
    spy_stream_dup(end[0], 300);
    read_by_a_stranger(300, request);
    assert_false(spy_stream_watched(end[0]));
    assert_false(spy_stream_watched(300));
    spy_stream_forget(end[0]); /* the number is another socket's */
    read_by_a_stranger(end[0], request);
    assert_true(spy_stream_watched(end[0]));
    spy_stream_close(end[0]);
    spy_stream_close(300);
    close(end[0]);
    close(end[1]);
}

/* What was given up is not taken up again, whatever comes. */
static void what_was_given_up_is_not_joined(void **state)
{
    (void)state;
    int end[2];
    pair(end);
    read_by_a_stranger(end[0], request);
    out(end[0], "HTTP/1.1 101 Switching Protocols\r\n\r\n");
    read_by_a_stranger(end[0], request);
    assert_false(spy_stream_watched(end[0]));
    assert_int_equal(calls_of("api.get"), 1);
    spy_stream_close(end[0]);
    close(end[0]);
    close(end[1]);
}

/* ---- ciphertext -------------------------------------------------------------------------------
 */

static void in_plain(uint64_t handle, const char *text)
{
    struct spy_io io = spy_io_in_of(handle);
    spy_stream_in(&io, text, (ssize_t)strlen(text));
}

static void out_plain(uint64_t handle, const char *text)
{
    struct spy_io io = spy_io_out_of(handle, 1);
    spy_stream_out(&io, text, strlen(text), (ssize_t)strlen(text));
}

static void ciphertext_is_not_read_and_its_close_ends_it(void **state)
{
    (void)state;
    spy_stream_open(5);
    uint64_t handle = spy_stream_cipher(5);
    assert_true(handle != 0);
    assert_false(spy_stream_watched(5));
    spy_stream_stranger(5, request, (ssize_t)strlen(request));
    assert_int_equal(calls_of("api.get"), 0);
    in_plain(handle, request);
    out_plain(handle, response);
    assert_int_equal(calls_of("api.get"), 1);
    in_plain(handle, request);
    spy_stream_dup(5, 6);
    spy_stream_close(5);
    assert_int_equal(calls_of("api.get"), 1);
    spy_stream_close(6);
    assert_int_equal(calls_of("api.get"), 2);
    assert_int_equal(totals.aborted, 1);
    out_plain(handle, response); /* too late */
    spy_stream_cipher_end(handle);
    assert_int_equal(calls_of("api.get"), 2);
}

static void ciphertext_without_a_descriptor_is_ended_by_its_owner(void **state)
{
    (void)state;
    uint64_t handle = spy_stream_cipher(-1);
    in_plain(handle, request);
    out_plain(handle, response);
    in_plain(handle, request);
    spy_stream_cipher_end(handle);
    assert_int_equal(calls_of("api.get"), 2);
    assert_int_equal(totals.aborted, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(any_number_is_watched),
        TEST(a_range_ends_what_is_in_it),
        TEST(a_full_table_is_counted_and_recovers),
        TEST(a_duplicate_is_the_same_connection),
        TEST(the_end_is_the_end_of_all_duplicates),
        TEST(a_duplicate_of_what_was_given_up_is_foreign),
        TEST(a_request_on_an_unknown_socket_is_joined),
        TEST(nothing_less_than_a_request_is_joined),
        TEST(only_a_connection_is_joined),
        TEST(a_client_is_never_joined),
        TEST(what_was_given_up_is_not_joined),
        TEST(ciphertext_is_not_read_and_its_close_ends_it),
        TEST(ciphertext_without_a_descriptor_is_ended_by_its_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
