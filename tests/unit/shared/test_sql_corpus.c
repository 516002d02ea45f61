/* SPDX-License-Identifier: MIT */
/*
 * On the SQL of PostgreSQL's own tests, the lexer's tokens are those of PostgreSQL's scanner, and
 * texts that differ only in literals, blanks, case and comments share a fingerprint. Without a
 * network, for the first run, this is skipped. Exceptions stand in sql_tree.h.
 */
#include "unit/shared/sql_suite.h"

#define VARIANTS 2 /* of each statement, and as many with a literal of another kind */

/* ---- the lexer ------------------------------------------------------------------------------ */

/* U&'' UESCAPE '' is one token to us, and so is n''; all others begin and end as PostgreSQL's do.
 */
static bool same_tokens(const char *text, const struct pg_tokens *tokens)
{
    struct spy_sql_lexer lexer;

    spy_sql_start(&lexer, text, strlen(text));
    for (size_t i = 0; i < tokens->count; i++) {
        struct spy_sql_token mine = spy_sql_next(&lexer);
        const struct pg_token *first = &tokens->token[i], *last = first;
        if (pg_has_escape(tokens, i) ||
            (first->type == pg_type.nchar && pg_is_string(first + 1) && first[1].from == first->to))
            last += first->type == pg_type.nchar ? 1 : 2;
        i += (size_t)(last - first);
        bool value = mine.kind == SPY_SQL_VALUE;
        if (mine.text != text + first->from || mine.len != last->to - first->from ||
            value != pg_is_literal(last))
            return false;
    }
    return spy_sql_next(&lexer).kind == SPY_SQL_END;
}

static void tokens_are_postgresqls(void **state)
{
    (void)state;
    struct pg_tokens tokens = {0};
    size_t scanned = 0;

    need_corpus();
    for (size_t i = 0; i < corpus.count; i++) {
        if (!pg_scan(corpus.text[i], &tokens))
            continue;
        scanned++;
        if (!same_tokens(corpus.text[i], &tokens))
            fail_msg("other tokens: %s", corpus.text[i]);
    }
    print_message("# %zu texts fall into the same tokens\n", scanned);
    assert_true(scanned > corpus.count / 100 * 98);
    free(tokens.token);
}

/* ---- one statement, many spellings ---------------------------------------------------------- */

/* A spelling has the fingerprint, matches the normalised text as a pattern, and its skeleton, where
 * it has one, is a spelling too. */
static void check_spelling(const char *text, uint64_t fingerprint, const char *spelling)
{
    static char normal[1 << 16], skeleton[1 << 16];
    const char *why;
    size_t len = strlen(spelling), at;

    if (ours(spelling) != fingerprint)
        fail_on("one statement, two fingerprints", text, spelling);
    if (!spy_sql_normalise(text, strlen(text), normal, sizeof(normal)).truncated) {
        if (ours(normal) != fingerprint)
            fail_on("the normalised text is another statement", text, normal);
        if (spy_sql_pattern_check(normal, &why, &at) && !spy_sql_match(normal, spelling, len, 0))
            fail_on("the normalised text does not match", text, spelling);
    }
    size_t n = spy_sql_skeleton(spelling, len, 0, skeleton, sizeof(skeleton) - 1);
    skeleton[n] = '\0';
    if (n > 0 && ours(skeleton) != fingerprint)
        fail_on("the skeleton is another statement", spelling, skeleton);
}

static void spellings_share_a_fingerprint(void **state)
{
    (void)state;
    struct maker maker = {0};
    struct pg_tokens tokens = {0};
    size_t made = 0, refused = 0;

    need_corpus();
    for (size_t i = 0; i < single.count; i++) {
        const char *text = single.text[i];
        uint64_t tree = tree_of(text), fingerprint = ours(text);
        seed_from(&maker, text);
        assert_true(pg_scan(text, &tokens));
        check_spelling(text, fingerprint, text);
        for (int v = 0; v < VARIANTS; v++) {
            const char *variant = make_variant(&maker, text, &tokens, SIZE_MAX);
            uint64_t theirs = tree_of(variant);
            made++;
            refused += theirs == 0; /* rows added where the grammar takes one only */
            if (theirs == 0)
                continue;
            if (theirs != tree)
                fail_on("the generator is wrong: two statements", text, variant);
            check_spelling(text, fingerprint, variant);
        }
    }
    print_message("# %zu spellings of %zu statements, %zu refused by PostgreSQL's parser\n", made,
                  single.count, refused);
    assert_true(refused < made / 200);
    free(tokens.token);
    free(maker.out.bytes);
}

/* A number, a string, a parameter, another sign: where PostgreSQL's parser takes one for the other,
 * so do we. */
