/* SPDX-License-Identifier: MIT */
/*
 * Texts of several statements: what their parts are, what the whole is, and what finds no room.
 */
#include "unit/classify/classify_fixture.h"

#include "classify/batch.h"

#include <stdio.h>

#define RULES                             \
    "version: 1\n"                        \
    "operations:\n"                       \
    "- {name: a, sql: SELECT a}\n"        \
    "- {name: b, sql: SELECT b ...}\n"    \
    "- {name: c, sql: SELECT c}\n"        \
    "- {name: tagged, comment: {k: v}}\n" \
    "- {name: made, sql: CREATE ...}\n"   \
    "- {name: named, prepared: p}\n"      \
    "- {name: pair, sql: [SELECT x, SELECT y]}\n"

/* The names of the operations of STMT's parts, ? for those that no rule names. */
static const char *names_of(struct fixture *f, spy_stmt stmt)
{
    static char names[SPY_BATCH_MAX * 16];
    const spy_stmt *parts = &stmt;
    uint32_t count = spy_classify_parts(f->c, stmt, &parts);
    names[0] = '\0';
    for (uint32_t i = 0; i < count; i++) {
        const struct spy_op *op = fixture_op(f, spy_classify_single(f->c, parts[i]));
        strcat(names, i > 0 ? " " : "");
        strcat(names, op->mapped ? op->name : "?");
    }
    return names;
}

static const char *names(struct fixture *f, const char *text)
{
    return names_of(f, fixture_sql(f, text));
}

static void test_parts(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, RULES);
    for (int again = 0; again < 2; again++) { /* the second time from the cache */
        assert_string_equal(names(&f, "SELECT a; SELECT b; SELECT c"), "a b c");
        assert_string_equal(names(&f, "select A ;select b, 'x;y'; -- ;\n SELECT c"), "a b c");
        assert_string_equal(names(&f, "SELECT a; SELECT other; SELECT c;"), "a ? c");
        assert_string_equal(names(&f, "SELECT a; SELECT a"), "a a");
        assert_string_equal(names(&f, ";; SELECT a;; /* ; */ ; SELECT c ; ;"), "a c");
        assert_string_equal(names(&f, "SELECT b, \";\", $$;$$, E'\\';', $x$ ; $x$; SELECT a"),
                            "b a");
        assert_string_equal(names(&f, "SELECT b (; SELECT a); SELECT c"), "b c");
    }
    fixture_close(&f);
}

static void test_one_statement_is_no_batch(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, RULES);
    const spy_stmt *parts = NULL;
    spy_stmt plain = fixture_sql(&f, "SELECT a");
    assert_int_equal(spy_classify_parts(f.c, plain, &parts), 1);
    assert_null(parts);
    assert_int_equal(fixture_sql(&f, "SELECT a;"), plain);
    assert_int_equal(fixture_sql(&f, " ; ;; SELECT a ; -- done; really\n ;"), plain);
    assert_int_equal(spy_classify_parts(f.c, fixture_sql(&f, ";"), &parts), 1);
    assert_int_equal(spy_classify_parts(f.c, fixture_sql(&f, ""), &parts), 1);
    assert_int_equal(spy_classify_parts(f.c, SPY_STMT_OTHER, &parts), 1);
    assert_int_equal(spy_classify_parts(f.c, UINT32_MAX, &parts), 1);
    fixture_close(&f);
}

/* Semicolons that end nothing. */
static void test_bodies(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, RULES);
    assert_string_equal(names(&f, "CREATE RULE r AS ON INSERT TO t DO (SELECT a; SELECT c); "
                                  "SELECT a"),
                        "made a");
    assert_string_equal(names(&f, "SELECT c; create or replace Function f(int) RETURNS int "
                                  "BEGIN ATOMIC SELECT a; SELECT CASE WHEN $1 > 0 THEN 1 ELSE 2 "
                                  "END; SELECT x.end, 1 AS end; RETURN 1; END; SELECT a"),
                        "c made a");
    assert_string_equal(names(&f, "CREATE PROCEDURE p() begin /**/ atomic; ; END; SELECT a"),
                        "made a");
    assert_string_equal(names(&f, "CREATE PROCEDURE p() BEGIN ATOMIC SELECT a; SELECT c"), "made");
    assert_string_equal(names(&f, "CREATE FUNCTION f(begin atomic) AS 'x'; SELECT a; END"),
                        "made a ?");
    assert_string_equal(names(&f, "CREATE TABLE begin (atomic int); SELECT a"), "made a");
    assert_string_equal(names(&f, "BEGIN; SELECT a; END; SELECT c"), "? a ? c");
    assert_string_equal(names(&f, "CREATE FUNCTION f() BEGIN ATOMIC SELECT 1; END; "
                                  "CREATE FUNCTION g() BEGIN ATOMIC SELECT 1; END; SELECT a"),
                        "made made a");
    fixture_close(&f);
}

