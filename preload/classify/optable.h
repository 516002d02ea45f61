/* SPDX-License-Identifier: MIT */
/*
 * The operation table's writer: enters operations into the region, each once, and finds them
 * again. An operation is identified by its kind, whether a rule names it, and its name; the `key`
 * of its row is the hash of these.
 *
 * All but open and close are wait-free and may be called by any thread.
 */
#ifndef SPY_CLASSIFY_OPTABLE_H
#define SPY_CLASSIFY_OPTABLE_H

#include "classify/intern.h"
#include "shared/region.h"
#include "shared/rules.h"

/* Longest statement text that is kept, without the NUL. */
#define SPY_STATEMENT_BYTES 4096u

struct spy_optable {
    struct spy_region *region;
    struct spy_intern intern;
    _Atomic uint32_t requests; /* how many operations of requests were entered: it grows after they
                                * are READY */
};

/* REGION must be laid out and have no operations yet. Enters the two "other" operations. False
 * when out of memory. */
bool spy_optable_open(struct spy_optable *table, struct spy_region *region);
void spy_optable_close(struct spy_optable *table);

/* Makes TABLE another writer of the region and the index of OTHER, which both then use; OTHER must
 * outlive TABLE, which is not to be closed. */
void spy_optable_share(struct spy_optable *table, const struct spy_optable *other);

/* The operation in ROW is named by RULE, the INDEX-th; by none where RULE is NULL. */
void spy_optable_set_terms(struct spy_region *region, uint32_t row, const struct spy_rule *rule,
                           uint32_t index);

/* Enters the operation of RULE, the INDEX-th, unless it is there. Returns its row, or the "other"
 * one of its kind when the table is full. */
uint32_t spy_optable_add_rule(struct spy_optable *table, const struct spy_rule *rule,
                              uint32_t index);

/* The row of the operation that a rule calls NAME, or 0. */
uint32_t spy_optable_named(const struct spy_optable *table, enum spy_kind kind, const char *name);

/* What identifies the unmapped operation NAME (NUL-terminated, shorter than SPY_NAME_BYTES). */
uint64_t spy_optable_key(enum spy_kind kind, const char *name);

/* The row of an unmapped operation, or 0 where it has none. */
uint32_t spy_optable_find(const struct spy_optable *table, uint64_t key);

/* The row of the unmapped operation of SQL called NAME, entered if there is none; the "other" one
 * when the table is full. */
uint32_t spy_optable_sql(struct spy_optable *table, const char *name);

/* The same for the statement with this fingerprint: `sql:` and that in 16 digits. */
uint32_t spy_optable_statement(struct spy_optable *table, uint64_t fingerprint);

/* Enters the unmapped operation NAME under its KEY. Returns its row, or 0 when the table is full.
 * *ADDED tells whether this call made it. */
uint32_t spy_optable_add(struct spy_optable *table, uint64_t key, enum spy_kind kind,
                         const char *name, bool *added);

/* Keeps TEXT as the statement of OP if it has none yet and there is room. */
void spy_optable_keep_text(struct spy_optable *table, uint32_t op, const char *text, uint32_t len);

#endif
