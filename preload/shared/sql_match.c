/* SPDX-License-Identifier: MIT */
/*
 * Token patterns: glob over the walks of a pattern and of a statement.
 *
 * Any thread, any signal handler; no allocation, no recursion.
 */
#include "shared/sql_internal.h"

#include <string.h>

/*
 * The usual two-pointer glob: only the last `...` needs to be remembered, since whatever an earlier
 * one could take as well, the last one can take instead. Walks are plain values, so remembering is
 * copying.
 */
bool spy_sql_match(const char *pattern, const char *text, size_t len, unsigned how)
{
    struct spy_sql_walk want, have, want_again, have_again;
    bool any = false;

    spy_sql_walk_start_pattern(&want, pattern);
    spy_sql_walk_start(&have, text, len, how & SPY_SQL_BACKSLASH);
    for (;;) {
        struct spy_sql_piece wanted = spy_sql_walk_next(&want);
        if (wanted.sort == SPY_SORT_ANY) {
            any = true;
            want_again = want;
            have_again = have;
            continue;
        }
        struct spy_sql_piece found = spy_sql_walk_next(&have);
        if (spy_sql_same(wanted, found)) {
            if (wanted.sort == SPY_SORT_END)
                return true;
            continue;
        }
        /* The last `...` takes one token more. */
        if (!any || found.sort == SPY_SORT_END)
            return false;
        if (spy_sql_walk_next(&have_again).sort == SPY_SORT_END)
            return false;
        want = want_again;
        have = have_again;
    }
}

static const char *unterminated_why(const char *open)
{
    switch (*open) {
    case '"':
        return "a quoted identifier begins here and does not end: close it with \"";
    case '/':
        return "a comment begins here and does not end: close it with */";
    case '$':
        return "a dollar-quoted string begins here and does not end: repeat its opening tag";
    default:
        break;
    }
    if ((*open == 'u' || *open == 'U') && open[2] == '"')
        return "a quoted identifier begins here and does not end: close it with \"";
    return "a string begins here and does not end: close it with '";
}

bool spy_sql_pattern_check(const char *pattern, const char **why, size_t *offset)
{
    struct spy_sql_walk walk;
    struct spy_sql_piece next;
    const char *second = NULL;
    size_t pieces = 0;

    spy_sql_walk_start_pattern(&walk, pattern);
    while ((next = spy_sql_walk_next(&walk)).sort != SPY_SORT_END) {
        pieces++;
        if (next.sort == SPY_SORT_SEMICOLON && !second)
            second = next.text;
    }
    if (walk.lexer.open) {
        *why = unterminated_why(walk.lexer.open);
        *offset = (size_t)(walk.lexer.open - pattern);
        return false;
    }
    if (pieces == 0) {
        *why =
            "the pattern is empty: write a statement, such as SELECT ... FROM parts WHERE id = ?";
        *offset = 0;
        return false;
    }
    if (second) {
        *why = "a pattern is one statement: list the statements of a sequence one by one";
        *offset = (size_t)(second - pattern);
        return false;
    }
    return true;
}
