/* SPDX-License-Identifier: MIT */
/*
 * The SQL of PostgreSQL's own tests, as psql would send it: read from a directory of files made for
 * psql, without its backslash commands and the data of COPY, its variables filled in where a file
 * sets them. What it gets wrong is no SQL, and falls out when PostgreSQL's parser sees it.
 *
 * It shares nothing with the lexer under test.
 */
#ifndef SPY_TEST_SQL_CORPUS_H
#define SPY_TEST_SQL_CORPUS_H

#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "unit/shared/growing.h"

struct corpus {
    char **text;
    size_t count;
    size_t room;
};

/* ---- psql ----------------------------------------------------------------------------------- */

enum { PSQL_VARIABLES = 64 };

struct psql {
    struct corpus *out;
    const char *at;
    const char *end;
    struct growing query; /* the statement so far */
    int parens;
    int begins;    /* BEGIN ATOMIC and CASE open in a function's body */
    char words[4]; /* the first letters of the statement's first words, where they matter */
    int word_count;
    struct {
        char name[64];
        char value[256];
    } variable[PSQL_VARIABLES];
    int variables;
};

static inline bool is_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static inline const char *line_end(const char *p, const char *end)
{
    const char *newline = memchr(p, '\n', (size_t)(end - p));
    return newline != NULL ? newline : end;
}

static inline void corpus_add(struct corpus *out, const char *text)
{
    if (out->count == out->room) {
        out->room = out->room * 2 + 1024;
        out->text = realloc(out->text, out->room * sizeof(*out->text));
        if (out->text == NULL)
            abort();
    }
    out->text[out->count++] = strdup(text);
}

static inline void psql_reset(struct psql *p)
{
    grow_clear(&p->query);
    p->parens = p->begins = p->word_count = 0;
    memset(p->words, 0, sizeof(p->words));
}

/* Rows for COPY FROM STDIN: up to a line with \. alone. None follow where the statement is one that
 * the tests expect to fail: then an empty line, a comment or another statement does. */
static inline void psql_skip_copied(struct psql *p)
{
    const char *line = line_end(p->at, p->end);

    for (line += line < p->end; line < p->end; line = line_end(line, p->end) + 1) {
        size_t len = (size_t)(line_end(line, p->end) - line);
        if (len == 2 && memcmp(line, "\\.", 2) == 0) {
            p->at = line + len;
            return;
        }
        if (len == 0 || memcmp(line, "--", 2) == 0 || line[len - 1] == ';')
            return;
    }
}

static inline void psql_send(struct psql *p)
{
    const char *text = p->query.bytes + strspn(p->query.bytes, " \t\r\n");
    bool copies = strncasecmp(text, "copy ", 5) == 0 && strcasestr(text, "from stdin") != NULL;

    if (*text != '\0')
        corpus_add(p->out, text);
    psql_reset(p);
    if (copies)
        psql_skip_copied(p);
}

static inline void psql_take(struct psql *p, const char *to)
{
    grow_by(&p->query, p->at, (size_t)(to - p->at));
    p->at = to;
}

/* \set NAME VALUE, as far as the tests use it. */
static inline void psql_set(struct psql *p, const char *from, const char *to)
{
    char line[320];
    int used = 0;

    if (p->variables == PSQL_VARIABLES || to - from >= (long)sizeof(line))
        return;
    memcpy(line, from, (size_t)(to - from));
    line[to - from] = '\0';
    char *name = p->variable[p->variables].name, *value = p->variable[p->variables].value;
    if (sscanf(line, " %63s %n", name, &used) != 1)
        return;
    size_t len = 0;
    for (const char *c = line + used; *c != '\0' && *c != '\n' && len < 255; c++)
        if (*c != '\'' || c[1] == '\'')
            value[len++] = *c, c += *c == '\'';
    value[len] = '\0';
    p->variables++;
}

