/* SPDX-License-Identifier: MIT */
/*
 * Full tables: operations go to "other" and are counted, texts are left out and counted, and what
 * found its place before keeps it.
 */
#include "classify/optable.h"
#include "unit/classify/classify_fixture.h"

#include <stdio.h>

static uint64_t self(const struct fixture *f, enum spy_self_counter counter)
{
    return atomic_load(&f->region->self[counter]);
}

static const char *column_name(struct fixture *f, unsigned n)
{
    char text[64];
    snprintf(text, sizeof(text), "SELECT c%u FROM t", n);
    return fixture_sql_name(f, text);
}

static void test_operations_full(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, "version: 1\noperations:\n- {name: rule, sql: 'SELECT ... FROM ruled'}\n");
    unsigned room = SPY_OPS_MAX - spy_region_ops(f.region);
    for (unsigned n = 0; n < room; n++)
        assert_memory_equal(column_name(&f, n), "sql:", 4);
    assert_int_equal(spy_region_ops(f.region), SPY_OPS_MAX);
    assert_int_equal(self(&f, SPY_SELF_OPS_FULL), 0);

    for (unsigned n = room; n < room + 5000; n++)
        assert_string_equal(column_name(&f, n), "other (sql)");
    assert_int_equal(self(&f, SPY_SELF_OPS_FULL), 5000);
    assert_string_equal(column_name(&f, room), "other (sql)"); /* from the cache: counted too */
    assert_int_equal(self(&f, SPY_SELF_OPS_FULL), 5001);
    assert_int_equal(spy_region_ops(f.region), SPY_OPS_MAX);

    assert_string_equal(fixture_http_name(&f, "GET", "/new"), "other (http)");
    assert_int_equal(self(&f, SPY_SELF_OPS_FULL), 5002);
    spy_stmt unseen = spy_classify_prepared(f.c, "p", NULL, 0);
    assert_int_equal(spy_classify_single(f.c, unseen), SPY_OP_OTHER_SQL);
    assert_int_equal(self(&f, SPY_SELF_OPS_FULL), 5003);

    assert_memory_equal(column_name(&f, 0), "sql:", 4);
    for (unsigned n = 0; n < 20000; n++) { /* new shapes of a rule need no new rows */
        char text[64];
        snprintf(text, sizeof(text), "SELECT c%u FROM ruled", n);
        assert_string_equal(fixture_sql_name(&f, text), "rule");
    }
    /* Of several statements, those that are there stay what they are. */
    const spy_stmt *parts;
    spy_stmt batch = fixture_sql(&f, "SELECT c0 FROM t; SELECT none; SELECT z FROM ruled");
    assert_int_equal(spy_classify_parts(f.c, batch, &parts), 3);
    assert_int_equal(parts[0], fixture_sql(&f, "SELECT c0 FROM t"));
    assert_int_equal(parts[1], SPY_STMT_OTHER);
    assert_int_equal(parts[2], fixture_sql(&f, "SELECT z FROM ruled"));
    assert_int_equal(spy_classify_single(f.c, batch), SPY_OP_OTHER_SQL);
    fixture_close(&f);
}

static void test_texts_full(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, NO_RULES);
    static char text[6000];
    unsigned kept = 0, without = 0;
    for (unsigned n = 0; n < 300; n++) {
        int len = snprintf(text, sizeof(text), "SELECT c%u", n);
        memset(text + len, 'x', 3000);
        text[len + 3000] = '\0';
        const struct spy_op *op = fixture_op(&f, spy_classify_single(f.c, fixture_sql(&f, text)));
        bool has = spy_region_text(f.region, op)[0] != '\0';
        assert_true(has || n > 0);
        kept += has;
        without += !has;
        if (has)
            assert_int_equal(strlen(spy_region_text(f.region, op)), (size_t)len + 3000);
    }
    assert_in_range(kept, SPY_TEXT_BYTES / 3100, SPY_TEXT_BYTES / 3000);
    assert_int_equal(self(&f, SPY_SELF_TEXT_FULL), without);
    assert_true(without > 0);
    fixture_close(&f);
}

static void test_keep_text(void **state)
{
    (void)state;
    struct spy_region *region = fixture_region();
    struct spy_optable table;
    bool added;
    assert_true(spy_optable_open(&table, region));
    uint64_t key = spy_optable_key(SPY_KIND_SQL, "x");
    uint32_t op = spy_optable_add(&table, key, SPY_KIND_SQL, "x", &added);
    assert_true(added);
    assert_int_equal(spy_optable_add(&table, key, SPY_KIND_SQL, "x", &added), op);
    assert_false(added);
    assert_int_equal(spy_optable_find(&table, key), op);
    assert_int_equal(spy_optable_find(&table, spy_optable_key(SPY_KIND_HTTP, "x")), 0);
    spy_optable_keep_text(&table, op, "", 0);
    spy_optable_keep_text(&table, op, "one and more", 3);
    spy_optable_keep_text(&table, op, "two", 3);
    assert_string_equal(spy_region_text(region, spy_region_op(region, op)), "one");
    spy_optable_keep_text(&table, SPY_OP_OTHER_SQL, "x", 1);
    assert_string_equal(spy_region_text(region, spy_region_op(region, SPY_OP_OTHER_SQL)), "");
    spy_optable_close(&table);
    free(region);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operations_full),
        cmocka_unit_test(test_texts_full),
        cmocka_unit_test(test_keep_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
