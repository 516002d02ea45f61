/* SPDX-License-Identifier: MIT */
/*
 * The other half of the oracle: the tree that PostgreSQL's own parser, in libpg_query, makes of a
 * statement; and all exceptions from "one statement to it, one statement to us".
 */
#ifndef SPY_TEST_SQL_TREE_H
#define SPY_TEST_SQL_TREE_H

#include "unit/shared/sql_corpus.h"
#include "unit/shared/sql_tokens.h"

/* ---- exceptions ----------------------------------------------------------------------------- */

/*
 * What our normalisation hides although PostgreSQL's parse tree shows it: each a change to trees in
 * general, none knows a statement. A level is how many of them are made; they build on each other.
 * One row: identifier, why, two statements that are one to us for this reason alone.
 */
#define HIDDEN(X)                                                                                  \
    X(LITERALS,                                                                                    \
      "the value of a literal that is an option or grammar: passwords, names of files, bodies of " \
      "functions, FLOAT(n), FETCH n, the character after UESCAPE",                                 \
      "COPY t FROM 'a'", "COPY t FROM 'b'")                                                        \
    X(KINDS, "which kind of literal it is: what is a number in one text is $1 in another",         \
      "SELECT a = 1", "SELECT a = $1")                                                             \
    X(NATIONAL, "the N of N'...', which parses as a cast: it is a string like any other",          \
      "SELECT N'a'", "SELECT 'a'")                                                                 \
    X(LISTS, "how many values a list has: IN, ARRAY, VALUES, rows in IN", "SELECT a IN (1)",       \
      "SELECT a IN (1, 2)")                                                                        \
    X(SIGNS, "the sign of a number, which parses as an operator if it is + or a cast follows",     \
      "SELECT 1", "SELECT +1")                                                                     \
    X(SIGNS_OF_ANY,                                                                                \
      "what a sign before parentheses is: of -(1) a number's, of -('1') an operator",              \
      "SELECT -(1)", "SELECT -('1')")                                                              \
    X(QUESTION,                                                                                    \
      "the operator ? of jsonb: in normalised text, a spelling like any other, ? is a value",      \
      "SELECT ? || 'a'", "SELECT 'a' || 'a'")

/*
 * What our normalisation keeps although PostgreSQL's parse tree hides it: signs before numbers that
 * nothing but the grammar tells from operators. Each is a rule about the token before the sign. One
 * row: identifier, why, two statements that are two to us for this reason alone.
 */
#define KEPT(X)                                                                              \
    X(BEHIND_NAME, "a sign behind a word that may be a column's name",                       \
      "CREATE SEQUENCE s MINVALUE 1", "CREATE SEQUENCE s MINVALUE -1")                       \
    X(BEHIND_QUESTION, "a sign behind the operator ?, which may be a value", "SELECT a ? 1", \
      "SELECT a ? -1")

struct exception {
    const char *why;
    const char *one;
    const char *other;
};

enum {
    HIDE_NOTHING,
#define X(id, why, one, other) HIDE_##id,
    HIDDEN(X)
#undef X
        HIDE_LEVELS
};

static const struct exception hidden[] = {{"nothing", "", ""},
#define X(id, why, one, other) {why, one, other},
                                          HIDDEN(X)
#undef X
};

enum {
    KEPT_NOTHING,
#define X(id, why, one, other) KEPT_##id,
    KEPT(X)
#undef X
        KEPT_COUNT
};

static const struct exception kept[] = {{"nothing", "", ""},
#define X(id, why, one, other) {why, one, other},
                                        KEPT(X)
#undef X
};

/* What a literal becomes, by which a tree can still tell that it was one. */
static inline const char *pg_plain_literal(const struct pg_token *t)
{
    return pg_is_string(t)              ? "'spy'"
           : t->type == pg_type.integer ? "1"
           : t->type == pg_type.number  ? "1.5"
           : t->type == pg_type.bits    ? "b'1'"
           : t->type == pg_type.hex     ? "x'1'"
                                        : "$1";
}

/* TEXT with all literals of one kind alike. */
static inline void pg_plain_text(const char *text, const struct pg_tokens *tokens,
                                 struct growing *out)
{
    uint32_t at = 0;

    grow_clear(out);
    for (size_t i = 0; i < tokens->count; i++) {
        const struct pg_token *t = &tokens->token[i];
        if (!pg_is_literal(t) || pg_is_escape(tokens, i))
            continue;
        grow_by(out, text + at, t->from - at);
        if (i > 0 && pg_is_string(&t[-1])) /* behind a newline alone it would continue that one */
            grow(out, " /**/ ");
        grow(out, pg_plain_literal(t));
        at = t->to;
        if (pg_has_escape(tokens, i))
            at = t[2].to;
    }
    grow(out, text + at);
}

