/* SPDX-License-Identifier: MIT */
/* Body framing: where a body ends, for every kind of body and any split, seen and opaque. */
#include "observe/framing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Takes N bytes of TEXT in pieces of STEP; returns how many belong to the body. */
static size_t take_in_steps(struct spy_framing *body, const char *text, size_t n, size_t step)
{
    size_t used = 0;
    while (used < n) {
        size_t len = n - used < step ? n - used : step;
        size_t took = spy_framing_take(body, text + used, len);
        used += took;
        if (took < len)
            break;
    }
    return used;
}

static void no_body_takes_nothing(void **state)
{
    (void)state;
    struct spy_framing body;
    spy_framing_none(&body);
    assert_true(spy_framing_done(&body));
    assert_int_equal(spy_framing_take(&body, "GET", 3), 0);
    spy_framing_length(&body, 0);
    assert_true(spy_framing_done(&body));
}

static void length_counts_seen_and_opaque_bytes(void **state)
{
    (void)state;
    struct spy_framing body;
    spy_framing_length(&body, 10);
    assert_int_equal(spy_framing_take(&body, "abc", 3), 3);
    assert_int_equal(spy_framing_take(&body, NULL, 6), 6);
    assert_false(spy_framing_done(&body));
    assert_int_equal(spy_framing_take(&body, "jGET", 4), 1);
    assert_true(spy_framing_done(&body));
}

static void length_may_exceed_32_bits(void **state)
{
    (void)state;
    struct spy_framing body;
    spy_framing_length(&body, 5ull << 32);
    for (int i = 0; i < 5; i++) {
        assert_false(spy_framing_done(&body));
        assert_int_equal(spy_framing_take(&body, NULL, 1ull << 32), 1ull << 32);
    }
    assert_true(spy_framing_done(&body));
}

static void close_takes_everything(void **state)
{
    (void)state;
    struct spy_framing body;
    spy_framing_close(&body);
    assert_int_equal(spy_framing_take(&body, "0\r\n\r\n", 5), 5);
    assert_int_equal(spy_framing_take(&body, NULL, 1000), 1000);
    assert_true(spy_framing_until_close(&body));
    assert_false(spy_framing_done(&body));
}

static void chunked_ends_where_it_ends(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "0\r\n\r\n",
        "5\r\nhello\r\n0\r\n\r\n",
        "5\nhello\n0\n\n",
        "000a;x=\"y\";z\r\n0123456789\r\n0;last\r\n\r\n",
        "A \t\r\n0123456789\r\n1\r\n0\r\n00\r\nTrailer: 0\r\nOther: \r\n\r\n",
        "2\r\n\r\n\r\n0\r\n\r\n",
        "1f\r\n0123456789abcdef0123456789abcde\r\n0\r\nX\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        char text[128];
        size_t len = strlen(bodies[i]);
        memcpy(text, bodies[i], len);
        memcpy(text + len, "\r\n0\r\n\r\n", 7);
        for (size_t step = 1; step <= len + 7; step++) {
            struct spy_framing body;
            spy_framing_chunked(&body);
            assert_int_equal(take_in_steps(&body, text, len + 7, step), len);
            assert_true(spy_framing_done(&body));
        }
        /* Not one byte earlier. */
        struct spy_framing body;
        spy_framing_chunked(&body);
        assert_int_equal(spy_framing_take(&body, text, len - 1), len - 1);
        assert_false(spy_framing_done(&body));
        assert_false(spy_framing_broken(&body));
    }
}

static void chunk_data_may_be_opaque(void **state)
{
    (void)state;
    struct spy_framing body;
    spy_framing_chunked(&body);
    assert_int_equal(spy_framing_take(&body, "8\r\nab", 5), 5);
    assert_int_equal(spy_framing_take(&body, NULL, 4), 4);
    assert_int_equal(spy_framing_take(&body, "gh\r\n0\r\n\r\n", 9), 9);
    assert_true(spy_framing_done(&body));
}

static void opaque_bytes_in_chunk_syntax_break_it(void **state)
{
    (void)state;
    static const char *const before[] = {"",       "8",        "8\r",   "8;x",
                                         "1\r\nx", "1\r\nx\r", "0\r\n", "0\r\n\r"};
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        struct spy_framing body;
        spy_framing_chunked(&body);
        size_t len = strlen(before[i]);
        assert_int_equal(take_in_steps(&body, before[i], len, 1), len);
        assert_int_equal(spy_framing_take(&body, NULL, 1), 0);
        assert_true(spy_framing_broken(&body));
        assert_int_equal(spy_framing_take(&body, "0\r\n\r\n", 5), 0);
    }
}

/* More opaque bytes than the chunk has: the payload is taken, then it breaks. */
static void opaque_bytes_beyond_a_chunk_break_it(void **state)
{
    (void)state;
    struct spy_framing body;
    spy_framing_chunked(&body);
    assert_int_equal(spy_framing_take(&body, "5\r\n", 3), 3);
    assert_int_equal(spy_framing_take(&body, NULL, 6), 5);
    assert_true(spy_framing_broken(&body));
}

static void what_is_no_chunked_body_breaks(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "\r\n",          "x\r\n",    ";x\r\n",
        "-1\r\n",        "5x\r\n",   "5\r\nhello0",
        "5\r\nhello\rx", "0\r\n\rx", "10000000000000000\r\n", /* 2^64 */
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct spy_framing body;
        spy_framing_chunked(&body);
        assert_true(take_in_steps(&body, bodies[i], strlen(bodies[i]), 1) < strlen(bodies[i]));
        assert_true(spy_framing_broken(&body));
    }
}

static void the_largest_chunk_is_accepted(void **state)
{
    (void)state;
    struct spy_framing body;
    spy_framing_chunked(&body);
    assert_int_equal(spy_framing_take(&body, "00ffffffffffffffff\r\n", 20), 20);
    assert_int_equal(spy_framing_take(&body, NULL, SIZE_MAX / 2), SIZE_MAX / 2);
    assert_int_equal(spy_framing_take(&body, NULL, SIZE_MAX / 2 + 1), SIZE_MAX / 2 + 1);
    assert_int_equal(spy_framing_take(&body, "\r\n0\r\n\r\n", 7), 7);
    assert_true(spy_framing_done(&body));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_body_takes_nothing),
        cmocka_unit_test(length_counts_seen_and_opaque_bytes),
        cmocka_unit_test(length_may_exceed_32_bits),
        cmocka_unit_test(close_takes_everything),
        cmocka_unit_test(chunked_ends_where_it_ends),
        cmocka_unit_test(chunk_data_may_be_opaque),
        cmocka_unit_test(opaque_bytes_in_chunk_syntax_break_it),
        cmocka_unit_test(opaque_bytes_beyond_a_chunk_break_it),
        cmocka_unit_test(what_is_no_chunked_body_breaks),
        cmocka_unit_test(the_largest_chunk_is_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
