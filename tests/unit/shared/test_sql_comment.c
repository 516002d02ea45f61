/* SPDX-License-Identifier: MIT */
/* sqlcommenter tags. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shared/sql.h"

/* The value of KEY in a heap copy of just the comment, or NULL. */
static const char *tag(const char *comment, const char *key)
{
    static char value[64];
    size_t len = strlen(comment);
    char *exact = malloc(len ? len : 1);

    assert_non_null(exact);
    memcpy(exact, comment, len);
    bool found = spy_sql_comment_tag(exact, len, key, value, sizeof(value));
    free(exact);
    return found ? value : NULL;
}

static void found(void **state)
{
    (void)state;
    static const char comment[] = "action='%2Fparam*d',controller='index',framework='spring'";

    assert_string_equal(tag(comment, "action"), "/param*d");
    assert_string_equal(tag(comment, "controller"), "index");
    assert_string_equal(tag(comment, "framework"), "spring");
    assert_string_equal(tag(" a = 'x' , b='y' ", "a"), "x");
    assert_string_equal(tag(" a = 'x' , b='y' ", "b"), "y");
    assert_string_equal(tag("a=''", "a"), "");
    assert_string_equal(tag("a='1',a='2'", "a"), "1");
    assert_string_equal(tag("route%20name='x'", "route name"), "x");
    assert_string_equal(tag("a='x,b=1',b='2'", "b"), "2");
    assert_string_equal(tag("a='caf%C3%A9'", "a"), "caf\xc3\xa9");
}

static void escapes(void **state)
{
    (void)state;
    assert_string_equal(tag("a='it\\'s',b='x'", "a"), "it's");
    assert_string_equal(tag("a='it\\'s',b='x'", "b"), "x");
    assert_string_equal(tag("a='%27%5c%5C'", "a"), "'\\\\");
    assert_string_equal(tag("a='100%'", "a"), "100%");
    assert_string_equal(tag("a='%zz%4'", "a"), "%zz%4");
    assert_string_equal(tag("a='x%00y'", "a"), "x%00y");
    assert_string_equal(tag("a='x+y'", "a"), "x+y");
}

static void absent(void **state)
{
    (void)state;
    assert_null(tag("", "a"));
    assert_null(tag("a", "a"));
    assert_null(tag("a=", "a"));
    assert_null(tag("a=x", "a"));
    assert_null(tag("a='x", "a"));
    assert_null(tag("a='x\\'", "a"));
    assert_null(tag("A='x'", "a"));
    assert_null(tag("ab='x'", "a"));
    assert_null(tag("a='x'", "ab"));
    assert_null(tag("b='a=\\'x\\''", "a"));
    assert_null(tag("just a comment", "just a comment"));
    assert_null(tag(",,,='", ""));
}

static void prose_before_tags_is_skipped(void **state)
{
    (void)state;
    assert_string_equal(tag("see ticket 5, really, a='x'", "a"), "x");
    assert_string_equal(tag("n=5,a='x'", "a"), "x");
}

static void cut_to_the_buffer(void **state)
{
    (void)state;
    static const char comment[] = "a='abcdef'";
    char value[5] = "zzzz";

    assert_true(spy_sql_comment_tag(comment, sizeof(comment) - 1, "a", value, 4));
    assert_string_equal(value, "abc");
    assert_int_equal(value[4], '\0');
    assert_true(spy_sql_comment_tag(comment, sizeof(comment) - 1, "a", value, 1));
    assert_string_equal(value, "");
    assert_true(spy_sql_comment_tag(comment, sizeof(comment) - 1, "a", NULL, 0));
}

/* ---- one by one ----------------------------------------------------------------------------- */

static void one_by_one(void **state)
{
    (void)state;
    static const char comment[] = "why,a='x%20y', b = 'q\\'r',n=5,c='',d='open";
    struct spy_sql_tags tags = {comment, comment + sizeof(comment) - 1};
    struct spy_sql_tag one;
    assert_true(spy_sql_tags_next(&tags, &one));
    assert_true(spy_sql_tag_is(&one, "a"));
    assert_false(spy_sql_tag_is(&one, "b"));
    assert_int_equal(one.value_len, 5);
    assert_memory_equal(one.value, "x%20y", 5);
    assert_true(spy_sql_tags_next(&tags, &one));
    assert_true(spy_sql_tag_is(&one, "b"));
    assert_int_equal(one.value_len, 4);
    assert_memory_equal(one.value, "q\\'r", 4);
    assert_true(spy_sql_tags_next(&tags, &one));
    assert_true(spy_sql_tag_is(&one, "c"));
    assert_int_equal(one.value_len, 0);
    assert_false(spy_sql_tags_next(&tags, &one));
    assert_false(spy_sql_tags_next(&tags, &one));
}

/* The body before the last comment, or NULL. */
static const char *body_of(const char *text, const char *inside)
{
    static char body[256];
    size_t len;
    struct spy_sql_tags tags;
    if (!spy_sql_last_comment(text, strlen(text), &len, &tags))
        return NULL;
    assert_int_equal(tags.end - tags.at, strlen(inside));
    assert_memory_equal(tags.at, inside, strlen(inside));
    memcpy(body, text, len);
    body[len] = '\0';
    return body;
}

static void the_last_comment(void **state)
{
    (void)state;
    assert_string_equal(body_of("SELECT 1 /*a='x'*/", "a='x'"), "SELECT 1 ");
    assert_string_equal(body_of("SELECT 1/**/ ;\n", ""), "SELECT 1");
    assert_string_equal(body_of("/*a*/SELECT 1/*b*/;;", "b"), "/*a*/SELECT 1");
    assert_string_equal(body_of("/* all */", " all "), "");
    assert_null(body_of("SELECT 1 /*a*/ + 1", ""));
    assert_null(body_of("SELECT 1", ""));
    assert_null(body_of("", ""));
    assert_null(body_of("/*/", ""));
    assert_null(body_of("*/", ""));
    assert_null(body_of("SELECT 1 /* a /* b */ c */", "")); /* nested: ends before the text does */
    assert_null(body_of("a/*/ b */", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found),
        cmocka_unit_test(escapes),
        cmocka_unit_test(absent),
        cmocka_unit_test(prose_before_tags_is_skipped),
        cmocka_unit_test(cut_to_the_buffer),
        cmocka_unit_test(one_by_one),
        cmocka_unit_test(the_last_comment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
