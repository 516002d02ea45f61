/* SPDX-License-Identifier: MIT */
/*
 * HTTP patterns of the rules file: `METHOD /path/{param}`. Checks the form, and that no two
 * patterns of a file match the same requests. Contract in rules_internal.h.
 */
#include "shared/rules_internal.h"

#include <stdlib.h>
#include <string.h>

#define METHOD_BYTES 32u
#define ROUTE_BYTES  (METHOD_BYTES + SPY_RULES_PATH_BYTES)

struct segment {
    const char *text;
    size_t len;
};

struct route_reader {
    struct spy_rules_walk *walk;
    struct segment param[SPY_RULES_SEGMENTS];
    uint32_t params;
    char canonical[ROUTE_BYTES + 2]; /* with the parameters' names left out: what it matches */
    size_t used;
};

static bool fail(struct route_reader *reader, const char *why, struct segment segment)
{
    char copy[SPY_QUOTE_BYTES] = "", quoted[SPY_QUOTE_BYTES];
    size_t len = segment.len < sizeof(copy) ? segment.len : sizeof(copy) - 1;
    memcpy(copy, segment.text, len);
    return spy_walk_fail(reader->walk, SPY_ERR_VALUE, spy_walk_mark(reader->walk),
                         "http: %s: \"%s\"", why, spy_quote(quoted, copy));
}

static void append(struct route_reader *reader, const char *text, size_t len)
{
    memcpy(reader->canonical + reader->used, text, len);
    reader->used += len;
    reader->canonical[reader->used] = '\0';
}

static bool name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* `{name}`, or `{name...}` at the end of the path. */
static bool read_param(struct route_reader *reader, struct segment segment, bool last)
{
    struct segment name = {segment.text + 1, segment.len - 2};
    bool rest = name.len > 3 && memcmp(name.text + name.len - 3, "...", 3) == 0;
    if (rest && !last)
        return fail(reader, "only the last segment can be the rest of the path", segment);
    if (rest)
        name.len -= 3;
    if (name.len == 0)
        return fail(reader, "a parameter has a name, as in {part_id}", segment);
    for (size_t i = 0; i < name.len; i++)
        if (!name_char(name.text[i]))
            return fail(reader, "a parameter's name has letters, digits and _ only", segment);
    for (uint32_t i = 0; i < reader->params; i++)
        if (reader->param[i].len == name.len &&
            memcmp(reader->param[i].text, name.text, name.len) == 0)
            return fail(reader, "two parameters of one path have the same name", segment);
    reader->param[reader->params++] = name;
    append(reader, rest ? "{...}" : "{}", rest ? 5 : 2);
    return true;
}

static bool read_segment(struct route_reader *reader, struct segment segment, bool last)
{
    for (size_t i = 0; i < segment.len; i++) {
        unsigned char c = (unsigned char)segment.text[i];
        if (c <= 0x20 || c == 0x7F)
            return fail(reader, "a path has no spaces; write them as %20, as on the wire", segment);
        if (c == '?' || c == '#')
            return fail(reader, "a path ends before ? and #; queries are not matched", segment);
    }
    bool opens = segment.len > 0 && segment.text[0] == '{';
    bool closes = segment.len > 1 && segment.text[segment.len - 1] == '}';
    if (opens && closes)
        return read_param(reader, segment, last);
    if (memchr(segment.text, '{', segment.len) != NULL ||
        memchr(segment.text, '}', segment.len) != NULL)
        return fail(reader, "a parameter is a whole segment, as in /parts/{part_id}", segment);
    append(reader, segment.text, segment.len);
    return true;
}

static bool read_path(struct route_reader *reader, const char *path)
{
    if (path[0] != '/')
        return fail(reader, "the path must begin with /", (struct segment){path, strlen(path)});
    uint32_t count = 0;
    for (const char *at = path; *at == '/';) {
        struct segment segment = {at + 1, strcspn(at + 1, "/")};
        at = segment.text + segment.len;
        if (++count > SPY_RULES_SEGMENTS)
            return fail(reader, "the path has more than 32 segments", segment);
        append(reader, "/", 1);
        if (!read_segment(reader, segment, *at == '\0'))
            return false;
    }
    return true;
}
_Static_assert(SPY_RULES_SEGMENTS == 32, "the message above says 32");

static bool check_method(struct route_reader *reader, struct segment method)
{
    if (method.len == 1 && method.text[0] == '*')
        return true;
    if (method.len == 0 || method.len >= METHOD_BYTES)
        return fail(reader, "a pattern is METHOD /path, as in GET /parts/{part_id}", method);
    for (size_t i = 0; i < method.len; i++) {
        char c = method.text[i];
        if (!(c >= 'A' && c <= 'Z') && c != '-' && c != '_')
            return fail(reader, "the method is written in upper case, or * for any", method);
    }
    return true;
}

static bool claim(struct route_reader *reader, const char *pattern)
{
    struct spy_rules_walk *walk = reader->walk;
    struct spy_mark at = spy_walk_mark(walk);
    char quoted[SPY_QUOTE_BYTES];
    uint32_t earlier;
    if (!spy_claims_add(&walk->claims, reader->canonical, at.line, &earlier))
        return spy_walk_nomem(walk);
    if (earlier == 0)
        return true;
    return spy_walk_fail(walk, SPY_ERR_VALUE, at,
                         "http: \"%s\" in line %u conflicts with the pattern in line %u: both "
                         "match the same requests",
                         spy_quote(quoted, pattern), at.line, earlier);
}

/* Splits at the white space between method and path, and keeps both. */
static bool store(struct route_reader *reader, struct spy_rule *rule, struct segment method,
                  const char *path)
{
    struct spy_rule_route *route = &rule->route[rule->routes++];
    route->method = strndup(method.text, method.len);
    route->path = strdup(path);
    return (route->method != NULL && route->path != NULL) || spy_walk_nomem(reader->walk);
}

bool spy_rules_read_route(struct spy_rules_walk *walk, void *target)
{
    struct route_reader reader = {.walk = walk};
    const char *pattern;
    if (!spy_walk_text(walk, "http", ROUTE_BYTES, &pattern))
        return false;
    struct segment method = {pattern, strcspn(pattern, " \t")};
    const char *path = method.text + method.len + strspn(method.text + method.len, " \t");
    if (*path == '\0')
        return fail(&reader, "a pattern is METHOD /path, as in GET /parts/{part_id}",
                    (struct segment){pattern, strlen(pattern)});
    if (strlen(path) >= SPY_RULES_PATH_BYTES)
        return fail(&reader, "the path is too long", (struct segment){path, strlen(path)});
    if (!check_method(&reader, method))
        return false;
    append(&reader, "h:", 2);
    append(&reader, method.text, method.len);
    return read_path(&reader, path) && claim(&reader, pattern) &&
           store(&reader, target, method, path);
}
