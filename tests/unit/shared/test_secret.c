/* SPDX-License-Identifier: MIT */
/* What may hold a password is told, however it is spelled; what cannot is not held back. */
#include "shared/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool sql(const char *text)
{
    return spy_secret_sql(text, strlen(text));
}

static bool parameter(const char *name)
{
    return spy_secret_parameter(name, strlen(name));
}

static void statements(void **state)
{
    (void)state;
    static const char *const secret[] = {
        "ALTER ROLE joe PASSWORD 'x'",
        "alter user joe with encrypted Password ?",
        "DO $$ BEGIN EXECUTE 'ALTER ROLE joe PASSWORD ''x'''; END $$",
        "INSERT INTO users (name, hashed_password) VALUES ($1, $2)",
        "CREATE USER  MAPPING FOR joe SERVER s OPTIONS (user 'joe', x 'y')",
        "create user\n\tmapping for joe",
        "CREATE SUBSCRIPTION s CONNECTION 'host=a' PUBLICATION p",
        "SELECT dblink_connect('host=a')",
        "SELECT crypt($1, gen_salt('bf'))",
        "SELECT pgp_sym_encrypt($1, $2)",
        "EXECUTE login('joe', 'x')",
        "SELECT 1; execute\tlogin (?)",
        "passw",
    };
    static const char *const open[] = {
        "",
        "p",
        "pass",
        "SELECT * FROM subscriptions WHERE id = 1",
        "SELECT passenger, encrypted FROM trips",
        "create user joe",
        "SELECT executed, executes FROM jobs",
        "passpass",
    };
    for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++)
        if (!sql(secret[i]))
            fail_msg("not told: %s", secret[i]);
    for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
        if (sql(open[i]))
            fail_msg("held back: %s", open[i]);
}

static void within_their_bounds(void **state)
{
    static const char text[] = "x password";
    (void)state;
    for (size_t len = 0; len < sizeof(text); len++) {
        char *exact = malloc(len + 1); /* a sanitizer sees what reads beyond */
        char *at = realloc(exact, len > 0 ? len : 1);
        memcpy(at, text, len);
        assert_int_equal(spy_secret_sql(at, len), len >= 7);
        free(at);
    }
}

static void parameters(void **state)
{
    (void)state;
    assert_true(parameter("password"));
    assert_true(parameter("new_passwd"));
    assert_true(parameter("PWD"));
    assert_true(parameter("access_token"));
    assert_true(parameter("client-secret"));
    assert_true(parameter("pass%77ord"));
    assert_true(parameter("%50%77%44"));
    assert_false(parameter("p%77"));
    assert_false(parameter("100%"));
    assert_false(parameter("part_type"));
    assert_false(parameter(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements),
        cmocka_unit_test(within_their_bounds),
        cmocka_unit_test(parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
