/* SPDX-License-Identifier: MIT */
/*
 * The walk over libyaml's events: what every part of the rules grammar stands on. It knows YAML
 * and error messages, nothing of rules. Contract in rules_internal.h.
 *
 * Nesting is bounded by the grammar itself: each reader accepts one kind of event and ends the
 * walk at any other, so a text nested deeper is never descended into.
 */
#include "shared/rules_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool spy_walk_open(struct spy_rules_walk *walk, const char *text, size_t len, struct spy_error *err)
{
    memset(walk, 0, sizeof(*walk));
    walk->err = err;
    if (!yaml_parser_initialize(&walk->parser))
        return spy_walk_nomem(walk);
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark */
        text += 3;
        len -= 3;
    }
    yaml_parser_set_input_string(&walk->parser, (const unsigned char *)(len != 0 ? text : ""), len);
    yaml_parser_set_encoding(&walk->parser, YAML_UTF8_ENCODING);
    return true;
}

void spy_walk_close(struct spy_rules_walk *walk)
{
    yaml_event_delete(&walk->event);
    yaml_parser_delete(&walk->parser);
}

bool spy_walk_fail(struct spy_rules_walk *walk, enum spy_status status, struct spy_mark at,
                   const char *format, ...)
{
    walk->status = status;
    if (walk->err == NULL)
        return false;
    walk->err->line = at.line;
    walk->err->column = at.column;
    va_list args;
    va_start(args, format);
    vsnprintf(walk->err->text, sizeof(walk->err->text), format, args);
    va_end(args);
    return false;
}

bool spy_walk_nomem(struct spy_rules_walk *walk)
{
    return spy_walk_fail(walk, SPY_ERR_NOMEM, (struct spy_mark){0}, "out of memory");
}

static struct spy_mark mark_of(yaml_mark_t mark)
{
    return (struct spy_mark){.line = (uint32_t)mark.line + 1, .column = (uint32_t)mark.column + 1};
}

struct spy_mark spy_walk_mark(const struct spy_rules_walk *walk)
{
    return mark_of(walk->event.start_mark);
}

/* What usually lies behind a complaint of libyaml's scanner, for people who do not know YAML's
 * finer points: statements and patterns hold characters that mean something to YAML. */
static const char *hint(const yaml_parser_t *parser)
{
    if (strstr(parser->problem, "mapping values are not allowed") != NULL)
        return "; quote a text that contains a colon and a space";
    if (parser->context != NULL && strstr(parser->context, "scanning an alias") != NULL)
        return "; quote a text that begins with *";
    if (strstr(parser->problem, "found character that cannot start any token") != NULL)
        return "; indent with spaces, quote a text that begins with %, @ or `";
    return "";
}

/* Where byte OFFSET of the input is. libyaml reads ahead, so that for a bad byte its own mark is
 * somewhere before. */
static struct spy_mark mark_of_byte(const yaml_parser_t *parser, size_t offset)
{
    struct spy_mark mark = {.line = 1, .column = 1};
    const unsigned char *at = parser->input.string.start;
    const unsigned char *end = parser->input.string.end;
    for (; offset > 0 && at < end; offset--, at++) {
        if (*at == '\n') {
            mark.line++;
            mark.column = 1;
        } else if ((*at & 0xC0) != 0x80) {
            mark.column++;
        }
    }
    return mark;
}

static bool fail_yaml(struct spy_rules_walk *walk)
{
    const yaml_parser_t *parser = &walk->parser;
    if (parser->error == YAML_MEMORY_ERROR)
        return spy_walk_nomem(walk);
    if (parser->error == YAML_READER_ERROR)
        return spy_walk_fail(walk, SPY_ERR_SYNTAX, mark_of_byte(parser, parser->problem_offset),
                             "not plain UTF-8 text: %s", parser->problem);
    if (parser->problem == NULL)
        return spy_walk_fail(walk, SPY_ERR_SYNTAX, mark_of(parser->mark), "not YAML");
    return spy_walk_fail(walk, SPY_ERR_SYNTAX, mark_of(parser->problem_mark), "not YAML: %s%s%s%s",
                         parser->context != NULL ? parser->context : "",
                         parser->context != NULL ? ": " : "", parser->problem, hint(parser));
}

/* Anchors, aliases and tags change what a reader sees into something else: no rule needs them. */
static bool plain_event(struct spy_rules_walk *walk)
{
    const yaml_event_t *event = &walk->event;
    const unsigned char *anchor = NULL, *tag = NULL;
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    }
    struct spy_mark at = spy_walk_mark(walk);
    if (event->type == YAML_ALIAS_EVENT)
        return spy_walk_fail(walk, SPY_ERR_SYNTAX, at,
                             "aliases (*name) are not allowed here; write the value out, or quote "
                             "a text that begins with *");
    if (anchor != NULL)
        return spy_walk_fail(walk, SPY_ERR_SYNTAX, at,
                             "anchors (&name) are not allowed here; write the value plainly, or "
                             "quote a text that begins with &");
    if (tag != NULL)
        return spy_walk_fail(walk, SPY_ERR_SYNTAX, at,
                             "tags (!name) are not allowed here; write the value plainly, or "
                             "quote a text that begins with !");
    return true;
}

