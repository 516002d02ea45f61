/* SPDX-License-Identifier: MIT */
/*
 * The key words that decide spelling: whether a parenthesis after a word is a function call's, and
 * whether a sign after it can be an operator. Asked only where such a parenthesis or sign stands.
 *
 * Pure functions on static tables: any thread, any signal handler.
 */
#include "shared/sql_internal.h"

#include <string.h>

struct word {
    char text[11];
    uint8_t flags;
};

#define S SPY_WORD_SPACED
#define O SPY_WORD_OPERAND

/* Words of one length each, so that few are compared. An operand follows only those that can be no
 * column's name: behind `minvalue` a sign may be an operator. */
static const struct word two[] = {
    {"as", S},     {"by", S | O}, {"do", S},     {"if", S | O}, {"in", S | O | SPY_WORD_IN},
    {"is", S | O}, {"on", S | O}, {"or", S | O}, {"to", S | O},
};
static const struct word three[] = {
    {"all", S | O}, {"and", S | O}, {"any", S},     {"asc", S},
    {"for", S | O}, {"key", S},     {"not", S | O}, {"set", S},
};
static const struct word four[] = {
    {"both", O}, {"case", S | O}, {"copy", S},     {"else", S | O}, {"from", S | O},
    {"into", S}, {"join", S},     {"like", S | O}, {"only", S},     {"over", S},
    {"some", S}, {"then", S | O}, {"when", S | O}, {"with", S | O},
};
static const struct word five[] = {
    {"check", S},     {"fetch", O}, {"group", S},     {"ilike", S | O},
    {"limit", S | O}, {"union", S}, {"using", S | O}, {"where", S | O},
};
static const struct word six[] = {
    {"escape", S | O}, {"except", S},
    {"exists", S},     {"filter", S},
    {"having", S | O}, {"offset", S | O},
    {"return", S | O}, {"select", S | O},
    {"unique", S},     {"values", S | SPY_WORD_VALUES},
    {"within", S},
};
static const struct word seven[] = {
    {"analyze", S}, {"between", S | O}, {"default", S | O}, {"explain", S},     {"include", S},
    {"lateral", S}, {"leading", O},     {"placing", O},     {"similar", S | O},
};
static const struct word eight[] = {
    {"conflict", S},
    {"distinct", S | O},
    {"trailing", O},
    {"variadic", O},
};
static const struct word nine[] = {{"intersect", S}, {"returning", S | O}, {"symmetric", S | O}};
static const struct word ten[] = {{"asymmetric", S | O}};

#undef S
#undef O

#define LIST(words)                               \
    {                                             \
        words, sizeof(words) / sizeof((words)[0]) \
    }

static const struct {
    const struct word *words;
    size_t count;
} by_length[] = {
    [2] = LIST(two),   [3] = LIST(three), [4] = LIST(four), [5] = LIST(five), [6] = LIST(six),
    [7] = LIST(seven), [8] = LIST(eight), [9] = LIST(nine), [10] = LIST(ten),
};

static bool folds_to(const char *text, const char *lower, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (spy_sql_fold(text[i]) != (unsigned char)lower[i])
            return false;
    return true;
}

unsigned spy_sql_word(const char *text, size_t len)
{
    if (len >= sizeof(by_length) / sizeof(by_length[0]))
        return 0;
    for (size_t i = 0; i < by_length[len].count; i++)
        if (folds_to(text, by_length[len].words[i].text, len))
            return by_length[len].words[i].flags;
    return 0;
}

bool spy_sql_word_is(struct spy_sql_piece piece, const char *lower)
{
    size_t len = strlen(lower);

    return piece.sort == SPY_SORT_WORD && piece.len == len && folds_to(piece.text, lower, len);
}

static bool fold_equal(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (spy_sql_fold(a[i]) != spy_sql_fold(b[i]))
            return false;
    return true;
}

bool spy_sql_same(struct spy_sql_piece a, struct spy_sql_piece b)
{
    if (spy_sql_is_value(a.sort))
        return spy_sql_is_value(b.sort);
    if (a.sort != b.sort || a.len != b.len)
        return false;
    if (a.sort == SPY_SORT_WORD)
        return fold_equal(a.text, b.text, a.len);
    if (a.sort == SPY_SORT_QUOTED) /* U&"" and u&"" */
        return fold_equal(a.text, b.text, 1) && memcmp(a.text + 1, b.text + 1, a.len - 1) == 0;
    return memcmp(a.text, b.text, a.len) == 0;
}
