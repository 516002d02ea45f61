/* SPDX-License-Identifier: MIT */
/*
 * The HTTP/1 state machine where calls and their times matter: what is reported when, how long it
 * was blocked, how requests are told from what is none. What is made out of the bytes, however
 * they are cut, is test_http1_splits.c's matter.
 */
#include "observe/http1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define GET  "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
#define HEAD "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
#define DONE "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

struct seen {
    struct spy_http1 http;
    struct spy_http1_sink sink;
    struct spy_http1_exchange last;
    const char *target;
    size_t target_len;
    uint32_t heads;
    uint32_t dones;
};

static uint32_t on_head(void *ctx, const char *method, size_t method_len, const char *target,
                        size_t target_len)
{
    struct seen *seen = ctx;
    (void)method;
    (void)method_len;
    seen->target = target;
    seen->target_len = target_len;
    return 100 + seen->heads++;
}

static void on_done(void *ctx, const struct spy_http1_exchange *exchange)
{
    struct seen *seen = ctx;
    seen->last = *exchange;
    seen->dones++;
}

static int set_up(void **state)
{
    static struct seen seen;
    static char room[SPY_HTTP1_TARGET_MAX];
    memset(&seen, 0, sizeof(seen));
    seen.sink = (struct spy_http1_sink){on_head, on_done, &seen};
    spy_http1_open(&seen.http, room);
    *state = &seen;
    return 0;
}

static void in(struct seen *seen, const char *text, uint64_t now_ns)
{
    spy_http1_in(&seen->http, &seen->sink, text, strlen(text), now_ns);
}

/* A call that took all of TEXT. */
static void out(struct seen *seen, const char *text, uint64_t begin_ns, uint64_t end_ns)
{
    size_t n = strlen(text);
    spy_http1_out(&seen->http, &seen->sink, text, n, n, begin_ns, end_ns);
}

/* A call that took N of WANTED body bytes. */
static void out_some(struct seen *seen, size_t n, size_t wanted, uint64_t begin_ns, uint64_t end_ns)
{
    spy_http1_out(&seen->http, &seen->sink, NULL, n, wanted, begin_ns, end_ns);
}

static void reports_when_the_last_byte_is_accepted(void **state)
{
    struct seen *seen = *state;
    in(seen, "GET /a HTTP/1.1\r\n", 10);
    assert_int_equal(seen->heads, 0);
    in(seen, "\r\n", 20);
    assert_int_equal(seen->heads, 1);
    assert_int_equal(spy_http1_pending(&seen->http), 1);
    out(seen, HEAD, 30, 31);
    out_some(seen, 99, 99, 40, 41);
    assert_int_equal(seen->dones, 0);
    out_some(seen, 1, 1, 50, 51);
    assert_int_equal(seen->dones, 1);
    assert_int_equal(spy_http1_pending(&seen->http), 0);
    assert_int_equal(seen->last.op, 100);
    assert_int_equal(seen->last.begin_ns, 10);
    assert_int_equal(seen->last.request_end_ns, 20);
    assert_int_equal(seen->last.first_byte_ns, 31);
    assert_int_equal(seen->last.end_ns, 51);
    assert_int_equal(seen->last.blocked_ns, 3);
    assert_int_equal(seen->last.bytes_in, strlen("GET /a HTTP/1.1\r\n\r\n"));
    assert_int_equal(seen->last.bytes_out, strlen(HEAD) + 100);
}

static void line_ends_do_not_begin_a_request(void **state)
{
    struct seen *seen = *state;
    in(seen, "\r\n", 10);
    in(seen, "\r\n" GET, 20);
    out(seen, DONE, 30, 31);
    assert_int_equal(seen->last.begin_ns, 20);
    assert_int_equal(seen->last.bytes_in, strlen(GET));
}

static void a_whole_target_is_not_copied(void **state)
{
    struct seen *seen = *state;
    static const char text[] = "GET /parts/1?x=y HTTP/1.1\r\n\r\n";
    in(seen, text, 10);
    assert_ptr_equal(seen->target, text + 4);
    assert_int_equal(seen->target_len, strlen("/parts/1?x=y"));
}

