/* SPDX-License-Identifier: MIT */
/*
 * Operators: the longest run of operator bytes, but for PostgreSQL's exceptions and, in patterns,
 * for ?.
 *
 * Any thread, any signal handler; allocates nothing.
 */
#include "shared/sql_scan.h"

#include <string.h>

/* Longer ones PostgreSQL refuses. Without a limit, many signs in a row, of which each is a token
 * that ends where the run does, would be read again and again. */
#define OPERATOR_BYTES 64

/* The end of the run of operator bytes at FROM: at a comment at the latest. */
static const char *run_end(const char *from, const char *end)
{
    const char *p = from + 1;
    const char *last = end - from > OPERATOR_BYTES ? from + OPERATOR_BYTES : end;

    for (; p < last && spy_sql_byte(p) & SPY_IN_OPERATOR; p++)
        if (end - p >= 2 && ((p[0] == '-' && p[1] == '-') || (p[0] == '/' && p[1] == '*')))
            break;
    return p;
}

/*
 * In patterns ? is a value, also where no space parts it from an operator (`id=?`, `?||?`), except
 * in the operators of jsonb (?| ?& @?) and in one that begins with ? and stands between blanks.
 * Returns where the run of operator bytes FROM..TO is to be cut.
 */
static const char *pattern_cut(const char *from, const char *to, const char *end, bool spaced)
{
    size_t len = (size_t)(to - from);

    if (len == 2 &&
        (memcmp(from, "?|", 2) == 0 || memcmp(from, "?&", 2) == 0 || memcmp(from, "@?", 2) == 0))
        return to;
    if (*from == '?') {
        bool alone = spaced && (to == end || spy_sql_byte(to) & SPY_IN_BLANK);
        return alone ? to : from + 1;
    }
    const char *place = memchr(from, '?', len);
    return place ? place : to;
}

/* Only with one of these in it can an operator of several bytes end in + or -. */
static bool frees_sign(char c)
{
    return c != '+' && c != '-' && c != '*' && c != '/' && c != '<' && c != '>' && c != '=';
}

/* Without + and - at the end of FROM..TO where they are operators of their own. */
static const char *sign_cut(const char *from, const char *to)
{
    if (to[-1] != '+' && to[-1] != '-')
        return to;
    for (const char *p = from; p < to; p++)
        if (frees_sign(*p))
            return to;
    while (to - from > 1 && (to[-1] == '+' || to[-1] == '-'))
        to--;
    return to;
}

static unsigned sort_of(const char *from, const char *to)
{
    if (to - from > 1)
        return SPY_SORT_OPERATOR;
    switch (*from) {
    case '+':
    case '-':
        return SPY_SORT_SIGN;
    case '?':
        return SPY_SORT_PLACE;
    default:
        return SPY_SORT_OPERATOR;
    }
}

struct spy_sql_piece spy_sql_scan_operator(struct spy_sql_lexer *lexer, const char *from)
{
    const char *to = run_end(from, lexer->end);

    if (to - from > 1 && lexer->pattern)
        to = pattern_cut(from, to, lexer->end, from > lexer->at);
    if (to - from > 1)
        to = sign_cut(from, to);
    return spy_sql_take(lexer, sort_of(from, to), from, to);
}