/* A backslash outside quotes. */
static inline void psql_command(struct psql *p)
{
    static const char *const senders[] = {"g", "gx", "gset", "gexec", "gdesc", "crosstabview"};
    const char *from = p->at + 1, *to = from, *end = line_end(from, p->end);

    if (from < p->end && *from == ';') {
        grow(&p->query, ";");
        p->at = from + 1;
        return;
    }
    while (to < end && isalpha((unsigned char)*to))
        to++;
    bool quoted = false;
    for (const char *next = to; next + 1 < end; next++) {
        quoted ^= *next == '\'';
        if (!quoted && next[0] == '\\' && next[1] == '\\')
            end = next;
    }
    p->at = end < p->end && *end == '\\' ? end + 2 : end;
    size_t len = (size_t)(to - from);
    if (len == 3 && memcmp(from, "set", 3) == 0)
        psql_set(p, to, end);
    else if (len == 1 && *from == 'r')
        psql_reset(p);
    for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++)
        if (strlen(senders[i]) == len && memcmp(from, senders[i], len) == 0)
            psql_send(p);
}

/* A colon: perhaps :name, :'name' or :"name". */
static inline void psql_colon(struct psql *p)
{
    const char *name = p->at + 1, *to;
    char quote = name < p->end && (*name == '\'' || *name == '"') ? *name++ : '\0';

    if (p->end - p->at >= 2 && p->at[1] == ':') {
        psql_take(p, p->at + 2);
        return;
    }
    for (to = name; to < p->end && is_name(*to);)
        to++;
    bool closed = quote == '\0' || (to < p->end && *to == quote);
    for (int i = p->variables - 1; i >= 0 && closed && to > name; i--) {
        const char *known = p->variable[i].name;
        if (strlen(known) != (size_t)(to - name) || memcmp(known, name, strlen(known)) != 0)
            continue;
        grow_by(&p->query, &quote, quote != '\0');
        grow(&p->query, p->variable[i].value);
        grow_by(&p->query, &quote, quote != '\0');
        p->at = to + (quote != '\0');
        return;
    }
    psql_take(p, p->at + 1);
}

/* Words count in that the body of a function may hold semicolons: CREATE [OR REPLACE] FUNCTION ...
 * BEGIN ATOMIC ...; END. The same heuristic as psql's. */
static inline void psql_word(struct psql *p)
{
    const char *to = p->at;
    char word[16] = "";

    while (to < p->end && is_name(*to))
        to++;
    for (size_t i = 0; i < (size_t)(to - p->at) && i < sizeof(word) - 1; i++)
        word[i] = (char)tolower((unsigned char)p->at[i]);
    psql_take(p, to);
    static const char *const first[] = {"create", "or", "replace", "function", "procedure"};
    for (size_t i = 0; i < 5 && p->word_count < 4; i++)
        if (strcmp(word, first[i]) == 0)
            p->words[p->word_count] = word[0];
    p->word_count++;
    const char *w = p->words + (p->words[1] == 'o' && p->words[2] == 'r' ? 3 : 1);
    if (p->words[0] != 'c' || (*w != 'f' && *w != 'p') || p->parens > 0)
        return;
    if (strcmp(word, "begin") == 0 || (strcmp(word, "case") == 0 && p->begins > 0))
        p->begins++;
    else if (strcmp(word, "end") == 0 && p->begins > 0)
        p->begins--;
}

static inline const char *psql_comment_end(const char *at, const char *end)
{
    int depth = 0;

    do {
        if (end - at >= 2 && at[0] == '/' && at[1] == '*') {
            depth++;
            at += 2;
        } else if (end - at >= 2 && at[0] == '*' && at[1] == '/') {
            depth--;
            at += 2;
        } else {
            at++;
        }
    } while (depth > 0 && at < end);
    return at;
}

/* The end of the string or quoted name at P->at. */
static inline const char *psql_quote_end(const struct psql *p)
{
    const char *at = p->at;
    size_t before = p->query.len;
    bool escapes = *at == '\'' && before > 0 && (p->query.bytes[before - 1] | 0x20) == 'e' &&
                   (before == 1 || !is_name(p->query.bytes[before - 2]));

    for (char quote = *at++; at < p->end && *at != quote; at++)
        at += escapes && *at == '\\' && at + 1 < p->end;
    return at < p->end ? at + 1 : at;
}

