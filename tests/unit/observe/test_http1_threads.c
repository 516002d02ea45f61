/* SPDX-License-Identifier: MIT */
/*
 * One connection, one thread that reads and one that writes: requests pass through the ring in
 * order and whole. The threads meet nowhere but in the ring (each asks spy_http1_pending()), so
 * that the thread sanitizer sees whether the ring orders what it must.
 */
#include "observe/http1.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define EXCHANGES 20000u

#define REQUEST_HEAD "POST /parts/1 HTTP/1.1\r\nContent-Length: 10\r\n\r\n"
#define REQUEST_BODY "0123456789"
#define RESPONSE     "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok"

struct shared {
    struct spy_http1 http;
    struct spy_http1_sink sink;
    uint32_t heads; /* the reader's */
    uint32_t dones; /* the writer's */
    uint32_t wrong; /* the writer's: exchanges out of order or with impossible numbers */
};

static uint32_t on_head(void *ctx, const char *method, size_t method_len, const char *target,
                        size_t target_len)
{
    struct shared *shared = ctx;
    (void)method;
    (void)method_len;
    (void)target;
    (void)target_len;
    return shared->heads++;
}

static void on_done(void *ctx, const struct spy_http1_exchange *exchange)
{
    struct shared *shared = ctx;
    uint64_t least = strlen(REQUEST_HEAD);
    uint64_t begin_ns = 100 * (uint64_t)exchange->op + 1;
    bool right = exchange->op == shared->dones && exchange->status == 201 && !exchange->aborted &&
                 !exchange->lost && exchange->begin_ns == begin_ns && exchange->bytes_in >= least &&
                 exchange->bytes_in <= least + strlen(REQUEST_BODY) &&
                 (exchange->request_end_ns == 0 || exchange->request_end_ns == begin_ns + 2) &&
                 exchange->bytes_out == strlen(RESPONSE);
    shared->dones++;
    if (!right)
        shared->wrong++;
}

static void *read_side(void *arg)
{
    struct shared *shared = arg;
    for (uint64_t i = 0; i < EXCHANGES; i++) {
        while (spy_http1_pending(&shared->http) == SPY_HTTP1_PIPELINE)
            sched_yield();
        uint64_t now_ns = 100 * i + 1;
        spy_http1_in(&shared->http, &shared->sink, REQUEST_HEAD, strlen(REQUEST_HEAD), now_ns);
        spy_http1_in(&shared->http, &shared->sink, REQUEST_BODY, 4, now_ns + 1);
        spy_http1_in(&shared->http, &shared->sink, REQUEST_BODY + 4, 6, now_ns + 2);
    }
    return NULL;
}

static void *write_side(void *arg)
{
    struct shared *shared = arg;
    size_t half = strlen(RESPONSE) / 2;
    size_t rest = strlen(RESPONSE) - half;
    while (shared->dones < EXCHANGES) {
        while (spy_http1_pending(&shared->http) == 0)
            sched_yield();
        uint64_t now_ns = 100 * (uint64_t)shared->dones + 50;
        spy_http1_out(&shared->http, &shared->sink, RESPONSE, half, half, now_ns, now_ns + 1);
        spy_http1_out(&shared->http, &shared->sink, RESPONSE + half, rest, rest, now_ns + 2,
                      now_ns + 3);
        if (spy_http1_why_lost(&shared->http) != SPY_HTTP1_FOLLOWED)
            break;
    }
    return NULL;
}

static void two_threads_share_a_connection(void **state)
{
    (void)state;
    static struct shared shared;
    static char room[SPY_HTTP1_TARGET_MAX];
    pthread_t reader;
    pthread_t writer;
    shared.sink = (struct spy_http1_sink){on_head, on_done, &shared};
    spy_http1_open(&shared.http, room);
    assert_int_equal(pthread_create(&reader, NULL, read_side, &shared), 0);
    assert_int_equal(pthread_create(&writer, NULL, write_side, &shared), 0);
    assert_int_equal(pthread_join(reader, NULL), 0);
    assert_int_equal(pthread_join(writer, NULL), 0);
    spy_http1_close(&shared.http, &shared.sink, UINT64_MAX);
    assert_int_equal(spy_http1_why_lost(&shared.http), SPY_HTTP1_FOLLOWED);
    assert_int_equal(shared.heads, EXCHANGES);
    assert_int_equal(shared.dones, EXCHANGES);
    assert_int_equal(shared.wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_threads_share_a_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
