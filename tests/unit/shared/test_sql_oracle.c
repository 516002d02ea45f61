/* SPDX-License-Identifier: MIT */
/*
 * Our fingerprint against libpg_query's, which is made of PostgreSQL's own parse tree: spellings of
 * one statement share ours, and statements whose trees differ never do. Spellings are generated
 * from templates, from a fixed seed.
 */
#include "sql_spellings.h"

#include "shared/sql.h"

#include <pg_query.h>

#define VARIANTS 40

static uint64_t oracle(const char *text)
{
    PgQueryFingerprintResult result = pg_query_fingerprint(text);
    if (result.error)
        fail_msg("the oracle refuses %s: %s", text, result.error->message);
    uint64_t fingerprint = result.fingerprint;
    pg_query_free_fingerprint_result(result);
    return fingerprint;
}

static uint64_t ours(const char *text)
{
    return spy_sql_normalise(text, strlen(text), NULL, 0).fingerprint;
}

/* Is the normalised text of A a pattern that matches B? */
static bool matches_normal_of(const char *a, const char *b)
{
    char normal[2048];

    assert_false(spy_sql_normalise(a, strlen(a), normal, sizeof(normal)).truncated);
    return spy_sql_match(normal, b, strlen(b), 0);
}

static void spellings_share_a_fingerprint(void **state)
{
    (void)state;
    uint64_t seed = 0x9e3779b97f4a7c15u;
    static struct text first, other;

    for (size_t i = 0; i < TEMPLATES; i++) {
        for (size_t j = 0; j < VARIANTS; j++) {
            struct text *text = j == 0 ? &first : &other;
            *text = (struct text){.seed = &seed};
            generate(text, templates[i]);
            /* Else the generator is wrong, not the lexer. */
            if (oracle(text->bytes) != oracle(first.bytes))
                fail_msg("to the oracle not the same:\n%s\n%s", first.bytes, text->bytes);
            if (ours(text->bytes) != ours(first.bytes))
                fail_msg("not the same:\n%s\n%s", first.bytes, text->bytes);
            if (!matches_normal_of(first.bytes, text->bytes))
                fail_msg("not matched:\n%s\n%s", first.bytes, text->bytes);
        }
    }
}

/* Hard to tell apart. */
static const char *const close_ones[] = {
    "select a - 1",
    "select a, -1",
    "select a + -b",
    "select a - b",
    "select a -(-b)",
    "select a.b",
    "select a b, c from x",
    "select 'a' || 'b'",
    "select a from b, c",
    "select a from b c",
    "select \"A\"",
    "select f(a)",
    "select a < b",
    "select a <= b",
    "select a = b",
    "select a <> b",
    "select a ->> b",
    "select a -> b",
    "select a @> b",
    "select a <@ b",
    "select a and b or c",
    "select a and (b or c)",
    "select a::int",
    "select a::text",
    "select a::int[]",
    "select a[1]",
    "select a[1][2]",
    "select a[1:2]",
    "select f(1, 2)",
    "select f(1)",
    "select f(array[1])",
    "select f(null)",
    "select x from t where a in (1, b)",
    "select x from t where a in (b)",
    "select x from t where a in (1)",
    "select x from t where a = 1",
    "select x from t where a not in (1)",
    "insert into t values (1, 2)",
    "insert into t values (1, now())",
    "insert into t values (1)",
    "insert into t values (1), (default)",
    "insert into t values (default)",
    "select 1; select 1",
    "select 1; select a",
    "select 1",
};
#define CLOSE (sizeof(close_ones) / sizeof(close_ones[0]))

/* All pairs, of the templates' statements and of the close ones. */
static void different_trees_differ(void **state)
{
    (void)state;
    static struct text texts[TEMPLATES + CLOSE];
    static uint64_t oracles[TEMPLATES + CLOSE], fingerprints[TEMPLATES + CLOSE];
    uint64_t seed = 0x2545f4914f6cdd1du;
    size_t different = 0;

    for (size_t i = 0; i < TEMPLATES + CLOSE; i++) {
        texts[i] = (struct text){.seed = &seed};
        if (i < TEMPLATES)
            generate(&texts[i], templates[i]);
        else
            add(&texts[i], close_ones[i - TEMPLATES]);
        oracles[i] = oracle(texts[i].bytes);
        fingerprints[i] = ours(texts[i].bytes);
    }
    for (size_t i = 0; i < TEMPLATES + CLOSE; i++) {
        for (size_t j = 0; j < i; j++) {
            if (oracles[i] == oracles[j])
                continue;
            different++;
            if (fingerprints[i] == fingerprints[j])
                fail_msg("not different:\n%s\n%s", texts[i].bytes, texts[j].bytes);
        }
    }
    assert_true(different > 5000);
}

static int end_oracle(void **state)
{
    (void)state;
    pg_query_exit();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spellings_share_a_fingerprint),
        cmocka_unit_test(different_trees_differ),
    };
    return cmocka_run_group_tests(tests, NULL, end_oracle);
}
