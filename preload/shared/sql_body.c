/* SPDX-License-Identifier: MIT */
/*
 * CREATE [OR REPLACE] FUNCTION | PROCEDURE ... BEGIN ATOMIC ...; ...; END: the one place but
 * parentheses where a semicolon ends no statement of its own.
 *
 * Any thread, any signal handler; allocates nothing. The text is read once more, from the beginning
 * of the statement to the end of the body.
 */
#include "shared/sql_internal.h"

#include <string.h>

/* Does a statement that creates a function or procedure begin at LEXER? */
static bool creates_function(struct spy_sql_lexer *lexer)
{
    if (!spy_sql_word_is(spy_sql_lex(lexer), "create"))
        return false;
    struct spy_sql_piece next = spy_sql_lex(lexer);
    if (spy_sql_word_is(next, "or") && spy_sql_word_is(spy_sql_lex(lexer), "replace"))
        next = spy_sql_lex(lexer);
    return spy_sql_word_is(next, "function") || spy_sql_word_is(next, "procedure");
}

/* Reads past BEGIN ATOMIC; false if that does not stand before BEFORE, outside of parentheses. */
static bool skip_begin(struct spy_sql_lexer *lexer, const char *before)
{
    struct spy_sql_piece next = spy_sql_lex(lexer);
    bool begin = false;
    ptrdiff_t depth = 0;

    while (next.sort != SPY_SORT_END && next.text < before) {
        if (begin && spy_sql_word_is(next, "atomic"))
            return true;
        depth += next.sort == SPY_SORT_OPEN;
        depth -= next.sort == SPY_SORT_CLOSE;
        begin = depth == 0 && spy_sql_word_is(next, "begin");
        next = spy_sql_lex(lexer);
    }
    return false;
}

const char *spy_sql_body_end(struct spy_sql_lexer lexer, const char *before)
{
    size_t open = 1; /* END ends CASE, too */
    struct spy_sql_piece next = {.sort = SPY_SORT_START}, last;

    if (!creates_function(&lexer) || !skip_begin(&lexer, before))
        return NULL;
    for (;;) {
        last = next;
        next = spy_sql_lex(&lexer);
        if (next.sort == SPY_SORT_END)
            return lexer.end;
        /* Behind a dot or AS these are names. */
        if (next.sort != SPY_SORT_WORD || last.sort == SPY_SORT_DOT || spy_sql_word_is(last, "as"))
            continue;
        if (spy_sql_word_is(next, "case"))
            open++;
        else if (spy_sql_word_is(next, "end") && --open == 0)
            return next.text;
    }
}
