/* SPDX-License-Identifier: MIT */
/*
 * PostgreSQL's lexical structure: tokens, normalised text, fingerprint, token patterns.
 *
 * Why here and not in observe/: the rules parser needs it to check `sql:` patterns, in the library
 * and in the tools alike, so it is shared leaf code.
 *
 * Nothing here allocates, locks or sets errno; everything is safe in any thread and in a signal
 * handler. Input need not be NUL-terminated and may be any bytes; malformed SQL (an unterminated
 * string or comment) lexes to the end of the text, as one token.
 */
#ifndef SPY_SHARED_SQL_H
#define SPY_SHARED_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum spy_sql_kind {
    SPY_SQL_END,
    SPY_SQL_WORD,   /* unquoted identifier or key word; compare without case */
    SPY_SQL_QUOTED, /* "quoted identifier", verbatim */
    SPY_SQL_VALUE,  /* string (all forms), number, bit string, $n: what normalises to ? */
    SPY_SQL_SYMBOL, /* operator or punctuation; ?, when it stands alone, is one too */
    SPY_SQL_ANY,    /* only in patterns: ... */
};

struct spy_sql_token {
    enum spy_sql_kind kind;
    const char *text; /* into the input */
    size_t len;
};

/*
 * How a text is to be read; 0 as a server does by default.
 * - BACKSLASH: standard_conforming_strings is off on its connection, and so a backslash escapes in
 *   '...' as in E'...';
 * - FIRST: only the first of its statements.
 */
#define SPY_SQL_BACKSLASH 1u
#define SPY_SQL_FIRST     2u

/* A cursor over a text. Comments are skipped; the last block comment seen is remembered, for
 * sqlcommenter. Begin with spy_sql_start(), then set backslash and pattern as needed. */
struct spy_sql_lexer {
    const char *at;
    const char *end;
    bool backslash;      /* as SPY_SQL_BACKSLASH */
    bool pattern;        /* true in rules: `...` is SPY_SQL_ANY */
    const char *comment; /* inside of the last block comment, NULL if none */
    size_t comment_len;
    const char *open; /* where an unterminated string, quoted identifier or comment begins */
};

void spy_sql_start(struct spy_sql_lexer *lexer, const char *text, size_t len);

/* Next token; SPY_SQL_END at the end, again and again. */
struct spy_sql_token spy_sql_next(struct spy_sql_lexer *lexer);

/*
 * Normalised text: one canonical spelling of a statement, and a fixed point: normalised again, it
 * stays as it is.
 * - values become ?; a list of only values in IN (...) or [...] becomes one ?, also where all of
 *   them have the same cast; the second and further rows of VALUES or of IN ((...), ...) that
 *   normalise like the first are dropped, but for lists of rows within a row;
 * - signs before a number belong to it where they cannot be operators between two operands, which
 *   behind a word they can if that may be a column's name (minvalue -1); before anything else they
 *   stay (-$1, -x);
 * - unquoted words are folded to lower case (A to Z only, as PostgreSQL does in UTF-8), != becomes
 *   <>; comments go; white space becomes canonical, whatever it was; semicolons only separate
 *   statements, as `; `;
 * - NULL, TRUE and FALSE stay; quoted identifiers stay verbatim, but that U&"" becomes u&"";
 * - ? standing alone is taken for a value, since no text tells the jsonb operator from it.
 * Time is linear in the length of the text.
 *
 * Of several statements each is ended by a semicolon outside of all parentheses (as in CREATE RULE
 * ... DO (...; ...)) and of a body BEGIN ATOMIC ... END of CREATE FUNCTION or PROCEDURE. Where
 * nothing stands between two semicolons, or before the first or behind the last one, there is no
 * statement.
 */
struct spy_sql_normal {
    uint64_t fingerprint; /* XXH3-64 of the whole normalised text, also where it was cut */
    size_t rest;          /* with SPY_SQL_FIRST: where, behind its semicolon, the text goes on with
                           * another statement; else 0 */
    uint32_t len;         /* bytes in the buffer, without the NUL */
    bool truncated;
};

