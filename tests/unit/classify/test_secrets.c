/* SPDX-License-Identifier: MIT */
/*
 * What programs keep secret in statements stays out of everything that is published, however it is
 * spelled; the names around it stay.
 */
#include "unit/classify/classify_fixture.h"

#include "shared/sql.h"

#define SECRET "s3cr3t"

/* Is the secret, or a part of it that would do, anywhere in the region? */
static bool leaked(const struct fixture *f)
{
    return memmem(f->region, spy_region_layout(NULL), "3cr3", 4) != NULL;
}

/* Classifies TEXT, the single and all parts of it, and compares the text that is kept. */
static void kept_as(struct fixture *f, const char *text, unsigned how, const char *expected)
{
    const spy_stmt *parts;
    spy_stmt stmt = spy_classify_sql_as(f->c, text, strlen(text), how);
    uint32_t count = spy_classify_parts(f->c, stmt, &parts);
    for (uint32_t i = 0; count > 1 && i < count; i++)
        spy_classify_single(f->c, parts[i]);
    uint32_t op = spy_classify_single(f->c, stmt);
    assert_string_equal(spy_region_text(f->region, fixture_op(f, op)), expected);
    if (leaked(f))
        fail_msg("leaked: %s", text);
}

static const char *const spellings[] = {
    "'" SECRET "'",
    "'it''s " SECRET "'",
    "E'" SECRET "\\'" SECRET "'",
    "e'\\\\" SECRET "'",
    "$$" SECRET "$$",
    "$" SECRET "$'" SECRET "$" SECRET "$",
    "U&'" SECRET "\\0021'",
    "u&'!0021" SECRET "' UESCAPE '!'",
    "'" SECRET "'\n  '" SECRET "'",
    "'" SECRET "' -- " SECRET "\n'" SECRET "'",
    "N'" SECRET "'",
    "b'" SECRET "'",
    "x'" SECRET "'",
    "'" SECRET "\\'",
    "/* " SECRET " */ '" SECRET "' /* was /* " SECRET " */ before */",
    "'" SECRET "' -- " SECRET,
};

static void test_passwords(void **state)
{
    (void)state;
    static const char *const statements[][2] = {
        {"CREATE USER \"Joe\" PASSWORD %", "create user \"Joe\" password ?"},
        {"CREATE ROLE joe LOGIN ENCRYPTED PASSWORD %",
         "create role joe login encrypted password ?"},
        {"ALTER USER joe WITH PASSWORD %", "alter user joe with password ?"},
        {"ALTER ROLE \"Joe\" ENCRYPTED\nPASSWORD%", "alter role \"Joe\" encrypted password ?"},
        {"alter group g password %", "alter group g password ?"},
        {"CREATE USER MAPPING FOR joe SERVER s OPTIONS (user 'joe', password %\n)",
         "create user mapping for joe server s options(user ?, password ?)"},
        {"CREATE SUBSCRIPTION s CONNECTION % \n PUBLICATION p",
         "create subscription s connection ? publication p"},
        {"SELECT dblink_connect(%\n)", "select dblink_connect(?)"},
    };
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        for (size_t j = 0; j < sizeof(spellings) / sizeof(spellings[0]); j++) {
            struct fixture f;
            char text[512] = "";
            const char *at = strchr(statements[i][0], '%');
            strncat(text, statements[i][0], (size_t)(at - statements[i][0]));
            strcat(text, text[strlen(text) - 1] == 'D' && spellings[j][0] != '\'' ? " " : "");
            strcat(text, spellings[j]);
            strcat(text, at + 1);
            fixture_open(&f, NO_RULES);
            kept_as(&f, text, 0, statements[i][1]);
            fixture_close(&f);
        }
    }
}

static void test_where_backslashes_escape(void **state)
{
    (void)state;
    static const char *const strings[] = {"'\\'" SECRET "'", "'a\\\\\\'" SECRET "'",
                                          "n'\\'" SECRET "'", "'\\''\n'\\'" SECRET "'"};
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        struct fixture f;
        char text[256] = "ALTER USER joe PASSWORD ";
        fixture_open(&f, NO_RULES);
        strcat(text, strings[i]);
        kept_as(&f, text, SPY_SQL_BACKSLASH, "alter user joe password ?");
        strcat(text, "; SELECT 1");
        kept_as(&f, text, SPY_SQL_BACKSLASH, "alter user joe password ?; select ?");
        fixture_close(&f);
    }
}

/* What is not closed is a string to its end. */
static void test_cut_off(void **state)
{
    (void)state;
    static const char *const strings[] = {"'" SECRET,   "E'\\'" SECRET,       "$$" SECRET,
                                          "u&'" SECRET, "$x$" SECRET " $y$ ", "/* " SECRET};
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        struct fixture f;
        char text[256] = "ALTER USER joe PASSWORD ";
        fixture_open(&f, NO_RULES);
        strcat(text, strings[i]);
        bool comment = strings[i][0] == '/';
        kept_as(&f, text, 0, comment ? "alter user joe password" : "alter user joe password ?");
        fixture_close(&f);
    }
}

static void test_in_batches(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, NO_RULES);
    kept_as(&f, "BEGIN; ALTER USER joe PASSWORD '" SECRET "'; /* " SECRET " */ COMMIT", 0,
            "begin; alter user joe password ?; commit");
    fixture_close(&f);
}

/* The name of a prepared statement is no secret, its text is as any other's. */
static void test_prepared(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, NO_RULES);
    static const char text[] = "ALTER USER joe PASSWORD '" SECRET "'";
    spy_stmt stmt = spy_classify_prepared(f.c, "change", text, strlen(text));
    uint32_t op = spy_classify_single(f.c, stmt);
    assert_string_equal(spy_region_text(f.region, fixture_op(&f, op)), "alter user joe password ?");
    assert_false(leaked(&f));
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_passwords), cmocka_unit_test(test_where_backslashes_escape),
        cmocka_unit_test(test_cut_off),   cmocka_unit_test(test_in_batches),
        cmocka_unit_test(test_prepared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
