/* SPDX-License-Identifier: MIT */
/*
 * PostgreSQL's lexical rules (the backend's scan.l, release 15, and the numbers of release 16), by
 * hand: a guest in somebody's process can bring neither flex's allocations nor its error exits.
 *
 * Any thread, any signal handler; allocates nothing; reads the text once, but for what may continue
 * a string, which is read a second time.
 */
#include "shared/sql_scan.h"

/* Unrolled, and eight bytes a time: where words end is what branch prediction is good at, and so it
 * beats vector instructions, whose latency adds up from token to token. */
static inline const char *word_end(const char *p, const char *end)
{
    for (; end - p >= 8; p += 8) {
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++)
            if (!(spy_sql_byte(p + i) & SPY_IN_WORD))
                return p + i;
    }
    while (p < end && spy_sql_byte(p) & SPY_IN_WORD)
        p++;
    return p;
}

const char *spy_sql_word_end(const char *p, const char *end)
{
    return word_end(p, end);
}

/* Behind the block comment at P; these nest. */
static const char *block_comment_end(struct spy_sql_lexer *lexer, const char *from)
{
    const char *p = from + 2, *end = lexer->end;
    size_t depth = 1;

    lexer->comment = p;
    for (; end - p >= 2; p++) {
        if (p[0] == '*' && p[1] == '/') {
            p++;
            if (--depth == 0) {
                lexer->comment_len = (size_t)(p - 1 - lexer->comment);
                return p + 1;
            }
        } else if (p[0] == '/' && p[1] == '*') {
            p++;
            depth++;
        }
    }
    lexer->comment_len = (size_t)(end - lexer->comment);
    return spy_sql_unterminated(lexer, from);
}

const char *spy_sql_skip_blanks(struct spy_sql_lexer *lexer, const char *p)
{
    const char *end = lexer->end;

    while (p < end) {
        if (spy_sql_byte(p) & SPY_IN_BLANK)
            p++;
        else if (*p == '-' && end - p >= 2 && p[1] == '-')
            p = spy_sql_line_end(p, end);
        else if (*p == '/' && end - p >= 2 && p[1] == '*')
            p = block_comment_end(lexer, p);
        else
            break;
    }
    return p;
}

static struct spy_sql_piece scan_dot(struct spy_sql_lexer *lexer, const char *p)
{
    size_t left = (size_t)(lexer->end - p);

    if (lexer->pattern && left >= 3 && p[1] == '.' && p[2] == '.')
        return spy_sql_take(lexer, SPY_SORT_ANY, p, p + 3);
    if (left >= 2 && p[1] == '.')
        return spy_sql_take(lexer, SPY_SORT_OTHER, p, p + 2);
    if (left >= 2 && spy_sql_is_digit(p[1]))
        return spy_sql_scan_number(lexer, p);
    return spy_sql_take(lexer, SPY_SORT_DOT, p, p + 1);
}

static struct spy_sql_piece scan_colon(struct spy_sql_lexer *lexer, const char *p)
{
    size_t left = (size_t)(lexer->end - p);

    if (left >= 2 && p[1] == ':')
        return spy_sql_take(lexer, SPY_SORT_CAST, p, p + 2);
    return spy_sql_take(lexer, SPY_SORT_OTHER, p, p + (left >= 2 && p[1] == '=' ? 2 : 1));
}

static struct spy_sql_piece scan_behind_blanks(struct spy_sql_lexer *lexer, const char *p);

/* A - or / at P: a comment or an operator. */
static struct spy_sql_piece scan_operator_or_comment(struct spy_sql_lexer *lexer, const char *p)
{
    char second = *p == '-' ? '-' : '*';

    if (lexer->end - p >= 2 && p[1] == second)
        return scan_behind_blanks(lexer, p);
    return spy_sql_scan_operator(lexer, p);
}