static void test_backslashes(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, RULES);
    static const char text[] = "SELECT b, '\\'; SELECT a; SELECT b, '";
    size_t len = sizeof(text) - 1;
    for (int again = 0; again < 2; again++) {
        spy_stmt standard = spy_classify_sql(f.c, text, len);
        spy_stmt other = spy_classify_sql_as(f.c, text, len, SPY_SQL_BACKSLASH);
        assert_string_equal(names_of(&f, standard), "b a b");
        assert_string_equal(names_of(&f, other), "b");
        assert_int_equal(spy_classify_prepared(f.c, "q", text, len), standard);
        assert_int_equal(spy_classify_prepared_as(f.c, "q", text, len, SPY_SQL_BACKSLASH), other);
    }
    /* Read either way, the same statement. */
    assert_int_equal(spy_classify_sql_as(f.c, "SELECT z", 8, SPY_SQL_BACKSLASH),
                     spy_classify_sql(f.c, "SELECT z", 8));
    fixture_close(&f);
}

/* Rules by comment or by name are each part's; the comment is the one before its semicolon. */
static void test_rules_without_text(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, RULES);
    assert_string_equal(names(&f, "SELECT z /*k='v'*/; SELECT c"), "tagged c");
    assert_string_equal(names(&f, "SELECT z; SELECT z /*k='v'*/; SELECT z"), "? tagged ?");
    assert_string_equal(names(&f, "SELECT z; /*k='v'*/ SELECT z"), "? tagged");
    assert_string_equal(names(&f, "SELECT z; SELECT z; /*k='v'*/"), "? tagged");
    assert_string_equal(names(&f, "SELECT z; SELECT z; /*k='w'*/"), "? ?");
    static const char two[] = "SELECT z; SELECT a";
    assert_string_equal(names_of(&f, spy_classify_prepared(f.c, "p", two, strlen(two))), "named a");
    assert_string_equal(names(&f, two), "? a");
    fixture_close(&f);
}

/* Two texts are one batch where their parts are the same statements; each part is the statement
 * that its text alone would be. */
static void test_identity(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, RULES);
    spy_stmt first = fixture_sql(&f, "SELECT z + 1; SELECT w");
    assert_int_equal(fixture_sql(&f, "select Z+2;-- and\nselect W;"), first);
    assert_int_not_equal(fixture_sql(&f, "SELECT w; SELECT z + 1"), first);
    assert_int_not_equal(fixture_sql(&f, "SELECT z + 1; SELECT w; SELECT w"), first);
    const spy_stmt *parts;
    assert_int_equal(spy_classify_parts(f.c, first, &parts), 2);
    assert_int_equal(parts[0], fixture_sql(&f, "SELECT z + 3"));
    assert_int_equal(parts[1], fixture_sql(&f, "SELECT w"));
    fixture_close(&f);
}

/* The whole becomes an operation when it is asked for, and not before. */
static void test_whole(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, RULES);
    uint32_t before = spy_region_ops(f.region);
    static const char text[] = "SELECT a; SELECT c, 'secret'; SELECT z";
    spy_stmt stmt = fixture_sql(&f, text);
    assert_int_equal(spy_region_ops(f.region), before + 2); /* the last two parts */
    uint32_t op = spy_classify_single(f.c, stmt);
    assert_int_equal(spy_region_ops(f.region), before + 3);
    assert_int_equal(spy_classify_single(f.c, stmt), op);
    char name[SPY_NAME_BYTES];
    snprintf(name, sizeof(name), "sql:%016llx",
             (unsigned long long)spy_sql_normalise(text, strlen(text), NULL, 0).fingerprint);
    assert_string_equal(fixture_op(&f, op)->name, name);
    assert_string_equal(spy_region_text(f.region, fixture_op(&f, op)),
                        "select a; select c, ?; select z");
    fixture_close(&f);
}

