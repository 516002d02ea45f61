/* SPDX-License-Identifier: MIT */
/*
 * On the SQL of PostgreSQL's own tests, and on statements close to it, what is two statements to
 * PostgreSQL's parser has two fingerprints, and texts of several statements fall apart as it has
 * them. Without a network, for the first run, this is skipped. Exceptions stand in sql_tree.h.
 */
#include "unit/shared/sql_suite.h"

#define MUTANTS 3 /* of each statement */

/* ---- different statements ------------------------------------------------------------------- */

struct seen {
    uint64_t ours;
    uint64_t tree; /* with nothing hidden */
    char *text;
};

struct seen_list {
    struct seen *seen;
    size_t count;
    size_t room;
};

static void note(struct seen_list *list, const char *text)
{
    struct seen seen = {.ours = ours(text), .tree = tree_at(text, HIDE_NOTHING)};

    if (seen.tree == 0)
        return;
    if (list->count == list->room) {
        list->room = list->room * 2 + 1024;
        list->seen = realloc(list->seen, list->room * sizeof(*list->seen));
        assert_non_null(list->seen);
    }
    seen.text = strdup(text);
    list->seen[list->count++] = seen;
}

static int by_ours(const void *a, const void *b)
{
    const struct seen *x = a, *y = b;
    return x->ours < y->ours ? -1 : x->ours > y->ours;
}

/* Does the operator ? stand alone in TEXT? */
static bool has_question(const char *text)
{
    struct pg_tokens tokens = {0};
    bool has = false;

    assert_true(pg_scan(text, &tokens));
    for (size_t i = 0; i < tokens.count; i++)
        has |= tokens.token[i].to - tokens.token[i].from == 1 && text[tokens.token[i].from] == '?';
    free(tokens.token);
    return has;
}

/* The exceptions that it takes until these two are one statement to PostgreSQL, too. */
static int level_of(const struct seen *a, const struct seen *b)
{
    int level = HIDE_NOTHING;

    if (a->tree == b->tree)
        return level;
    while (++level < HIDE_QUESTION)
        if (tree_at(a->text, level) == tree_at(b->text, level))
            return level;
    if (!has_question(a->text) && !has_question(b->text))
        fail_on("two statements, one fingerprint", a->text, b->text);
    return HIDE_QUESTION;
}

/* Close statements, most of them others. */
static void note_close_ones(struct seen_list *list, const char *text, struct maker *maker,
                            struct pg_tokens *tokens)
{
    seed_from(maker, text);
    assert_true(pg_scan(text, tokens));
    for (int i = 0; i < MUTANTS; i++)
        note(list, make_mutant(maker, text, tokens));
    size_t literal = pick_literal(maker, tokens);
    if (literal != SIZE_MAX)
        note(list, make_variant(maker, text, tokens, literal));
}

static void different_trees_differ(void **state)
{
    (void)state;
    struct seen_list list = {0};
    struct maker maker = {0};
    struct pg_tokens tokens = {0};
    size_t groups = 0, levels[HIDE_LEVELS] = {0};

    need_corpus();
    for (size_t i = 0; i < single.count; i++) {
        note(&list, single.text[i]);
        note_close_ones(&list, single.text[i], &maker, &tokens);
    }
    qsort(list.seen, list.count, sizeof(*list.seen), by_ours);
    for (size_t from = 0, i; from < list.count; from = i, groups++) {
        int most = 0;
        for (i = from; i < list.count && list.seen[i].ours == list.seen[from].ours; i++) {
            int level = level_of(&list.seen[from], &list.seen[i]);
            most = level > most ? level : most;
        }
        levels[most]++;
    }
    print_message("# %zu statements, close ones among them, have %zu fingerprints\n", list.count,
                  groups);
    for (int level = HIDE_NOTHING + 1; level < HIDE_LEVELS; level++)
        print_message("# exception in %zu: %s\n", levels[level], hidden[level].why);
    assert_true(list.count > single.count * 5 / 4);
    for (size_t i = 0; i < list.count; i++)
        free(list.seen[i].text);
    free(list.seen);
    free(tokens.token);
    free(maker.out.bytes);
}

