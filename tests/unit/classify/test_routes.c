/* SPDX-License-Identifier: MIT */
/*
 * HTTP rules: the most specific pattern wins, whatever the order; methods; forms of the target.
 */
#include "unit/classify/classify_fixture.h"

#include <stdio.h>

#define RULES                                                      \
    "version: 1\n"                                                 \
    "operations:\n"                                                \
    "- {name: get_part, http: 'GET /parts/{part_id}'}\n"           \
    "- {name: search, http: GET /parts/search}\n"                  \
    "- {name: list, http: [GET /parts/, HEAD /parts/]}\n"          \
    "- {name: create, http: POST /parts/}\n"                       \
    "- {name: usage, http: 'GET /parts/{part_id}/usage'}\n"        \
    "- {name: search_usage, http: 'GET /parts/search/{x}/deep'}\n" \
    "- {name: any_part, http: '* /parts/{part_id}'}\n"             \
    "- {name: static, http: 'GET /static/{path...}'}\n"            \
    "- {name: logo, http: GET /static/img/logo.png}\n"             \
    "- {name: root, http: GET /}\n"                                \
    "- {name: double, http: GET /a//b}\n"

static void check(struct fixture *f, const char *method, const char *target, const char *name)
{
    const char *got = fixture_http_name(f, method, target);
    if (strcmp(got, name) != 0)
        fail_msg("%s %s: %s, expected %s", method, target, got, name);
}

static void test_most_specific_wins(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, RULES);
    check(&f, "GET", "/parts/42", "get_part");
    check(&f, "GET", "/parts/search", "search");
    check(&f, "GET", "/parts/searching", "get_part");
    check(&f, "GET", "/parts/42/usage", "usage");
    check(&f, "GET", "/parts/search/usage", "usage"); /* backs out of the literal */
    check(&f, "GET", "/parts/search/1/deep", "search_usage");
    check(&f, "GET", "/static/img/logo.png", "logo");
    check(&f, "GET", "/static/img/logo.gif", "static"); /* backs out two levels */
    check(&f, "GET", "/static/a/b/c/d", "static");
    check(&f, "GET", "/static/", "static");
    check(&f, "GET", "/static", "GET /static");
    check(&f, "GET", "/", "root");
    check(&f, "GET", "/a//b", "double");
    fixture_close(&f);
}

static void test_slashes_count(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, RULES);
    check(&f, "GET", "/parts/", "list");
    check(&f, "GET", "/parts", "GET /parts");
    check(&f, "GET", "/parts/42/", "GET /parts/{id}/");
    check(&f, "GET", "/parts//usage", "GET /parts//usage"); /* a parameter is not empty */
    check(&f, "GET", "/a/b", "GET /a/b");
    fixture_close(&f);
}

static void test_methods(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, RULES);
    check(&f, "POST", "/parts/", "create");
    check(&f, "HEAD", "/parts/", "list");
    check(&f, "DELETE", "/parts/", "DELETE /parts/");
    check(&f, "DELETE", "/parts/42", "any_part");
    check(&f, "DELETE", "/parts/search", "any_part"); /* `search` has no DELETE */
    check(&f, "HEAD", "/parts/search", "any_part");   /* HEAD is not GET */
    check(&f, "HEAD", "/parts/42/usage", "HEAD /parts/{id}/usage");
    check(&f, "get", "/parts/search", "any_part"); /* methods are case-sensitive */
    check(&f, "GETX", "/", "_OTHER /");
    fixture_close(&f);
}

static void test_target_forms(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, RULES);
    check(&f, "GET", "/parts/search?q=a/b", "search");
    check(&f, "GET", "/parts/?", "list");
    check(&f, "GET", "/parts/search#x", "search");
    check(&f, "GET", "http://host:80/parts/search?q=1", "search");
    check(&f, "GET", "https://host", "root");
    check(&f, "GET", "http://host?q=/parts/", "root");
    check(&f, "OPTIONS", "*", "OPTIONS *");
    check(&f, "CONNECT", "host.example:443", "CONNECT {authority}");
    check(&f, "GET", "nonsense", "GET {authority}");
    check(&f, "GET", "", "GET {authority}");
    check(&f, "GET", "?q", "GET {authority}");
    check(&f, "GET", "/parts/se%61rch", "get_part"); /* nothing is decoded */
    fixture_close(&f);
}

static void test_deep_paths(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, "version: 1\n"
                     "operations:\n"
                     "- {name: rest, http: 'GET /r/{path...}'}\n"
                     "- {name: ladder, http: 'GET /{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/end'}\n");
    static char path[4096];
    for (int i = 0; i < 1000; i++)
        strcat(path, "/r");
    check(&f, "GET", path, "rest");
    check(&f, "GET", "/r/r/r/r/r/r/r/r/end", "rest"); /* a literal first segment is preferred */
    check(&f, "GET", "/x/r/r/r/r/r/r/r/end", "ladder");
    memset(path, '/', 100);
    path[100] = '\0';
    const char *name = fixture_http_name(&f, "GET", path);
    assert_string_equal(name, "GET ////////////////////////////////"
                              "/...");
    fixture_close(&f);
}

static void test_most_unmapped_routes(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, RULES);
    char path[32];
    uint32_t before = spy_region_ops(f.region);
    for (unsigned i = 0; i < SPY_ROUTES_MAX; i++) {
        snprintf(path, sizeof(path), "/%c%c%c", 'a' + i % 26, 'a' + i / 26 % 26, 'z');
        assert_memory_equal(fixture_http_name(&f, "GET", path), "GET /", 5);
    }
    assert_int_equal(spy_region_ops(f.region), before + SPY_ROUTES_MAX);
    assert_int_equal(atomic_load(&f.region->self[SPY_SELF_OPS_FULL]), 0);
    check(&f, "GET", "/one-more", "other (http)");
    check(&f, "GET", "/one-more", "other (http)");
    assert_int_equal(atomic_load(&f.region->self[SPY_SELF_OPS_FULL]), 2);
    check(&f, "GET", "/aaz", "GET /aaz");        /* and so do the routes that have a place */
    check(&f, "GET", "/parts/search", "search"); /* rules go on */
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_most_specific_wins),
        cmocka_unit_test(test_slashes_count),
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_target_forms),
        cmocka_unit_test(test_deep_paths),
        cmocka_unit_test(test_most_unmapped_routes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