static void calls_are_blocked_time_and_gaps_are_not(void **state)
{
    struct seen *seen = *state;
    in(seen, GET, 10);
    out(seen, HEAD, 100, 110);
    out_some(seen, 50, 50, 200, 220);
    out_some(seen, 50, 50, 300, 330);
    assert_int_equal(seen->last.blocked_ns, 10 + 20 + 30);
}

static void a_short_write_blocks_until_the_next_that_gets_on(void **state)
{
    struct seen *seen = *state;
    in(seen, GET, 10);
    out(seen, HEAD, 100, 110);
    out_some(seen, 40, 100, 200, 220);
    out_some(seen, 0, 60, 300, 301); /* EAGAIN */
    out_some(seen, 30, 30, 500, 510);
    out_some(seen, 30, 30, 600, 605);
    assert_int_equal(seen->last.blocked_ns, 10 + (510 - 200) + 5);
    assert_int_equal(seen->last.end_ns, 605);
}

static void eagain_blocks_from_its_own_call(void **state)
{
    struct seen *seen = *state;
    in(seen, GET, 10);
    out_some(seen, 0, 100, 50, 51); /* before the first byte, too */
    out(seen, DONE, 90, 100);
    assert_int_equal(seen->last.blocked_ns, 50);
    assert_int_equal(seen->last.first_byte_ns, 100);
}

static void buffers_of_one_call_count_its_time_once(void **state)
{
    struct seen *seen = *state;
    in(seen, GET, 10);
    out(seen, HEAD, 100, 150);
    out_some(seen, 20, 20, 100, 150);
    out_some(seen, 30, 80, 100, 150);
    out_some(seen, 50, 50, 200, 210);
    assert_int_equal(seen->last.blocked_ns, 210 - 100);
}

static void each_response_of_one_call_waited_for_it(void **state)
{
    struct seen *seen = *state;
    in(seen, GET GET, 10);
    out(seen, HEAD, 20, 21);
    spy_http1_out(&seen->http, &seen->sink, NULL, 50, 50, 100, 110);
    static const char rest[] = "01234567890123456789012345678901234567890123456789" DONE;
    out(seen, rest, 200, 230);
    assert_int_equal(seen->dones, 2);
    assert_int_equal(seen->last.blocked_ns, 30);
    assert_int_equal(seen->last.first_byte_ns, 230);
}

/* sendfile asked for more than the file has is short without a full socket. */
static void a_short_write_that_ends_the_response_blocks_nobody(void **state)
{
    struct seen *seen = *state;
    in(seen, GET GET, 10);
    out(seen, HEAD, 20, 21);
    out_some(seen, 100, 4096, 30, 31);
    assert_int_equal(seen->dones, 1);
    out(seen, DONE, 900, 901);
    assert_int_equal(seen->dones, 2);
    assert_int_equal(seen->last.blocked_ns, 1);
}

static void a_stalled_client_is_blocked_until_closed(void **state)
{
    struct seen *seen = *state;
    in(seen, GET, 10);
    out(seen, HEAD, 20, 21);
    out_some(seen, 60, 100, 30, 40);
    spy_http1_close(&seen->http, &seen->sink, 5000);
    assert_int_equal(seen->dones, 1);
    assert_true(seen->last.aborted);
    assert_int_equal(seen->last.status, 200);
    assert_int_equal(seen->last.end_ns, 5000);
    assert_int_equal(seen->last.blocked_ns, 1 + (5000 - 30));
    assert_int_equal(seen->last.bytes_out, strlen(HEAD) + 60);
}

static void a_response_ended_by_close_ends_with_its_last_byte(void **state)
{
    struct seen *seen = *state;
    in(seen, "GET /a HTTP/1.0\r\n\r\n", 10);
    out(seen, "HTTP/1.0 200 OK\r\n\r\nbody", 20, 30);
    out(seen, "more", 40, 50);
    assert_int_equal(seen->dones, 0);
    spy_http1_close(&seen->http, &seen->sink, 5000);
    assert_int_equal(seen->dones, 1);
    assert_false(seen->last.aborted);
    assert_int_equal(seen->last.end_ns, 50);
    assert_int_equal(seen->last.blocked_ns, 20);
}

