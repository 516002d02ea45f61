/* SPDX-License-Identifier: MIT */
/*
 * Heads that are read without llhttp: which ones, and that it would have found the same. A head fed
 * whole may be a quick one; fed with its first byte apart it is llhttp's.
 */
#include "observe/http1_quick.h"

#include "observe/http1_head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BYTES  4096
#define RANDOM 300000
#define FOUND  (F_CHUNKED | F_CONTENT_LENGTH | F_TRANSFER_ENCODING)

/* How much of TEXT the quick way takes, from a copy that is exactly as long. */
static size_t quick(bool request, const char *text, size_t n, struct spy_http1_quick *out)
{
    char *data = malloc(n + 1);
    assert_non_null(data);
    memcpy(data + 1, text, n);
    memset(out, 0, sizeof(*out));
    size_t len = request ? spy_http1_quick_request(data + 1, n, out)
                         : spy_http1_quick_response(data + 1, n, out);
    if (len > 0 && request)
        out->target = text + (out->target - data - 1);
    free(data);
    return len;
}

/* Whatever the quick way takes, llhttp takes, and finds in it what that found. */
static size_t agree(bool request, const char *text, size_t n)
{
    struct spy_http1_quick out;
    struct spy_http1_head head;
    char target[BYTES] = "";
    size_t len = quick(request, text, n, &out), first = 0, rest = 0;
    if (len == 0)
        return 0;
    spy_http1_head_open(&head, request ? HTTP_REQUEST : HTTP_RESPONSE);
    assert_int_equal(spy_http1_head_feed(&head, text, 1, &first), SPY_HTTP1_MORE);
    enum spy_http1_fed fed = spy_http1_head_feed(&head, text + 1, n - 1, &rest);
    if (head.target != NULL)
        memcpy(target, head.target, head.target_len);
    bool same =
        fed == SPY_HTTP1_COMPLETE && first + rest == len &&
        (head.parser.flags & FOUND) == out.flags && head.parser.http_minor == out.minor &&
        (!(out.flags & F_CONTENT_LENGTH) || head.parser.content_length == out.content_length);
    if (request)
        same = same && head.parser.method == out.method && head.target_len == out.target_len &&
               memcmp(target, out.target, out.target_len) == 0;
    else
        same = same && head.parser.status_code == out.status;
    if (!same)
        fail_msg("llhttp differs about %.*s", (int)n, text);
    return len;
}

static void is_quick(bool request, const char *text)
{
    if (agree(request, text, strlen(text)) == 0)
        fail_msg("not read at once: %s", text);
}

static void is_not(bool request, const char *text)
{
    if (agree(request, text, strlen(text)) != 0)
        fail_msg("read at once: %s", text);
}

#define GET  "GET / HTTP/1.1\r\n"
#define OKAY "HTTP/1.1 200 OK\r\n"
#define LONG "X-Long: a line of more than sixteen bytes, and of more than thirty-two, too\r\n"

