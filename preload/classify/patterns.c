/* SPDX-License-Identifier: MIT */
/*
 * The `sql:` rules, compiled: see patterns.h.
 */
#include "classify/patterns.h"

#include "classify/hash.h"
#include "shared/sql.h"

#include <stdlib.h>
#include <string.h>

/* --- sets of words ------------------------------------------------------------------------ */

/* FNV-1a over the word as PostgreSQL folds it. Quotes are left out and the inside folded too, so
 * that a set never lacks a word that matching might take for the same. */
static void add_word(struct spy_words *words, const char *text, size_t len)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        h = (h ^ (c >= 'A' && c <= 'Z' ? c | 0x20u : c)) * 16777619u;
    }
    h ^= h >> 15;
    words->bits[h >> 6 & 3] |= 1ull << (h & 63);
}

static struct spy_words words_of(struct spy_sql_lexer lexer)
{
    struct spy_words words = {0};
    for (;;) {
        struct spy_sql_token token = spy_sql_next(&lexer);
        if (token.kind == SPY_SQL_END)
            return words;
        if (token.kind == SPY_SQL_WORD)
            add_word(&words, token.text, token.len);
        else if (token.kind == SPY_SQL_QUOTED && token.len > 2 && token.text[0] == '"')
            add_word(&words, token.text + 1, token.len - 2);
    }
}

static struct spy_words words_of_pattern(const char *text)
{
    struct spy_sql_lexer lexer;
    spy_sql_start(&lexer, text, strlen(text));
    lexer.pattern = true;
    return words_of(lexer);
}

static struct spy_words words_of_text(const char *text, size_t len, unsigned how)
{
    struct spy_sql_lexer lexer;
    spy_sql_start(&lexer, text, len);
    lexer.backslash = how & SPY_SQL_BACKSLASH;
    return words_of(lexer);
}

static bool subset(const struct spy_words *some, const struct spy_words *all)
{
    uint64_t missing = 0;
    for (int i = 0; i < 4; i++)
        missing |= some->bits[i] & ~all->bits[i];
    return missing == 0;
}

/* --- the table ---------------------------------------------------------------------------- */

uint32_t spy_patterns_find(const struct spy_patterns *patterns, const char *text)
{
    return spy_edges_find(&patterns->index, spy_hash(text, strlen(text))) - 1;
}

static void add_step(struct spy_patterns *patterns, const char *text, uint32_t rule, bool alone)
{
    spy_edges_add(&patterns->index, spy_hash(text, strlen(text)), patterns->count + 1);
    uint32_t i = spy_patterns_find(patterns, text);
    struct spy_pattern *pattern = &patterns->pattern[i];
    if (i == patterns->count) {
        *pattern = (struct spy_pattern){.text = text, .rule = SPY_NO_RULE};
        pattern->words = words_of_pattern(text);
        patterns->count++;
    }
    if (!alone)
        pattern->in_sequence = true;
    else if (pattern->rule == SPY_NO_RULE)
        pattern->rule = rule;
}

bool spy_patterns_open(struct spy_patterns *patterns, const struct spy_rules *rules)
{
    uint32_t steps = 0;
    for (uint32_t i = 0; i < rules->count; i++)
        steps += rules->rule[i].steps;
    patterns->pattern = calloc((size_t)steps + 1, sizeof(*patterns->pattern));
    if (!spy_edges_open(&patterns->index, steps) || patterns->pattern == NULL)
        return false;
    for (uint32_t i = 0; i < rules->count; i++)
        for (uint32_t step = 0; step < rules->rule[i].steps; step++)
            add_step(patterns, rules->rule[i].step[step], i, rules->rule[i].steps == 1);
    return true;
}
_Static_assert(SPY_RULES_OPERATIONS *SPY_RULES_STEPS < UINT16_MAX, "patterns fit spy_stmt_row");

void spy_patterns_close(struct spy_patterns *patterns)
{
    spy_edges_close(&patterns->index);
    free(patterns->pattern);
    patterns->pattern = NULL;
}

uint32_t spy_patterns_match(const struct spy_patterns *patterns, const char *text, size_t len,
                            unsigned how, uint32_t before, struct spy_stmt_row *row)
{
    uint32_t best = before;
    struct spy_words words = words_of_text(text, len, how);
    for (uint32_t i = 0; i < patterns->count; i++) {
        const struct spy_pattern *pattern = &patterns->pattern[i];
        bool alone = pattern->rule < best;
        bool fits = pattern->in_sequence && row->fits < SPY_STMT_FITS;
        if (!(alone || fits) || !subset(&pattern->words, &words) ||
            !spy_sql_match(pattern->text, text, len, how))
            continue;
        if (alone)
            best = pattern->rule;
        if (fits)
            row->fit[row->fits++] = (uint16_t)i;
    }
    return best < before ? best : SPY_NO_RULE;
}
