/* SPDX-License-Identifier: MIT */
/*
 * Keeping allowed URL parameters. See params.h.
 */
#include "classify/params.h"

#include <string.h>

struct span {
    const char *at;
    size_t len;
};

static bool allowed(const struct spy_rules *rules, struct span name)
{
    for (uint32_t i = 0; i < rules->parameters; i++)
        if (strlen(rules->parameter[i]) == name.len &&
            memcmp(rules->parameter[i], name.at, name.len) == 0)
            return true;
    return false;
}

/* The query of TARGET, without the question mark and a fragment. */
static struct span query_of(const char *target, size_t len)
{
    const char *mark = memchr(target, '?', len);
    if (mark == NULL)
        return (struct span){NULL, 0};
    struct span query = {mark + 1, (size_t)(target + len - mark - 1)};
    const char *hash = memchr(query.at, '#', query.len);
    if (hash != NULL)
        query.len = (size_t)(hash - query.at);
    return query;
}

/* Cuts the next "name=value" off QUERY. */
static bool next_pair(struct span *query, struct span *name, struct span *value)
{
    if (query->len == 0)
        return false;
    const char *end = memchr(query->at, '&', query->len);
    size_t len = end != NULL ? (size_t)(end - query->at) : query->len;
    const char *equals = memchr(query->at, '=', len);
    size_t name_len = equals != NULL ? (size_t)(equals - query->at) : len;
    *name = (struct span){query->at, name_len};
    *value =
        (struct span){query->at + name_len + (equals != NULL), len - name_len - (equals != NULL)};
    size_t used = len + (end != NULL);
    query->at += used;
    query->len -= used;
    return true;
}

static char harmless(char c)
{
    bool usual = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 (c != '\0' && strchr("-._~%+:,*/@!", c) != NULL);
    return usual ? c : '_';
}

static size_t put(char *out, struct span from)
{
    for (size_t i = 0; i < from.len; i++)
        out[i] = harmless(from.at[i]);
    return from.len;
}

size_t spy_params_keep(const struct spy_rules *rules, const char *target, size_t len,
                       char out[SPY_PARAMS_BYTES])
{
    size_t used = 0;
    struct span query = query_of(target, len), name, value;
    while (rules->parameters > 0 && next_pair(&query, &name, &value)) {
        bool cut = value.len > SPY_PARAM_VALUE_BYTES;
        if (cut)
            value.len = SPY_PARAM_VALUE_BYTES;
        size_t room = (used > 0) + name.len + 1 + value.len + cut;
        if (!allowed(rules, name) || used + room >= SPY_PARAMS_BYTES)
            continue;
        if (used > 0)
            out[used++] = ' ';
        used += put(out + used, name);
        out[used++] = '=';
        used += put(out + used, value);
        if (cut)
            out[used++] = '~';
    }
    out[used] = '\0';
    return used;
}
