/* SPDX-License-Identifier: MIT */
/*
 * The rules parser without memory: whichever allocation fails, it says so and keeps nothing.
 */
#include "shared/rules.h"
#include "unit/shared/failing_malloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

#if FAILING_MALLOC

/* Of every kind of value one, and operations enough to make their table grow. */
static const char head[] = "version: 1\n"
                           "levels: {slow: 5s}\n"
                           "parameters: [skip, limit]\n"
                           "operations:\n"
                           "- {name: a, http: [GET /a, 'GET /b/{id}'], benchmark: {p99: 1s}}\n"
                           "- {name: b, sql: [SELECT a FROM t, SELECT b FROM t]}\n"
                           "- {name: c, prepared: p}\n"
                           "- {name: d, comment: {k: v, a: b}}\n";

static size_t write_text(char *text, size_t cap)
{
    size_t len = (size_t)snprintf(text, cap, "%s", head);
    for (int i = 0; i < 40; i++)
        len += (size_t)snprintf(text + len, cap - len, "- {name: n%d, prepared: n%d}\n", i, i);
    return len;
}

static void test_each_allocation_fails(void **state)
{
    (void)state;
    static char text[8192];
    size_t len = write_text(text, sizeof(text));
    long failures = 0;
    for (long n = 0;; n++) {
        struct spy_rules *rules;
        struct spy_error err = {0};
        long before = live;
        failed = false;
        fail_after = n;
        enum spy_status status = spy_rules_parse(text, len, &rules, &err);
        fail_after = -1;
        if (status == SPY_OK) {
            assert_int_equal(rules->count, 44);
            spy_rules_free(rules);
            assert_int_equal(live, before);
            if (!failed)
                break;
            continue; /* libyaml did without */
        }
        assert_int_equal(status, SPY_ERR_NOMEM);
        assert_null(rules);
        assert_string_equal(err.text, "out of memory");
        assert_int_equal(live, before);
        failures++;
    }
    assert_true(failures > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_allocation_fails)};
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
