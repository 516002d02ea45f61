/* SPDX-License-Identifier: MIT */
/*
 * The `sql:` rules, compiled: every different pattern text once, whichever rules use it. A
 * statement is matched against all of them the first time it is seen; most are ruled out by a set
 * of words, without being looked at.
 *
 * Matching: any thread, no lock, no allocation, signal-safe.
 */
#ifndef SPY_CLASSIFY_PATTERNS_H
#define SPY_CLASSIFY_PATTERNS_H

#include "classify/edges.h"
#include "classify/stmt.h"
#include "shared/rules.h"

#define SPY_NO_RULE UINT32_MAX

/* A Bloom filter of a text's words. What a pattern says in words must be in the text: a pattern
 * with a bit that the text lacks cannot match it. */
struct spy_words {
    uint64_t bits[4];
};

struct spy_pattern {
    const char *text; /* the rule's */
    struct spy_words words;
    uint32_t rule;    /* the first rule that has this statement alone, or SPY_NO_RULE */
    bool in_sequence; /* some rule has it as one of several */
};

struct spy_patterns {
    struct spy_pattern *pattern; /* in order of first appearance */
    uint32_t count;
    struct spy_edges index; /* hash of the text -> pattern + 1 */
};

/* RULES must outlive it. False when out of memory. */
bool spy_patterns_open(struct spy_patterns *patterns, const struct spy_rules *rules);
void spy_patterns_close(struct spy_patterns *patterns);

/* The pattern with this text, which must be one of the rules'. */
uint32_t spy_patterns_find(const struct spy_patterns *patterns, const char *text);

/* Matches the statement TEXT, read as HOW says (shared/sql.h): sets the fits of ROW, and returns
 * the first rule in file order, but before BEFORE, that has a matching statement alone; SPY_NO_RULE
 * if none has. */
uint32_t spy_patterns_match(const struct spy_patterns *patterns, const char *text, size_t len,
                            unsigned how, uint32_t before, struct spy_stmt_row *row);

#endif
