/* SPDX-License-Identifier: MIT */
/*
 * Statements: which rule names them, in which order rules compete, and what unmapped ones are.
 */
#include "unit/classify/classify_fixture.h"

#include "shared/sql.h"

#include <stdio.h>

static void test_rules_are_entered(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, "version: 1\n"
                     "operations:\n"
                     "- {name: a, sql: SELECT 1, benchmark: {p99: 5ms, errors: 1%}}\n"
                     "- {name: b, http: GET /b}\n");
    assert_int_equal(spy_region_ops(f.region), SPY_OP_FIRST_FREE + 2);
    assert_string_equal(fixture_op(&f, SPY_OP_OTHER_SQL)->name, "other (sql)");
    assert_int_equal(fixture_op(&f, SPY_OP_OTHER_SQL)->kind, SPY_KIND_SQL);
    assert_string_equal(fixture_op(&f, SPY_OP_OTHER_HTTP)->name, "other (http)");
    assert_int_equal(fixture_op(&f, SPY_OP_OTHER_HTTP)->kind, SPY_KIND_HTTP);
    const struct spy_op *a = fixture_op(&f, 2), *b = fixture_op(&f, 3);
    assert_string_equal(a->name, "a");
    assert_int_equal(a->kind, SPY_KIND_SQL);
    assert_int_equal(a->mapped, 1);
    assert_int_equal(a->rule, 0);
    assert_int_equal(a->budgets, 2);
    assert_int_equal(a->budget[0].stat, SPY_STAT_P99);
    assert_int_equal(a->budget[0].limit, 5000000);
    assert_int_equal(a->budget[1].limit, 10000);
    assert_string_equal(b->name, "b");
    assert_int_equal(b->kind, SPY_KIND_HTTP);
    assert_int_equal(b->rule, 1);
    fixture_close(&f);
}

static void test_builtin(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, NO_RULES);
    uint32_t op = spy_classify_builtin(f.c, SPY_BUILTIN_CONNECT);
    assert_string_equal(fixture_op(&f, op)->name, "libpq.connect");
    op = spy_classify_builtin(f.c, SPY_BUILTIN_PREPARE);
    assert_string_equal(fixture_op(&f, op)->name, "libpq.prepare");
    assert_int_equal(fixture_op(&f, op)->mapped, 0);
    fixture_close(&f);
}

static void test_mapped(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, "version: 1\n"
                     "operations:\n"
                     "- {name: get, sql: 'SELECT ... FROM parts WHERE id = ?'}\n");
    assert_string_equal(fixture_sql_name(&f, "SELECT a, b FROM parts WHERE id = $1"), "get");
    assert_string_equal(fixture_sql_name(&f, "select  A\n, b from Parts where ID=42 -- x"), "get");
    /* The first statement's text is kept, and no other. */
    const struct spy_op *op = fixture_op(&f, 2);
    assert_string_equal(spy_region_text(f.region, op), "select a, b from parts where id = ?");
    assert_string_equal(fixture_sql_name(&f, "SELECT c FROM parts WHERE id = 1"), "get");
    assert_string_equal(spy_region_text(f.region, op), "select a, b from parts where id = ?");
    fixture_close(&f);
}

static void test_unmapped(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, NO_RULES);
    static const char one[] = "SELECT 'secret' FROM t", same[] = "select  $1 from T /* c */";
    char name[SPY_NAME_BYTES];
    struct spy_sql_normal normal = spy_sql_normalise(one, strlen(one), NULL, 0);
    snprintf(name, sizeof(name), "sql:%016llx", (unsigned long long)normal.fingerprint);
    assert_string_equal(fixture_sql_name(&f, one), name);
    assert_int_equal(fixture_sql(&f, one), fixture_sql(&f, same));
    uint32_t op = spy_classify_single(f.c, fixture_sql(&f, one));
    assert_int_equal(fixture_op(&f, op)->mapped, 0);
    assert_string_equal(spy_region_text(f.region, fixture_op(&f, op)), "select ? from t");
    assert_int_not_equal(spy_classify_single(f.c, fixture_sql(&f, "SELECT a FROM u")), op);
    fixture_close(&f);
}

/* Bytes that are no SQL, and none at all: an operation like any other, never a crash. */
static void test_odd_texts(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, "version: 1\noperations:\n- {name: x, comment: {a: b}}\n");
    static const char nul[] = "SELECT\0 1", high[] = "\xff\xfe/*", open_quote[] = "SELECT 'abc";
    spy_stmt empty = spy_classify_sql(f.c, "", 0);
    assert_int_equal(empty, spy_classify_sql(f.c, NULL, 0));
    spy_classify_sql(f.c, nul, sizeof(nul) - 1);
    spy_classify_sql(f.c, high, sizeof(high) - 1);
    assert_memory_equal(fixture_sql_name(&f, open_quote), "sql:", 4);
    assert_int_equal(spy_classify_single(f.c, SPY_STMT_OTHER), SPY_OP_OTHER_SQL);
    assert_int_equal(spy_classify_single(f.c, UINT32_MAX), SPY_OP_OTHER_SQL);
    fixture_close(&f);
}

