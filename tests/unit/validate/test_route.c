/* SPDX-License-Identifier: MIT */
/*
 * Requests get the very names that the library gives them: its own matcher is the oracle.
 */
#include "validate/route.h"

#include "classify/routes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char tricky[] = "version: 1\n"
                             "operations:\n"
                             "  - {name: root, http: GET /}\n"
                             "  - {name: a, http: GET /a}\n"
                             "  - {name: a-slash, http: GET /a/}\n"
                             "  - {name: a-param, http: \"GET /a/{x}\"}\n"
                             "  - {name: a-rest, http: \"GET /a/{x...}\"}\n"
                             "  - {name: a-b-post, http: POST /a/b}\n"
                             "  - {name: a-b-c, http: GET /a/b/c}\n"
                             "  - {name: a-any-c, http: \"* /a/{x}/c\"}\n"
                             "  - {name: a-any-d, http: \"* /a/{x}/d\"}\n"
                             "  - {name: a-get-d, http: \"GET /a/{y}/d\"}\n"
                             "  - {name: a-b-any-method, http: \"* /a/b/e\"}\n"
                             "  - {name: a-x-e, http: \"GET /a/{x}/e\"}\n"
                             "  - {name: rest, http: \"* /{x...}\"}\n";

static struct spy_rules *parse(const char *text)
{
    struct spy_rules *rules = NULL;
    struct spy_error error;
    if (spy_rules_parse(text, strlen(text), &rules, &error) != SPY_OK)
        fail_msg("%s", error.text);
    return rules;
}

static void compare(const struct spy_rules *rules, const struct spy_routes *routes,
                    const char *method, const char *path)
{
    uint32_t theirs = spy_routes_match(routes, method, strlen(method), path, strlen(path));
    int ours = val_route_find(rules, method, path);
    if (ours != (theirs == SPY_ROUTE_NONE ? -1 : (int)theirs))
        fail_msg("%s %s: %s, not %s", method, path, ours < 0 ? "none" : rules->rule[ours].name,
                 theirs == SPY_ROUTE_NONE ? "none" : rules->rule[theirs].name);
}

/* All paths of up to four of these segments. */
static void compare_all(struct spy_rules *rules)
{
    static const char *const segments[] = {"", "a", "b", "c", "d", "e", "parts", "search", "17"};
    static const char *const methods[] = {"GET", "POST", "PUT"};
    enum { SEGMENTS = sizeof(segments) / sizeof(segments[0]) };
    uint32_t number[SPY_RULES_OPERATIONS];
    struct spy_routes routes;
    for (uint32_t i = 0; i < rules->count; i++)
        number[i] = i;
    assert_true(spy_routes_open(&routes, rules, number));
    for (unsigned n = 0; n < SEGMENTS * SEGMENTS * SEGMENTS * SEGMENTS; n++)
        for (unsigned depth = 1; depth <= 4; depth++) {
            char path[64] = "";
            for (unsigned k = 0, rest = n; k < depth; k++, rest /= SEGMENTS) {
                strcat(path, "/");
                strcat(path, segments[rest % SEGMENTS]);
            }
            for (unsigned m = 0; m < 3; m++)
                compare(rules, &routes, methods[m], path);
        }
    spy_routes_close(&routes);
    spy_rules_free(rules);
}

static void test_tricky_rules(void **state)
{
    (void)state;
    compare_all(parse(tricky));
}

static void test_real_rules(void **state)
{
    struct spy_rules *rules;
    struct spy_error error;
    (void)state;
    assert_int_equal(spy_rules_load("rules/parts.yml", &rules, &error), SPY_OK);
    compare_all(rules);
}

static void test_query_is_ignored(void **state)
{
    struct spy_rules *rules = parse(tricky);
    (void)state;
    int found = val_route_find(rules, "GET", "/a/b/c?d=/e");
    assert_string_equal(rules->rule[found].name, "a-b-c");
    found = val_route_find(rules, "GET", "/a?x");
    assert_string_equal(rules->rule[found].name, "a");
    spy_rules_free(rules);
}

static void test_template(void **state)
{
    static const struct {
        const char *path, *name;
    } cases[] = {
        {"/parts/17", "GET /parts/{id}"},
        {"/parts/17/usage?skip=3", "GET /parts/{id}/usage"},
        {"/parts/17a", "GET /parts/17a"},
        {"/parts/?limit=1", "GET /parts/"},
        {"/", "GET /"},
    };
    char name[64], small[12];
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        val_route_template(name, sizeof(name), "GET", cases[i].path);
        assert_string_equal(name, cases[i].name);
    }
    val_route_template(small, sizeof(small), "GET", "/a/very/long/path/indeed");
    assert_true(strlen(small) < sizeof(small));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tricky_rules),
        cmocka_unit_test(test_real_rules),
        cmocka_unit_test(test_query_is_ignored),
        cmocka_unit_test(test_template),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
