/* SPDX-License-Identifier: MIT */
/*
 * What the files behind sql.h share: the lexer's finer tokens, and the walk, the one mechanism by
 * which statements are normalised. The normaliser prints what the walk yields and the matcher
 * compares it, so that the two can never disagree about what is the same statement.
 *
 * Same contract as sql.h: any thread, any signal handler, no allocation, no recursion.
 */
#ifndef SPY_SHARED_SQL_INTERNAL_H
#define SPY_SHARED_SQL_INTERNAL_H

#include "shared/sql.h"

/* Sorts of pieces. What normalises to ? lies between SPY_SORT_STRING and SPY_SORT_PLACE. */
enum spy_sql_sort {
    SPY_SORT_START, /* no piece: before the first one */
    SPY_SORT_END,
    SPY_SORT_WORD,
    SPY_SORT_QUOTED,
    SPY_SORT_STRING, /* a string of any form, or $n */
    SPY_SORT_NUMBER, /* what a sign may belong to */
    SPY_SORT_PLACE,  /* ? standing alone: a value in patterns, and in text that was normalised */
    SPY_SORT_SIGN,   /* + or - */
    SPY_SORT_OPERATOR,
    SPY_SORT_OPEN,
    SPY_SORT_CLOSE,
    SPY_SORT_BRACKET,   /* [ */
    SPY_SORT_UNBRACKET, /* ] */
    SPY_SORT_COMMA,
    SPY_SORT_SEMICOLON,
    SPY_SORT_DOT,
    SPY_SORT_CAST,  /* :: */
    SPY_SORT_OTHER, /* : := .. and bytes that PostgreSQL has no use for */
    SPY_SORT_ANY,   /* only in patterns: ... */
    SPY_SORT_COUNT,
};

/* A token in 16 bytes, which the calling convention returns in registers. */
struct spy_sql_piece {
    const char *text;
    uint64_t sort : 8; /* enum spy_sql_sort */
    uint64_t len : 56;
};

static inline bool spy_sql_is_value(unsigned sort)
{
    return sort >= SPY_SORT_STRING && sort <= SPY_SORT_PLACE;
}

static inline unsigned char spy_sql_fold(char c)
{
    unsigned char u = (unsigned char)c;
    return u >= 'A' && u <= 'Z' ? u | 0x20 : u;
}

/* The next piece as PostgreSQL's scanner sees it. */
struct spy_sql_piece spy_sql_lex(struct spy_sql_lexer *lexer);

/* Equal but for what normalisation hides: the case of words and what a value is. */
bool spy_sql_same(struct spy_sql_piece a, struct spy_sql_piece b);

/* What is special about key words; 0 for every other word. */
#define SPY_WORD_SPACED  1u /* a parenthesis after it is not a function call's */
#define SPY_WORD_OPERAND 2u /* an operand follows, so that a sign after it is no operator */
#define SPY_WORD_IN      4u
#define SPY_WORD_VALUES  8u
unsigned spy_sql_word(const char *text, size_t len);

/* Is PIECE the unquoted word LOWER? */
bool spy_sql_word_is(struct spy_sql_piece piece, const char *lower);

/* sql_body.c: LEXER is at the first piece of a statement. Where the body BEGIN ATOMIC ... END of
 * the function or procedure that it creates ends, with the text if that does not; NULL where it has
 * no such body, or none that begins before BEFORE. */
const char *spy_sql_body_end(struct spy_sql_lexer lexer, const char *before);

/* Where in a list of rows, VALUES (1, 2), (3, 4), the walk is. */
enum spy_sql_rows {
    SPY_ROWS_NONE,
    SPY_ROWS_EXPECTED, /* the next piece is the first row's parenthesis */
    SPY_ROWS_FIRST,    /* in the first row */
    SPY_ROWS_FURTHER,  /* behind it */
};

/*
 * The walk over a statement's normalised tokens. A plain value: a copy resumes where the original
 * stood. `at` pointers name positions in the text.
 */
struct spy_sql_walk {
    struct spy_sql_lexer lexer;
    struct spy_sql_piece last; /* what was yielded last */
    uint8_t before;            /* the sort of what was yielded before that */
    uint8_t word;              /* key word flags of the word before the ( yielded last */
    const char *signs_end;     /* signs before this are followed by no number */
    const char *comma_at;      /* list of values: the comma after the first item, NULL if none */
    const char *close_at;      /*   and the bracket that ends the list */
    uint8_t rows;              /* enum spy_sql_rows */
    bool first;                /* to end with the first of several statements */
    size_t row_depth;          /* parentheses open in the row */
    uint64_t row_hash;         /* of the first row's normalised pieces */
    ptrdiff_t depth;           /* parentheses open in the statement */
    const char *from;          /* its first piece */
    const char *body_end; /* the end of its body BEGIN ATOMIC ... END; NULL: none, or not known */
    const char *rest;     /* where it ended with FIRST, behind its semicolon; NULL if not */
};

/* HOW as for spy_sql_normalise_as(). */
void spy_sql_walk_start(struct spy_sql_walk *walk, const char *text, size_t len, unsigned how);

/* The same for a pattern. */
void spy_sql_walk_start_pattern(struct spy_sql_walk *walk, const char *pattern);

/* Next normalised piece; SPY_SORT_END at the end, again and again. */
struct spy_sql_piece spy_sql_walk_next(struct spy_sql_walk *walk);

#endif
