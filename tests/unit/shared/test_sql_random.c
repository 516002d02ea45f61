/* SPDX-License-Identifier: MIT */
/*
 * Random texts, from a fixed seed: whatever the bytes, lexing ends and reads nothing behind the
 * text (each lies in a heap block of its own length: run under a sanitizer), and normalising is
 * idempotent. Texts are strung together from fragments that are special to the lexer, with some
 * bytes of any value in between.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shared/sql.h"

#define ROUNDS 200000
#define CAP    8192

static uint64_t next_random(uint64_t *seed)
{
    uint64_t x = *seed;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *seed = x;
}

static size_t random_text(uint64_t *seed, char *text, size_t cap)
{
    static const char *const fragments[] = {
        "select ", "in(",  "in (",     " in ", "values(", "values ", "array[", "(",
        ")",       "),(",  "[",        "]",    ",",       ";",       "::int",  "::",
        ":",       ":=",   ".",        "..",   "...",     "a",       "B",      "_x",
        "\"Q\"",   "\"",   "'s'",      "'",    "''",      "E'\\''",  "e'",     "b'1'",
        "U&'",     "u&\"", "uescape",  " '!'", "$1",      "$$",      "$t$",    "$",
        "1",       "1.5",  ".5",       "0x1F", "1_0",     "1e5",     "-1",     "-",
        "+",       "--",   "/*",       "*/",   "/",       "*",       "?",      "?|",
        "!=",      "=",    "@",        " ",    "\n",      "\t",      "limit ", "t.",
        "N'x'",    "\\",   "\xc3\xa9", "null", "{",       "x",       "+",      "12",
        "'x\\'",   "a'b'", "\"a'\"",   "\\'",
    };
    /* What may make a body of several statements. */
    static const char *const words[] = {"create function f() ", "begin atomic ", "case ", "end;"};
    size_t used = 0, count = next_random(seed) % 24;

    for (size_t i = 0; i < count && used + 20 < cap; i++) {
        if (next_random(seed) % 16 == 0) {
            text[used++] = (char)next_random(seed);
            continue;
        }
        const char *part = fragments[next_random(seed) % (sizeof(fragments) / sizeof(*fragments))];
        if (next_random(seed) % 8 == 0)
            part = words[next_random(seed) % (sizeof(words) / sizeof(*words))];
        memcpy(text + used, part, strlen(part));
        used += strlen(part);
    }
    return used;
}

static void fail_on(const char *what, const char *text, size_t len, const char *once,
                    const char *twice)
{
    print_error("%s\n  text (%zu bytes): ", what, len);
    for (size_t i = 0; i < len; i++)
        print_error(text[i] >= ' ' && text[i] < 127 ? "%c" : "\\x%02x", (unsigned char)text[i]);
    print_error("\n  once:  %s\n  twice: %s\n", once, twice);
    fail();
}

static void lexing_ends(const char *text, size_t len, bool backslash, bool pattern)
{
    struct spy_sql_lexer lexer;
    const char *before = text;

    spy_sql_start(&lexer, text, len);
    lexer.backslash = backslash;
    lexer.pattern = pattern;
    for (;;) {
        struct spy_sql_token token = spy_sql_next(&lexer);
        if (token.kind == SPY_SQL_END)
            break;
        assert_true(token.len > 0 && token.text >= before && token.text + token.len <= text + len);
        before = token.text + token.len;
    }
    assert_ptr_equal(lexer.at, text + len);
}

/* Statement by statement: each is what its own text is. And the skeleton, where there is one, falls
 * apart into the same statements. */
static void parts_and_skeleton(const char *text, size_t len, unsigned how)
{
    static char skeleton[CAP];
    size_t n = spy_sql_skeleton(text, len, how, skeleton, sizeof(skeleton));
    size_t at = 0, skeleton_at = 0, rest;

    do {
        struct spy_sql_normal part =
            spy_sql_normalise_as(text + at, len - at, how | SPY_SQL_FIRST, NULL, 0);
        rest = part.rest;
        if (rest > len - at || (rest != 0 && text[at + rest - 1] != ';'))
            fail_on("split elsewhere", text, len, "", "");
        size_t own_len = rest ? rest - 1 : len - at;
        if (part.fingerprint != spy_sql_normalise_as(text + at, own_len, how, NULL, 0).fingerprint)
            fail_on("a part is not itself", text, len, "", "");
        if (n > 0) {
            struct spy_sql_normal same = spy_sql_normalise_as(
                skeleton + skeleton_at, n - skeleton_at, how | SPY_SQL_FIRST, NULL, 0);
            skeleton_at += same.rest;
            if (same.fingerprint != part.fingerprint || !same.rest != !rest)
                fail_on("the skeleton is another text", text, len, skeleton, "");
        }
        at += rest;
    } while (rest != 0);
}

static void any_text(void **state)
{
    (void)state;
    static char scratch[512], once[CAP], twice[CAP];
    uint64_t seed = 0x9e3779b97f4a7c15u;

    for (int i = 0; i < ROUNDS; i++) {
        size_t len = random_text(&seed, scratch, sizeof(scratch));
        char *text = malloc(len ? len : 1);
        assert_non_null(text);
        memcpy(text, scratch, len);
        lexing_ends(text, len, i & 1, i & 2);

        struct spy_sql_normal first = spy_sql_normalise(text, len, once, sizeof(once));
        char *exact = malloc(first.len ? first.len : 1);
        assert_non_null(exact);
        memcpy(exact, once, first.len);
        struct spy_sql_normal second = spy_sql_normalise(exact, first.len, twice, sizeof(twice));
        if (first.truncated || first.len != second.len || memcmp(once, twice, first.len) != 0)
            fail_on("not idempotent", text, len, once, twice);
        if (first.fingerprint != second.fingerprint)
            fail_on("another fingerprint", text, len, once, twice);
        /* Behind more text, words are copied another way. */
        size_t room = sizeof(scratch) - len;
        memset(scratch + len, ' ', room);
        if (!memchr(scratch, '\'', len) && !memchr(scratch, '"', len) &&
            spy_sql_normalise(scratch, len, NULL, 0).fingerprint != first.fingerprint)
            fail_on("depends on what is behind", text, len, once, twice);
        spy_sql_match("... in (?) ... ; ? ...", text, len, i & 1);
        parts_and_skeleton(text, len, i & 1);
        free(exact);
        free(text);
    }
}

/* Bytes of any value only. */
static void any_bytes(void **state)
{
    (void)state;
    static char once[CAP], twice[CAP];
    uint64_t seed = 0x2545f4914f6cdd1du;

    for (int i = 0; i < ROUNDS / 10; i++) {
        size_t len = next_random(&seed) % 64;
        char *text = malloc(len ? len : 1);
        assert_non_null(text);
        for (size_t j = 0; j < len; j++)
            text[j] = (char)next_random(&seed);
        lexing_ends(text, len, i & 1, i & 2);
        struct spy_sql_normal first = spy_sql_normalise(text, len, once, sizeof(once));
        struct spy_sql_normal second = spy_sql_normalise(once, first.len, twice, sizeof(twice));
        if (first.len != second.len || memcmp(once, twice, first.len) != 0)
            fail_on("not idempotent", text, len, once, twice);
        parts_and_skeleton(text, len, i & 1);
        char value[16];
        spy_sql_comment_tag(text, len, "a", value, sizeof(value));
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_text),
        cmocka_unit_test(any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
