/* SPDX-License-Identifier: MIT */
/*
 * The `http:` rules, compiled: see routes.h.
 */
#include "classify/routes.h"

#include "classify/hash.h"

#include <stdlib.h>
#include <string.h>

struct span {
    const char *text;
    size_t len;
};

/* The segment that begins behind the slash at AT. */
static struct span segment_at(const char *at, const char *end)
{
    const char *begin = at + 1;
    const char *slash = begin < end ? memchr(begin, '/', (size_t)(end - begin)) : NULL;
    return (struct span){begin, (size_t)((slash != NULL ? slash : end) - begin)};
}

static uint32_t literal_child(const struct spy_routes *routes, uint32_t node, struct span segment)
{
    uint64_t key = spy_hash_seeded(segment.text, segment.len, node);
    uint32_t child = spy_edges_find(&routes->index, key);
    const struct spy_route_node *found = &routes->node[child];
    bool same = child != 0 && found->literal_len == segment.len &&
                memcmp(found->literal, segment.text, segment.len) == 0;
    return same ? child : 0;
}

/* --- building ----------------------------------------------------------------------------- */

static uint32_t add_child(struct spy_routes *routes, uint32_t node, struct span segment)
{
    bool param = segment.len > 0 && segment.text[0] == '{';
    uint32_t child = param ? routes->node[node].param : literal_child(routes, node, segment);
    if (child != 0)
        return child;
    child = routes->nodes++;
    if (param) {
        routes->node[node].param = child;
        return child;
    }
    routes->node[node].literals = true;
    routes->node[child].literal = segment.text;
    routes->node[child].literal_len = segment.len;
    spy_edges_add(&routes->index, spy_hash_seeded(segment.text, segment.len, node), child);
    return child;
}

static void add_route(struct spy_routes *routes, const struct spy_rule_route *pattern, uint32_t op)
{
    const char *end = pattern->path + strlen(pattern->path);
    uint32_t node = 0;
    bool rest = false;
    for (const char *at = pattern->path; at < end;) {
        struct span segment = segment_at(at, end);
        at = segment.text + segment.len;
        rest = segment.len > 5 && memcmp(at - 4, "...}", 4) == 0 && segment.text[0] == '{';
        if (!rest)
            node = add_child(routes, node, segment);
    }
    uint32_t *first = rest ? &routes->node[node].rest : &routes->node[node].exact;
    routes->route[routes->routes] = (struct spy_route){
        .method = pattern->method,
        .method_len = strlen(pattern->method),
        .op = op,
        .next = *first,
    };
    *first = routes->routes++;
}

static uint32_t count_segments(const struct spy_rules *rules, uint32_t *patterns)
{
    uint32_t segments = 0;
    *patterns = 0;
    for (uint32_t i = 0; i < rules->count; i++) {
        *patterns += rules->rule[i].routes;
        for (uint32_t k = 0; k < rules->rule[i].routes; k++)
            for (const char *at = rules->rule[i].route[k].path; *at != '\0'; at++)
                segments += *at == '/';
    }
    return segments;
}

bool spy_routes_open(struct spy_routes *routes, const struct spy_rules *rules, const uint32_t *op)
{
    uint32_t patterns, segments = count_segments(rules, &patterns);
    *routes = (struct spy_routes){.nodes = 1, .routes = 1};
    routes->node = calloc((size_t)segments + 1, sizeof(*routes->node));
    routes->route = calloc((size_t)patterns + 1, sizeof(*routes->route));
    if (!spy_edges_open(&routes->index, segments) || routes->node == NULL || routes->route == NULL)
        return false;
    for (uint32_t i = 0; i < rules->count; i++)
        for (uint32_t k = 0; k < rules->rule[i].routes; k++)
            add_route(routes, &rules->rule[i].route[k], op[i]);
    return true;
}

void spy_routes_close(struct spy_routes *routes)
{
    spy_edges_close(&routes->index);
    free(routes->node);
    free(routes->route);
    routes->node = NULL;
    routes->route = NULL;
}

/* --- matching ----------------------------------------------------------------------------- */

/* The operation of the list that begins at FIRST for the method: its own, else that of "*". */
static uint32_t by_method(const struct spy_routes *routes, uint32_t first, struct span method)
{
    uint32_t any = SPY_ROUTE_NONE;
    for (uint32_t i = first; i != 0; i = routes->route[i].next) {
        const struct spy_route *route = &routes->route[i];
        if (route->method_len == method.len && memcmp(route->method, method.text, method.len) == 0)
            return route->op;
        if (route->method[0] == '*')
            any = route->op;
    }
    return any;
}

/* AT is a slash or the end. */
static uint32_t descend(const struct spy_routes *routes, uint32_t at_node, struct span method,
                        const char *at, const char *end)
{
    const struct spy_route_node *node = &routes->node[at_node];
    if (at == end)
        return by_method(routes, node->exact, method);
    struct span segment = segment_at(at, end);
    const char *behind = segment.text + segment.len;
    uint32_t op = SPY_ROUTE_NONE;
    uint32_t child = node->literals ? literal_child(routes, at_node, segment) : 0;
    if (child != 0)
        op = descend(routes, child, method, behind, end);
    if (op == SPY_ROUTE_NONE && node->param != 0 && segment.len > 0)
        op = descend(routes, node->param, method, behind, end);
    if (op == SPY_ROUTE_NONE)
        op = by_method(routes, node->rest, method);
    return op;
}

uint32_t spy_routes_match(const struct spy_routes *routes, const char *method, size_t method_len,
                          const char *path, size_t path_len)
{
    return descend(routes, 0, (struct span){method, method_len}, path, path + path_len);
}
