/* SPDX-License-Identifier: MIT */
/*
 * Which operations of requests the sqlcommenter tags of a statement name, in the ways in which
 * frameworks write their routes; and that texts with a traceparent each stay one statement, are
 * lexed once and do not fill the cache of texts.
 */
#include "classify_fixture.h"

#include "classify/classifier.h"

#include <stdio.h>

#define RULES                                                                 \
    "version: 1\n"                                                            \
    "operations:\n"                                                           \
    "  - {name: api.get_part, http: 'GET /parts/{part_id}'}\n"                \
    "  - {name: api.delete_part, http: 'DELETE /parts/{part_id}'}\n"          \
    "  - {name: api.get_parts, http: GET /parts/}\n"                          \
    "  - {name: api.both, http: [GET /usage, 'GET /usage/{id}/{rest...}']}\n" \
    "  - {name: sql.one, sql: SELECT ? AS one}\n"                             \
    "  - {name: sql.tagged, comment: {job: nightly}}\n"

static struct fixture f;

static int setup(void **state)
{
    (void)state;
    fixture_open(&f, RULES);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_close(&f);
    return 0;
}

/* The names of the operations that a statement with this comment is run for, with blanks between
 * them. */
static const char *names(const char *comment)
{
    static char out[SPY_ORIGIN_OPS * SPY_NAME_BYTES];
    char text[2048];
    uint32_t op[SPY_ORIGIN_OPS];
    snprintf(text, sizeof(text), "SELECT 1 AS one /*%s*/", comment);
    uint32_t count = spy_classify_origin(f.c, fixture_sql(&f, text), op);
    out[0] = '\0';
    for (uint32_t i = 0; i < count; i++) {
        strcat(out, i > 0 ? " " : "");
        strcat(out, fixture_op(&f, op[i])->name);
    }
    return out;
}

static void a_route_is_a_pattern(void **state)
{
    (void)state;
    static const char *const routes[] = {
        "%2Fparts%2F%7Bpart_id%7D",
        "/parts/{id}",
        "/parts/:id",
        "/parts/<int:id>",
        "parts/<id>/",
        "^parts/(?P<id>[^/]+)/$",
        "/parts/42",
        "/parts/{id:int}",
        "/parts/:id(.:format)",
        "DELETE /parts/{id}",
        "/parts/:id(\\\\d+)",
        "/parts/[id]",
    };
    char comment[256];
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        snprintf(comment, sizeof(comment), "framework='x',route='%s'", routes[i]);
        assert_string_equal(names(comment), "api.get_part api.delete_part");
    }
    assert_string_equal(names("route='/parts'"), "api.get_parts");
    assert_string_equal(names("route='/parts(.:format)'"), "api.get_parts");
    assert_string_equal(names("route='/usage/:id/*path'"), "api.both");
    assert_string_equal(names("route='/usage'"), "api.both");
    assert_string_equal(names("route='/part'"), "");
    assert_string_equal(names("route='/parts/all'"), "");
    assert_string_equal(names("route='/parts/{a}/{b}'"), "");
    assert_string_equal(names("route='/'"), "");
    assert_string_equal(names("route=''"), "");
    assert_string_equal(names("see /parts/{id}"), "");
}

static void a_name_says_it_exactly(void **state)
{
    (void)state;
    assert_string_equal(names("action='api.get_part'"), "api.get_part");
    assert_string_equal(names("controller='api.delete_part'"), "api.delete_part");
    assert_string_equal(names("route='api.get_parts'"), "api.get_parts");
    assert_string_equal(names("action='get_part',controller='api'"), "api.get_part");
    assert_string_equal(names("action='api.get_part',route='/parts/{id}'"), "api.get_part");
    assert_string_equal(names("action='api.get_part',controller='api.delete_part'"), "");
    assert_string_equal(names("action='sql.one'"), ""); /* no request's */
    assert_string_equal(names("action='nobody'"), "");
    assert_string_equal(names("application='api.get_part'"), "");
}

