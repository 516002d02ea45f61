/* SPDX-License-Identifier: MIT */
/*
 * Other spellings of a statement, and statements like it, made from PostgreSQL's tokens of it, from
 * a seed: the same seed gives the same texts everywhere.
 */
#ifndef SPY_TEST_SQL_VARIANTS_H
#define SPY_TEST_SQL_VARIANTS_H

#include "unit/shared/sql_tree.h"

struct maker {
    const char *text;
    const struct pg_tokens *tokens;
    uint64_t seed;
    struct growing out;
    size_t other;    /* the token that becomes a literal of another kind; SIZE_MAX: none */
    bool in_row;     /* within a list of rows: lists of rows there stay as they are */
    bool no_comment; /* behind a word where libpg_query takes none */
    bool replaced;   /* the last thing written is not the text's own */
};

static inline uint64_t maker_random(struct maker *m, uint64_t below)
{
    m->seed ^= m->seed << 13;
    m->seed ^= m->seed >> 7;
    m->seed ^= m->seed << 17;
    return (m->seed >> 11) % below;
}

#define PICK(m, list) (list)[maker_random(m, sizeof(list) / sizeof((list)[0]))]

static inline bool token_is(const struct maker *m, size_t i, const char *lower)
{
    if (i >= m->tokens->count)
        return false;
    const struct pg_token *t = &m->tokens->token[i];
    size_t len = strlen(lower);
    return t->to - t->from == len && strncasecmp(m->text + t->from, lower, len) == 0;
}

/* ---- literals ------------------------------------------------------------------------------- */

static const char *const some_strings[] = {
    "'x'",
    "''",
    "'it''s'",
    "'--'",
    "'/*'",
    "'a;b'",
    "'?'",
    "'$1'",
    "'one'\n 'two'",
    "'\xc3\xa9'",
    "'C:\\'",
    "'a\n\nb'",
    "E'\\'x'",
    "e'\\\\'",
    "e'\\''\n'\\''",
    "$$it's$$",
    "$$$$",
    "$q$ $$ ' $q$",
    "$q$$q $$q$",
    "$_1$'$_1$",
    "U&'d\\0061'",
    "u&'a''b'",
    "U&'d!0061' uescape '!'",
};
static const char *const some_plain_strings[] = {"'x'", "''", "'it''s'", "'--'", "'a'\n'b'"};
static const char *const some_integers[] = {"0", "1", "42", "007", "2147483647"};
static const char *const some_numbers[] = {"1.5",    ".5",   "1.",         "1e3",
                                           "2.5E-3", "1e+2", "10000000000"};
static const char *const some_bits[] = {"b'01'", "B''"};
static const char *const some_hex[] = {"x'1F'", "X'ab'"};
static const char *const some_params[] = {"$1", "$2", "$99"};

static inline const char *literal_like(struct maker *m, const struct pg_token *t)
{
    if (pg_is_string(t))
        return PICK(m, some_strings);
    if (t->type == pg_type.integer)
        return PICK(m, some_integers);
    if (t->type == pg_type.number)
        return PICK(m, some_numbers);
    if (t->type == pg_type.bits)
        return PICK(m, some_bits);
    return t->type == pg_type.hex ? PICK(m, some_hex) : PICK(m, some_params);
}

static inline const char *literal_of_any_kind(struct maker *m)
{
    static const char *const signed_ones[] = {"-1", "- 1.5", "+7", "+ .5"};
    static const char *const national[] = {"N'x'", "n''"};

    switch (maker_random(m, 8)) {
    case 6:
        return PICK(m, national);
    case 0:
        return PICK(m, some_strings);
    case 1:
        return PICK(m, some_integers);
    case 2:
        return PICK(m, some_numbers);
    case 3:
        return PICK(m, some_bits);
    case 4:
        return PICK(m, some_hex);
    case 5:
        return PICK(m, some_params);
    default:
        return PICK(m, signed_ones);
    }
}

/* ---- what stands between tokens ------------------------------------------------------------- */

