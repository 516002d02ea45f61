/* SPDX-License-Identifier: MIT */
/*
 * Half of the oracle: the tokens that PostgreSQL's own scanner, in libpg_query, makes of a text.
 */
#ifndef SPY_TEST_SQL_TOKENS_H
#define SPY_TEST_SQL_TOKENS_H

#include <pg_query.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { PG_PLAIN, PG_UNRESERVED, PG_COLUMN_NAME, PG_TYPE_NAME, PG_RESERVED };

struct pg_token {
    uint32_t from;
    uint32_t to;
    uint32_t type;
    uint32_t word; /* what kind of key word, if it is one: PG_... */
};

struct pg_tokens {
    struct pg_token *token; /* without comments */
    size_t count;
    size_t room;
};

/* The types of tokens that the tests must know; the scanner is asked for them. */
static struct {
    uint32_t string, unicode, bits, hex, integer, number, param, line, block;
    uint32_t nchar, uescape;
} pg_type;

static inline uint64_t pg_varint(const uint8_t **p)
{
    uint64_t value = 0;

    for (int shift = 0;; shift += 7) {
        uint8_t byte = *(*p)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
}

static inline struct pg_token pg_decode_token(const uint8_t *p, const uint8_t *end)
{
    struct pg_token token = {0};

    while (p < end) {
        uint64_t field = pg_varint(&p) >> 3, value = pg_varint(&p);
        if (field == 1)
            token.from = (uint32_t)value;
        else if (field == 2)
            token.to = (uint32_t)value;
        else if (field == 4)
            token.type = (uint32_t)value;
        else if (field == 5)
            token.word = (uint32_t)value;
    }
    return token;
}

/* libpg_query does not tell where U&'' and U&"" end. */
static inline void pg_mend_unicode(const char *text, struct pg_tokens *tokens)
{
    for (size_t i = 0; i < tokens->count; i++) {
        struct pg_token *t = &tokens->token[i];
        if ((text[t->from] | 0x20) != 'u' || text[t->from + 1] != '&' ||
            (text[t->from + 2] != '\'' && text[t->from + 2] != '"'))
            continue;
        char quote = text[t->from + 2];
        const char *p = text + t->from + 3;
        while (p[0] != quote || p[1] == quote)
            p += 1 + (p[0] == quote);
        t->to = (uint32_t)(p + 1 - text);
    }
}

/* The tokens of TEXT, false if the scanner refuses it. */
static inline bool pg_scan(const char *text, struct pg_tokens *out)
{
    PgQueryScanResult result = pg_query_scan(text);
    const uint8_t *p = (const uint8_t *)result.pbuf.data, *end = p + result.pbuf.len;
    bool scanned = result.error == NULL;

    out->count = 0;
    while (scanned && p < end) {
        uint64_t field = pg_varint(&p) >> 3, value = pg_varint(&p);
        if (field != 2)
            continue;
        struct pg_token token = pg_decode_token(p, p + value);
        p += value;
        if (token.type == pg_type.line || token.type == pg_type.block)
            continue;
        if (out->count == out->room) {
            out->room = out->room * 2 + 256;
            out->token = realloc(out->token, out->room * sizeof(*out->token));
            if (out->token == NULL)
                abort();
        }
        out->token[out->count++] = token;
    }
    pg_query_free_scan_result(result);
    pg_mend_unicode(text, out);
    return scanned;
}

static inline void pg_learn_types(void)
{
    struct pg_tokens t = {0};

    if (pg_type.string != 0)
        return;
    if (!pg_scan("'a' u&'a' b'1' x'1' 1 1.5 $1 --\n /**/ n'' uescape", &t) || t.count != 12)
        abort();
    uint32_t *const type[] = {&pg_type.string,  &pg_type.unicode, &pg_type.bits,  &pg_type.hex,
                              &pg_type.integer, &pg_type.number,  &pg_type.param, &pg_type.line,
                              &pg_type.block,   &pg_type.nchar};
    for (size_t i = 0; i < 10; i++)
        *type[i] = t.token[i].type;
    pg_type.uescape = t.token[11].type;
    free(t.token);
}

static inline bool pg_is_number(const struct pg_token *t)
{
    return t->type == pg_type.integer || t->type == pg_type.number;
}

static inline bool pg_is_string(const struct pg_token *t)
{
    return t->type == pg_type.string || t->type == pg_type.unicode;
}

static inline bool pg_is_literal(const struct pg_token *t)
{
    return pg_is_number(t) || pg_is_string(t) || t->type == pg_type.bits ||
           t->type == pg_type.hex || t->type == pg_type.param;
}

/* Is token I a U&'' with UESCAPE and its character behind it? */
static inline bool pg_has_escape(const struct pg_tokens *tokens, size_t i)
{
    const struct pg_token *t = &tokens->token[i];

    return i + 2 < tokens->count && t->type == pg_type.unicode && t[1].type == pg_type.uescape &&
           pg_is_string(&t[2]);
}

/* Is token I such a character, of a string or of an identifier? */
static inline bool pg_is_escape(const struct pg_tokens *tokens, size_t i)
{
    return i > 1 && tokens->token[i - 1].type == pg_type.uescape && pg_is_string(&tokens->token[i]);
}

#endif
