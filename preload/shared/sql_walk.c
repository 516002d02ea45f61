/* SPDX-License-Identifier: MIT */
/*
 * The walk: a statement's tokens as normalisation leaves them. Signs join their numbers, a list of
 * values becomes its first, rows like the first row go, semicolons only separate.
 *
 * Any thread, any signal handler; no allocation, no recursion. Where a list begins, a second lexer
 * runs ahead, and yet the time is linear in the length of the text, however it is nested:
 *
 * - A list of values is looked at once, from its bracket to the first token that cannot be in it;
 *   none of these tokens begins another list.
 * - Signs in a row are read to their end once, to find whether a number follows.
 * - A row is hashed by steps of its own and compared with the hash of its list's first row. These
 *   steps drop no rows: in the rows of a list nothing is a list of rows. Were it one, rows could
 *   become alike only by being normalised, and normalising would not be idempotent.
 */
#include "shared/sql_internal.h"

#include <string.h>

/* To the first piece that is no semicolon. */
static void skip_semicolons(struct spy_sql_walk *walk)
{
    struct spy_sql_piece first;

    do {
        first = spy_sql_lex(&walk->lexer);
    } while (first.sort == SPY_SORT_SEMICOLON);
    walk->lexer.at = walk->from = first.text;
}

void spy_sql_walk_start(struct spy_sql_walk *walk, const char *text, size_t len, unsigned how)
{
    *walk = (struct spy_sql_walk){.last = {.sort = SPY_SORT_START}, .before = SPY_SORT_START};
    spy_sql_start(&walk->lexer, text, len);
    walk->lexer.backslash = how & SPY_SQL_BACKSLASH;
    walk->first = how & SPY_SQL_FIRST;
    skip_semicolons(walk);
}

void spy_sql_walk_start_pattern(struct spy_sql_walk *walk, const char *pattern)
{
    *walk = (struct spy_sql_walk){.last = {.sort = SPY_SORT_START}, .before = SPY_SORT_START};
    spy_sql_start(&walk->lexer, pattern, strlen(pattern));
    walk->lexer.pattern = true;
    skip_semicolons(walk);
}

/* The key word flags of the last piece: none if it is a column's name, behind a dot. */
static unsigned last_word(const struct spy_sql_walk *walk)
{
    if (walk->last.sort != SPY_SORT_WORD || walk->before == SPY_SORT_DOT)
        return 0;
    return spy_sql_word(walk->last.text, walk->last.len);
}

/* Where an operand must follow, a sign is no operator. */
static bool expects_operand(const struct spy_sql_walk *walk)
{
    switch (walk->last.sort) {
    case SPY_SORT_WORD:
        return last_word(walk) & SPY_WORD_OPERAND;
    case SPY_SORT_QUOTED:
    case SPY_SORT_STRING:
    case SPY_SORT_NUMBER:
    case SPY_SORT_PLACE:
    case SPY_SORT_CLOSE:
    case SPY_SORT_UNBRACKET:
        return false;
    default:
        return true;
    }
}

/* Makes SIGN one number with the number behind it, and with further signs before that. False if
 * there is none: then LEXER is behind what follows the signs. */
static bool join_signs(struct spy_sql_lexer *lexer, struct spy_sql_piece *sign)
{
    struct spy_sql_piece next;

    do {
        next = spy_sql_lex(lexer);
    } while (next.sort == SPY_SORT_SIGN);
    if (next.sort != SPY_SORT_NUMBER)
        return false;
    sign->len = (uint64_t)(next.text + next.len - sign->text);
    sign->sort = SPY_SORT_NUMBER;
    return true;
}

/* Reads past one value with its sign; false if something else stands there. */
static bool skip_value(struct spy_sql_lexer *lexer)
{
    struct spy_sql_piece next = spy_sql_lex(lexer);

    if (next.sort == SPY_SORT_SIGN && !join_signs(lexer, &next))
        return false;
    return spy_sql_is_value(next.sort);
}

/* Reads past the casts that may follow a value (::uuid, ::text[]::pg_catalog.jsonb) and yields the
 * piece behind them. */
static struct spy_sql_piece skip_casts(struct spy_sql_lexer *lexer)
{
    struct spy_sql_piece next = spy_sql_lex(lexer);

    if (next.sort != SPY_SORT_CAST)
        return next;
    do {
        if (next.sort == SPY_SORT_BRACKET && spy_sql_lex(lexer).sort != SPY_SORT_UNBRACKET)
            return next;
        next = spy_sql_lex(lexer);
    } while (next.sort == SPY_SORT_CAST || next.sort == SPY_SORT_WORD ||
             next.sort == SPY_SORT_QUOTED || next.sort == SPY_SORT_DOT ||
             next.sort == SPY_SORT_BRACKET);
    return next;
}

/* Reads past an item's casts and yields the piece behind them, SPY_SORT_END if they are not those
 * of the first item, which lie between FIRST and FIRST_END. */