static inline void put_blank(struct maker *m)
{
    static const char *const blanks[] = {" ", "  ", "\n", "\t\r\n ", "\f", "\r"};
    static const char *const comments[] = {
        " /* it's */ ", " /* a /* b */ ; */ ", "/**/", " -- \"'\n ", "\n--\r ", " /*/ */"};

    if (m->no_comment || maker_random(m, 3) > 0)
        grow(&m->out, PICK(m, blanks));
    else
        grow(&m->out, PICK(m, comments));
}

/* May nothing stand between these two, because one of them is punctuation that touches nothing? */
static inline bool may_touch(char last, char next)
{
    return strchr("(),;[]", last) != NULL || strchr("(),;[]", next) != NULL;
}

/* Whatever may stand before NEXT, the text's own token I or something in its place. */
static inline void put_gap(struct maker *m, size_t i, const char *next, bool own)
{
    if (m->out.len == 0)
        return;
    char last = m->out.bytes[m->out.len - 1];
    bool both_own = own && !m->replaced && i > 0;
    bool touched = both_own && m->tokens->token[i].from == m->tokens->token[i - 1].to;
    m->replaced = !own;
    if (last == '\'' && *next == '\'') {
        grow(&m->out, " "); /* after a newline it would be one string */
        return;
    }
    if (touched ? maker_random(m, 4) > 0 : may_touch(last, *next) && maker_random(m, 2))
        return;
    put_blank(m);
}

/* ---- tokens --------------------------------------------------------------------------------- */

/* A token with its letters in any case, where case does not matter. */
static inline void put_word(struct maker *m, const struct pg_token *t)
{
    static const char *const no_comment_behind[] = {"not", "nulls", "with", "without"};
    size_t from = m->out.len, way = maker_random(m, 4);
    bool quoted = false;

    grow_by(&m->out, m->text + t->from, t->to - t->from);
    for (char *c = m->out.bytes + from; *c != '\0'; c++) {
        quoted |= *c == '"' || *c == '\'' || *c == '$';
        if (way == 0 || quoted || (unsigned char)*c >= 0x80)
            continue;
        bool upper = way == 1 || (way == 3 && maker_random(m, 2));
        *c = (char)(upper ? toupper(*c) : tolower(*c));
    }
    m->no_comment = false;
    for (size_t i = 0; i < 4; i++)
        m->no_comment |= strcasecmp(m->out.bytes + from, no_comment_behind[i]) == 0;
    m->no_comment |= strncasecmp(m->out.bytes + from, "u&", 2) == 0;
}

static inline void put_literal(struct maker *m, size_t i, const char *literal)
{
    put_gap(m, i, literal, false);
    /* A sign must stay one, and a dollar not end a word. */
    if (strchr(" \t\n\r\f,([", m->out.len ? m->out.bytes[m->out.len - 1] : ' ') == NULL)
        grow(&m->out, " ");
    grow(&m->out, literal);
    m->no_comment = false;
}

/* Token I, or something for it. Returns the index behind what it stands for. */
static inline size_t put_token(struct maker *m, size_t i)
{
    const struct pg_token *t = &m->tokens->token[i];

    if (!pg_is_literal(t) || pg_is_escape(m->tokens, i)) {
        put_gap(m, i, m->text + t->from, true);
        put_word(m, t);
        return i + 1;
    }
    size_t next = pg_has_escape(m->tokens, i) ? i + 3 : i + 1;
    if (i == m->other) {
        put_literal(m, i, literal_of_any_kind(m));
    } else if (i > 0 && t[-1].type == pg_type.nchar && t[-1].to == t->from) {
        grow(&m->out, PICK(m, some_plain_strings)); /* it touches its N */
        m->replaced = true;
    } else {
        put_literal(m, i, literal_like(m, t));
    }
    return next;
}

/* ---- lists ---------------------------------------------------------------------------------- */

/* Behind the bracket that closes the one at I. */
static inline size_t behind_bracket(const struct maker *m, size_t i)
{
    int depth = 0;

    for (; i < m->tokens->count; i++) {
        char c = m->text[m->tokens->token[i].from];
        depth += c == '(' || c == '[';
        depth -= c == ')' || c == ']';
        if (depth == 0)
            return i + 1;
    }
    return i;
}

