/* SPDX-License-Identifier: MIT */
/*
 * Robustness of the HTTP/1 state machine: noise, and damaged conversations of tests/fixtures/http/.
 * Whatever comes, no byte beyond a buffer is touched (built with a sanitizer this is seen), nothing
 * hangs, and every request that was announced is settled exactly once, in order, with sane numbers.
 */
#include "unit/observe/http1_conversation.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define FIXTURES      "tests/fixtures/http"
#define NOISE_RUNS    20000
#define DAMAGED_RUNS  300 /* of each conversation that is not large */
#define DAMAGED_LARGE 5
#define LARGE         4096
#define CALL_MAX      256

struct tally {
    uint32_t heads;
    uint32_t dones;
    uint64_t bytes_in;
    uint64_t bytes_out;
};

static struct conversation conv;
static char room[SPY_HTTP1_TARGET_MAX];
static uint64_t random_state = 0x2545f4914f6cdd1du;

static uint64_t random_below(uint64_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % limit;
}

static uint32_t on_head(void *ctx, const char *method, size_t method_len, const char *target,
                        size_t target_len)
{
    struct tally *tally = ctx;
    assert_true(method_len > 0 && strnlen(method, method_len) == method_len);
    assert_true(target_len > 0 && target_len <= SPY_HTTP1_TARGET_MAX);
    assert_non_null(target);
    return tally->heads++;
}

static void on_done(void *ctx, const struct spy_http1_exchange *exchange)
{
    struct tally *tally = ctx;
    assert_int_equal(exchange->op, tally->dones);
    assert_true(exchange->op < tally->heads);
    assert_true(exchange->begin_ns <= exchange->end_ns);
    assert_false(exchange->aborted && exchange->lost);
    tally->dones++;
    tally->bytes_in += exchange->bytes_in;
    tally->bytes_out += exchange->bytes_out;
}

/* Tells N bytes at TEXT in a buffer of exactly that length, or as opaque ones. */
static void tell(struct spy_http1 *http, const struct spy_http1_sink *sink, bool read,
                 const char *text, size_t n, uint64_t now_ns)
{
    char *data = text ? malloc(n) : NULL;
    if (data)
        memcpy(data, text, n);
    if (read)
        spy_http1_in(http, sink, data, n, now_ns);
    else
        spy_http1_out(http, sink, data, n, n + random_below(2), now_ns - 1, now_ns);
    free(data);
}

static void settle(struct spy_http1 *http, const struct spy_http1_sink *sink,
                   const struct tally *tally, uint64_t told_in, uint64_t told_out)
{
    spy_http1_close(http, sink, UINT64_MAX);
    assert_int_equal(tally->heads, tally->dones);
    assert_true(tally->bytes_in <= told_in);
    assert_true(tally->bytes_out <= told_out);
}

/* Random bytes, of an alphabet that gets deeper into the parsers than all 256 would. */
static void noise_run(void)
{
    static const char *const words[] = {
        "GET / HTTP/1.1\r\n",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 101 X\r\n",
        "\r\n",
        "\n",
        "\r",
        "Content-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\n",
        "0\r\n",
        "5\r\nhello",
        " ",
        "x",
        "\x16\x03",
        "HEAD /b HTTP/1.0\r\n",
        "ffffffffffffffff\r\n",
        "Content-",
        ":",
        "\t",
    };
    struct tally tally = {0};
    const struct spy_http1_sink sink = {on_head, on_done, &tally};
    struct spy_http1 http;
    uint64_t told[2] = {0, 0};
    spy_http1_open(&http, room);
    size_t calls = 1 + random_below(30);
    for (size_t i = 1; i <= calls; i++) {
        char text[CALL_MAX];
        size_t n = 0;
        bool read = random_below(2) == 0;
        for (size_t parts = 1 + random_below(6); parts > 0; parts--) {
            const char *word = words[random_below(sizeof(words) / sizeof(words[0]))];
            size_t len = strlen(word);
            memcpy(text + n, word, len);
            n += len;
            if (random_below(20) == 0)
                text[n - 1] = (char)random_below(256);
        }
        told[read] += n;
        tell(&http, &sink, read, random_below(12) ? text : NULL, n, i * 10);
    }
    settle(&http, &sink, &tally, told[1], told[0]);
}

static void noise_is_survived(void **state)
{
    (void)state;
    for (int i = 0; i < NOISE_RUNS; i++)
        noise_run();
}

/* The conversation with some bytes changed, dropped, moved to the other side or made opaque. */
static void damaged_run(uint64_t one_in)
{
    struct tally tally = {0};
    const struct spy_http1_sink sink = {on_head, on_done, &tally};
    struct spy_http1 http;
    uint64_t told[2] = {0, 0};
    spy_http1_open(&http, room);
    for (size_t i = 0; i < conv.bytes;) {
        char text[CALL_MAX];
        size_t n = 0;
        size_t limit = 1 + random_below(CALL_MAX);
        bool read = conv.byte[i].way == '>';
        bool opaque = conv.byte[i].opaque || random_below(50) == 0;
        for (; i < conv.bytes && n < limit && (conv.byte[i].way == '>') == read; i++) {
            uint64_t fate = random_below(one_in);
            if (fate == 0)
                continue;
            text[n++] = fate == 1 ? (char)random_below(256) : conv.byte[i].value;
        }
        if (n == 0)
            continue;
        bool as_read = random_below(200) == 0 ? !read : read;
        told[as_read] += n;
        tell(&http, &sink, as_read, opaque ? NULL : text, n, (i + 1) * 10);
    }
    settle(&http, &sink, &tally, told[1], told[0]);
}

static void damaged_conversations_are_survived(void **state)
{
    (void)state;
    DIR *dir = opendir(FIXTURES);
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        char path[512];
        if (!strstr(entry->d_name, ".conv"))
            continue;
        snprintf(path, sizeof(path), "%s/%s", FIXTURES, entry->d_name);
        conversation_read(&conv, path);
        size_t runs = conv.bytes > LARGE ? DAMAGED_LARGE : DAMAGED_RUNS;
        for (size_t i = 0; i < runs; i++)
            damaged_run(30 + 30 * (i % 20));
    }
    closedir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noise_is_survived),
        cmocka_unit_test(damaged_conversations_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
