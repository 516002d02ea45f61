/* SPDX-License-Identifier: MIT */
/*
 * Texts made to be read again and again, to run past their end, or to nest without end: megabytes
 * of each, through everything that reads a text. The time must stay linear in the length;
 * quadratic, each would take hours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "shared/sql.h"

enum { LONGEST = 10 * 1000 * 1000, LONG = 400 * 1000 };

/* What one way of reading a text may take, in seconds of processor time, under a sanitizer and
 * on a slow machine. */
#define LIMIT_S 20

/* Heap blocks of just the text's length, so that a sanitizer sees any byte read behind the end. */
static char *text, *out;
static size_t text_len;

static void begin_text(size_t len)
{
    text_len = len;
    text = malloc(len);
    out = malloc(len + SPY_SQL_SKELETON_SLACK);
    assert_true(text && out);
}

static void end_text(void)
{
    free(text);
    free(out);
}

static double now_s(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void read_whole(unsigned how)
{
    struct spy_sql_normal whole = spy_sql_normalise_as(text, text_len, how, NULL, 0);
    struct spy_sql_normal cut = spy_sql_normalise_as(text, text_len, how, out, 64);
    assert_true(whole.fingerprint == cut.fingerprint);
    assert_true(cut.len < 64 && out[cut.len] == '\0');
}

static void read_parts(unsigned how)
{
    size_t at = 0, rest;
    do {
        rest = spy_sql_normalise_as(text + at, text_len - at, how | SPY_SQL_FIRST, NULL, 0).rest;
        assert_true(rest <= text_len - at);
        at += rest;
    } while (rest != 0);
}

static void read_tokens(unsigned how)
{
    struct spy_sql_lexer lexer;
    spy_sql_start(&lexer, text, text_len);
    lexer.backslash = how & SPY_SQL_BACKSLASH;
    while (spy_sql_next(&lexer).kind != SPY_SQL_END)
        ;
    assert_ptr_equal(lexer.at, text + text_len);
}

static void read_skeleton(unsigned how)
{
    assert_true(spy_sql_skeleton(text, text_len, how, out, text_len + SPY_SQL_SKELETON_SLACK) <=
                text_len);
}

static void match(unsigned how)
{
    spy_sql_match("... where x = ?", text, text_len, how);
}

static void read_comment(unsigned how)
{
    char value[16];
    (void)how;
    spy_sql_comment_tag(text, text_len, "key", value, sizeof(value));
}

static void read_all_ways(const char *name)
{
    static void (*const ways[])(unsigned) = {read_whole,    read_parts, read_tokens,
                                             read_skeleton, match,      read_comment};
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        double from = now_s();
        ways[i](i % 2 ? SPY_SQL_BACKSLASH : 0);
        double took = now_s() - from;
        if (took > LIMIT_S)
            fail_msg("%s, way %zu: %.1f s", name, i, took);
    }
}

/* FRONT once, then PART over and over, the last one cut: read in all ways. */
static void check(size_t len, const char *front, const char *part)
{
    size_t used = strlen(front), part_len = strlen(part);

    begin_text(len);
    memcpy(text, front, used);
    for (size_t n; used < len; used += n) {
        n = part_len < len - used ? part_len : len - used;
        memcpy(text + used, part, n);
    }
    read_all_ways(*front ? front : part);
    end_text();
}

static void repeated(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "in(1,",
        "in(1::a ",
        "[1,",
        "[1::a[]",
        "[1::a[1",
        "values(1),(",
        "-",
        "values((1),",
        "in((1),(",
        "- ",
        ";",
        "; ;",
        "'a'\n",
        "'a'\n-",
        "$a$",
        "$a$ $b",
        "u&'a' /* */ ",
        "/*",
        "*/",
        "\"\"\"",
        "?|",
        ".",
        ",(1)",
        "(",
        ")",
        "[",
        "((1)",
        "a;",
        "(a;",
        "1,",
        "\\",
        "\\'",
        "e'\\",
        "''",
        "case ",
        "x'",
        "; /* */",
        "\xff\xfe",
        "\xc3",
        "u&\"",
        "uescape '",
        "- - - -",
        "+(",
        "k='",
        "key='%",
        ":",
        "::",
        "create function f() a; ",
        "+*",
        "create function f() begin atomic a; ",
        "create or replace procedure p(begin ; ",
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        check(LONG, "", parts[i]);
}