/* ---- the exceptions ------------------------------------------------------------------------- */

/* Each is needed: without it, its two statements are a contradiction between us and PostgreSQL. */
static void exceptions_are_such(void **state)
{
    (void)state;
    pg_learn_types();
    for (int level = HIDE_NOTHING + 1; level < HIDE_LEVELS; level++) {
        const struct exception *e = &hidden[level];
        assert_true(ours(e->one) == ours(e->other));
        assert_true(tree_at(e->one, level - 1) != tree_at(e->other, level - 1));
        bool alike = tree_at(e->one, level) == tree_at(e->other, level);
        assert_true(alike || (level == HIDE_QUESTION && has_question(e->one)));
    }
    for (int i = KEPT_NOTHING + 1; i < KEPT_COUNT; i++) {
        struct pg_tokens tokens = {0};
        assert_true(pg_scan(kept[i].other, &tokens));
        assert_true(ours(kept[i].one) != ours(kept[i].other));
        assert_true(tree_of(kept[i].one) == tree_of(kept[i].other));
        assert_int_equal(exception_of(kept[i].other, &tokens, tokens.count - 1), i);
        free(tokens.token);
    }
}

/* ---- several statements --------------------------------------------------------------------- */

/* Splits TEXT as we do and as PostgreSQL's parser does. */
static void check_split(const char *text)
{
    PgQuerySplitResult theirs = pg_query_split_with_parser(text);
    bool any = theirs.error == NULL && theirs.n_stmts > 0;
    size_t at = 0, rest = 1;
    int n = 0;

    for (; any && rest != 0; n++, at += rest) {
        struct spy_sql_normal normal =
            spy_sql_normalise_as(text + at, strlen(text + at), SPY_SQL_FIRST, NULL, 0);
        rest = normal.rest;
        if (n >= theirs.n_stmts)
            fail_msg("split into more than the %d of PostgreSQL, at %s", theirs.n_stmts, text + at);
        struct growing part = {0};
        grow_by(&part, text + theirs.stmts[n]->stmt_location, (size_t)theirs.stmts[n]->stmt_len);
        if (ours(part.bytes) != normal.fingerprint)
            fail_on("split elsewhere than PostgreSQL does", text, part.bytes);
        free(part.bytes);
    }
    if (any && n != theirs.n_stmts)
        fail_msg("split into fewer than PostgreSQL does: %s", text);
    pg_query_free_split_result(theirs);
}

static void texts_are_split_as_postgresql_does(void **state)
{
    (void)state;
    static const char *const between[] = {";", " ; ", ";\n-- a; b\n", " /* ; */ ;;", ";;;\n"};
    struct maker maker = {0};
    struct growing text = {0};
    size_t texts = 0;

    need_corpus();
    for (size_t i = 0; i < corpus.count; i++)
        check_split(corpus.text[i]);
    for (size_t i = 0; i < single.count; texts++) {
        grow_clear(&text);
        seed_from(&maker, single.text[i]);
        for (uint64_t n = 2 + maker_random(&maker, 6); n > 0 && i < single.count; n--, i++) {
            /* What came next in the file may stand in a line comment. */
            grow(&text, single.text[i]);
            grow(&text, "\n");
            grow(&text, PICK(&maker, between));
        }
        check_split(text.bytes);
    }
    print_message("# %zu texts of several statements fall apart as in PostgreSQL\n", texts);
    assert_true(texts > 1000);
    free(text.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(different_trees_differ),
        cmocka_unit_test(exceptions_are_such),
        cmocka_unit_test(texts_are_split_as_postgresql_does),
    };
    return cmocka_run_group_tests(tests, read_corpus, forget_corpus);
}
