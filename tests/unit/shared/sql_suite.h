/* SPDX-License-Identifier: MIT */
/*
 * What the tests against PostgreSQL's own scanner and parser share: the SQL of PostgreSQL's tests,
 * which comes from Debian's source package by tools/scripts/sql-corpus.sh, and the two judges.
 */
#ifndef SPY_TEST_SQL_SUITE_H
#define SPY_TEST_SQL_SUITE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "shared/sql.h"
#include "unit/shared/sql_variants.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static struct corpus corpus; /* whatever psql would send */
static struct corpus single; /* of that, what PostgreSQL's parser takes for one statement */
static char why_not[512];

/* ---- helpers -------------------------------------------------------------------------------- */

static inline uint64_t hash_of(const char *text)
{
    return XXH3_64bits(text, strlen(text));
}

static inline uint64_t ours_as(const char *text, unsigned how)
{
    return spy_sql_normalise_as(text, strlen(text), how, NULL, 0).fingerprint;
}

static inline uint64_t ours(const char *text)
{
    return ours_as(text, 0);
}

/* The tree at LEVEL, as a hash; 0 where it is no SQL. */
static inline uint64_t tree_at(const char *text, int level)
{
    const char *tree = pg_tree(text, level);
    return tree != NULL ? hash_of(tree) : 0;
}

/* What makes a statement one that all its spellings are, too. */
static inline uint64_t tree_of(const char *text)
{
    return tree_at(text, HIDE_SIGNS);
}

static inline void show(const char *what, const char *text)
{
    static char normal[1 << 16];

    spy_sql_normalise(text, strlen(text), normal, sizeof(normal));
    print_error("%s: %.2000s\n  ours:   %.2000s\n", what, text, normal);
    const char *tree = pg_tree(text, HIDE_LEVELS);
    print_error("  theirs: %.4000s\n", tree != NULL ? tree : "no SQL");
}

static inline void fail_on(const char *what, const char *a, const char *b)
{
    show("first", a);
    show("other", b);
    fail_msg("%s", what);
}

static inline void need_corpus(void)
{
    if (corpus.count == 0) {
        print_message("# skipped: %s\n", why_not);
        skip();
    }
}

/* What is made of a text depends on nothing but that text, so that it is the same whatever else
 * there is in a release. */
static inline void seed_from(struct maker *maker, const char *text)
{
    maker->seed = hash_of(text) | 1;
}

/* A literal of a statement; SIZE_MAX where it has none. */
static inline size_t pick_literal(struct maker *maker, const struct pg_tokens *tokens)
{
    size_t literals = 0, i = 0;

    for (size_t j = 0; j < tokens->count; j++)
        literals += pg_is_literal(&tokens->token[j]) && !pg_is_escape(tokens, j);
    if (literals == 0)
        return SIZE_MAX;
    for (size_t n = maker_random(maker, literals);; i++)
        if (pg_is_literal(&tokens->token[i]) && !pg_is_escape(tokens, i) && n-- == 0)
            return i;
}

/* Which exception, if any, allows that the literal at token I with a sign is another statement. */
static inline int exception_of(const char *text, const struct pg_tokens *tokens, size_t i)
{
    const struct pg_token *t = &tokens->token[i];

    while (i > 0 && t[-1].to - t[-1].from == 1 && strchr("+-", text[t[-1].from]) != NULL)
        t--, i--;
    if (i == 0 || pg_is_literal(&t[-1]))
        return KEPT_NOTHING;
    if (t[-1].to - t[-1].from == 1 && text[t[-1].from] == '?')
        return KEPT_BEHIND_QUESTION;
    bool word = is_name(text[t[-1].from]) || text[t[-1].from] == '"';
    bool name = t[-1].word != PG_RESERVED && t[-1].word != PG_TYPE_NAME;
    return word && name ? KEPT_BEHIND_NAME : KEPT_NOTHING;
}

/* ---- the corpus ----------------------------------------------------------------------------- */

/* The script says why where there is no corpus. */
static inline int read_corpus(void **state)
{
    (void)state;
    FILE *script = popen("tools/scripts/sql-corpus.sh " SPY_TEST_CORPUS " 2>&1", "r");

    if (script == NULL)
        return -1;
    while (fgets(why_not, sizeof(why_not), script) != NULL)
        why_not[strcspn(why_not, "\n")] = '\0';
    int status = pclose(script);
    if (status != 0)
        return WIFEXITED(status) && WEXITSTATUS(status) == 77 ? 0 : -1;
    pg_learn_types();
    corpus_add_dir(&corpus, SPY_TEST_CORPUS "/sql");
    corpus_unique(&corpus);
    for (size_t i = 0; i < corpus.count; i++) {
        PgQuerySplitResult split = pg_query_split_with_parser(corpus.text[i]);
        if (split.error == NULL && split.n_stmts == 1)
            corpus_add(&single, corpus.text[i]);
        pg_query_free_split_result(split);
    }
    print_message("# %zu texts, %zu of them single statements\n", corpus.count, single.count);
    return single.count > 30000 ? 0 : -1;
}

static inline int forget_corpus(void **state)
{
    (void)state;
    corpus_free(&corpus);
    corpus_free(&single);
    pg_query_exit();
    return 0;
}

#endif