static void test_long_text_is_cut(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, NO_RULES);
    static char text[20000] = "SELECT a";
    for (int i = 0; i < 2000; i++)
        strcat(text, ", col_x");
    uint32_t op = spy_classify_single(f.c, fixture_sql(&f, text));
    size_t len = strlen(spy_region_text(f.region, fixture_op(&f, op)));
    assert_in_range(len, 4000, 4096);
    strcat(text, ", another"); /* differs behind the cut only */
    assert_int_not_equal(spy_classify_single(f.c, fixture_sql(&f, text)), op);
    fixture_close(&f);
}

static void test_first_rule_wins(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, "version: 1\n"
                     "operations:\n"
                     "- {name: narrow, sql: 'SELECT a FROM t'}\n"
                     "- {name: wide, sql: 'SELECT ... FROM t'}\n"
                     "- {name: late, sql: 'SELECT b FROM t'}\n");
    assert_string_equal(fixture_sql_name(&f, "SELECT a FROM t"), "narrow");
    assert_string_equal(fixture_sql_name(&f, "SELECT b FROM t"), "wide");
    assert_memory_equal(fixture_sql_name(&f, "SELECT b FROM u"), "sql:", 4);
    fixture_close(&f);
}

/* Also where a later rule's pattern was met first, inside a sequence. */
static void test_file_order_despite_sequences(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, "version: 1\n"
                     "operations:\n"
                     "- {name: pair, sql: ['SELECT ... FROM t', COMMIT]}\n"
                     "- {name: early, sql: 'SELECT a FROM ...'}\n"
                     "- {name: late, sql: 'SELECT ... FROM t'}\n");
    assert_string_equal(fixture_sql_name(&f, "SELECT a FROM t"), "early");
    assert_string_equal(fixture_sql_name(&f, "SELECT b FROM t"), "late");
    fixture_close(&f);
}

/* Words may be quoted or not, in any case, in any script: the word filter must not lose a match
 * that spy_sql_match() would find. */
static void test_words_do_not_lose_matches(void **state)
{
    (void)state;
    static const char *const patterns[] = {
        "SELECT ... FROM parts",
        "SELECT \"Mixed\" FROM t",
        "INSERT INTO t VALUES (?, DEFAULT)",
        "SELECT caf\xc3\xa9 FROM t",
        "SELECT u&\"d\\0061t\" FROM t",
        "SELECT DATE ? FROM t",
    };
    static const char *const texts[] = {
        "select 1 from PARTS",
        "select 1 from \"parts\"",
        "select \"Mixed\" from T",
        "insert into T values (1, default), (2, default)",
        "SELECT caf\xc3\xa9 from t",
        "SELECT U&\"d\\0061t\" FROM t",
        "select date '2020-01-01' from t",
    };
    for (size_t p = 0; p < sizeof(patterns) / sizeof(patterns[0]); p++) {
        struct spy_rule rule = {.name = (char *)(uintptr_t) "r", .match = SPY_RULE_SQL, .steps = 1};
        rule.step[0] = (char *)(uintptr_t)patterns[p];
        struct spy_rules rules = {.rule = &rule, .count = 1};
        struct fixture f = {.region = fixture_region()};
        f.c = spy_classifier_new(f.region, &rules);
        for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
            bool match = spy_sql_match(patterns[p], texts[t], strlen(texts[t]), 0);
            bool named = strcmp(fixture_sql_name(&f, texts[t]), "r") == 0;
            if (match != named)
                fail_msg("%s / %s: %d %d", patterns[p], texts[t], match, named);
        }
        spy_classifier_free(f.c);
        free(f.region);
    }
}

#define TAGGED                                          \
    "version: 1\n"                                      \
    "operations:\n"                                     \
    "- {name: early, sql: SELECT early FROM t}\n"       \
    "- {name: both, comment: {route: /a, action: x}}\n" \
    "- {name: route_a, comment: {route: /a}}\n"         \
    "- {name: late, sql: SELECT ... FROM t}\n"          \
    "- {name: other_keys, comment: {job: j}}\n"

