/* SPDX-License-Identifier: MIT */
/*
 * The rules of several statements, compiled: see sequences.h.
 */
#include "classify/sequences.h"

#include <stdlib.h>

static uint64_t edge_key(uint32_t node, uint32_t pattern)
{
    return (uint64_t)node << 32 | pattern;
}

static uint32_t child_of(struct spy_sequences *sequences, uint32_t node, uint32_t pattern)
{
    uint32_t child = spy_edges_find(&sequences->index, edge_key(node, pattern));
    if (child != 0)
        return child;
    child = sequences->nodes++;
    sequences->node[child].rule = SPY_NO_RULE;
    sequences->node[node].inner = true;
    spy_edges_add(&sequences->index, edge_key(node, pattern), child);
    return child;
}

static void add_rule(struct spy_sequences *sequences, const struct spy_patterns *patterns,
                     const struct spy_rule *rule, uint32_t index, uint32_t op)
{
    uint32_t node = 0;
    for (uint32_t i = 0; i < rule->steps; i++) {
        if (!sequences->node[node].inner) {
            sequences->node[node].begun = index;
            sequences->node[node].begun_op = op;
        }
        node = child_of(sequences, node, spy_patterns_find(patterns, rule->step[i]));
    }
    if (sequences->node[node].rule != SPY_NO_RULE)
        return; /* the same statements in the same order: the first rule has them */
    sequences->node[node].rule = index;
    sequences->node[node].op = op;
}

bool spy_sequences_open(struct spy_sequences *sequences, const struct spy_rules *rules,
                        const struct spy_patterns *patterns, const uint32_t *op)
{
    uint32_t steps = 0;
    for (uint32_t i = 0; i < rules->count; i++)
        if (rules->rule[i].steps > 1)
            steps += rules->rule[i].steps;
    *sequences = (struct spy_sequences){.nodes = 1};
    sequences->node = calloc((size_t)steps + 1, sizeof(*sequences->node));
    if (!spy_edges_open(&sequences->index, steps) || sequences->node == NULL)
        return false;
    sequences->node[0].rule = SPY_NO_RULE;
    for (uint32_t i = 0; i < rules->count; i++)
        if (rules->rule[i].steps > 1)
            add_rule(sequences, patterns, &rules->rule[i], i, op[i]);
    return true;
}

void spy_sequences_close(struct spy_sequences *sequences)
{
    spy_edges_close(&sequences->index);
    free(sequences->node);
    sequences->node = NULL;
}

struct search {
    const struct spy_sequences *sequences;
    const struct spy_stmts *stmts;
    const spy_stmt *stmt;
    uint32_t count;
    uint32_t rule;  /* of the best match so far */
    uint32_t begun; /* first rule that all statements begin */
    struct spy_sequence best;
};

static void descend(struct search *search, uint32_t at, uint32_t depth)
{
    const struct spy_sequence_node *node = &search->sequences->node[at];
    if (node->rule != SPY_NO_RULE &&
        (depth > search->best.matched ||
         (depth == search->best.matched && node->rule < search->rule))) {
        search->best.matched = depth;
        search->best.op = node->op;
        search->rule = node->rule;
    }
    if (!node->inner)
        return;
    if (depth == search->count) {
        if (!search->best.extensible || node->begun < search->begun) {
            search->begun = node->begun;
            search->best.begun_op = node->begun_op;
        }
        search->best.extensible = true;
        return;
    }
    const struct spy_stmt_row *row = spy_stmts_row(search->stmts, search->stmt[depth]);
    for (uint32_t i = 0; i < row->fits; i++) {
        uint32_t child = spy_edges_find(&search->sequences->index, edge_key(at, row->fit[i]));
        if (child != 0)
            descend(search, child, depth + 1);
    }
}

struct spy_sequence spy_sequences_match(const struct spy_sequences *sequences,
                                        const struct spy_stmts *stmts, const spy_stmt *stmt,
                                        uint32_t count)
{
    struct search search = {
        .sequences = sequences,
        .stmts = stmts,
        .stmt = stmt,
        .count = count,
        .best = {.matched = 1, .op = spy_stmts_row(stmts, stmt[0])->op},
    };
    descend(&search, 0, 0);
    return search.best;
}
