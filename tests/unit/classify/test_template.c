/* SPDX-License-Identifier: MIT */
/*
 * Names for requests without a rule: what becomes {id}, what stays, and where names are cut.
 */
#include "classify/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static const char *name_of(const char *method, const char *text)
{
    static char name[SPY_NAME_BYTES];
    struct spy_target target = spy_target_parse(text, strlen(text));
    memset(name, 'X', sizeof(name));
    spy_template_write(name, method, strlen(method), &target);
    return name;
}

static void test_identifiers(void **state)
{
    (void)state;
    static const char *const hidden[] = {
        "1",
        "42",
        "0123456789",
        "550e8400-e29b-41d4-a716-446655440000",
        "550e8400e29b41d4a716446655440000",
        "deadbeef1",
        "DEADBEE1",
        "2023-01-15",
        "part12345",
        "A-1234",
        "v1234",
        "x10",
        "alice@example.org",
        "a%20b",
        "a;jsessionid=1",
        "caf\xc3\xa9",
        "a b",
        "thisisaverylongsegmentwithoutdigit",
    };
    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
        char path[128] = "/x/";
        strcat(strcat(path, hidden[i]), "/y");
        if (strcmp(name_of("GET", path), "GET /x/{id}/y") != 0)
            fail_msg("%s: %s", hidden[i], name_of("GET", path));
    }
}

static void test_words(void **state)
{
    (void)state;
    static const char *const kept[] = {
        "parts",       "with-inventory", "v1",     "v12",        "v123",  "oauth2",       "i18n",
        "s3",          "deadbeef",       "facade", "index.html", "a_b~c", "parts:search", "x1",
        ".well-known", "user7",          "-",
    };
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        char path[128] = "/", name[128] = "GET /";
        strcat(path, kept[i]);
        strcat(name, kept[i]);
        assert_string_equal(name_of("GET", path), name);
    }
}

static void test_methods(void **state)
{
    (void)state;
    static const char *const known[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                        "CONNECT", "OPTIONS", "TRACE", "PATCH"};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        char name[32];
        assert_string_equal(name_of(known[i], "/"), strcat(strcpy(name, known[i]), " /"));
    }
    assert_string_equal(name_of("PROPFIND", "/"), "_OTHER /");
    assert_string_equal(name_of("get", "/"), "_OTHER /");
    assert_string_equal(name_of("", "/"), "_OTHER /");
}

static void test_cut(void **state)
{
    (void)state;
    char path[512] = "";
    for (int i = 0; i < 12; i++)
        strcat(path, "/abcdefghij");
    const char *name = name_of("OPTIONS", path);
    assert_in_range(strlen(name), SPY_NAME_BYTES - 16, SPY_NAME_BYTES - 1);
    assert_string_equal(name + strlen(name) - 15, "/abcdefghij/...");
    path[0] = '\0';
    for (int i = 0; i < 33; i++)
        strcat(path, "/a");
    name = name_of("GET", path);
    assert_int_equal(strlen(name), strlen("GET ") + 32 * 2 + strlen("/..."));
}

/* Wherever the end falls, the mark of the cut is there, whole. */
static void test_cut_at_any_length(void **state)
{
    (void)state;
    for (size_t len = 1; len <= 32; len++) {
        char path[2048] = "";
        for (size_t used = 0; used < 200; used += len + 1) {
            path[used] = '/';
            memset(path + used + 1, 'x', len);
            path[used + len + 1] = '\0';
        }
        const char *name = name_of("GET", path);
        assert_in_range(strlen(name), 68, SPY_NAME_BYTES - 1);
        assert_string_equal(name + strlen(name) - 5, "x/...");
    }
}

static void test_query_is_dropped(void **state)
{
    (void)state;
    assert_string_equal(name_of("GET", "/a?user=alice"), "GET /a");
    assert_string_equal(name_of("GET", "/a#alice"), "GET /a");
    assert_string_equal(name_of("GET", "http://user:secret@host/a?b"), "GET /a");
    assert_string_equal(name_of("GET", "/?"), "GET /");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identifiers),       cmocka_unit_test(test_words),
        cmocka_unit_test(test_methods),           cmocka_unit_test(test_cut),
        cmocka_unit_test(test_cut_at_any_length), cmocka_unit_test(test_query_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