static void test_comments(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, TAGGED);
    assert_string_equal(fixture_sql_name(&f, "SELECT 1 /*route='%2Fa'*/"), "route_a");
    assert_string_equal(fixture_sql_name(&f, "SELECT 1 /*action='x',route='%2Fa'*/"), "both");
    assert_string_equal(fixture_sql_name(&f, "SELECT 1 /*action='y',route='%2Fa'*/"), "route_a");
    assert_memory_equal(fixture_sql_name(&f, "SELECT 1 /*route='%2Fb'*/"), "sql:", 4);
    assert_memory_equal(fixture_sql_name(&f, "SELECT 1"), "sql:", 4);
    assert_string_equal(fixture_sql_name(&f, "SELECT '/*' /*route='%2Fa'*/"), "route_a");
    assert_memory_equal(fixture_sql_name(&f, "SELECT '/*route=''%2Fa''*/'"), "sql:", 4);
    /* File order between kinds of rules. */
    assert_string_equal(fixture_sql_name(&f, "SELECT early FROM t /*route='%2Fa'*/"), "early");
    assert_string_equal(fixture_sql_name(&f, "SELECT z FROM t /*route='%2Fa'*/"), "route_a");
    assert_string_equal(fixture_sql_name(&f, "SELECT z FROM t /*job='j'*/"), "late");
    assert_string_equal(fixture_sql_name(&f, "SELECT 1 /*job='j'*/"), "other_keys");
    /* Other tags, which differ from call to call, do not matter. */
    assert_string_equal(fixture_sql_name(&f, "SELECT 1 /*route='%2Fa',traceparent='00-1'*/"),
                        "route_a");
    assert_int_equal(fixture_sql(&f, "SELECT 1 /*route='%2Fa',traceparent='00-2'*/"),
                     fixture_sql(&f, "SELECT 1 /*route='%2Fa',traceparent='00-3'*/"));
    fixture_close(&f);
}

static void test_long_tag_value(void **state)
{
    (void)state;
    struct fixture f;
    char yaml[512], sql[1024], value[128];
    memset(value, 'v', 127);
    value[127] = '\0';
    snprintf(yaml, sizeof(yaml), "version: 1\noperations:\n- {name: long, comment: {k: %s}}\n",
             value);
    fixture_open(&f, yaml);
    snprintf(sql, sizeof(sql), "SELECT 1 /*k='%s'*/", value);
    assert_string_equal(fixture_sql_name(&f, sql), "long");
    snprintf(sql, sizeof(sql), "SELECT 1 /*k='%svvv'*/", value); /* longer, same beginning */
    assert_memory_equal(fixture_sql_name(&f, sql), "sql:", 4);
    fixture_close(&f);
}

static const char *prepared_name(struct fixture *f, const char *name, const char *text)
{
    spy_stmt stmt = spy_classify_prepared(f->c, name, text, text != NULL ? strlen(text) : 0);
    return fixture_op(f, spy_classify_single(f->c, stmt))->name;
}

static void test_prepared(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, "version: 1\n"
                     "operations:\n"
                     "- {name: early, sql: SELECT early}\n"
                     "- {name: by_name, prepared: s1}\n"
                     "- {name: late, sql: SELECT late}\n");
    assert_string_equal(prepared_name(&f, "s1", NULL), "by_name");
    assert_string_equal(prepared_name(&f, "s1", "SELECT late"), "by_name");
    assert_string_equal(spy_region_text(f.region, fixture_op(&f, 3)), "select late");
    assert_string_equal(prepared_name(&f, "s1", "SELECT early"), "early");
    assert_string_equal(prepared_name(&f, "s2", "SELECT late"), "late");
    assert_string_equal(prepared_name(&f, "s2", NULL), "prepared:s2");
    assert_string_equal(prepared_name(&f, "", NULL), "prepared:(unnamed)");
    assert_int_equal(spy_classify_prepared(f.c, "s2", "SELECT late", 11),
                     spy_classify_sql(f.c, "SELECT late", 11));
    fixture_close(&f);
}

static void test_prepared_names_are_tamed(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, NO_RULES);
    assert_string_equal(prepared_name(&f, "a b\"\\\n\x1b\xff", NULL), "prepared:a_b_____");
    char one[300], two[300];
    memset(one, 'p', sizeof(one));
    memset(two, 'p', sizeof(two));
    one[299] = two[299] = '\0';
    two[298] = 'q';
    char first[SPY_NAME_BYTES];
    strcpy(first, prepared_name(&f, one, NULL));
    assert_int_equal(strlen(first), SPY_NAME_BYTES - 1);
    assert_string_not_equal(first, prepared_name(&f, two, NULL));
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules_are_entered),
        cmocka_unit_test(test_builtin),
        cmocka_unit_test(test_mapped),
        cmocka_unit_test(test_unmapped),
        cmocka_unit_test(test_odd_texts),
        cmocka_unit_test(test_long_text_is_cut),
        cmocka_unit_test(test_first_rule_wins),
        cmocka_unit_test(test_file_order_despite_sequences),
        cmocka_unit_test(test_words_do_not_lose_matches),
        cmocka_unit_test(test_comments),
        cmocka_unit_test(test_long_tag_value),
        cmocka_unit_test(test_prepared),
        cmocka_unit_test(test_prepared_names_are_tamed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
