/* SPDX-License-Identifier: MIT */
/*
 * The sqlcommenter tags of statements: which of their comments differ to us, and the `comment:`
 * rules, compiled: which rule is meant.
 * Rules are grouped by the keys that they name: in practice one or two groups, so that a statement
 * is asked for one or two sets of values, however many rules there are.
 *
 * Matching: any thread, no lock, no allocation, signal-safe.
 */
#ifndef SPY_CLASSIFY_TAGS_H
#define SPY_CLASSIFY_TAGS_H

#include "classify/edges.h"
#include "shared/rules.h"
#include "shared/sql.h"

#include <stddef.h>

struct spy_tags {
    const struct spy_rules *rules;
    uint32_t *group; /* for every group of rules with the same keys, the first rule */
    uint32_t groups;
    struct spy_edges index; /* hash of group and values -> rule + 1 */
};

/* RULES must outlive it. False when out of memory. */
bool spy_tags_open(struct spy_tags *tags, const struct spy_rules *rules);
void spy_tags_close(struct spy_tags *tags);

/* The last comment of TEXT, which is read as HOW says (shared/sql.h), wherever in it; empty where
 * it has none. */
struct spy_sql_tags spy_tags_of(const char *text, size_t len, unsigned how);

/* The first rule in file order all of whose tags are in COMMENT; SPY_NO_RULE if there is none. */
uint32_t spy_tags_match(const struct spy_tags *tags, const struct spy_sql_tags *comment);

/* What COMMENT tells: equal for two that differ only in tags that nobody asks for. *ONCE: it has
 * such tags as are new with every call (traceparent), or may be. */
uint64_t spy_tags_hash(const struct spy_tags *tags, const struct spy_sql_tags *comment, bool *once);

#endif