bool spy_walk_next(struct spy_rules_walk *walk)
{
    yaml_event_delete(&walk->event);
    if (!yaml_parser_parse(&walk->parser, &walk->event))
        return fail_yaml(walk);
    return plain_event(walk);
}

const char *spy_quote(char buffer[SPY_QUOTE_BYTES], const char *text)
{
    size_t len = strnlen(text, SPY_QUOTE_BYTES);
    size_t keep = len;
    if (len >= SPY_QUOTE_BYTES) {
        keep = SPY_QUOTE_BYTES - sizeof("...");
        while (keep > 0 && ((unsigned char)text[keep] & 0xC0) == 0x80)
            keep--; /* not in the middle of a UTF-8 character */
    }
    for (size_t i = 0; i < keep; i++)
        buffer[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7F ? '?' : text[i];
    strcpy(buffer + keep, keep < len ? "..." : "");
    return buffer;
}

bool spy_walk_text(struct spy_rules_walk *walk, const char *what, size_t cap, const char **text)
{
    struct spy_mark at = spy_walk_mark(walk);
    if (walk->event.type != YAML_SCALAR_EVENT)
        return spy_walk_fail(walk, SPY_ERR_SYNTAX, at, "%s must be a single value, not a %s", what,
                             walk->event.type == YAML_MAPPING_START_EVENT ? "mapping" : "list");
    const char *value = (const char *)walk->event.data.scalar.value;
    size_t len = walk->event.data.scalar.length;
    if (len == 0)
        return spy_walk_fail(walk, SPY_ERR_VALUE, at, "%s is empty", what);
    if (strlen(value) != len)
        return spy_walk_fail(walk, SPY_ERR_VALUE, at, "%s contains a NUL character", what);
    if (len >= cap)
        return spy_walk_fail(walk, SPY_ERR_VALUE, at,
                             "%s is too long: %zu bytes, at most %zu are allowed", what, len,
                             cap - 1);
    *text = value;
    return true;
}

bool spy_walk_copy(struct spy_rules_walk *walk, const char *what, size_t cap, char **copy)
{
    const char *text;
    if (!spy_walk_text(walk, what, cap, &text))
        return false;
    *copy = strdup(text);
    return *copy != NULL || spy_walk_nomem(walk);
}

bool spy_walk_mapping(struct spy_rules_walk *walk, const char *what, spy_pair_reader *each,
                      void *target)
{
    if (walk->event.type != YAML_MAPPING_START_EVENT)
        return spy_walk_fail(walk, SPY_ERR_SYNTAX, spy_walk_mark(walk),
                             "%s must be a mapping (key: value)", what);
    for (;;) {
        if (!spy_walk_next(walk))
            return false;
        if (walk->event.type == YAML_MAPPING_END_EVENT)
            return true;
        char key[SPY_RULES_TEXT_BYTES];
        const char *text;
        struct spy_mark at = spy_walk_mark(walk);
        if (!spy_walk_text(walk, "a key", sizeof(key), &text))
            return false;
        strcpy(key, text);
        if (!spy_walk_next(walk) || !each(walk, key, at, target))
            return false;
    }
}

bool spy_walk_list(struct spy_rules_walk *walk, const char *what, uint32_t max, bool empty_is_fine,
                   spy_value_reader *each, void *target)
{
    struct spy_mark begin = spy_walk_mark(walk);
    if (walk->event.type != YAML_SEQUENCE_START_EVENT)
        return spy_walk_fail(walk, SPY_ERR_SYNTAX, begin, "%s must be a list", what);
    for (uint32_t count = 0;; count++) {
        if (!spy_walk_next(walk))
            return false;
        if (walk->event.type == YAML_SEQUENCE_END_EVENT)
            return count > 0 || empty_is_fine ||
                   spy_walk_fail(walk, SPY_ERR_VALUE, begin, "%s is an empty list", what);
        if (count == max)
            return spy_walk_fail(walk, SPY_ERR_VALUE, spy_walk_mark(walk),
                                 "too many items in %s: at most %u are allowed", what, max);
        if (!each(walk, target))
            return false;
    }
}

bool spy_walk_one_or_list(struct spy_rules_walk *walk, const char *what, uint32_t max,
                          spy_value_reader *each, void *target)
{
    if (walk->event.type == YAML_SEQUENCE_START_EVENT)
        return spy_walk_list(walk, what, max, false, each, target);
    return each(walk, target);
}
