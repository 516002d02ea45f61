/* SPDX-License-Identifier: MIT */
/*
 * What a person is told of a change of rules.
 */
#include "shared/rules_diff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static struct spy_rules *parse(const char *text)
{
    struct spy_rules *rules = NULL;
    struct spy_error err = {0};
    if (spy_rules_parse(text, strlen(text), &rules, &err) != SPY_OK)
        fail_msg("%u:%u: %s", err.line, err.column, err.text);
    return rules;
}

static struct spy_rules_diff compare(const char *before, const char *after)
{
    struct spy_rules *a = parse(before), *b = parse(after);
    struct spy_rules_diff diff = spy_rules_compare(a, b);
    spy_rules_free(a);
    spy_rules_free(b);
    return diff;
}

#define TOP  "version: 1\n"
#define OPS  TOP "operations:\n"
#define A    "  - {name: a, sql: SELECT a}\n"
#define A_1S "  - {name: a, sql: SELECT a, benchmark: 1s}\n"
#define A_2S "  - {name: a, sql: SELECT a, benchmark: 2s}\n"
#define A_16 "  - {name: a, sql: SELECT a, sample: 1/16}\n"
#define B    "  - {name: b, sql: SELECT b}\n"

static void operations_are_told_apart_by_name(void **state)
{
    (void)state;
    struct spy_rules_diff diff = compare(OPS A B, OPS B "  - {name: c, sql: SELECT a}\n");
    assert_int_equal(diff.added, 1);
    assert_int_equal(diff.removed, 1);
    assert_int_equal(diff.budgets, 0);
}

static void budgets_are_counted_by_operation(void **state)
{
    (void)state;
    assert_int_equal(compare(OPS A, OPS A_1S).budgets, 1);
    assert_int_equal(compare(OPS A_1S, OPS A).budgets, 1);
    assert_int_equal(compare(OPS A_1S, OPS A_2S).budgets, 1);
    assert_int_equal(compare(OPS A_1S, OPS A_1S B).budgets, 0);
    assert_int_equal(compare(OPS B, OPS A_1S B).budgets, 1);
}

static void sampling_is_counted_by_operation(void **state)
{
    (void)state;
    assert_int_equal(compare(OPS A, OPS A_16 B).samples, 1);
    assert_int_equal(compare(OPS A_16, OPS A).samples, 1);
    assert_int_equal(compare(OPS A_16, OPS A_16).samples, 0);
    assert_int_equal(compare(OPS B, OPS A_16 B).samples, 1);
}

static void thresholds_and_parameters_are_noticed(void **state)
{
    (void)state;
    struct spy_rules_diff same = compare(OPS A, OPS A);
    assert_false(same.thresholds || same.parameters);
    assert_true(compare(TOP, TOP "levels: {slow: 4s}\n").thresholds);
    assert_true(compare(TOP, TOP "health: {window: 10m}\n").thresholds);
    assert_true(compare(TOP, TOP "parameters: [skip]\n").parameters);
    assert_true(compare(TOP "parameters: [skip]\n", TOP "parameters: [limit]\n").parameters);
}

static void a_file_is_known_by_its_bytes(void **state)
{
    (void)state;
    struct spy_rules *a = parse(OPS A), *again = parse(OPS A), *b = parse(OPS A "# x\n");
    assert_true(a->digest != 0 && a->digest == again->digest);
    assert_true(a->digest != b->digest);
    spy_rules_free(a);
    spy_rules_free(again);
    spy_rules_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_are_told_apart_by_name),
        cmocka_unit_test(budgets_are_counted_by_operation),
        cmocka_unit_test(sampling_is_counted_by_operation),
        cmocka_unit_test(thresholds_and_parameters_are_noticed),
        cmocka_unit_test(a_file_is_known_by_its_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