/* Its parts may be sequences; as one it is never in one, and is counted as the whole. */
static void test_in_sequences(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, RULES);
    spy_stmt batch = fixture_sql(&f, "SELECT x; SELECT y");
    const spy_stmt *parts;
    assert_int_equal(spy_classify_parts(f.c, batch, &parts), 2);
    struct spy_sequence seq = spy_classify_sequence(f.c, parts, 2);
    assert_int_equal(seq.matched, 2);
    assert_string_equal(fixture_op(&f, seq.op)->name, "pair");
    seq = spy_classify_sequence(f.c, &batch, 1);
    assert_false(seq.extensible);
    assert_int_equal(seq.matched, 1);
    assert_int_equal(seq.op, spy_classify_single(f.c, batch));
    assert_string_equal(spy_region_text(f.region, fixture_op(&f, seq.op)), "select x; select y");
    fixture_close(&f);
}

static char *repeated(const char *part, unsigned count)
{
    char *text = calloc(strlen(part) * count + 1, 1);
    assert_non_null(text);
    for (unsigned i = 0; i < count; i++)
        strcat(text, part);
    return text;
}

static void test_too_many_parts(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, RULES);
    const spy_stmt *parts;
    char *most = repeated("SELECT a;", SPY_BATCH_MAX);
    char *more = repeated("SELECT a;", SPY_BATCH_MAX + 1);
    assert_int_equal(spy_classify_parts(f.c, fixture_sql(&f, most), &parts), SPY_BATCH_MAX);
    spy_stmt whole = fixture_sql(&f, more);
    assert_int_equal(spy_classify_parts(f.c, whole, &parts), 1);
    const struct spy_op *op = fixture_op(&f, spy_classify_single(f.c, whole));
    assert_memory_equal(spy_region_text(f.region, op), "select a; select a; ", 20);
    free(most);
    free(more);
    fixture_close(&f);
}

/* Batches of A, B and C in every order of up to seven, until the table is full: what was there
 * stays as it was, the rest are texts as a whole, and no parts become operations for them. */
static void test_full(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, RULES);
    const spy_stmt *parts;
    unsigned batches = 0, wholes = 0;
    for (unsigned n = 0; n < 3 * 3 * 3 * 3 * 3 * 3 * 3; n++) {
        char text[128] = "";
        for (unsigned i = 0, rest = n; i < 7; i++, rest /= 3)
            sprintf(text + strlen(text), "SELECT %c;", "abc"[rest % 3]);
        uint32_t count = spy_classify_parts(f.c, fixture_sql(&f, text), &parts);
        assert_true(count == 7 || (count == 1 && batches == SPY_BATCHES_MAX - 1));
        batches += count == 7;
        wholes += count == 1;
    }
    assert_int_equal(batches, SPY_BATCHES_MAX - 1);
    assert_int_equal(wholes, 2187 - batches);
    assert_string_equal(names(&f, "SELECT a;SELECT a;SELECT a;SELECT a;SELECT a;SELECT a;SELECT a"),
                        "a a a a a a a");
    uint32_t before = spy_region_ops(f.region);
    spy_stmt whole = fixture_sql(&f, "SELECT never_seen; SELECT seen_never");
    assert_int_equal(spy_classify_parts(f.c, whole, &parts), 1);
    assert_in_range(spy_region_ops(f.region), before, before + 1);
    fixture_close(&f);
}

/* More text than there is room for: the operations are there all the same. */
static void test_texts_full(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, RULES);
    static char text[3000];
    uint32_t op[100], with_text = 0;
    for (unsigned i = 0; i < 100; i++) {
        memset(text, 'x', sizeof(text) - 1);
        memcpy(text, "SELECT a; SELECT b, ", 20);
        text[21 + i] = ',';
        op[i] = spy_classify_single(f.c, fixture_sql(&f, text));
        const char *kept = spy_region_text(f.region, fixture_op(&f, op[i]));
        assert_true(i == 0 || op[i] != op[i - 1]);
        assert_true(kept[0] == '\0' || strncmp(kept, "select a; select b, ", 20) == 0);
        with_text += kept[0] != '\0';
    }
    assert_in_range(with_text, SPY_BATCH_TEXT_BYTES / sizeof(text) - 1,
                    SPY_BATCH_TEXT_BYTES / sizeof(text) + 1);
    assert_true(atomic_load(&f.region->self[SPY_SELF_TEXT_FULL]) >= 100 - with_text);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_one_statement_is_no_batch),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_backslashes),
        cmocka_unit_test(test_rules_without_text),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_in_sequences),
        cmocka_unit_test(test_too_many_parts),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_texts_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
