/* SPDX-License-Identifier: MIT */
/*
 * Strings of all forms, and quoted identifiers.
 *
 * Any thread, any signal handler; allocates nothing. What was not closed ends with the text.
 */
#include "shared/sql_scan.h"

#include <string.h>

/* Strings that only blanks and line comments with a newline among them part are one string. P is
 * behind a closing quote; returns what follows the quote that reopens the string, or NULL. */
static const char *string_continues(const char *p, const char *end)
{
    bool newline = false;

    while (p < end) {
        if (spy_sql_byte(p) & SPY_IN_BLANK) {
            newline |= *p == '\n' || *p == '\r';
            p++;
        } else if (*p == '-' && end - p >= 2 && p[1] == '-') {
            p = spy_sql_line_end(p, end);
        } else {
            break;
        }
    }
    return newline && p < end && *p == '\'' ? p + 1 : NULL;
}

enum string_style {
    STRING_RAW,    /* b'' x'': a quote ends it */
    STRING_PLAIN,  /* '' n'' u&'': a doubled quote does not end it */
    STRING_ESCAPE, /* e'': nor does one after a backslash */
};

/* The next byte that is special in a string, or NULL. */
static const char *string_special(const char *p, const char *end, enum string_style style)
{
    if (style != STRING_ESCAPE)
        return memchr(p, '\'', (size_t)(end - p));
    while (p < end && *p != '\'' && *p != '\\')
        p++;
    return p < end ? p : NULL;
}

/* The end of the string whose token begins at FROM and whose opening quote is at QUOTE. */
static const char *string_end(struct spy_sql_lexer *lexer, const char *from, const char *quote,
                              enum string_style style)
{
    const char *p = quote + 1, *end = lexer->end;

    while ((p = string_special(p, end, style))) {
        if (*p == '\\') {
            p += end - p >= 2 ? 2 : 1;
            continue;
        }
        p++;
        if (p == end)
            return p;
        if (*p == '\'' && style != STRING_RAW) {
            p++;
            continue;
        }
        if (!(spy_sql_byte(p) & SPY_IN_BLANK) && *p != '-')
            return p;
        const char *more = string_continues(p, end);
        if (!more)
            return p;
        p = more;
    }
    return spy_sql_unterminated(lexer, from);
}

static enum string_style plain_style(const struct spy_sql_lexer *lexer)
{
    return lexer->backslash ? STRING_ESCAPE : STRING_PLAIN;
}

struct spy_sql_piece spy_sql_scan_string(struct spy_sql_lexer *lexer, const char *from)
{
    return spy_sql_take(lexer, SPY_SORT_STRING, from,
                        string_end(lexer, from, from, plain_style(lexer)));
}

/* The end of UESCAPE '' if that follows the U&'' string that ends at P, else P. */
static const char *uescape_end(struct spy_sql_lexer *lexer, const char *p)
{
    static const char name[] = "uescape";
    const char *word = spy_sql_skip_blanks(lexer, p);
    const char *end = spy_sql_word_end(word, lexer->end);

    if (end - word != (ptrdiff_t)sizeof(name) - 1)
        return p;
    for (size_t i = 0; i < sizeof(name) - 1; i++)
        if (spy_sql_fold(word[i]) != (unsigned char)name[i])
            return p;
    const char *quote = spy_sql_skip_blanks(lexer, end);
    if (quote == lexer->end || *quote != '\'')
        return p;
    return string_end(lexer, quote, quote, STRING_PLAIN);
}

/* The end of the quoted identifier whose token begins at FROM, its opening quote at QUOTE. */
static const char *quoted_end(struct spy_sql_lexer *lexer, const char *from, const char *quote)
{
    const char *p = quote + 1, *end = lexer->end;

    while ((p = memchr(p, '"', (size_t)(end - p)))) {
        p++;
        if (p == end || *p != '"')
            return p;
        p++;
    }
    return spy_sql_unterminated(lexer, from);
}

struct spy_sql_piece spy_sql_scan_quoted(struct spy_sql_lexer *lexer, const char *from)
{
    return spy_sql_take(lexer, SPY_SORT_QUOTED, from, quoted_end(lexer, from, from));
}

/* u&'' or u&"" at FROM. */
static struct spy_sql_piece scan_unicode(struct spy_sql_lexer *lexer, const char *from)
{
    const char *quote = from + 2;

    if (*quote == '"')
        return spy_sql_take(lexer, SPY_SORT_QUOTED, from, quoted_end(lexer, from, quote));
    const char *to = string_end(lexer, from, quote, STRING_PLAIN);
    return spy_sql_take(lexer, SPY_SORT_STRING, from, uescape_end(lexer, to));
}

struct spy_sql_piece spy_sql_scan_prefixed(struct spy_sql_lexer *lexer, const char *from)
{
    size_t left = (size_t)(lexer->end - from);
    unsigned char letter = spy_sql_fold(*from);
    enum string_style style = letter == 'e'   ? STRING_ESCAPE
                              : letter == 'n' ? plain_style(lexer)
                                              : STRING_RAW;

    if (letter == 'u' && left >= 3 && from[1] == '&' && (from[2] == '\'' || from[2] == '"'))
        return scan_unicode(lexer, from);
    if (letter != 'u' && left >= 2 && from[1] == '\'')
        return spy_sql_take(lexer, SPY_SORT_STRING, from, string_end(lexer, from, from + 1, style));
    return spy_sql_take(lexer, SPY_SORT_WORD, from, spy_sql_word_end(from + 1, lexer->end));
}

/* The end of the opening $tag$ at P, or NULL if it is none. */
static const char *dollar_tag_end(const char *p, const char *end)
{
    p++;
    if (p < end && spy_sql_is_digit(*p))
        return NULL;
    while (p < end && spy_sql_byte(p) & SPY_IN_WORD && *p != '$')
        p++;
    return p < end && *p == '$' ? p + 1 : NULL;
}

/* $tag$...$tag$, the opening tag ending at BODY. */
static const char *dollar_string_end(struct spy_sql_lexer *lexer, const char *from,
                                     const char *body)
{
    const char *p = body, *end = lexer->end;
    size_t tag = (size_t)(body - from);

    while ((p = memchr(p, '$', (size_t)(end - p)))) {
        if ((size_t)(end - p) >= tag && memcmp(p, from, tag) == 0)
            return p + tag;
        p++;
    }
    return spy_sql_unterminated(lexer, from);
}

/* $n, $tag$...$tag$ or a lone dollar. */
struct spy_sql_piece spy_sql_scan_dollar(struct spy_sql_lexer *lexer, const char *from)
{
    const char *end = lexer->end;

    if (end - from >= 2 && spy_sql_is_digit(from[1])) {
        const char *p = from + 2;
        while (p < end && spy_sql_is_digit(*p))
            p++;
        return spy_sql_take(lexer, SPY_SORT_STRING, from, p);
    }
    const char *body = dollar_tag_end(from, end);
    if (!body)
        return spy_sql_take(lexer, SPY_SORT_OTHER, from, from + 1);
    return spy_sql_take(lexer, SPY_SORT_STRING, from, dollar_string_end(lexer, from, body));
}