/* Is what stands from I up to and without END only plain literals and commas, and one at least? */
static inline bool only_literals(const struct maker *m, size_t i, size_t end)
{
    bool any = false;

    for (; i < end; i++) {
        any |= pg_is_literal(&m->tokens->token[i]);
        if (!token_is(m, i, ",") && !pg_is_literal(&m->tokens->token[i]))
            return false;
    }
    return any;
}

static inline void put_list(struct maker *m, size_t at)
{
    static const char *const separators[] = {",", " ,", ", ", " , /* , */ "};

    for (size_t n = 1 + maker_random(m, 5); n > 0; n--) {
        put_literal(m, at, literal_like(m, &m->tokens->token[at]));
        if (n > 1)
            grow(&m->out, PICK(m, separators));
    }
}

static inline void put_range(struct maker *m, size_t i, size_t end);

/* The row at I, and more like it. */
static inline size_t put_rows(struct maker *m, size_t i)
{
    size_t end = behind_bracket(m, i);

    m->in_row = true;
    put_range(m, i, end);
    for (size_t more = maker_random(m, 3); more > 0; more--) {
        grow(&m->out, " ,");
        m->replaced = true;
        put_range(m, i, end);
    }
    while (token_is(m, end, ",") && token_is(m, end + 1, "(")) {
        size_t next = behind_bracket(m, end + 1);
        put_range(m, end, next);
        end = next;
    }
    m->in_row = false;
    return end;
}

/* What stands at I: a list of values, rows, or just a token. */
static inline size_t put_thing(struct maker *m, size_t i)
{
    bool in = i > 0 && token_is(m, i, "(") && token_is(m, i - 1, "in");
    bool array = i > 0 && token_is(m, i, "[") && token_is(m, i - 1, "array");
    bool rows = i > 0 && token_is(m, i, "(") && token_is(m, i - 1, "values");

    if ((in || array) && m->other == SIZE_MAX) {
        size_t end = behind_bracket(m, i) - 1;
        if (only_literals(m, i + 1, end)) {
            put_token(m, i);
            put_list(m, i + 1);
            return end;
        }
    }
    if (rows && !m->in_row && m->other == SIZE_MAX)
        return put_rows(m, i);
    return put_token(m, i);
}

static inline void put_range(struct maker *m, size_t i, size_t end)
{
    while (i < end)
        i = put_thing(m, i);
}

/* ---- whole statements ----------------------------------------------------------------------- */

/* The statement with other literals of the same kind, lists of other lengths, other blanks,
 * comments and case: the same statement. With OTHER, one literal is of another kind: the same one
 * wherever the grammar takes that, as PostgreSQL's parser must say. */
static inline const char *make_variant(struct maker *m, const char *text,
                                       const struct pg_tokens *tokens, size_t other)
{
    static const char *const ends[] = {"", ";", " ; -- end", "\n", " /* a='b' */", " ; ;"};

    m->text = text;
    m->tokens = tokens;
    m->other = other;
    m->in_row = m->no_comment = m->replaced = false;
    grow_clear(&m->out);
    put_range(m, 0, tokens->count);
    grow(&m->out, PICK(m, ends));
    return m->out.bytes;
}

/* The statement with one thing changed in its tokens: most often no statement, else a close one. */
static inline const char *make_mutant(struct maker *m, const char *text,
                                      const struct pg_tokens *tokens)
{
    size_t i = maker_random(m, tokens->count), j = maker_random(m, tokens->count);
    uint64_t way = maker_random(m, 5);
    const struct pg_token *a = &tokens->token[i], *b = &tokens->token[j];

    grow_clear(&m->out);
    grow_by(&m->out, text, a->from);
    if (way == 1 || way == 2) /* another token instead, or before it */
        grow_by(&m->out, text + b->from, b->to - b->from);
    if (way == 2)
        grow(&m->out, " ");
    if (way == 2 || way == 3)
        grow_by(&m->out, text + a->from, a->to - a->from);
    if (way == 3) { /* twice */
        grow(&m->out, " ");
        grow_by(&m->out, text + a->from, a->to - a->from);
    }
    if (way == 4) { /* quoted, or a key word for a value */
        static const char *const words[] = {"null", "true", "-", "\"a\"", "a",
                                            "?",    "(",    "*", "= -"};
        grow(&m->out, PICK(m, words));
    }
    grow(&m->out, text + a->to);
    return m->out.bytes;
}

#endif
