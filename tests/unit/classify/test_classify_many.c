/* SPDX-License-Identifier: MIT */
/*
 * The largest rules file: a thousand operations of every kind at once, each found by what it
 * matches and nothing else.
 */
#include "unit/classify/classify_fixture.h"

#include <stdio.h>

#define EACH 200u /* of five kinds */

static char *write_rules(void)
{
    char *yaml = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&yaml, &len);
    fputs("version: 1\noperations:\n", out);
    for (unsigned i = 0; i < EACH; i++) {
        fprintf(out, "- {name: http%u, http: ['GET /api/r%u/{id}', 'PUT /api/r%u/{id}']}\n", i, i,
                i);
        fprintf(out, "- {name: sql%u, sql: 'SELECT ... FROM t%u WHERE ...'}\n", i, i);
        fprintf(out, "- {name: seq%u, sql: ['SELECT ... FROM t%u WHERE ...', 'UPDATE t%u ...']}\n",
                i, i, i);
        fprintf(out, "- {name: prepared%u, prepared: p%u}\n", i, i);
        fprintf(out, "- {name: comment%u, comment: {route: '/r%u', app: a}}\n", i, i);
    }
    fclose(out);
    return yaml;
}

static void check(const char *got, const char *kind, unsigned i)
{
    char name[32];
    snprintf(name, sizeof(name), "%s%u", kind, i);
    assert_string_equal(got, name);
}

static void check_rule(struct fixture *f, unsigned i)
{
    char text[128], update[64], name[16];
    snprintf(text, sizeof(text), "/api/r%u/42", i);
    check(fixture_http_name(f, "PUT", text), "http", i);
    snprintf(text, sizeof(text), "SELECT a, b FROM t%u WHERE c = %u", i, i);
    check(fixture_sql_name(f, text), "sql", i);
    snprintf(update, sizeof(update), "UPDATE t%u SET a = 1", i);
    spy_stmt stmt[2] = {fixture_sql(f, text), fixture_sql(f, update)};
    check(fixture_op(f, spy_classify_sequence(f->c, stmt, 2).op)->name, "seq", i);
    snprintf(name, sizeof(name), "p%u", i);
    stmt[0] = spy_classify_prepared(f->c, name, NULL, 0);
    check(fixture_op(f, spy_classify_single(f->c, stmt[0]))->name, "prepared", i);
    snprintf(text, sizeof(text), "SELECT 1 /*app='a',route='%%2Fr%u'*/", i);
    check(fixture_sql_name(f, text), "comment", i);
}

static void test_thousand_rules(void **state)
{
    (void)state;
    struct fixture f;
    char *yaml = write_rules();
    fixture_open(&f, yaml);
    assert_int_equal(f.rules->count, SPY_RULES_OPERATIONS);
    assert_int_equal(spy_region_ops(f.region), SPY_OP_FIRST_FREE + SPY_RULES_OPERATIONS);
    for (uint32_t i = 0; i < SPY_RULES_OPERATIONS; i++) { /* rows in file order */
        assert_string_equal(fixture_op(&f, SPY_OP_FIRST_FREE + i)->name, f.rules->rule[i].name);
        assert_int_equal(fixture_op(&f, SPY_OP_FIRST_FREE + i)->rule, i);
    }
    for (int round = 0; round < 2; round++) /* the second time from the caches */
        for (unsigned i = 0; i < EACH; i++)
            check_rule(&f, i);
    fixture_close(&f);
    free(yaml);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_thousand_rules)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