/* ---- trees ---------------------------------------------------------------------------------- */

/* A walk over libpg_query's JSON, that copies it and changes it as it copies. */
struct tree {
    const char *at;
    struct growing out;
    int level;
};

/* Literals in a tree, from HIDE_KINDS on. */
#define NUMBER '\1'
#define OTHER  '\2'

/* Where in a tree we are, as far as lists of values matter; PG_IN_ROW is beside the others. */
enum { PG_ANYWHERE, PG_EXPRESSION, PG_LIST, PG_ARRAY, PG_ROWS, PG_WHEN, PG_IN_ROW = 8 };

static inline void tree_value(struct tree *t, unsigned where);

static inline bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static inline const char *tree_string_end(const char *p)
{
    for (p++; *p != '"'; p++)
        p += *p == '\\';
    return p + 1;
}

/* The mark of the literal that NODE is, or NUL. */
static inline char tree_literal(const char *node)
{
    static const char *const numbers[] = {"{\"A_Const\":{\"ival", "{\"A_Const\":{\"fval",
                                          "{\"Integer\":", "{\"Float\":"};
    static const char *const others[] = {"{\"A_Const\":{\"sval",
                                         "{\"A_Const\":{\"bsval",
                                         "{\"ParamRef\":",
                                         "{\"BitString\":",
                                         "{\"String\":{\"sval\":\"spy\"}}",
                                         "{\"String\":{\"sval\":\"1\"}}",
                                         "{\"String\":{\"sval\":\"1.5\"}}"};

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (starts(node, numbers[i]))
            return NUMBER;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (starts(node, others[i]))
            return OTHER;
    return '\0';
}

/* Behind the casts of what NODE casts. */
static inline const char *tree_behind_casts(const char *node)
{
    static const char cast[] = "{\"TypeCast\":{\"arg\":";

    while (starts(node, cast))
        node += strlen(cast);
    return node;
}

/* Puts LEN bytes of the output at FROM, and nothing behind them. */
static inline void tree_replace(struct tree *t, size_t to, size_t from, size_t len)
{
    memmove(t->out.bytes + to, t->out.bytes + from, len);
    t->out.len = to + len;
    t->out.bytes[t->out.len] = '\0';
}

/* The node at FROM is complete. */
static inline void tree_node(struct tree *t, size_t from)
{
#define SIGN(s) \
    "{\"A_Expr\":{\"kind\":\"AEXPR_OP\",\"name\":[{\"String\":{\"sval\":\"" s "\"}}],\"rexpr\":"
    static const char national[] =
        "{\"TypeCast\":{\"arg\":\2,\"typeName\":{\"names\":[{\"String\":{\"sval\":\"pg_catalog\"}},"
        "{\"String\":{\"sval\":\"bpchar\"}}],\"typemod\":-1}}}";
    char *node = t->out.bytes + from;
    size_t sign = strlen(SIGN("-"));

    char literal = tree_literal(node);
    if (t->level >= HIDE_KINDS && literal != '\0') {
        node[0] = literal;
        tree_replace(t, from, from, 1);
    }
    if (t->level >= HIDE_NATIONAL && starts(node, national)) {
        node[0] = OTHER;
        tree_replace(t, from, from, 1);
    }
    bool is_signed = starts(node, SIGN("-")) || starts(node, SIGN("+"));
    char of = is_signed ? *tree_behind_casts(node + sign) : '\0';
    if ((t->level >= HIDE_SIGNS && of == NUMBER) || (t->level >= HIDE_SIGNS_OF_ANY && of == OTHER))
        tree_replace(t, from, from + sign, t->out.len - from - sign - 2);
#undef SIGN
}

/* Equal, whichever kind the literals are. */
static inline bool tree_same(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (a[i] != b[i] && ((unsigned char)a[i] > OTHER || (unsigned char)b[i] > OTHER))
            return false;
    return true;
}

/* A list, its elements shortened as our normalisation shortens lists at this place: values all
 * alike become one of them, rows like the first one go. */
