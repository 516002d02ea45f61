/* SPDX-License-Identifier: MIT */
/*
 * Rules of several statements: longest match, ties, what is still open, overlapping patterns.
 */
#include "classify/stmt.h"
#include "unit/classify/classify_fixture.h"

#include <stdio.h>

#define RULES                                                                                   \
    "version: 1\n"                                                                              \
    "operations:\n"                                                                             \
    "- {name: count, sql: SELECT count(*) FROM parts}\n"                                        \
    "- {name: page, sql: [SELECT count(*) FROM parts, 'SELECT ... FROM parts LIMIT ?']}\n"      \
    "- {name: page_and_log, sql: [SELECT count(*) FROM parts, 'SELECT ... FROM parts LIMIT ?'," \
    " INSERT INTO log ..., COMMIT]}\n"                                                          \
    "- {name: narrow, sql: [BEGIN, UPDATE a SET x = ?]}\n"                                      \
    "- {name: wide, sql: [BEGIN, UPDATE ...]}\n"                                                \
    "- {name: twice, sql: [SELECT 1 FROM dup, SELECT 1 FROM dup]}\n"

#define COUNT  "SELECT count(*) FROM parts"
#define PAGE   "SELECT id FROM parts LIMIT 10"
#define LOG    "INSERT INTO log VALUES (1)"
#define COMMIT "COMMIT"

struct expected {
    const char *op; /* a name, or the beginning of one */
    uint32_t matched;
    bool extensible;
};

static void check(struct fixture *f, const char *const *texts, uint32_t count,
                  struct expected expected)
{
    spy_stmt stmt[SPY_RULES_STEPS];
    for (uint32_t i = 0; i < count; i++)
        stmt[i] = fixture_sql(f, texts[i]);
    struct spy_sequence got = spy_classify_sequence(f->c, stmt, count);
    const char *name = fixture_op(f, got.op)->name;
    if (strncmp(name, expected.op, strlen(expected.op)) != 0 || got.matched != expected.matched ||
        got.extensible != expected.extensible)
        fail_msg("%s... (%u): %s %u %d", texts[0], count, name, got.matched, got.extensible);
}

#define CHECK(f, op, matched, extensible, ...)                         \
    check(f, (const char *const[]){__VA_ARGS__},                       \
          sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), \
          (struct expected){op, matched, extensible})

static void test_longest_match(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, RULES);
    CHECK(&f, "count", 1, true, COUNT);
    CHECK(&f, "page", 2, true, COUNT, PAGE);
    CHECK(&f, "page", 2, true, COUNT, PAGE, LOG);
    CHECK(&f, "page_and_log", 4, false, COUNT, PAGE, LOG, COMMIT);
    CHECK(&f, "page", 2, false, COUNT, PAGE, COMMIT);
    CHECK(&f, "count", 1, false, COUNT, COMMIT);
    CHECK(&f, "count", 1, false, COUNT, COUNT);
    fixture_close(&f);
}

static void test_only_in_a_sequence(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, RULES);
    /* On its own it is unmapped, and it does not begin any rule. */
    CHECK(&f, "sql:", 1, false, PAGE);
    CHECK(&f, "sql:", 1, false, PAGE, COUNT);
    CHECK(&f, "sql:", 1, true, "BEGIN");
    CHECK(&f, "sql:", 1, false, "SELECT none");
    fixture_close(&f);
}

static void test_overlapping_patterns(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, RULES);
    CHECK(&f, "narrow", 2, false, "BEGIN", "UPDATE a SET x = 1");
    CHECK(&f, "wide", 2, false, "BEGIN", "UPDATE a SET y = 1");
    CHECK(&f, "sql:", 1, true, "SELECT 1 FROM dup");
    CHECK(&f, "twice", 2, false, "SELECT 1 FROM dup", "SELECT 1 FROM dup");
    fixture_close(&f);
}

static void test_first_text_is_kept(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, RULES);
    fixture_sql(&f, COUNT);
    fixture_sql(&f, PAGE);
    assert_string_equal(fixture_op(&f, 3)->name, "page");
    assert_string_equal(spy_region_text(f.region, fixture_op(&f, 3)), "select count(*) from parts");
    assert_string_equal(fixture_op(&f, 5)->name, "narrow");
    assert_string_equal(spy_region_text(f.region, fixture_op(&f, 5)), "");
    fixture_close(&f);
}