/* The token at or behind P. */
static inline struct spy_sql_piece scan(struct spy_sql_lexer *lexer, const char *p)
{
    switch (spy_sql_byte(p) & SPY_AT_MASK) {
    case SPY_AT_BLANK:
        return scan_behind_blanks(lexer, p);
    case SPY_AT_WORD:
        return spy_sql_take(lexer, SPY_SORT_WORD, p, word_end(p + 1, lexer->end));
    case SPY_AT_PREFIX:
        return spy_sql_scan_prefixed(lexer, p);
    case SPY_AT_DIGIT:
        return spy_sql_scan_number(lexer, p);
    case SPY_AT_QUOTE:
        return spy_sql_scan_string(lexer, p);
    case SPY_AT_DOUBLE:
        return spy_sql_scan_quoted(lexer, p);
    case SPY_AT_DOLLAR:
        return spy_sql_scan_dollar(lexer, p);
    case SPY_AT_OPERATOR:
        return spy_sql_scan_operator(lexer, p);
    case SPY_AT_MINUS:
    case SPY_AT_SLASH:
        return scan_operator_or_comment(lexer, p);
    case SPY_AT_DOT:
        return scan_dot(lexer, p);
    case SPY_AT_COLON:
        return scan_colon(lexer, p);
    case SPY_AT_COMMA:
        return spy_sql_take(lexer, SPY_SORT_COMMA, p, p + 1);
    case SPY_AT_SEMICOLON:
        return spy_sql_take(lexer, SPY_SORT_SEMICOLON, p, p + 1);
    case SPY_AT_OPEN:
        return spy_sql_take(lexer, SPY_SORT_OPEN, p, p + 1);
    case SPY_AT_CLOSE:
        return spy_sql_take(lexer, SPY_SORT_CLOSE, p, p + 1);
    case SPY_AT_BRACKET:
        return spy_sql_take(lexer, SPY_SORT_BRACKET, p, p + 1);
    case SPY_AT_UNBRACKET:
        return spy_sql_take(lexer, SPY_SORT_UNBRACKET, p, p + 1);
    default:
        return spy_sql_take(lexer, SPY_SORT_OTHER, p, p + 1);
    }
}

/* Not inline: it takes registers, which the common path is to do without. Where it finds the token,
 * neither a blank nor a comment stands, so that it comes back here from scan() never. */
static __attribute__((noinline)) struct spy_sql_piece
scan_behind_blanks(struct spy_sql_lexer *lexer, const char *p)
{
    p = spy_sql_skip_blanks(lexer, p);
    if (p == lexer->end)
        return spy_sql_take(lexer, SPY_SORT_END, p, p);
    return scan(lexer, p);
}

struct spy_sql_piece spy_sql_lex(struct spy_sql_lexer *lexer)
{
    const char *p = lexer->at;

    if (p < lexer->end && *p == ' ')
        p++;
    if (p == lexer->end)
        return spy_sql_take(lexer, SPY_SORT_END, p, p);
    return scan(lexer, p);
}

void spy_sql_start(struct spy_sql_lexer *lexer, const char *text, size_t len)
{
    *lexer = (struct spy_sql_lexer){.at = text, .end = text + len};
}

static enum spy_sql_kind kind_of(unsigned sort, bool pattern)
{
    switch (sort) {
    case SPY_SORT_END:
        return SPY_SQL_END;
    case SPY_SORT_WORD:
        return SPY_SQL_WORD;
    case SPY_SORT_QUOTED:
        return SPY_SQL_QUOTED;
    case SPY_SORT_STRING:
    case SPY_SORT_NUMBER:
        return SPY_SQL_VALUE;
    case SPY_SORT_PLACE:
        return pattern ? SPY_SQL_VALUE : SPY_SQL_SYMBOL;
    case SPY_SORT_ANY:
        return SPY_SQL_ANY;
    default:
        return SPY_SQL_SYMBOL;
    }
}

struct spy_sql_token spy_sql_next(struct spy_sql_lexer *lexer)
{
    struct spy_sql_piece next = spy_sql_lex(lexer);

    return (struct spy_sql_token){
        .kind = kind_of(next.sort, lexer->pattern), .text = next.text, .len = next.len};
}