static void closing_twice_reports_once(void **state)
{
    struct seen *seen = *state;
    in(seen, GET, 10);
    spy_http1_close(&seen->http, &seen->sink, 20);
    spy_http1_close(&seen->http, &seen->sink, 30);
    assert_int_equal(seen->dones, 1);
    assert_int_equal(seen->last.end_ns, 20);
}

/* What is lost with the connection is reported at once, marked, and nothing afterwards. */
static void a_lost_connection_settles_its_requests(void **state)
{
    struct seen *seen = *state;
    in(seen, GET GET, 10);
    out(seen, "nonsense", 20, 30);
    assert_int_equal(spy_http1_why_lost(&seen->http), SPY_HTTP1_LOST);
    assert_int_equal(seen->dones, 2);
    assert_true(seen->last.lost);
    assert_false(seen->last.aborted);
    in(seen, GET, 40);
    out(seen, DONE, 50, 60);
    spy_http1_close(&seen->http, &seen->sink, 70);
    assert_int_equal(seen->heads, 2);
    assert_int_equal(seen->dones, 2);
}

/* The write side, here acting from within head() as another thread could, gives up while the read
 * side is about to put a request into the ring. */
static uint32_t lose_in_head(void *ctx, const char *method, size_t method_len, const char *target,
                             size_t target_len)
{
    struct seen *seen = ctx;
    out(seen, DONE, 20, 30);
    return on_head(ctx, method, method_len, target, target_len);
}

static void a_request_that_meets_the_loss_is_settled_by_close(void **state)
{
    struct seen *seen = *state;
    seen->sink.head = lose_in_head;
    in(seen, GET, 10);
    assert_int_not_equal(spy_http1_why_lost(&seen->http), SPY_HTTP1_FOLLOWED);
    assert_int_equal(seen->dones, 0);
    spy_http1_close(&seen->http, &seen->sink, 40);
    assert_int_equal(seen->dones, 1);
    assert_true(seen->last.lost);
    assert_false(seen->last.aborted);
}

static void is_plausible(const char *text, bool expected)
{
    size_t n = strlen(text);
    /* A beginning of a plausible text is plausible; of another it may be. */
    for (size_t len = 0; expected && len <= n; len++)
        assert_true(spy_http1_plausible(text, len));
    if (!expected)
        assert_false(spy_http1_plausible(text, n));
}

static void tells_requests_from_what_is_none(void **state)
{
    (void)state;
    is_plausible(GET, true);
    is_plausible("\r\n\r\nDELETE /parts/1 HTTP/1.1\r\n", true);
    is_plausible("CONNECT a:443 HTTP/1.1\r\n", true);
    is_plausible("M-SEARCH * HTTP/1.1\r\n", true);
    is_plausible("PROPPATCH /", true);
    is_plausible("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", false);
    is_plausible("\x16\x03\x01\x02", false);
    is_plausible("GETTING", false);
    is_plausible("get / HTTP/1.1\r\n", false);
    is_plausible("SSH-2.0-OpenSSH_9.2\r\n", false);
    is_plausible(" GET /", false);
    is_plausible("\x01", false);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
    const struct CMUnitTest tests[] = {
        TEST(reports_when_the_last_byte_is_accepted),
        TEST(line_ends_do_not_begin_a_request),
        TEST(a_whole_target_is_not_copied),
        TEST(calls_are_blocked_time_and_gaps_are_not),
        TEST(a_short_write_blocks_until_the_next_that_gets_on),
        TEST(eagain_blocks_from_its_own_call),
        TEST(buffers_of_one_call_count_its_time_once),
        TEST(each_response_of_one_call_waited_for_it),
        TEST(a_short_write_that_ends_the_response_blocks_nobody),
        TEST(a_stalled_client_is_blocked_until_closed),
        TEST(a_response_ended_by_close_ends_with_its_last_byte),
        TEST(closing_twice_reports_once),
        TEST(a_lost_connection_settles_its_requests),
        TEST(a_request_that_meets_the_loss_is_settled_by_close),
        TEST(tells_requests_from_what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