/* Prepared and tagged statements take part by their text. */
static void test_by_text_whatever_the_name(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, "version: 1\n"
                     "operations:\n"
                     "- {name: named, prepared: p}\n"
                     "- {name: tagged, comment: {k: v}}\n"
                     "- {name: pair, sql: [SELECT a FROM t, SELECT b FROM t]}\n");
    spy_stmt stmt[2] = {
        spy_classify_prepared(f.c, "p", "SELECT a FROM t", 15),
        fixture_sql(&f, "SELECT b FROM t /*k='v'*/"),
    };
    assert_string_equal(fixture_op(&f, spy_classify_single(f.c, stmt[0]))->name, "named");
    assert_string_equal(fixture_op(&f, spy_classify_single(f.c, stmt[1]))->name, "tagged");
    struct spy_sequence got = spy_classify_sequence(f.c, stmt, 2);
    assert_string_equal(fixture_op(&f, got.op)->name, "pair");
    assert_int_equal(got.matched, 2);
    fixture_close(&f);
}

/* A pattern that many rules share is one pattern. */
static void test_many_sequences(void **state)
{
    (void)state;
    struct fixture f;
    char *yaml = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&yaml, &len);
    fputs("version: 1\noperations:\n", out);
    for (int i = 0; i < 500; i++)
        fprintf(out, "- {name: tx%d, sql: [BEGIN, UPDATE t%d SET x = ?]}\n", i, i);
    fclose(out);
    fixture_open(&f, yaml);
    CHECK(&f, "tx0", 2, false, "BEGIN", "UPDATE t0 SET x = 1");
    CHECK(&f, "tx499", 2, false, "BEGIN", "UPDATE t499 SET x = 1");
    fixture_close(&f);
    free(yaml);
}

/* A statement that matches more patterns than its row holds keeps the first in file order. */
static void test_too_many_fits(void **state)
{
    (void)state;
    enum { RULE_COUNT = SPY_STMT_FITS + 5 };
    struct fixture f;
    char *yaml = NULL, name[16], last[64], dropped[64];
    size_t len = 0;
    FILE *out = open_memstream(&yaml, &len);
    fputs("version: 1\noperations:\n", out);
    for (unsigned i = 0; i < RULE_COUNT; i++) {
        fprintf(out, "- {name: r%u, sql: ['SELECT a FROM w", i);
        for (unsigned k = 0; k < i; k++)
            fputs(" ...", out);
        fprintf(out, "', SELECT after%u]}\n", i);
    }
    fclose(out);
    fixture_open(&f, yaml);
    snprintf(name, sizeof(name), "r%u", SPY_STMT_FITS - 1);
    snprintf(last, sizeof(last), "SELECT after%u", SPY_STMT_FITS - 1);
    snprintf(dropped, sizeof(dropped), "SELECT after%u", SPY_STMT_FITS);
    CHECK(&f, "r0", 2, false, "SELECT a FROM w", "SELECT after0");
    CHECK(&f, name, 2, false, "SELECT a FROM w", last);
    CHECK(&f, "sql:", 1, false, "SELECT a FROM w", dropped);
    fixture_close(&f);
    free(yaml);
}

/* What is alone is credited at once: to what the sequences would have answered. */
static void test_alone(void **state)
{
    (void)state;
    static const char *const alone[] = {"SELECT 2", "DELETE FROM parts"};
    static const char *const not_alone[] = {
        COUNT, PAGE, LOG, COMMIT, "UPDATE a SET x = 1", "SELECT 2; SELECT 3"};
    struct fixture f;
    uint32_t op;
    fixture_open(&f, RULES);
    for (size_t i = 0; i < sizeof(alone) / sizeof(alone[0]); i++) {
        spy_stmt stmt = fixture_sql(&f, alone[i]);
        struct spy_sequence sequence = spy_classify_sequence(f.c, &stmt, 1);
        assert_true(spy_classify_alone(f.c, stmt, &op));
        assert_false(sequence.extensible);
        assert_int_equal(op, sequence.op);
        assert_int_equal(op, spy_classify_single(f.c, stmt));
    }
    for (size_t i = 0; i < sizeof(not_alone) / sizeof(not_alone[0]); i++)
        assert_false(spy_classify_alone(f.c, fixture_sql(&f, not_alone[i]), &op));
    assert_true(spy_classify_alone(f.c, SPY_STMT_OTHER, &op));
    assert_int_equal(op, SPY_OP_OTHER_SQL);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_longest_match),
        cmocka_unit_test(test_only_in_a_sequence),
        cmocka_unit_test(test_overlapping_patterns),
        cmocka_unit_test(test_first_text_is_kept),
        cmocka_unit_test(test_by_text_whatever_the_name),
        cmocka_unit_test(test_many_sequences),
        cmocka_unit_test(test_too_many_fits),
        cmocka_unit_test(test_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
