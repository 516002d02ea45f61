/* SPDX-License-Identifier: MIT */
/*
 * Skeletons: what is left of a text when its plain literals are taken out, without lexing it. Texts
 * that differ in nothing else have one skeleton, and so a program's statements with ever new
 * literals are recognised at a fraction of what lexing them costs.
 *
 * A skeleton is a text that normalises like the one it was made from. That holds because what is
 * taken out is what no lexer could take for anything but a whole literal, or the digits of a
 * number:
 * - a string from a quote that touches no word before it, and so has no prefix, to the quote that
 *   closes it; it becomes '';
 * - digits that touch no word on either side; they become 1. Letters, underscores and dollars make
 *   words: 1.5 has such digits twice, 1e5, 0x1F, 1_000 and $1 have none;
 * - what a line comment says, which is none of the server's business; the two minuses stay.
 *
 * A text in which that could be wrong has no skeleton: where there is a block comment, a dollar
 * that begins no $n, a string with a prefix, a backslash that may escape a quote, an open end.
 *
 * Any thread, any signal handler; allocates nothing; reads the text once.
 */
#include "shared/sql_scan.h"

#include <string.h>

/* So many bytes are looked at at a time, and may be written behind the end of the output. */
#define BLOCK SPY_SQL_SKELETON_SLACK

typedef unsigned char bytes __attribute__((vector_size(BLOCK)));

/* The place of the first byte of a block that is not 0 in WHERE, or BLOCK. */
static inline size_t first_of(bytes where)
{
    uint64_t half[2];
    memcpy(half, &where, sizeof(half));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    half[0] = __builtin_bswap64(half[0]);
    half[1] = __builtin_bswap64(half[1]);
#endif
    if (half[0] != 0)
        return (size_t)__builtin_ctzll(half[0]) / 8;
    return half[1] != 0 ? (size_t)__builtin_ctzll(half[1]) / 8 + 8 : BLOCK;
}

/* The place in a block of its first byte that needs a look, or BLOCK. */
static inline size_t first_special(const char *block)
{
    bytes b;
    memcpy(&b, block, sizeof(b));
    bytes digits = (bytes)(b - '0' <= 9);
    bytes quotes = (bytes)(b == '\'') | (bytes)(b == '"');
    bytes comments = (bytes)((b | 2) == '/'); /* a minus is a slash but for that bit */
    return first_of(digits | quotes | comments | (bytes)(b == '$'));
}

/* The place in a block of its first QUOTE, or BLOCK. */
static inline size_t first_quote(const char *block, char quote)
{
    bytes b;
    memcpy(&b, block, sizeof(b));
    return first_of((bytes)(b == (unsigned char)quote));
}

/* The first QUOTE from P on, or NULL: most stand near. */
static inline const char *find_quote(const char *p, const char *end, char quote)
{
    if (end - p >= (ptrdiff_t)BLOCK) {
        size_t n = first_quote(p, quote);
        if (n < BLOCK)
            return p + n;
        p += BLOCK;
    }
    return memchr(p, quote, (size_t)(end - p));
}

struct cursor {
    const char *at;
    const char *from;
    const char *end;
    char *to;
};

/* Copies up to the next byte that needs a look, or to the end. */
static inline void copy_plain(struct cursor *c)
{
    size_t n = BLOCK;

    while (c->end - c->at >= (ptrdiff_t)BLOCK && n == BLOCK) {
        n = first_special(c->at);
        memcpy(c->to, c->at, BLOCK);
        c->at += n;
        c->to += n;
    }
    if (n < BLOCK)
        return;
    char last[BLOCK] = {0};
    size_t left = (size_t)(c->end - c->at);
    memcpy(last, c->at, left);
    n = first_special(last);
    n = n < left ? n : left;
    memcpy(c->to, last, BLOCK);
    c->at += n;
    c->to += n;
}

static inline bool behind_word(const struct cursor *c)
{
    return c->at > c->from && spy_sql_byte(c->at - 1) & SPY_IN_WORD;
}

/* False where it may not be taken out. */
static inline bool take_string(struct cursor *c, bool backslash)
{
    const char *p = c->at + 1;

    if (behind_word(c) || (c->at > c->from && c->at[-1] == '&'))
        return false;
    for (;;) {
        const char *quote = find_quote(p, c->end, '\'');
        if (!quote || (backslash && memchr(p, '\\', (size_t)(quote - p))))
            return false;
        p = quote + 1;
        if (p == c->end || *p != '\'')
            break;
        p++;
    }
    memcpy(c->to, "''", 2);
    c->to += 2;
    c->at = p;
    return true;
}

/* False where it does not end. */
static inline bool copy_quoted(struct cursor *c)
{
    const char *quote = find_quote(c->at + 1, c->end, '"');

    if (!quote)
        return false;
    size_t n = (size_t)(quote + 1 - c->at);
    if (n <= BLOCK && c->end - c->at >= (ptrdiff_t)BLOCK)
        memcpy(c->to, c->at, BLOCK);
    else
        memcpy(c->to, c->at, n);
    c->at += n;
    c->to += n;
    return true;
}

static inline void take_digits(struct cursor *c)
{
    bool word = behind_word(c);
    const char *from = c->at;

    while (c->at < c->end && spy_sql_is_digit(*c->at))
        c->at++;
    if (word || (c->at < c->end && spy_sql_byte(c->at) & SPY_IN_WORD)) {
        memcpy(c->to, from, (size_t)(c->at - from));
        c->to += c->at - from;
    } else {
        *c->to++ = '1';
    }
}

/* Up to the newline, which stays: it tells whether a string goes on behind it. */
static inline void take_line_comment(struct cursor *c)
{
    memcpy(c->to, "--", 2);
    c->to += 2;
    c->at = spy_sql_line_end(c->at, c->end);
}

/* A minus, slash or dollar that begins nothing, or a line comment. */
static inline bool copy_alone(struct cursor *c)
{
    char next = c->end - c->at >= 2 ? c->at[1] : ' ';

    if (*c->at == '-' && next == '-') {
        take_line_comment(c);
        return true;
    }
    if ((*c->at == '/' && next == '*') || (*c->at == '$' && !spy_sql_is_digit(next)))
        return false;
    *c->to++ = *c->at++;
    return true;
}

static inline bool take(struct cursor *c, bool backslash)
{
    switch (*c->at) {
    case '\'':
        return take_string(c, backslash);
    case '"':
        return copy_quoted(c);
    case '-':
    case '/':
    case '$':
        return copy_alone(c);
    default:
        take_digits(c);
        return true;
    }
}

size_t spy_sql_skeleton(const char *text, size_t len, unsigned how, char *out, size_t cap)
{
    struct cursor c = {.at = text, .from = text, .end = text + len, .to = out};

    if (cap < BLOCK || len > cap - BLOCK)
        return 0;
    for (;;) {
        copy_plain(&c);
        if (c.at == c.end)
            return (size_t)(c.to - out);
        if (!take(&c, how & SPY_SQL_BACKSLASH))
            return 0;
    }
}
