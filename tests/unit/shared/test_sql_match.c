/* SPDX-License-Identifier: MIT */
/* Token patterns: what matches what, and which patterns are refused with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "shared/sql.h"

static bool matches(const char *pattern, const char *text)
{
    const char *why = NULL;
    size_t offset = 0;

    assert_true(spy_sql_pattern_check(pattern, &why, &offset));
    return spy_sql_match(pattern, text, strlen(text), 0);
}

static void without_wildcards(void **state)
{
    (void)state;
    assert_true(matches("SELECT id FROM parts WHERE id = ?", "select id from parts where id=42"));
    assert_true(matches("select id from parts where id=?", "SELECT id\nFROM parts WHERE id = $1;"));
    assert_true(matches("select 1;", "/* c */ select 'x' ; -- d"));
    assert_true(matches("select $1", "select -7"));
    assert_false(matches("select id", "select ids"));
    assert_false(matches("select id", "select id, x"));
    assert_false(matches("select id, x", "select id"));
    assert_false(matches("select ?", "select null"));
    assert_false(matches("select \"id\"", "select id"));
    assert_false(matches("select 1", "select 1; select 1"));
    assert_false(matches("select 1", ""));
    assert_true(matches("x <> ?", "x != 1"));
}

static void with_wildcards(void **state)
{
    (void)state;
    assert_true(matches("...", ""));
    assert_true(matches("...", "select 1"));
    assert_true(matches("SELECT ... FROM parts WHERE id = ?",
                        "select id, f(a, 'x from parts') from parts where id = 7"));
    assert_true(matches("SELECT ... FROM parts ...", "select from parts"));
    assert_true(matches("... from a ... from b ...", "x from a from a y from b z"));
    assert_true(matches("select ... limit ?", "select a limit 1 from b limit 2"));
    assert_false(matches("select ... limit ?", "select a limit 1 from b"));
    assert_false(matches("SELECT ... FROM parts WHERE id = ?",
                         "select * from parts where id = 1 and x = 2"));
    assert_false(matches("select ... from parts", "select a, 'from parts'"));
    assert_false(matches("a ... a", "a"));
    assert_true(matches("a ... a", "a a"));
    assert_true(matches("... ... a ... ...", "a"));
    assert_true(matches("f(...)", "f()"));
    assert_true(matches("f(...)", "f(g(1), 2)"));
    assert_false(matches("f(...)", "f(1) + 1"));
}

/* Pattern and statement are normalised alike. */
static void normalised_alike(void **state)
{
    (void)state;
    assert_true(matches("... in (?)", "x in (1,2,3)"));
    assert_true(matches("... in (?, ?)", "x in (1,2,3)"));
    assert_true(matches("... in (1)", "x in ($1::int)") == false);
    assert_true(matches("x = any (array[?]) ...", "x = ANY(ARRAY[1,2])"));
    assert_true(
        matches("insert into t (...) values (...)", "insert into t(a,b) values (1,2),(3,4),(5,6)"));
    assert_true(matches("values (?, now())", "values (1, now()), (2, now())"));
    assert_true(matches("x = ?", "x = -1"));
    assert_true(matches("x=-1", "x = 1"));
    assert_true(matches("a - ?", "a - 1"));
    assert_false(matches("x = ?", "x = -y"));
    assert_true(matches("d ?| array[?]", "d ?| array['a','b']"));
    assert_true(matches("d ? ?", "d ? 'a'"));
    assert_true(matches("d @? ?", "d @? '$.a'"));
    assert_true(matches("a ?|| b", "a ?|| b"));
    assert_true(matches("a||?", "a || 'x'"));
    assert_false(matches("... b", "a; b; c"));
    assert_true(matches("... c", "a; b; c"));
}

/* What a tool shows as the statement can be pasted as the pattern. */
static void normalised_text_is_a_pattern(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "SELECT id, t.* FROM parts t WHERE id = 1 AND x IN (1,2) AND d ? 'k' AND e @? '$'",
        "insert into t (a, b) values (1, -2), (3, now()) on conflict (a) do nothing",
        "select -$1, a - 1, a::text[], x[1:2], f(a => 1), \"Q\" from s.\"T\" limit 10 offset -5",
        "update t set a = array[1,2], b = E'\\'' where c != 5 and d ?|| e;",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char normal[512];
        struct spy_sql_normal n = spy_sql_normalise(texts[i], strlen(texts[i]), normal, 512);
        assert_false(n.truncated);
        assert_true(matches(normal, texts[i]));
    }
}

/* Reads nothing behind the text, which has no NUL here. */
static void text_is_counted(void **state)
{
    (void)state;
    char *exact = malloc(8);

    assert_non_null(exact);
    memcpy(exact, "select 1", 8);
    assert_true(spy_sql_match("select ?", exact, 8, 0));
    assert_false(spy_sql_match("select ?", exact, 6, 0));
    free(exact);
}

/* A pattern made to backtrack, on a long text: quadratic at worst, not exponential. */
static void hostile_patterns_end_soon(void **state)
{
    (void)state;
    static char text[20001];
    struct timespec from, to;

    for (size_t i = 0; i < sizeof(text) - 1; i += 2)
        memcpy(text + i, "a ", 2);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    assert_false(spy_sql_match("... a ... a ... a ... a ... a ... a ... a ... a ... a b", text,
                               sizeof(text) - 1, 0));
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    assert_true(to.tv_sec - from.tv_sec < 5);
}

static void refused(const char *pattern, const char *word, size_t at)
{
    const char *why = NULL;
    size_t offset = 999;

    assert_false(spy_sql_pattern_check(pattern, &why, &offset));
    assert_non_null(why);
    assert_non_null(strstr(why, word));
    assert_int_equal(offset, at);
}

static void bad_patterns(void **state)
{
    (void)state;
    refused("", "empty", 0);
    refused("  -- only a comment", "empty", 0);
    refused(" ; ", "empty", 0);
    refused("select 'a", "a string begins", 7);
    refused("select e'a\\'", "a string begins", 7);
    refused("select u&'a", "a string begins", 7);
    refused("select \"a", "quoted identifier", 7);
    refused("select U&\"a", "quoted identifier", 7);
    refused("select /* a", "comment", 7);
    refused("/* a", "comment", 0);
    refused("select $x$ a $y$", "dollar-quoted", 7);
    refused("begin; select 1", "one statement", 5);
    refused("begin; ...", "one statement", 5);
    assert_true(matches("select ';' ;;", "select 1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_wildcards), cmocka_unit_test(with_wildcards),
        cmocka_unit_test(normalised_alike),  cmocka_unit_test(normalised_text_is_a_pattern),
        cmocka_unit_test(text_is_counted),   cmocka_unit_test(hostile_patterns_end_soon),
        cmocka_unit_test(bad_patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