static void plain_heads(void **state)
{
    (void)state;
    is_quick(true, GET "\r\n");
    is_quick(true, "POST /a/b-c?d=e%20f&g=1,2:3 HTTP/1.0\r\nContent-Length: 12\r\n\r\n{}");
    is_quick(true, "DELETE /a HTTP/1.1\r\n" LONG "TRANSFER-ENCODING:chunked\r\n" LONG "\r\n");
    is_quick(true, GET "Content-Type: text\r\nTE: trailers\r\nConnection: close\r\n\r\n" GET);
    is_quick(false, OKAY "content-length:0\r\n\r\n");
    is_quick(false, "HTTP/1.0 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    is_quick(false, "HTTP/1.1 204 \r\n\r\n");
    is_quick(false, OKAY LONG "Content-Length: 999999999999999999\r\n\r\n");
}

static void heads_for_llhttp(void **state)
{
    (void)state;
    static const char *const fields[] = {
        "",
        "\n",
        "\r",
        "A: b",
        "A: b\r\n",
        "A: b\r\n\n",
        "A: b\r\n c\r\n\r\n",
        "A: b\r\n\tc\r\n\r\n",
        " A: b\r\n\r\n",
        "Content-Length: 1\n\r\n",
        "Content-Length: \r\n\r\n",
        "Content-Length: 1 \r\n\r\n",
        "Content-Length:  1\r\n\r\n",
        "Content-Length : 1\r\n\r\n",
        "Content-Length: +1\r\n\r\n",
        "Content-Length: 1\r\nContent-Length: 1\r\n\r\n",
        "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "Content-Length: 1999999999999999999\r\n\r\n",
        "Content-Lengths: 1\r\n\r\n",
        "Content-Length\n\r\n",
        "Transfer-Encoding: gzip, chunked\r\n\r\n",
        "Transfer-Encoding: Chunked\r\n\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    };
    static const char *const requests[] = {
        "GET /\r\n\r\n",
        "GET / HTTP/0.9\r\n\r\n",
        "GET / HTTP/1.2\r\n\r\n",
        "GET / HTTP/2.0\r\n\r\n",
        "GET * HTTP/1.1\r\n\r\n",
        "GET http://a/ HTTP/1.1\r\n\r\n",
        "GET /a#b HTTP/1.1\r\n\r\n",
        "GET /a b HTTP/1.1\r\n\r\n",
        "get / HTTP/1.1\r\n\r\n",
        "CONNECT /a HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\n\r\n",
        "GET  / HTTP/1.1\r\n\r\n",
        "\r\nGET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1 \r\n\r\n",
    };
    static const char *const responses[] = {
        "HTTP/1.1 200\r\n\r\n",      "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 200 O\rK\r\n\r\n", "HTTP/1.1 200 OK\n\r\n",  "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/3.1 200 OK\r\n\r\n",
    };
    char text[BYTES];
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        snprintf(text, sizeof(text), GET "%s", fields[i]);
        is_not(true, text);
        snprintf(text, sizeof(text), OKAY LONG "%s", fields[i]);
        is_not(false, text);
    }
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
        is_not(true, requests[i]);
    for (size_t i = 0; i < sizeof(responses) / sizeof(responses[0]); i++)
        is_not(false, responses[i]);
}

/* After either kind of head the parser is as new for the other. */
static void one_after_the_other(void **state)
{
    (void)state;
    static const char *const heads[] = {
        "POST /a HTTP/1.1\r\nContent-Length: 7\r\n\r\n",
        "GET /b HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
        "POST /c HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "GET /d HTTP/1.0\r\n\r\n",
    };
    static const uint16_t flags[] = {F_CONTENT_LENGTH, 0, F_CHUNKED | F_TRANSFER_ENCODING, 0};
    struct spy_http1_head head;
    spy_http1_head_open(&head, HTTP_REQUEST);
    for (unsigned i = 0; i < 64; i++) {
        unsigned which = i < 32 ? i % 4 : i * 7 / 3 % 4;
        size_t used = 0, n = strlen(heads[which]);
        assert_int_equal(spy_http1_head_feed(&head, heads[which], n, &used), SPY_HTTP1_COMPLETE);
        assert_int_equal(used, n);
        assert_int_equal(head.bytes, n);
        assert_int_equal(head.parser.flags & FOUND, flags[which]);
        assert_int_equal(head.target_len, 2);
        assert_memory_equal(head.target, heads[which] + strcspn(heads[which], "/"), 2);
        spy_http1_head_again(&head);
    }
}

static uint64_t random_state = 0x9e3779b97f4a7c15u;

static size_t random_below(size_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (size_t)(random_state % limit);
}

/* Pieces of heads in any order, most of them where they belong. */
static size_t random_head(bool request, char *text)
{
    static const char *const starts[][4] = {
        {"HTTP/1.1 200 OK\r\n", "HTTP/1.0 302 Found\r\n", "HTTP/1.1 100 Continue\r\n",
         "HTTP/1.1 500 \r\n"},
        {"GET /a?b=c HTTP/1.1\r\n", "POST / HTTP/1.0\r\n", "PUT //a:b HTTP/1.1\r\n",
         "HEAD /%7e HTTP/1.1\r\n"},
    };
    static const char *const pieces[] = {
        "Content-Length: 12\r\n",
        "content-length:3\r\n",
        "Transfer-Encoding: chunked\r\n",
        LONG,
        "Content-Type: a\r\n",
        "T: u\r\n",
        "C\r\n",
        "\r\n",
        "\n",
        "\r",
        " ",
        ":",
        "chunked",
        "0",
        "Content-Length",
        "Host: a\r\n",
    };
    size_t n = (size_t)sprintf(text, "%s", starts[request][random_below(4)]);
    for (size_t i = random_below(6); i > 0; i--)
        n +=
            (size_t)sprintf(text + n, "%s", pieces[random_below(sizeof(pieces) / sizeof(*pieces))]);
    n += (size_t)sprintf(text + n, "\r\n");
    for (size_t i = random_below(3); i > 0; i--) /* and bytes that are others */
        text[random_below(n)] = (char)random_below(256);
    return random_below(10) == 0 ? 1 + random_below(n) : n;
}

static void at_random(void **state)
{
    (void)state;
    static char text[BYTES];
    size_t taken = 0;
    for (size_t i = 0; i < RANDOM; i++)
        taken += agree(i & 1, text, random_head(i & 1, text)) > 0;
    assert_true(taken > RANDOM / 10 && taken < RANDOM / 10 * 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_heads),
        cmocka_unit_test(heads_for_llhttp),
        cmocka_unit_test(one_after_the_other),
        cmocka_unit_test(at_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
