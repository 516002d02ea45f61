/* SPDX-License-Identifier: MIT */
/*
 * Findings: counted by what they say, from several threads; the first failure is kept, cleaned.
 */
#include "validate/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define THREADS 4
#define ROUNDS  5000

static void test_counts(void **state)
{
    struct val_findings findings;
    (void)state;
    val_findings_init(&findings);
    assert_true(val_check(&findings, "a", true, "%s", "unused"));
    assert_false(val_check(&findings, "b", false, "number %d\n\x1b[31m", 1));
    assert_false(val_check(&findings, "b", false, "number %d", 2));
    assert_true(val_check(&findings, "b", true, "%s", ""));
    assert_int_equal(findings.count, 2);
    assert_int_equal(findings.check[1].passed, 1);
    assert_int_equal(findings.check[1].failed, 2);
    assert_string_equal(findings.check[0].detail, "");
    assert_string_equal(findings.check[1].detail, "number 1  [31m");
    assert_int_equal(val_findings_checks(&findings), 4);
    assert_int_equal(val_findings_failed(&findings), 2);
    val_findings_free(&findings);
}

static void test_long_texts(void **state)
{
    struct val_findings findings;
    char what[300];
    (void)state;
    memset(what, 'x', sizeof(what) - 1);
    what[sizeof(what) - 1] = '\0';
    val_findings_init(&findings);
    for (int i = 0; i < 2; i++)
        val_check(&findings, what, false, "%s%s%s", what, what, what);
    assert_int_equal(findings.count, 1);
    assert_int_equal(findings.check[0].failed, 2);
    assert_int_equal(strlen(findings.check[0].detail), sizeof(findings.check[0].detail) - 1);
    val_findings_free(&findings);
}

static void *check_often(void *ctx)
{
    char what[16];
    for (int i = 0; i < ROUNDS; i++) {
        snprintf(what, sizeof(what), "check %d", i % 10);
        val_check(ctx, what, i % 2 == 0, "%d", i);
    }
    return NULL;
}

static void test_threads(void **state)
{
    struct val_findings findings;
    pthread_t thread[THREADS];
    (void)state;
    val_findings_init(&findings);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, check_often, &findings), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(findings.count, 10);
    assert_int_equal(val_findings_checks(&findings), THREADS * ROUNDS);
    assert_int_equal(val_findings_failed(&findings), THREADS * ROUNDS / 2);
    val_findings_free(&findings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_long_texts),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