static struct spy_sql_piece skip_same_casts(struct spy_sql_lexer *lexer, struct spy_sql_lexer first,
                                            const char *first_end)
{
    for (;;) {
        struct spy_sql_piece next = spy_sql_lex(lexer);
        if (first.at == first_end)
            return next;
        struct spy_sql_piece same = spy_sql_lex(&first);
        if (same.text == first_end)
            return next;
        if (!spy_sql_same(same, next))
            return (struct spy_sql_piece){.sort = SPY_SORT_END};
    }
}

/*
 * At a bracket that CLOSER will end: if the list holds only values, all of one cast, has the walk
 * jump from the first comma to the end.
 */
static void plan_list(struct spy_sql_walk *walk, unsigned closer)
{
    struct spy_sql_lexer ahead = walk->lexer;

    if (walk->comma_at || !skip_value(&ahead))
        return;
    struct spy_sql_lexer first = ahead;
    struct spy_sql_piece next = skip_casts(&ahead);
    const char *comma = next.text;
    if (next.sort != SPY_SORT_COMMA)
        return;

    while (next.sort == SPY_SORT_COMMA) {
        if (!skip_value(&ahead))
            return;
        next = skip_same_casts(&ahead, first, comma);
    }
    if (next.sort == closer) {
        walk->comma_at = comma;
        walk->close_at = next.text;
    }
}

/* Semicolons separate statements: one for many, and none behind the last statement. */
static struct spy_sql_piece join_semicolons(struct spy_sql_lexer *lexer, struct spy_sql_piece first)
{
    struct spy_sql_piece next;

    do {
        next = spy_sql_lex(lexer);
    } while (next.sort == SPY_SORT_SEMICOLON);
    if (next.sort == SPY_SORT_END)
        return next;
    lexer->at = next.text;
    return first;
}

/* Does the semicolon at AT stand in the body of a function? What the first one tells holds for all
 * of the statement: those before the body's end are in it, and none is behind it. */
static bool in_body(struct spy_sql_walk *walk, const char *at)
{
    if (!walk->body_end) {
        struct spy_sql_lexer again = walk->lexer;
        again.at = walk->from;
        walk->body_end = spy_sql_body_end(again, at);
    }
    return walk->body_end && at < walk->body_end;
}

/* A semicolon: it may end the statement and, if only the first is asked for, the walk. */
static struct spy_sql_piece semicolon(struct spy_sql_walk *walk, struct spy_sql_piece next)
{
    struct spy_sql_piece joined = join_semicolons(&walk->lexer, next);

    if (!walk->first || joined.sort == SPY_SORT_END || walk->depth > 0 || in_body(walk, next.text))
        return joined;
    walk->rest = next.text + 1;
    walk->lexer.at = walk->lexer.end = next.text;
    return spy_sql_lex(&walk->lexer);
}

/* A sign belongs to a number behind it where it cannot be an operator between two operands. Where
 * several signs end in no number, that is looked at once. */
static struct spy_sql_piece sign(struct spy_sql_walk *walk, struct spy_sql_piece next)
{
    const char *after = walk->lexer.at;

    if (next.text < walk->signs_end || !expects_operand(walk))
        return next;
    if (!join_signs(&walk->lexer, &next)) {
        walk->signs_end = walk->lexer.at;
        walk->lexer.at = after;
    }
    return next;
}

/* PostgreSQL's own scanner makes <> of !=. */
static struct spy_sql_piece one_spelling(struct spy_sql_piece op)
{
    if (op.len == 2 && op.text[0] == '!' && op.text[1] == '=')
        op.text = "<>";
    return op;
}

/* The sorts of pieces that special() may change or take note of. */
#define SPECIAL                                                           \
    (1u << SPY_SORT_OPEN | 1u << SPY_SORT_BRACKET | 1u << SPY_SORT_SIGN | \
     1u << SPY_SORT_OPERATOR | 1u << SPY_SORT_SEMICOLON)

static __attribute__((noinline)) struct spy_sql_piece special(struct spy_sql_walk *walk,
                                                              struct spy_sql_piece next)
{
    switch (next.sort) {
    case SPY_SORT_OPEN:
        walk->depth++;
        walk->word = (uint8_t)last_word(walk);
        if (walk->word & SPY_WORD_IN)
            plan_list(walk, SPY_SORT_CLOSE);
        return next;
    case SPY_SORT_BRACKET:
        plan_list(walk, SPY_SORT_UNBRACKET);
        return next;
    case SPY_SORT_SIGN:
        return sign(walk, next);
    case SPY_SORT_OPERATOR:
        return one_spelling(next);
    default:
        return semicolon(walk, next);
    }
}

/* From the comma behind a list's first item to the bracket that ends it. */
static __attribute__((noinline)) struct spy_sql_piece end_list(struct spy_sql_walk *walk)
{
    walk->lexer.at = walk->close_at;
    walk->comma_at = NULL;
    return spy_sql_lex(&walk->lexer);
}

