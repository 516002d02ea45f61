/* SPDX-License-Identifier: MIT */
/*
 * The lexer's inside: what a byte can begin, and the scanners of one kind of token each.
 *
 * A scanner is called with the token's first byte and the lexer still where the last token ended,
 * sets the lexer behind the token and returns it. They call each other last, so that the common
 * path through spy_sql_lex() saves no registers.
 */
#ifndef SPY_SHARED_SQL_SCAN_H
#define SPY_SHARED_SQL_SCAN_H

#include "shared/sql_internal.h"

/* What a byte begins, in the low bits, and what it may be part of, in the high ones. */
enum {
    SPY_AT_OTHER,
    SPY_AT_BLANK,
    SPY_AT_WORD,
    SPY_AT_PREFIX, /* a letter that may introduce a string: b e n u x */
    SPY_AT_DIGIT,
    SPY_AT_QUOTE,
    SPY_AT_DOUBLE,
    SPY_AT_DOLLAR,
    SPY_AT_OPERATOR, /* but for - and /, which may begin a comment */
    SPY_AT_MINUS,
    SPY_AT_SLASH,
    SPY_AT_DOT,
    SPY_AT_COLON,
    SPY_AT_COMMA,
    SPY_AT_SEMICOLON,
    SPY_AT_OPEN,
    SPY_AT_CLOSE,
    SPY_AT_BRACKET,
    SPY_AT_UNBRACKET,
    SPY_AT_MASK = 0x1f,
    SPY_IN_BLANK = 0x20,
    SPY_IN_OPERATOR = 0x40,
    SPY_IN_WORD = 0x80,
};

extern const uint8_t spy_sql_bytes[256];

static inline unsigned spy_sql_byte(const char *p)
{
    return spy_sql_bytes[(unsigned char)*p];
}

static inline bool spy_sql_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The token FROM..TO, behind which the lexer goes on. */
static inline struct spy_sql_piece spy_sql_take(struct spy_sql_lexer *lexer, unsigned sort,
                                                const char *from, const char *to)
{
    lexer->at = to;
    return (struct spy_sql_piece){.text = from, .len = (uint64_t)(to - from), .sort = sort};
}

/* The end of the text, where a string or comment that began at FROM was not closed. */
static inline const char *spy_sql_unterminated(struct spy_sql_lexer *lexer, const char *from)
{
    if (!lexer->open)
        lexer->open = from;
    return lexer->end;
}

/* Behind the line comment at P, at its newline. */
static inline const char *spy_sql_line_end(const char *p, const char *end)
{
    while (p < end && *p != '\n' && *p != '\r')
        p++;
    return p;
}

/* Behind the word that P is in or at the end of. */
const char *spy_sql_word_end(const char *p, const char *end);

/* Behind the blanks and comments at P. */
const char *spy_sql_skip_blanks(struct spy_sql_lexer *lexer, const char *p);

/* sql_literal.c */
struct spy_sql_piece spy_sql_scan_string(struct spy_sql_lexer *lexer, const char *from);
struct spy_sql_piece spy_sql_scan_quoted(struct spy_sql_lexer *lexer, const char *from);
struct spy_sql_piece spy_sql_scan_dollar(struct spy_sql_lexer *lexer, const char *from);
/* A string or quoted identifier with a prefix, such as e'' or u&""; or just a word. */
struct spy_sql_piece spy_sql_scan_prefixed(struct spy_sql_lexer *lexer, const char *from);

/* sql_number.c */
struct spy_sql_piece spy_sql_scan_number(struct spy_sql_lexer *lexer, const char *from);

/* sql_operator.c */
struct spy_sql_piece spy_sql_scan_operator(struct spy_sql_lexer *lexer, const char *from);

#endif