/* Normalises TEXT into BUFFER (CAP bytes, NUL-terminated, cut at a token where too small; CAP may
 * be 0 with BUFFER NULL when only the fingerprint is wanted, and then nothing counts as truncated).
 * HOW is made of SPY_SQL_BACKSLASH and SPY_SQL_FIRST. One pass, no copy of the input; some 2 KiB of
 * stack. */
struct spy_sql_normal spy_sql_normalise_as(const char *text, size_t len, unsigned how, char *buffer,
                                           size_t cap);

static inline struct spy_sql_normal spy_sql_normalise(const char *text, size_t len, char *buffer,
                                                      size_t cap)
{
    return spy_sql_normalise_as(text, len, 0, buffer, cap);
}

/*
 * A cheap stand-in for TEXT: what its literals are does not show in it, and it normalises as TEXT
 * does, with the same HOW (0 or SPY_SQL_BACKSLASH), also statement by statement. Writes it to OUT,
 * without a NUL, and returns its length; 0 where there is none, being too hard to tell without
 * lexing, or longer than CAP - SPY_SQL_SKELETON_SLACK. Block comments are too hard: a text with a
 * skeleton has none.
 */
#define SPY_SQL_SKELETON_SLACK 16u
size_t spy_sql_skeleton(const char *text, size_t len, unsigned how, char *out, size_t cap);

/*
 * Does the statement TEXT match PATTERN? Both are compared token by token after normalisation, so
 * case, space, comments and literals do not matter; in the pattern, ? stands for any one value and
 * ... for any tokens, also none. A statement's whole normalised text is a pattern for it. PATTERN
 * is a NUL-terminated pattern text that was accepted by spy_sql_pattern_check(). In patterns ? need
 * not stand free (`id=?`); the operators ?| ?& @? and such as begin with ? between blanks stay
 * operators. HOW is 0 or SPY_SQL_BACKSLASH, and about TEXT only. Time is at worst the length of the
 * text times that of the pattern.
 */
bool spy_sql_match(const char *pattern, const char *text, size_t len, unsigned how);

/* Is PATTERN usable: not empty, all strings and comments terminated, one statement? On failure
 * *WHY is a static sentence and *OFFSET the byte it is about. */
bool spy_sql_pattern_check(const char *pattern, const char **why, size_t *offset);

/*
 * sqlcommenter (specification at google.github.io/sqlcommenter): the value of tag KEY in the
 * comment COMMENT, the inside of a block comment: `key='url-encoded value',...`. Writes the decoded
 * value, NUL-terminated, to VALUE (CAP bytes, cut if longer; undefined on false) and returns true
 * when the tag is there. Of two equal keys the first counts.
 */
bool spy_sql_comment_tag(const char *comment, size_t len, const char *key, char *value, size_t cap);

/* The tags of a comment one by one, as they are written: begin with {comment, comment + len}. */
struct spy_sql_tags {
    const char *at;
    const char *end;
};

struct spy_sql_tag {
    const char *name;
    size_t name_len;
    const char *value; /* between its quotes */
    size_t value_len;
};

/* The next one; false where there is none. */
bool spy_sql_tags_next(struct spy_sql_tags *tags, struct spy_sql_tag *tag);

/* Is its name, decoded, KEY? */
bool spy_sql_tag_is(const struct spy_sql_tag *tag, const char *key);

/*
 * The comment that ends TEXT, where sqlcommenter puts it: but for white space and semicolons
 * nothing stands behind it. True: *BODY is how many bytes stand before it, and *TAGS its inside.
 * The body, read on its own, is what TEXT is without that comment. Looks at the text from its end,
 * and at no more than the comment.
 */
bool spy_sql_last_comment(const char *text, size_t len, size_t *body, struct spy_sql_tags *tags);

#endif
