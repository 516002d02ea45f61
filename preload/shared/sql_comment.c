/* SPDX-License-Identifier: MIT */
/*
 * sqlcommenter tags: key='value' pairs that frameworks put into a comment of a statement. Keys and
 * values are URL-encoded; a quote within a value is written \'.
 *
 * Any thread, any signal handler; allocates nothing. What is not well formed is skipped up to the
 * next comma.
 */
#include "shared/sql_internal.h"

#include <string.h>

struct cursor {
    const char *at;
    const char *end;
};

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void skip_spaces(struct cursor *cursor)
{
    while (cursor->at < cursor->end && is_space(*cursor->at))
        cursor->at++;
}

static int hex_value(char c)
{
    unsigned char u = spy_sql_fold(c);

    if (u >= '0' && u <= '9')
        return u - '0';
    return u >= 'a' && u <= 'f' ? u - 'a' + 10 : -1;
}

/* Takes one byte, decoded. What is no %XX stands for itself, and so does %00: the result is to be a
 * C string. */
static char take_decoded(struct cursor *cursor)
{
    const char *p = cursor->at;

    cursor->at++;
    if (*p != '%' || cursor->end - p < 3)
        return *p;
    int high = hex_value(p[1]), low = hex_value(p[2]);
    if (high < 0 || low < 0 || (high == 0 && low == 0))
        return *p;
    cursor->at += 2;
    return (char)(high << 4 | low);
}

/* Is the encoded name NAME the key? */
static bool key_is(struct cursor name, const char *key)
{
    while (name.at < name.end)
        if (*key == '\0' || take_decoded(&name) != *key++)
            return false;
    return *key == '\0';
}

/* Reads up to and past `=` and the opening quote; false at anything else. NAME becomes the key. */
static bool take_name(struct cursor *cursor, struct cursor *name)
{
    skip_spaces(cursor);
    name->at = cursor->at;
    while (cursor->at < cursor->end && *cursor->at != '=' && *cursor->at != ',')
        cursor->at++;
    name->end = cursor->at;
    while (name->end > name->at && is_space(name->end[-1]))
        name->end--;
    if (cursor->at == cursor->end || *cursor->at == ',')
        return false;
    cursor->at++;
    skip_spaces(cursor);
    if (cursor->at == cursor->end || *cursor->at != '\'')
        return false;
    cursor->at++;
    return true;
}

/* Reads a value past its closing quote, and keeps what fits of it. */
static bool take_value(struct cursor *cursor, char *value, size_t cap)
{
    size_t used = 0;
    char c;

    while (cursor->at < cursor->end && *cursor->at != '\'') {
        if (*cursor->at == '\\' && cursor->end - cursor->at >= 2) {
            c = cursor->at[1];
            cursor->at += 2;
        } else {
            c = take_decoded(cursor);
        }
        if (used + 1 < cap)
            value[used++] = c;
    }
    if (cap > 0)
        value[used] = '\0';
    if (cursor->at == cursor->end)
        return false;
    cursor->at++;
    return true;
}

/* Goes on behind the next comma. */
static void skip_pair(struct cursor *cursor)
{
    while (cursor->at < cursor->end && *cursor->at != ',')
        cursor->at++;
    cursor->at += cursor->at < cursor->end;
}

bool spy_sql_comment_tag(const char *comment, size_t len, const char *key, char *value, size_t cap)
{
    struct cursor cursor = {comment, comment + len};
    struct cursor name;

    while (cursor.at < cursor.end) {
        if (take_name(&cursor, &name)) {
            bool wanted = key_is(name, key);
            bool closed = take_value(&cursor, value, wanted ? cap : 0);
            if (wanted || !closed)
                return wanted && closed;
        }
        skip_pair(&cursor);
    }
    return false;
}

bool spy_sql_tags_next(struct spy_sql_tags *tags, struct spy_sql_tag *tag)
{
    struct cursor cursor = {tags->at, tags->end};
    struct cursor name;
    bool found = false;

    while (!found && cursor.at < cursor.end) {
        if (take_name(&cursor, &name)) {
            tag->value = cursor.at;
            found = take_value(&cursor, NULL, 0);
            tag->value_len = (size_t)(cursor.at - tag->value) - found;
        }
        skip_pair(&cursor);
    }
    tags->at = cursor.at;
    if (!found)
        return false;
    tag->name = name.at;
    tag->name_len = (size_t)(name.end - name.at);
    return true;
}

bool spy_sql_tag_is(const struct spy_sql_tag *tag, const char *key)
{
    return key_is((struct cursor){tag->name, tag->name + tag->name_len}, key);
}

bool spy_sql_last_comment(const char *text, size_t len, size_t *body, struct spy_sql_tags *tags)
{
    while (len > 0 && (is_space(text[len - 1]) || text[len - 1] == ';'))
        len--;
    if (len < 4 || text[len - 1] != '/' || text[len - 2] != '*')
        return false;
    /* Back to its beginning. One that is nested in another ends before that does. */
    for (size_t at = len - 3; at > 0; at--) {
        const char *pair = text + at - 1;
        if (pair[0] == '*' && pair[1] == '/')
            return false;
        if (pair[0] != '/' || pair[1] != '*')
            continue;
        *body = at - 1;
        *tags = (struct spy_sql_tags){pair + 2, text + len - 2};
        return true;
    }
    return false;
}
