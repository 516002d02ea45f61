/* SPDX-License-Identifier: MIT */
/*
 * Conversations on one HTTP/1 connection, read from tests/fixtures/http/, with what must be made
 * out of them. Every byte says which exchange it belongs to, so that byte counts and times are
 * known without the code under test. For test programs; one thread.
 *
 * A file has one item a line:
 *   # text        a comment
 *   K> text       read by the server, a byte of request K; without K of none
 *   K< text       written, a byte of the final response to request K
 *   K^ text       written, a byte of an interim response to request K
 *   K<* N c       N times the character c          K<~ N   N opaque bytes (any of > < ^)
 *   close         the end of the conversation
 *   = METHOD TARGET STATUS [aborted] [lost] [open]   the exchanges to be reported, in order;
 *                 open: the end of the request was not read before the exchange was over
 *   end HOW       followed, not-http, lost or handed-over
 * Text knows \r \n \t \\ and \xHH.
 */
#ifndef TESTS_UNIT_OBSERVE_HTTP1_CONVERSATION_H
#define TESTS_UNIT_OBSERVE_HTTP1_CONVERSATION_H

#include "observe/http1.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONVERSATION_BYTES     70000
#define CONVERSATION_EXCHANGES 20
#define CONVERSATION_LINE      4096

struct conversation_byte {
    char value;
    char way;      /* '>', '<' or '^' */
    uint8_t owner; /* exchange, from 1; 0: none */
    bool opaque;
};

struct conversation_exchange {
    char operation[CONVERSATION_LINE]; /* "METHOD TARGET" */
    uint32_t status;
    bool aborted;
    bool lost;
    bool open;
};

struct conversation {
    char name[512];
    struct conversation_byte byte[CONVERSATION_BYTES];
    size_t bytes;
    struct conversation_exchange exchange[CONVERSATION_EXCHANGES];
    size_t exchanges;
    enum spy_http1_lost end;
};

static void conversation_fail(const struct conversation *c, const char *line)
{
    fprintf(stderr, "%s: cannot understand the line: %s\n", c->name, line);
    exit(1);
}

/* Resolves escapes in place; returns the length. */
static size_t conversation_unescape(const struct conversation *c, char *text)
{
    size_t out = 0;
    for (const char *p = text; *p; p++) {
        if (*p != '\\') {
            text[out++] = *p;
            continue;
        }
        p++;
        unsigned value = 0;
        if (*p == 'r')
            text[out++] = '\r';
        else if (*p == 'n')
            text[out++] = '\n';
        else if (*p == 't')
            text[out++] = '\t';
        else if (*p == '\\')
            text[out++] = '\\';
        else if (*p == 'x' && sscanf(p + 1, "%2x", &value) == 1)
            text[out++] = (char)value;
        else
            conversation_fail(c, text);
        if (*p == 'x')
            p += 2;
    }
    text[out] = '\0';
    return out;
}

static void conversation_append(struct conversation *c, struct conversation_byte byte, size_t times)
{
    for (size_t i = 0; i < times; i++) {
        if (c->bytes == CONVERSATION_BYTES)
            conversation_fail(c, "too many bytes");
        c->byte[c->bytes++] = byte;
    }
}

static void conversation_bytes_line(struct conversation *c, char *line)
{
    char *p = line;
    struct conversation_byte byte = {0};
    byte.owner = (uint8_t)strtoul(p, &p, 10);
    byte.way = *p++;
    char *count_end = NULL;
    if (*p == '~' || *p == '*') {
        byte.opaque = *p == '~';
        size_t count = strtoul(p + 1, &count_end, 10);
        byte.value = byte.opaque ? 0 : count_end[1];
        conversation_append(c, byte, count);
        return;
    }
    if (*p != ' ')
        conversation_fail(c, line);
    size_t len = conversation_unescape(c, ++p);
    for (size_t i = 0; i < len; i++) {
        byte.value = p[i];
        conversation_append(c, byte, 1);
    }
}

static void conversation_exchange_line(struct conversation *c, char *line)
{
    char method[32];
    char target[CONVERSATION_LINE - 64];
    struct conversation_exchange e = {0};
    if (c->exchanges == CONVERSATION_EXCHANGES ||
        sscanf(line, "= %31s %4031s %u", method, target, &e.status) != 3)
        conversation_fail(c, line);
    conversation_unescape(c, target);
    snprintf(e.operation, sizeof(e.operation), "%s %s", method, target);
    const char *flags = strrchr(line, ' ') ? line : "";
    e.aborted = strstr(flags, " aborted") != NULL;
    e.lost = strstr(flags, " lost") != NULL;
    e.open = strstr(flags, " open") != NULL;
    c->exchange[c->exchanges++] = e;
}

static void conversation_end_line(struct conversation *c, const char *line)
{
    static const char *const names[] = {"followed", "not-http", "lost", "handed-over"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(line + strlen("end "), names[i]) == 0) {
            c->end = (enum spy_http1_lost)i;
            return;
        }
    }
    conversation_fail(c, line);
}

/* Reads one file into C; any error ends the test program, with a message. */
static void conversation_read(struct conversation *c, const char *path)
{
    char line[CONVERSATION_LINE];
    FILE *file = fopen(path, "r");
    memset(c, 0, sizeof(*c));
    snprintf(c->name, sizeof(c->name), "%s", path);
    if (!file)
        conversation_fail(c, "the file cannot be opened (run from the top of the tree)");
    while (fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#' || line[0] == '\0' || strcmp(line, "close") == 0)
            continue;
        if (line[0] == '=')
            conversation_exchange_line(c, line);
        else if (strncmp(line, "end ", 4) == 0)
            conversation_end_line(c, line);
        else if (isdigit((unsigned char)line[0]) || strchr("<>^", line[0]))
            conversation_bytes_line(c, line);
        else
            conversation_fail(c, line);
    }
    fclose(file);
}

#endif
