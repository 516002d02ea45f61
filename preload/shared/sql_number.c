/* SPDX-License-Identifier: MIT */
/*
 * Numbers, in all forms of PostgreSQL 16: 1 1.5 .5 1. 1e10 1.5e-3 0x1F 0o17 0b11 1_000.
 *
 * Any thread, any signal handler; allocates nothing.
 */
#include "shared/sql_scan.h"

static bool is_digit_of(char c, int base)
{
    unsigned char u = spy_sql_fold(c);

    if (u >= '0' && u <= '9')
        return u - '0' < base;
    return u >= 'a' && u <= 'f' && u - 'a' + 10 < base;
}

/* Digits, each but the first perhaps after an underscore; FROM itself if there are none. */
static const char *digits_end(const char *from, const char *end, int base)
{
    const char *p = from;

    while (p < end) {
        if (is_digit_of(*p, base))
            p++;
        else if (*p == '_' && p > from && end - p >= 2 && is_digit_of(p[1], base))
            p += 2;
        else
            break;
    }
    return p;
}

/* 0x.. 0o.. 0b.., with P at the zero; NULL if it is none of these. */
static const char *radix_end(const char *p, const char *end)
{
    if (*p != '0' || end - p < 3)
        return NULL;
    unsigned char letter = spy_sql_fold(p[1]);
    int base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
    const char *from = p + 2 + (p[2] == '_');
    const char *to = digits_end(from, end, base);
    return to > from ? to : NULL;
}

/* The end of the exponent at P, or P if there is none. */
static const char *exponent_end(const char *p, const char *end)
{
    if (p == end || (*p != 'e' && *p != 'E'))
        return p;
    const char *digits = p + 1;
    if (digits < end && (*digits == '+' || *digits == '-'))
        digits++;
    const char *to = digits_end(digits, end, 10);
    return to > digits ? to : p;
}

struct spy_sql_piece spy_sql_scan_number(struct spy_sql_lexer *lexer, const char *from)
{
    const char *end = lexer->end;
    const char *p = radix_end(from, end);

    if (p)
        return spy_sql_take(lexer, SPY_SORT_NUMBER, from, p);
    p = digits_end(from, end, 10);
    /* 1..10 is a range. */
    if (p < end && *p == '.' && !(end - p >= 2 && p[1] == '.'))
        p = digits_end(p + 1, end, 10);
    return spy_sql_take(lexer, SPY_SORT_NUMBER, from, exponent_end(p, end));
}
