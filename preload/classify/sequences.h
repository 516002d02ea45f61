/* SPDX-License-Identifier: MIT */
/*
 * The rules of several statements, compiled to a trie of patterns. A run of statements walks all
 * paths that its statements match; every node is visited at most once, and in practice one or two
 * are, however many rules there are.
 *
 * Matching: any thread, no lock, no allocation, signal-safe; recursion is SPY_RULES_STEPS deep.
 */
#ifndef SPY_CLASSIFY_SEQUENCES_H
#define SPY_CLASSIFY_SEQUENCES_H

#include "classify/edges.h"
#include "classify/patterns.h"
#include "classify/stmt.h"

struct spy_sequence_node {
    uint32_t op;    /* where a rule ends here */
    uint32_t rule;  /* the first such rule, or SPY_NO_RULE */
    bool inner;     /* has children */
    uint32_t begun; /* where there are children: the first rule that goes on from here, and */
    uint32_t begun_op;
};

struct spy_sequences {
    struct spy_sequence_node *node; /* 0 is the root */
    uint32_t nodes;
    struct spy_edges index; /* node and pattern -> child */
};

/* OP[i] is the operation of rule i. False when out of memory. */
bool spy_sequences_open(struct spy_sequences *sequences, const struct spy_rules *rules,
                        const struct spy_patterns *patterns, const uint32_t *op);
void spy_sequences_close(struct spy_sequences *sequences);

/* See spy_classify_sequence(). */
struct spy_sequence spy_sequences_match(const struct spy_sequences *sequences,
                                        const struct spy_stmts *stmts, const spy_stmt *stmt,
                                        uint32_t count);

#endif
