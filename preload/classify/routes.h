/* SPDX-License-Identifier: MIT */
/*
 * The `http:` rules, compiled to a trie of path segments. At every segment a literal is tried
 * before a parameter, and a parameter before the rest of the path; what leads nowhere is backed out
 * of. So the most specific pattern wins, wherever it stands in the file, and the cost does not
 * depend on the number of rules.
 *
 * Paths are compared as they are on the wire, byte by byte: nothing is decoded or normalised.
 * Matching: any thread, no lock, no allocation, signal-safe; recursion is SPY_RULES_SEGMENTS deep.
 */
#ifndef SPY_CLASSIFY_ROUTES_H
#define SPY_CLASSIFY_ROUTES_H

#include "classify/edges.h"
#include "shared/rules.h"

#include <stddef.h>

/* What a path that ends at a node is, by method. Number 0 of all routes is "none". */
struct spy_route {
    const char *method; /* the rule's; "*" is any */
    size_t method_len;
    uint32_t op;
    uint32_t next;
};

struct spy_route_node {
    const char *literal; /* the segment that leads here, into the rule; NULL for parameters */
    size_t literal_len;
    bool literals;  /* has children by literal segments */
    uint32_t param; /* child by `{name}`; 0: none */
    uint32_t exact; /* first route of paths that end here */
    uint32_t rest;  /* first route of `{name...}` here */
};

struct spy_routes {
    struct spy_route_node *node; /* 0 is the root */
    uint32_t nodes;
    struct spy_route *route;
    uint32_t routes;
    struct spy_edges index; /* node and literal segment -> child */
};

#define SPY_ROUTE_NONE UINT32_MAX

/* OP[i] is the operation of rule i. RULES must outlive it. False when out of memory. */
bool spy_routes_open(struct spy_routes *routes, const struct spy_rules *rules, const uint32_t *op);
void spy_routes_close(struct spy_routes *routes);

/* The operation of a request for PATH, which begins with a slash and has no query, or
 * SPY_ROUTE_NONE. */
uint32_t spy_routes_match(const struct spy_routes *routes, const char *method, size_t method_len,
                          const char *path, size_t path_len);

#endif