static void operations_come_later(void **state)
{
    (void)state;
    assert_string_equal(names("route='/orders/:id/lines'"), "");
    fixture_http_name(&f, "GET", "/orders/17/lines");
    assert_string_equal(names("route='/orders/:id/lines'"), "GET /orders/{id}/lines");
    fixture_http_name(&f, "PUT", "/orders/3/lines");
    fixture_http_name(&f, "PUT", "/orders/3");
    assert_string_equal(names("route='/orders/:id/lines'"),
                        "GET /orders/{id}/lines PUT /orders/{id}/lines");
}

/* Nine operations of one shape: more than are looked at. None is taken for the right one. */
static void too_many_name_nothing(void **state)
{
    (void)state;
    static const char *const methods[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                          "CONNECT", "OPTIONS", "TRACE", "PATCH"};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        fixture_http_name(&f, methods[i], "/many/5");
    assert_string_equal(names("route='/many/{id}'"), "");
}

static void where_the_comment_stands(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "/*route='/usage'*/ SELECT 1 AS one",      "SELECT 1 AS one/*route='/usage'*/;",
        "SELECT 1 AS one ; /*route='/usage'*/ ",   "SELECT /* plain */ 1 AS one /*route='/usage'*/",
        "SELECT 'a'; SELECT 2 /*route='/usage'*/", "SELECT 'x''/*' AS one /*route='/usage'*/",
    };
    uint32_t op[SPY_ORIGIN_OPS];
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        for (int again = 0; again < 2; again++)
            assert_int_equal(spy_classify_origin(f.c, fixture_sql(&f, texts[i]), op), 1);
    assert_int_equal(spy_classify_origin(f.c, fixture_sql(&f, "SELECT '/*route=''/usage''*/'"), op),
                     0);
    spy_stmt prepared = spy_classify_prepared(f.c, "p", texts[1], strlen(texts[1]));
    assert_int_equal(spy_classify_origin(f.c, prepared, op), 1);
}

/* ---- caches ---------------------------------------------------------------------------------- */

static uint32_t used_words(const struct spy_cache *cache)
{
    uint32_t used = 0;
    for (uint32_t i = 0; i < SPY_CACHE_WORDS; i++)
        used += atomic_load(&cache->word[i]) != 0;
    return used;
}

static uint32_t operations(void)
{
    return atomic_load(&f.region->ops_used);
}

static void a_traceparent_each(void **state)
{
    (void)state;
    char text[512];
    uint32_t op[SPY_ORIGIN_OPS];
    uint32_t ops = 0, texts = 0, shapes = 0;
    spy_stmt first = SPY_STMT_OTHER;
    for (int i = 0; i < 5000; i++) {
        snprintf(
            text, sizeof(text),
            "SELECT x, 'it''s %d' FROM t WHERE id = %d /*framework='f',route='/parts/%%7Bid%%7D',"
            "traceparent='00-%032x-%016x-01',request_id='%d'*/",
            i, i * 7, (unsigned)i, (unsigned)i, i);
        spy_stmt stmt = fixture_sql(&f, text);
        if (i == 0) {
            first = stmt;
            ops = operations();
            texts = used_words(&f.c->texts);
            shapes = used_words(&f.c->shapes);
        }
        assert_int_equal(stmt, first);
    }
    assert_int_equal(spy_classify_origin(f.c, first, op), 2);
    assert_int_equal(operations(), ops);
    assert_int_equal(used_words(&f.c->texts), texts);
    assert_int_equal(used_words(&f.c->shapes), shapes);
}

/* What cannot be told without lexing is told by the text without its comment. */
static void a_hard_text(void **state)
{
    (void)state;
    char text[512];
    uint32_t shapes = 0;
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof(text), "SELECT /* why */ $$x$$ /*route='/usage',traceparent='%d'*/",
                 i);
        fixture_sql(&f, text);
        if (i == 0)
            shapes = used_words(&f.c->shapes);
    }
    assert_int_equal(used_words(&f.c->shapes), shapes);
}

