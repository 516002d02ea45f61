/* SPDX-License-Identifier: MIT */
/*
 * Matching requests with the patterns of the rules; see route.h.
 */
#include "validate/route.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* How a segment was matched; the smaller, the more specific. */
enum fit { FIT_LITERAL = '0', FIT_PARAM, FIT_REST, FIT_ANY_METHOD };

/* One character a segment, then one for the method: patterns compare like their spellings. */
struct rank {
    char text[SPY_RULES_SEGMENTS + 2];
    size_t used;
};

static bool is_rest(const char *segment, size_t len)
{
    return len > 5 && segment[0] == '{' && memcmp(segment + len - 4, "...}", 4) == 0;
}

/* Matches one segment; both stand behind their slashes. */
static bool fits(const char *pattern, size_t pattern_len, const char *path, size_t path_len,
                 enum fit *fit)
{
    bool param = pattern_len > 0 && pattern[0] == '{';
    *fit = param ? FIT_PARAM : FIT_LITERAL;
    return param ? path_len > 0 : path_len == pattern_len && memcmp(pattern, path, path_len) == 0;
}

/* PATH of LEN bytes against PATTERN; fills RANK. */
static bool match_path(const char *pattern, const char *path, size_t len, struct rank *rank)
{
    const char *end = path + len;
    while (*pattern == '/') {
        size_t pattern_len = strcspn(pattern + 1, "/");
        if (path == end)
            return false;
        if (is_rest(pattern + 1, pattern_len)) {
            rank->text[rank->used++] = FIT_REST;
            return true;
        }
        const char *segment = path + 1;
        const char *slash = memchr(segment, '/', (size_t)(end - segment));
        size_t segment_len = (size_t)((slash != NULL ? slash : end) - segment);
        enum fit fit;
        if (!fits(pattern + 1, pattern_len, segment, segment_len, &fit))
            return false;
        rank->text[rank->used++] = (char)fit;
        pattern += 1 + pattern_len;
        path = segment + segment_len;
    }
    return path == end;
}

static bool match_route(const struct spy_rule_route *route, const char *method, const char *path,
                        size_t len, struct rank *rank)
{
    *rank = (struct rank){0};
    bool any = strcmp(route->method, "*") == 0;
    if ((!any && strcmp(route->method, method) != 0) || !match_path(route->path, path, len, rank))
        return false;
    rank->text[rank->used] = any ? FIT_ANY_METHOD : FIT_LITERAL;
    return true;
}

int val_route_find(const struct spy_rules *rules, const char *method, const char *path)
{
    struct rank best, rank;
    size_t len = strcspn(path, "?");
    int found = -1;
    for (uint32_t i = 0; i < rules->count; i++)
        for (uint32_t k = 0; k < rules->rule[i].routes; k++) {
            if (!match_route(&rules->rule[i].route[k], method, path, len, &rank))
                continue;
            if (found < 0 || strcmp(rank.text, best.text) < 0) {
                best = rank;
                found = (int)i;
            }
        }
    return found;
}

void val_route_template(char *out, size_t cap, const char *method, const char *path)
{
    size_t len = strcspn(path, "?");
    size_t used = (size_t)snprintf(out, cap, "%s ", method);
    for (size_t i = 0; i < len && used + 5 < cap;) {
        size_t segment = 1 + strcspn(path + i + 1, "/?");
        size_t digits = strspn(path + i + 1, "0123456789");
        bool number = digits > 0 && digits + 1 == segment;
        used += (size_t)snprintf(out + used, cap - used, "%.*s", number ? 4 + 1 : (int)segment,
                                 number ? "/{id}" : path + i);
        used = used < cap ? used : cap - 1;
        i += segment;
    }
}
