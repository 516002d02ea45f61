/* SPDX-License-Identifier: MIT */
/*
 * What following HTTP/1 costs: one keep-alive request and its response through spy_http1_in and
 * spy_http1_out, beside llhttp alone on the same two heads. Samples are nanoseconds an exchange.
 * Needs no server and touches nothing.
 */
#include "bench/bench.h"
#include "observe/http1.h"

#include <string.h>

#define ROUNDS  101
#define REPEATS 20000

struct traffic {
    const char *name;
    const char *request;
    const char *response; /* head only */
    size_t body;
};

static const struct traffic cases[] = {
    {"http1.small",
     "GET /parts/1234 HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nAuthorization: Bearer 0123456789\r\n\r\n",
     "HTTP/1.1 200 OK\r\nDate: Sun, 23 Nov 2025 14:00:00 GMT\r\nConnection: keep-alive\r\n"
     "Content-Type: application/json\r\nContent-Length: 1024\r\n\r\n",
     1024},
    {"http1.browser",
     "GET /parts/search?q=filter&skip=20&limit=20 HTTP/1.1\r\nHost: parts.example.com\r\n"
     "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
     "Accept: application/json,text/html;q=0.9,*/*;q=0.8\r\nAccept-Language: en,de;q=0.5\r\n"
     "Accept-Encoding: gzip, deflate\r\nReferer: https://parts.example.com/search\r\n"
     "Authorization: Bearer 0123456789abcdef\r\nConnection: keep-alive\r\n\r\n",
     "HTTP/1.1 200 OK\r\nServer: parts/1.0\r\nDate: Sun, 23 Nov 2025 14:00:00 GMT\r\n"
     "Content-Type: application/json; charset=utf-8\r\nContent-Length: 16384\r\n"
     "ETag: \"5f3e9a7c-4000\"\r\nCache-Control: private, max-age=30\r\n"
     "Vary: Authorization, Accept-Encoding\r\nX-Request-Id: "
     "6b1f0c9e-7a35-4f0b-9f5e-0d6a4b1e2c3d\r\n"
     "X-Content-Type-Options: nosniff\r\nStrict-Transport-Security: max-age=31536000\r\n"
     "Connection: keep-alive\r\n\r\n",
     16384},
};

static char payload[16384];
static volatile uint64_t sum; /* keeps the results alive */

static uint32_t on_head(void *ctx, const char *method, size_t method_len, const char *target,
                        size_t target_len)
{
    (void)ctx;
    return (uint32_t)(method_len + target_len) + (uint8_t)method[0] + (uint8_t)target[0];
}

static void on_done(void *ctx, const struct spy_http1_exchange *exchange)
{
    (void)ctx;
    sum += exchange->bytes_out + exchange->op;
}

static void run_http1(const struct traffic *t)
{
    static const struct spy_http1_sink sink = {on_head, on_done, NULL};
    static struct spy_http1 http;
    static char room[SPY_HTTP1_TARGET_MAX];
    size_t request = strlen(t->request);
    size_t response = strlen(t->response);
    spy_http1_open(&http, room);
    for (uint64_t i = 1; i <= REPEATS; i++) {
        spy_http1_in(&http, &sink, t->request, request, i * 10);
        spy_http1_out(&http, &sink, t->response, response, response, i * 10 + 1, i * 10 + 2);
        spy_http1_out(&http, &sink, payload, t->body, t->body, i * 10 + 1, i * 10 + 2);
    }
    if (http.lost != SPY_HTTP1_FOLLOWED) {
        fprintf(stderr, "bench_http1: the traffic \"%s\" was not followed\n", t->name);
        exit(1);
    }
}

static int pause_here(llhttp_t *parser)
{
    (void)parser;
    return HPE_PAUSED;
}

static void run_llhttp(const struct traffic *t)
{
    static const llhttp_settings_t settings = {.on_headers_complete = pause_here};
    llhttp_t in;
    llhttp_t out;
    size_t request = strlen(t->request);
    size_t response = strlen(t->response);
    llhttp_init(&in, HTTP_REQUEST, &settings);
    llhttp_init(&out, HTTP_RESPONSE, &settings);
    for (uint64_t i = 0; i < REPEATS; i++) {
        sum += llhttp_execute(&in, t->request, request);
        sum += llhttp_execute(&out, t->response, response);
        llhttp_reset(&in);
        llhttp_reset(&out);
    }
}

static double round_of(void (*run)(const struct traffic *), const struct traffic *t)
{
    double begin = bench_now_ns();
    run(t);
    return (bench_now_ns() - begin) / REPEATS;
}

int main(void)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct traffic *t = &cases[i];
        for (int round = 0; round < bench_rounds(ROUNDS); round++) {
            bench_sample(t->name, "followed", round_of(run_http1, t));
            bench_sample(t->name, "llhttp", round_of(run_llhttp, t));
        }
    }
    return 0;
}