static void tags_do_not_split_operations(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "SELECT y FROM t",
        "SELECT y FROM t /*route='/usage'*/",
        "SELECT y FROM t /*route='/parts/'*/",
        "SELECT y FROM t /*route='/parts/',traceparent='1'*/",
        "SELECT y FROM t /* nothing */",
    };
    uint32_t op = spy_classify_single(f.c, fixture_sql(&f, texts[0]));
    for (size_t i = 1; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(spy_classify_single(f.c, fixture_sql(&f, texts[i])), op);
    assert_int_equal(fixture_sql(&f, texts[2]), fixture_sql(&f, texts[3]));
    assert_int_equal(fixture_sql(&f, texts[0]), fixture_sql(&f, texts[4]));
    assert_int_not_equal(fixture_sql(&f, texts[1]), fixture_sql(&f, texts[2]));
}

static void rules_by_comment_stay(void **state)
{
    (void)state;
    static const char plain[] = "SELECT z FROM t /*traceparent='1',application='a'*/";
    static const char tagged[] = "SELECT z FROM t /*traceparent='2',job='nightly'*/";
    for (int again = 0; again < 2; again++) {
        assert_string_not_equal(fixture_sql_name(&f, plain), "sql.tagged");
        assert_string_equal(fixture_sql_name(&f, tagged), "sql.tagged");
    }
}

/* Raw paths as routes, without end: the tables of statements and of origins fill, and operations
 * stay what they are. */
static void origins_without_end(void **state)
{
    (void)state;
    char text[256];
    uint32_t op = spy_classify_single(f.c, fixture_sql(&f, "SELECT w FROM t"));
    for (int i = 0; i < 3000; i++) {
        snprintf(text, sizeof(text), "SELECT w FROM t /*route='/slug%c%c%c/x'*/", 'a' + i % 26,
                 'a' + i / 26 % 26, 'a' + i / 676);
        assert_int_equal(spy_classify_single(f.c, fixture_sql(&f, text)), op);
    }
    assert_true(atomic_load(&f.region->self[SPY_SELF_ORIGINS_FULL]) > 0);
    assert_int_equal(atomic_load(&f.region->self[SPY_SELF_OPS_FULL]), 0);
}

static void statements_with_origins_leave_room(void **state)
{
    (void)state;
    char text[256];
    for (uint32_t i = 0; i < SPY_STMTS_MAX; i++) {
        snprintf(text, sizeof(text), "SELECT w%c FROM t /*route='/slug%c%c%c/x'*/",
                 (char)('a' + i % 16), (char)('a' + i / 16 % 26), (char)('a' + i / 416 % 26),
                 (char)('a' + i / 10816));
        assert_int_not_equal(fixture_sql(&f, text), SPY_STMT_OTHER);
    }
    assert_int_not_equal(fixture_sql(&f, "SELECT a_new_one FROM t"), SPY_STMT_OTHER);
    assert_true(atomic_load(&f.c->stmts.used) <= SPY_STMT_ORIGIN_ROWS + 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_route_is_a_pattern, setup, teardown),
        cmocka_unit_test_setup_teardown(a_name_says_it_exactly, setup, teardown),
        cmocka_unit_test_setup_teardown(operations_come_later, setup, teardown),
        cmocka_unit_test_setup_teardown(too_many_name_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(where_the_comment_stands, setup, teardown),
        cmocka_unit_test_setup_teardown(a_traceparent_each, setup, teardown),
        cmocka_unit_test_setup_teardown(a_hard_text, setup, teardown),
        cmocka_unit_test_setup_teardown(tags_do_not_split_operations, setup, teardown),
        cmocka_unit_test_setup_teardown(rules_by_comment_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(origins_without_end, setup, teardown),
        cmocka_unit_test_setup_teardown(statements_with_origins_leave_room, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