static void literals_of_other_kinds_share_a_fingerprint(void **state)
{
    (void)state;
    struct maker maker = {0};
    struct pg_tokens tokens = {0};
    size_t same = 0, exceptions[KEPT_COUNT] = {0};

    need_corpus();
    for (size_t i = 0; i < single.count; i++) {
        const char *text = single.text[i];
        uint64_t tree = tree_of(text), fingerprint = ours(text);
        seed_from(&maker, text);
        assert_true(pg_scan(text, &tokens));
        size_t literal = pick_literal(&maker, &tokens);
        for (int v = 0; v < VARIANTS && literal != SIZE_MAX; v++) {
            const char *variant = make_variant(&maker, text, &tokens, literal);
            int exception = exception_of(text, &tokens, literal);
            literal = pick_literal(&maker, &tokens);
            if (tree_of(variant) != tree)
                continue; /* the grammar does not take it here, or as something else */
            bool other = ours(variant) != fingerprint;
            if (other && exception == KEPT_NOTHING)
                fail_on("one statement, two fingerprints", text, variant);
            same += !other;
            exceptions[exception] += other;
        }
    }
    print_message("# %zu literals of another kind\n", same);
    for (int i = KEPT_NOTHING + 1; i < KEPT_COUNT; i++)
        print_message("# exception in %zu: %s\n", exceptions[i], kept[i].why);
    assert_true(same > single.count);
    free(tokens.token);
    free(maker.out.bytes);
}

/* ---- where backslashes escape --------------------------------------------------------------- */

/* TEXT with escapes in all its plain strings: in PLAIN as they are, in MARKED as E''. */
static void put_escapes(struct maker *maker, const char *text, const struct pg_tokens *tokens,
                        struct growing *plain, struct growing *marked)
{
    static const char *const bodies[] = {"'it\\'s'", "'a\\\\'",      "'\\\\\\''", "'x''y\\''",
                                         "''",       "'\\' -- /* '", "'a'\n'\\''"};
    uint32_t at = 0;

    grow_clear(plain);
    grow_clear(marked);
    for (size_t i = 0; i < tokens->count; i++) {
        const struct pg_token *t = &tokens->token[i];
        bool national = i > 0 && t[-1].type == pg_type.nchar && t[-1].to == t->from;
        if (text[t->from] != '\'' || pg_is_escape(tokens, i) || national)
            continue;
        const char *body = PICK(maker, bodies);
        grow_by(plain, text + at, t->from - at);
        grow_by(marked, text + at, t->from - at);
        grow(plain, " ");
        grow(marked, " E");
        grow(plain, body);
        grow(marked, body);
        at = t->to;
    }
    grow(plain, text + at);
    grow(marked, text + at);
}

static void backslashes_escape_when_told(void **state)
{
    (void)state;
    struct maker maker = {0};
    struct pg_tokens tokens = {0};
    struct growing plain = {0}, marked = {0};
    static char skeleton[1 << 16];
    size_t different = 0;

    need_corpus();
    for (size_t i = 0; i < single.count; i++) {
        uint64_t fingerprint = ours(single.text[i]);
        seed_from(&maker, single.text[i]);
        assert_true(pg_scan(single.text[i], &tokens));
        put_escapes(&maker, single.text[i], &tokens, &plain, &marked);
        if (strchr(plain.bytes, '\\') == NULL || pg_tree(marked.bytes, HIDE_NOTHING) == NULL)
            continue;
        if (ours(marked.bytes) != fingerprint)
            fail_on("E'' is no string", single.text[i], marked.bytes);
        if (ours_as(plain.bytes, SPY_SQL_BACKSLASH) != fingerprint)
            fail_on("backslashes were read as without the flag", single.text[i], plain.bytes);
        different += ours(plain.bytes) != fingerprint;
        size_t n = spy_sql_skeleton(plain.bytes, plain.len, SPY_SQL_BACKSLASH, skeleton,
                                    sizeof(skeleton) - 1);
        skeleton[n] = '\0';
        if (n > 0 && ours_as(skeleton, SPY_SQL_BACKSLASH) != fingerprint)
            fail_on("the skeleton is another statement", plain.bytes, skeleton);
    }
    print_message("# %zu statements are others where backslashes escape\n", different);
    assert_true(different > single.count / 10);
    free(tokens.token);
    free(plain.bytes);
    free(marked.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_postgresqls),
        cmocka_unit_test(spellings_share_a_fingerprint),
        cmocka_unit_test(literals_of_other_kinds_share_a_fingerprint),
        cmocka_unit_test(backslashes_escape_when_told),
    };
    return cmocka_run_group_tests(tests, read_corpus, forget_corpus);
}
