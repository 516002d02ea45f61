/* SPDX-License-Identifier: MIT */
/*
 * A classifier without memory: whichever allocation fails, there is none, and nothing is kept. And
 * once made it allocates no more, whatever it is asked.
 */
#include "unit/shared/failing_malloc.h"

#include "unit/classify/classify_fixture.h"

#include <stdio.h>

#if FAILING_MALLOC

#define RULES                                  \
    "version: 1\n"                             \
    "operations:\n"                            \
    "- {name: a, sql: [SELECT a, SELECT b]}\n" \
    "- {name: b, http: 'GET /b/{id}'}\n"       \
    "- {name: c, comment: {k: v}}\n"           \
    "- {name: d, prepared: p}\n"

static void test_each_allocation_fails(void **state)
{
    (void)state;
    struct spy_rules *rules;
    assert_int_equal(spy_rules_parse(RULES, strlen(RULES), &rules, NULL), SPY_OK);
    struct spy_region *region = fixture_region();
    long n = 0;
    for (;; n++) {
        memset((void *)region, 0, spy_region_layout(NULL));
        spy_region_layout(region);
        long before = live;
        fail_after = n;
        struct spy_classifier *c = spy_classifier_new(region, rules);
        fail_after = -1;
        assert_true(c == NULL || n > 10);
        spy_classifier_free(c);
        assert_int_equal(live, before);
        if (c != NULL)
            break;
    }
    free(region);
    spy_rules_free(rules);
}

static void test_allocates_no_more(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, RULES);
    char text[64];
    failed = false;
    fail_after = 0;
    for (unsigned i = 0; i < 3000; i++) {
        size_t len = (size_t)snprintf(text, sizeof(text), "SELECT c%u /*k='v%u'*/", i, i % 2);
        spy_stmt stmt[2] = {spy_classify_sql(f.c, text, len),
                            spy_classify_prepared(f.c, i % 3 == 0 ? "p" : text, NULL, 0)};
        spy_classify_sequence(f.c, stmt, 2);
        len = (size_t)snprintf(text, sizeof(text), "SELECT c%u, '\\; SELECT d%u; SELECT $$'", i, i);
        spy_classify_single(f.c, spy_classify_sql(f.c, text, len));
        spy_classify_single(f.c, spy_classify_sql_as(f.c, text, len, SPY_SQL_BACKSLASH));
        len = (size_t)snprintf(text, sizeof(text), "/b/%u?x=y", i);
        spy_classify_http(f.c, "GET", 3, text, len);
        spy_classify_http(f.c, "PUT", 3, text, len);
    }
    fail_after = -1;
    assert_false(failed);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_allocation_fails),
        cmocka_unit_test(test_allocates_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void test_not_here(void **state)
{
    (void)state;
    print_message("# skipped: the sanitizer's allocator cannot be made to fail\n");
    skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_not_here)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
