/* SPDX-License-Identifier: MIT */
/*
 * classify: which operation is it? Compiled rules, and the caches that make asking cheap.
 *
 * A classifier is made once, on the cold path, from parsed rules and the region whose operation
 * table it fills; afterwards every function here may be called by any thread at any time: they
 * take no lock, allocate nothing and make no system call. What is asked for the first time is
 * lexed and matched against the rules in order; the answer is cached, so that steady state costs
 * one hash and one probe however many rules there are.
 */
#ifndef SPY_CLASSIFY_CLASSIFY_H
#define SPY_CLASSIFY_CLASSIFY_H

#include "shared/region.h"
#include "shared/rules.h"

#include <stddef.h>
#include <stdint.h>

struct spy_classifier;

/* Compiles RULES (which must outlive the classifier; spy_rules_defaults() where there are none) and
 * enters every rule's operation into the region's operation table, in file order, so that tools
 * show it with no calls. REGION must be laid out and hold no operations yet. NULL when out of
 * memory. */
struct spy_classifier *spy_classifier_new(struct spy_region *region, const struct spy_rules *rules);
void spy_classifier_free(struct spy_classifier *classifier);

/* What a statement is: an index into the classifier's statement table. Statement 0 is "other": the
 * table of operations or of statements was full. Asking for such a one counts SPY_SELF_OPS_FULL. */
typedef uint32_t spy_stmt;
#define SPY_STMT_OTHER 0u
#define SPY_STMTS_MAX  8192u

/* The statement of this text. Two texts that differ only in literals, case, space or comments are
 * one statement, unless `comment:` rules tell them apart; so are texts that the rules treat alike,
 * alone and in sequences. The operation of an unmapped one is entered here, and its normalised text
 * kept, even if it is then credited to a sequence: it may stay without calls. */
spy_stmt spy_classify_sql(struct spy_classifier *classifier, const char *text, size_t len);

/* The statement prepared under NAME. TEXT is NULL where the preparation was not seen: then only
 * `prepared:` rules apply, and an unmapped one is the operation `prepared:NAME`. */
spy_stmt spy_classify_prepared(struct spy_classifier *classifier, const char *name,
                               const char *text, size_t len);

/* Operations of libpq that are no statements of the program. Unmapped, always there. */
enum spy_builtin { SPY_BUILTIN_CONNECT, SPY_BUILTIN_PREPARE, SPY_BUILTIN_COUNT };
uint32_t spy_classify_builtin(const struct spy_classifier *classifier, enum spy_builtin which);

/* The operation that one call of STMT on its own is credited to. */
uint32_t spy_classify_single(const struct spy_classifier *classifier, spy_stmt stmt);

/*
 * Sequences. Asked with the statements run so far on one connection since the last credit, oldest
 * first, COUNT of them (1 .. SPY_RULES_STEPS).
 */
struct spy_sequence {
    bool extensible;   /* another statement could still make it (part of) a longer match */
    uint32_t matched;  /* statements, from the first, that the longest complete rule covers; at
                        * least 1: the first statement on its own */
    uint32_t op;       /* the operation of that match */
    uint32_t begun_op; /* where extensible: the operation of the first rule that all COUNT
                        * statements begin */
};

/* What STMT[0..COUNT) amounts to. Longest match wins; among equals, the first in file order. A
 * statement that begins no sequence answers {false, 1, its own operation}. */
struct spy_sequence spy_classify_sequence(const struct spy_classifier *classifier,
                                          const spy_stmt *stmt, uint32_t count);

/* The operation of a request. TARGET is the request target as on the wire (any form, with or
 * without a query), TARGET_LEN bytes. Unmapped: method and templated path (classify/template.h), at
 * most SPY_ROUTES_MAX of them, then "other", which counts SPY_SELF_OPS_FULL. */
#define SPY_ROUTES_MAX 200u
uint32_t spy_classify_http(struct spy_classifier *classifier, const char *method, size_t method_len,
                           const char *target, size_t target_len);

/* The allowed URL parameters of a request; see classify/params.h. Returns the length. */
size_t spy_classify_params(const struct spy_classifier *classifier, const char *target,
                           size_t target_len, char out[SPY_PARAMS_BYTES]);

#endif