/* Next piece, with lists of values joined but all rows there. */
static inline struct spy_sql_piece step(struct spy_sql_walk *walk)
{
    struct spy_sql_piece next = spy_sql_lex(&walk->lexer);

    if (1u << next.sort & SPECIAL)
        next = special(walk, next);
    else if (next.text == walk->comma_at)
        next = end_list(walk);
    walk->depth -= next.sort == SPY_SORT_CLOSE;
    walk->before = (uint8_t)walk->last.sort;
    walk->last = next;
    return next;
}

static uint64_t hash_byte(uint64_t hash, unsigned char byte)
{
    return (hash ^ byte) * 0x100000001b3u; /* FNV-1a */
}

#define ROW_HASH_START 0xcbf29ce484222325u

/* HASH with one more piece of a row; equal for pieces that spy_sql_same() finds equal. */
static uint64_t hash_piece(uint64_t hash, struct spy_sql_piece next)
{
    bool word = next.sort == SPY_SORT_WORD;

    if (spy_sql_is_value(next.sort))
        return hash_byte(hash, SPY_SORT_STRING);
    hash = hash_byte(hash, next.sort);
    for (size_t i = 0; i < next.len; i++) {
        bool fold = word || (next.sort == SPY_SORT_QUOTED && i == 0);
        hash = hash_byte(hash, fold ? spy_sql_fold(next.text[i]) : (unsigned char)next.text[i]);
    }
    return hash;
}

/* Steps over a row that begins at a parenthesis; false, with WALK anywhere, if it is not like the
 * first row of the list. */
static bool skip_like_first(struct spy_sql_walk *walk)
{
    uint64_t hash = ROW_HASH_START;
    size_t depth = 0;

    do {
        struct spy_sql_piece next = step(walk);
        if (next.sort == SPY_SORT_END)
            return false;
        hash = hash_piece(hash, next);
        depth += next.sort == SPY_SORT_OPEN;
        depth -= next.sort == SPY_SORT_CLOSE;
    } while (depth > 0);
    return hash == walk->row_hash;
}

/* Behind a row: drops the rows that follow it and are like the first one. */
static void drop_rows(struct spy_sql_walk *walk)
{
    for (;;) {
        struct spy_sql_walk ahead = *walk;
        if (spy_sql_lex(&ahead.lexer).sort != SPY_SORT_COMMA) {
            walk->rows = SPY_ROWS_NONE;
            return;
        }
        const char *row = ahead.lexer.at;
        if (spy_sql_lex(&ahead.lexer).sort != SPY_SORT_OPEN) {
            walk->rows = SPY_ROWS_NONE;
            return;
        }
        ahead.lexer.at = row;
        if (!skip_like_first(&ahead))
            return;
        walk->lexer.at = ahead.lexer.at;
    }
}

/* Does a list of rows begin at the parenthesis yielded last, as in VALUES (1, 2), (3, 4), or behind
 * it, as in IN ((1, 2), (3, 4))? */
static uint8_t rows_begin(const struct spy_sql_walk *walk)
{
    if (walk->word & SPY_WORD_VALUES)
        return SPY_ROWS_FIRST;
    if (!(walk->word & SPY_WORD_IN))
        return SPY_ROWS_NONE;
    struct spy_sql_lexer ahead = walk->lexer;
    bool inner = spy_sql_lex(&ahead).sort == SPY_SORT_OPEN;
    return inner ? SPY_ROWS_EXPECTED : SPY_ROWS_NONE;
}

/* Keeps count of the rows, at a piece that is or may be in one. */
static __attribute__((noinline)) struct spy_sql_piece follow_rows(struct spy_sql_walk *walk,
                                                                  struct spy_sql_piece next)
{
    if (next.sort == SPY_SORT_OPEN) {
        if (walk->rows == SPY_ROWS_NONE) {
            walk->rows = rows_begin(walk);
            walk->row_hash = ROW_HASH_START;
            walk->row_depth = 0;
            if (walk->rows != SPY_ROWS_FIRST)
                return next;
        } else if (walk->rows == SPY_ROWS_EXPECTED) {
            walk->rows = SPY_ROWS_FIRST;
        }
        walk->row_depth++;
    }
    if (walk->rows == SPY_ROWS_FIRST)
        walk->row_hash = hash_piece(walk->row_hash, next);
    if (next.sort == SPY_SORT_CLOSE && --walk->row_depth == 0) {
        walk->rows = SPY_ROWS_FURTHER;
        drop_rows(walk);
    }
    return next;
}

struct spy_sql_piece spy_sql_walk_next(struct spy_sql_walk *walk)
{
    struct spy_sql_piece next = step(walk);

    if (next.sort == SPY_SORT_OPEN || walk->rows != SPY_ROWS_NONE)
        return follow_rows(walk, next);
    return next;
}