/* The end of the $tag$...$tag$ at P->at, or of the dollar. */
static inline const char *psql_dollar_end(const struct psql *p)
{
    const char *tag = p->at + 1;

    while (tag < p->end && is_name(*tag) && *tag != '$')
        tag++;
    if (tag == p->end || *tag != '$' || isdigit((unsigned char)p->at[1]))
        return p->at + 1;
    size_t len = (size_t)(tag + 1 - p->at);
    const char *close = memmem(tag + 1, (size_t)(p->end - tag - 1), p->at, len);
    return close != NULL ? close + len : p->end;
}

static inline void psql_step(struct psql *p)
{
    char c = *p->at, next = p->end - p->at >= 2 ? p->at[1] : '\0';

    if (c == '-' && next == '-') {
        psql_take(p, line_end(p->at, p->end));
    } else if (c == '/' && next == '*') {
        psql_take(p, psql_comment_end(p->at, p->end));
    } else if (c == '\'' || c == '"') {
        psql_take(p, psql_quote_end(p));
    } else if (c == '$') {
        psql_take(p, psql_dollar_end(p));
    } else if (c == '\\') {
        psql_command(p);
    } else if (c == ':') {
        psql_colon(p);
    } else if (is_name(c) && (next != '\'' || isdigit((unsigned char)c))) {
        psql_word(p);
    } else if (c == ';' && p->parens == 0 && p->begins == 0) {
        p->at++;
        psql_send(p);
    } else {
        p->parens += c == '(';
        p->parens -= c == ')' && p->parens > 0;
        psql_take(p, p->at + 1);
    }
}

/* Adds what psql would send for the script FROM..END. */
static inline void corpus_add_script(struct corpus *out, const char *from, const char *end)
{
    struct psql *p = calloc(1, sizeof(*p));

    if (p == NULL)
        abort();
    p->out = out;
    p->at = from;
    p->end = end;
    psql_reset(p);
    while (p->at < p->end)
        psql_step(p);
    psql_send(p);
    free(p->query.bytes);
    free(p);
}

/* ---- files ---------------------------------------------------------------------------------- */

static inline void corpus_add_file(struct corpus *out, const char *path)
{
    FILE *file = fopen(path, "r");
    struct growing script = {0};
    char block[4096];
    size_t n;

    if (file == NULL)
        return;
    grow_clear(&script);
    while ((n = fread(block, 1, sizeof(block), file)) > 0)
        grow_by(&script, block, n);
    fclose(file);
    corpus_add_script(out, script.bytes, script.bytes + script.len);
    free(script.bytes);
}

/* Adds all files below DIR whose names end in .sql, in the order of their names. */
static inline void corpus_add_dir(struct corpus *out, const char *dir)
{
    struct dirent **entry;
    int count = scandir(dir, &entry, NULL, alphasort);

    for (int i = 0; i < count; i++) {
        const char *name = entry[i]->d_name;
        size_t len = strlen(name);
        char path[4096];
        struct stat st;
        snprintf(path, sizeof(path), "%s/%s", dir, name);
        if (name[0] != '.' && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
            corpus_add_dir(out, path);
        else if (len > 4 && strcmp(name + len - 4, ".sql") == 0)
            corpus_add_file(out, path);
        free(entry[i]);
    }
    if (count >= 0)
        free(entry);
}

static inline int corpus_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorts the texts and leaves each once. */
static inline void corpus_unique(struct corpus *corpus)
{
    size_t kept = 0;

    qsort(corpus->text, corpus->count, sizeof(*corpus->text), corpus_compare);
    for (size_t i = 0; i < corpus->count; i++) {
        if (kept > 0 && strcmp(corpus->text[kept - 1], corpus->text[i]) == 0)
            free(corpus->text[i]);
        else
            corpus->text[kept++] = corpus->text[i];
    }
    corpus->count = kept;
}

static inline void corpus_free(struct corpus *corpus)
{
    for (size_t i = 0; i < corpus->count; i++)
        free(corpus->text[i]);
    free(corpus->text);
    *corpus = (struct corpus){0};
}

#endif