static inline void tree_array(struct tree *t, unsigned where)
{
    size_t first = t->out.len + 1, first_end = 0, count = 0, alike = 0;
    bool lists = t->level >= HIDE_LISTS;
    bool rows = false;

    grow_by(&t->out, t->at++, 1);
    while (*t->at != ']') {
        size_t before = t->out.len;
        if (*t->at == ',')
            grow_by(&t->out, t->at++, 1);
        size_t from = t->out.len;
        bool row = (where & ~PG_IN_ROW) == PG_ROWS ||
                   ((where & ~PG_IN_ROW) == PG_LIST && starts(t->at, "{\"RowExpr\""));
        unsigned inside = (where & ~PG_IN_ROW) == PG_WHEN ? PG_WHEN : PG_ANYWHERE;
        tree_value(t, inside | (row ? PG_IN_ROW : where & PG_IN_ROW));
        if (count++ == 0) {
            first_end = t->out.len;
            rows = row && !(where & PG_IN_ROW);
        }
        bool same = t->out.len - from == first_end - first &&
                    tree_same(t->out.bytes + from, t->out.bytes + first, first_end - first);
        alike += same;
        if (lists && rows && same && from > first)
            tree_replace(t, before, before, 0);
    }
    bool values = (where & ~PG_IN_ROW) == PG_LIST || (where & ~PG_IN_ROW) == PG_ARRAY;
    if (lists && values && alike == count && count > 1 &&
        (unsigned char)*tree_behind_casts(t->out.bytes + first) <= OTHER)
        tree_replace(t, first_end, first_end, 0);
    grow_by(&t->out, t->at++, 1);
}

/* Where the value of KEY in an object at WHERE is; IN tells whether that is an IN expression. */
static inline unsigned tree_where(const char *key, unsigned where, bool in)
{
    unsigned row = where & PG_IN_ROW;

    where &= ~(unsigned)PG_IN_ROW;
    if (starts(key, "\"A_Expr\":"))
        return row | PG_EXPRESSION;
    if (starts(key, "\"A_ArrayExpr\":") || (where == PG_ARRAY && starts(key, "\"elements\":")))
        return row | PG_ARRAY;
    if (starts(key, "\"valuesLists\":"))
        return row | PG_ROWS;
    if (starts(key, "\"listdatums\":")) /* of a partition: FOR VALUES IN (...) */
        return row | PG_LIST;
    if (starts(key, "\"whenclause\":") || (where == PG_WHEN && starts(key, "\"DefElem\":")))
        return row | PG_WHEN; /* of an event trigger: WHEN TAG IN (...) */
    if (where == PG_WHEN && starts(key, "\"arg\":"))
        return row | PG_LIST;
    if ((where == PG_EXPRESSION && in && starts(key, "\"rexpr\":")) ||
        (where == PG_LIST && (starts(key, "\"List\":") || starts(key, "\"items\":"))))
        return row | PG_LIST;
    return row;
}

/* What only says where in the text something stands. */
static inline bool tree_is_position(const char *key)
{
    return starts(key, "\"location\":") || starts(key, "\"stmt_location\":") ||
           starts(key, "\"stmt_len\":");
}

static inline void tree_object(struct tree *t, unsigned where)
{
    size_t begin = t->out.len;
    bool in = false;

    grow_by(&t->out, t->at++, 1);
    while (*t->at != '}') {
        size_t before = t->out.len;
        const char *key = t->at + (*t->at == ',');
        if (before > begin + 1)
            grow(&t->out, ",");
        t->at = tree_string_end(key) + 1;
        grow_by(&t->out, key, (size_t)(t->at - key));
        in |= starts(t->at, "\"AEXPR_IN\"");
        if (t->level >= HIDE_SIGNS && starts(key, "\"howMany\":-")) /* FETCH -1 */
            t->at++;
        tree_value(t, tree_where(key, where, in));
        if (tree_is_position(key))
            tree_replace(t, before, before, 0);
    }
    grow_by(&t->out, t->at++, 1);
    tree_node(t, begin);
}

static inline void tree_value(struct tree *t, unsigned where)
{
    const char *from = t->at;

    if (*from == '{') {
        tree_object(t, where);
    } else if (*from == '[') {
        tree_array(t, where);
    } else {
        if (*from == '"')
            t->at = tree_string_end(from);
        else
            t->at += strcspn(from, ",]}");
        grow_by(&t->out, from, (size_t)(t->at - from));
    }
}

/* The tree of TEXT at LEVEL, in memory that is good until the next call; NULL if it is no SQL. */
static inline const char *pg_tree(const char *text, int level)
{
    static struct pg_tokens tokens;
    static struct growing plain;
    static struct tree t;

    if (level >= HIDE_LITERALS) {
        if (!pg_scan(text, &tokens))
            return NULL;
        pg_plain_text(text, &tokens, &plain);
        text = plain.bytes;
    }
    PgQueryParseResult result = pg_query_parse(text);
    if (result.error == NULL) {
        t.level = level;
        t.at = result.parse_tree;
        grow_clear(&t.out);
        tree_value(&t, PG_ANYWHERE);
        for (char *p = t.out.bytes; (p = strchr(p, NUMBER)) != NULL;)
            *p = OTHER;
    }
    bool parsed = result.error == NULL;
    pg_query_free_parse_result(result);
    return parsed ? t.out.bytes : NULL;
}

#endif