/* Something that does not end, before everything else. */
static void unterminated(void **state)
{
    (void)state;
    static const char *const fronts[] = {
        "'",
        "\"",
        "/*",
        "--",
        "$$",
        "$a$",
        "e'",
        "u&'",
        "u&\"",
        "b'",
        "n'",
        "(",
        "[",
        "in (",
        "values (",
        "array[",
        "create function f() begin atomic ",
    };
    for (size_t i = 0; i < sizeof(fronts) / sizeof(fronts[0]); i++)
        check(LONG, fronts[i], "a, 1; a\\' in (1, 2), a$b $a - ");
}

static void one_token(void **state)
{
    (void)state;
    static const char *const tokens[] = {"x", "7", "+", "@", "$", "\xff"};
    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++)
        check(LONG, "", tokens[i]);
}

static void longest(void **state)
{
    (void)state;
    check(LONGEST, "", "x");
    check(LONGEST, "", "(");
    check(LONGEST, "'", "''");
    check(LONGEST, "/*", "/**/");
    check(LONGEST, "insert into t values ", "(1, 'a', now()), ");
}

/* A first row as long as all the others. */
static void long_first_row(void **state)
{
    (void)state;
    begin_text(LONG);
    size_t used = (size_t)sprintf(text, "values ('%0*d')", LONG / 2, 0);
    for (; used + 4 <= text_len; used += 4)
        memcpy(text + used, ",(1)", 4);
    memset(text + used, ' ', text_len - used);
    read_all_ways("a long first row");
    end_text();
}

static void blank_but_the_end(void **state)
{
    (void)state;
    static const char last[] = {'\0', ' ', '\'', ';', '-', '\\'};
    for (size_t i = 0; i < sizeof(last); i++) {
        begin_text(LONG);
        memset(text, i % 2 ? ' ' : '\0', text_len);
        text[text_len - 1] = last[i];
        read_all_ways("blanks");
        end_text();
    }
}

/* Each byte at the end, behind what makes it mean something. */
static void cut_off(void **state)
{
    (void)state;
    static const char *const fronts[] = {
        "",      "a",   "1",    "1.",   "1e",    "1e+",     "0x",     "$",        "$a",
        "$a$",   "'",   "''",   "e'\\", "u&",    "u&'a' u", "--",     "-",        "/",
        "/*",    "/**", "\"",   ":",    ".",     "..",      "'a'\n",  "'a' -",    "in (",
        "in (1", "[1,", "[1:",  "1::",  "1::a[", ";",       "a;",     "(;",       "create",
        "+",     "!",   "a in", "- -",  "$1",    "n'",      "values", "values (",
    };
    for (size_t i = 0; i < sizeof(fronts) / sizeof(fronts[0]); i++) {
        for (int byte = 0; byte < 256; byte++) {
            size_t len = strlen(fronts[i]) + 1;
            char *exact = malloc(len), *small = malloc(len + SPY_SQL_SKELETON_SLACK);
            assert_true(exact && small);
            memcpy(exact, fronts[i], len - 1);
            exact[len - 1] = (char)byte;
            for (unsigned how = 0; how < 4; how++)
                assert_true(spy_sql_normalise_as(exact, len, how, NULL, 0).rest < len);
            spy_sql_skeleton(exact, len, 0, small, len + SPY_SQL_SKELETON_SLACK);
            spy_sql_match("a ... ?", exact, len, 0);
            free(exact);
            free(small);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(repeated),       cmocka_unit_test(unterminated),
        cmocka_unit_test(one_token),      cmocka_unit_test(longest),
        cmocka_unit_test(long_first_row), cmocka_unit_test(blank_but_the_end),
        cmocka_unit_test(cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
