/* SPDX-License-Identifier: MIT */
/* Skeletons: what is taken out of a text, and which texts have none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shared/sql.h"

#define CAP 1024

/* The skeleton of a heap copy of just the text, "" if it has none, in a block that a sanitizer
 * guards: as long as allowed, and not longer. */
static const char *skeleton_as(const char *text, unsigned how)
{
    static char out[CAP];
    size_t len = strlen(text), cap = len + SPY_SQL_SKELETON_SLACK;
    char *exact = malloc(len ? len : 1), *made = malloc(cap);

    assert_true(exact && made);
    memcpy(exact, text, len);
    size_t n = spy_sql_skeleton(exact, len, how, made, cap);
    assert_true(n <= len && n < sizeof(out));
    memcpy(out, made, n);
    out[n] = '\0';
    assert_int_equal(spy_sql_skeleton(exact, len, how, made, cap - 1), 0);
    free(exact);
    free(made);
    if (n > 0)
        assert_true(spy_sql_normalise_as(text, len, how, NULL, 0).fingerprint ==
                    spy_sql_normalise_as(out, n, how, NULL, 0).fingerprint);
    return out;
}

static void becomes(const char *text, const char *expected)
{
    assert_string_equal(skeleton_as(text, 0), expected);
}

static void strings(void **state)
{
    (void)state;
    becomes("x = 'abc'", "x = ''");
    becomes("x='' and y='it''s' or z=''''", "x='' and y='' or z=''");
    becomes("('a', 'b','c')", "('', '','')");
    becomes("'a'", "''");
    becomes("'a' \n 'b' 'c'", "'' \n '' ''");
    becomes("'a string of more than sixteen bytes', 'and ''another'' one of them'", "'', ''");
    becomes("'-- /* \" $$ 12'", "''");
    becomes("'C:\\' or x", "'' or x");
}

static void numbers(void **state)
{
    (void)state;
    becomes("1", "1");
    becomes("x = 42 and y<7", "x = 1 and y<1");
    becomes("1234567890123456789012345", "1");
    becomes("1.5 + .25 - 10. + 1..10", "1.1 + .1 - 1. + 1..1");
    becomes("1e10 0x1F 1_000 12abc", "1e10 0x1F 1_000 12abc");
    becomes("t1.c2 col3 _4 \xc3\xa9"
            "5",
            "t1.c2 col3 _4 \xc3\xa9"
            "5");
    becomes("$1 = $23 and a$4", "$1 = $23 and a$4");
    becomes("x[1:20], -7, 3-4, 8/2", "x[1:1], -1, 1-1, 1/1");
}

static void the_rest_stays(void **state)
{
    (void)state;
    becomes("SELECT \"Id 12\", \"it's\", \"a\"\"b\" FROM t",
            "SELECT \"Id 12\", \"it's\", \"a\"\"b\" FROM t");
    becomes("\"an identifier of more than sixteen bytes\".\"x\"",
            "\"an identifier of more than sixteen bytes\".\"x\"");
    becomes("a - b / c * d; e", "a - b / c * d; e");
    becomes("a \\ b ` c \x01 ? \xff", "a \\ b ` c \x01 ? \xff");
    becomes("-", "-");
    becomes("a /", "a /");
}

static void line_comments(void **state)
{
    (void)state;
    becomes("a -- of a firm's \"$ /* 12", "a --");
    becomes("--", "--");
    becomes("---1\n-2--3\r--", "--\n-1--\r--");
    becomes("'a' -- b\n 'c'--d\n'e'", "'' --\n ''--\n''");
    becomes("'a' -- b\n, 7 <-- 8\n 9", "'' --\n, 1 <--\n 1");
    becomes("'-- a' -- 'b'\n+ \"--\"", "'' --\n+ \"--\"");
}

static void none(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",         "a -/**/ b", "a /* b */",       "-- \n/*", "/*",    "e'a'",
        "E'\\''",   "n'a'",      "x'1F' or b'1'",   "U&'a'",   "u&'a'", "date'2020-01-01'",
        "1'a'",     "$$a$$",     "$tag$ a $tag$",   "a$b",     "$",     "'open",
        "'open ''", "\"open",    "'a' \"b\" 'open", "é'a'",    "$1'a'", "a_'b'",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        becomes(texts[i], "");
}

static void backslashes(void **state)
{
    (void)state;
    assert_string_equal(skeleton_as("x = 'a' and \\ y", SPY_SQL_BACKSLASH), "x = '' and \\ y");
    assert_string_equal(skeleton_as("x = 'a\\b'", SPY_SQL_BACKSLASH), "");
    assert_string_equal(skeleton_as("x = 'a''b\\'", SPY_SQL_BACKSLASH), "");
    assert_string_equal(skeleton_as("\"a\\\", 'b'", SPY_SQL_BACKSLASH), "\"a\\\", ''");
}

/* Every token at every place of a block. */
static void wherever_it_stands(void **state)
{
    (void)state;
    static const char *const tokens[][2] = {
        {"'ab'", "''"}, {"12", "1"},    {"\"q\"", "\"q\""},
        {"$1", "$1"},   {"- 1", "- 1"}, {"'''''a long enough one to be more than one block'", "''"},
    };
    char text[128], expected[128];

    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        for (int before = 0; before < 40; before++) {
            for (int after = 0; after < 40; after++) {
                sprintf(text, "%*s%s%*s", before, "", tokens[i][0], after, "");
                sprintf(expected, "%*s%s%*s", before, "", tokens[i][1], after, "");
                becomes(text, expected);
            }
        }
    }
}

static void too_long(void **state)
{
    (void)state;
    char out[64];

    assert_int_equal(spy_sql_skeleton("select 1", 8, 0, out, 8 + SPY_SQL_SKELETON_SLACK), 8);
    assert_int_equal(spy_sql_skeleton("select 1", 8, 0, out, 7 + SPY_SQL_SKELETON_SLACK), 0);
    assert_int_equal(spy_sql_skeleton("select 1", 8, 0, out, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings),
        cmocka_unit_test(numbers),
        cmocka_unit_test(the_rest_stays),
        cmocka_unit_test(line_comments),
        cmocka_unit_test(none),
        cmocka_unit_test(backslashes),
        cmocka_unit_test(wherever_it_stands),
        cmocka_unit_test(too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
