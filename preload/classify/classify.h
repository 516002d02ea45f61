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
#include "shared/sql.h"

#include <stddef.h>
#include <stdint.h>

struct spy_classifier;

/* Compiles RULES (which must outlive the classifier; spy_rules_defaults() where there are none) and
 * enters every rule's operation into the region's operation table, in file order, so that tools
 * show it with no calls. REGION must be laid out and hold no operations yet. NULL when out of
 * memory. */
struct spy_classifier *spy_classifier_new(struct spy_region *region, const struct spy_rules *rules);
void spy_classifier_free(struct spy_classifier *classifier);

/*
 * Compiles other RULES for the region of the classifier BEFORE, of the same region and kept as long
 * as the new one. Operations go on in their rows by kind and name; new ones get rows. Statements
 * are numbers of the classifier that gave them, and mean nothing to another. NULL when out of
 * memory; rows may have been added then.
 */
struct spy_classifier *spy_classifier_renew(const struct spy_classifier *before,
                                            const struct spy_rules *rules);

/* How many there have been in this region, with this one; and what it was made from. */
uint32_t spy_classifier_generation(const struct spy_classifier *classifier);
const struct spy_rules *spy_classifier_rules(const struct spy_classifier *classifier);

/* Makes the region's operations say what the rules of CLASSIFIER say of them. One thread at a time,
 * while the region says that its rules are being changed. */
void spy_classifier_set_terms(const struct spy_classifier *classifier);

/* Nobody new will use CLASSIFIER: gives back what it can do without. It goes on working, for those
 * who are in it still and for statements that it gave. */
void spy_classifier_retire(struct spy_classifier *classifier);

/* What a statement is: an index into the classifier's statement table. Statement 0 is "other": the
 * table of operations or of statements was full. Asking for such a one counts SPY_SELF_OPS_FULL. */
typedef uint32_t spy_stmt;
#define SPY_STMT_OTHER 0u
#define SPY_STMTS_MAX  8192u

/* The statement of this text. Two texts that differ only in literals, case, space or comments are
 * one statement, unless `comment:` rules or the requests that their tags name tell them apart; so
 * are texts that the rules treat alike, alone and in sequences. The operation of an unmapped one is
 * entered here, and its normalised text kept, even if it is then credited to a sequence: it may
 * stay without calls. HOW is 0, or SPY_SQL_BACKSLASH (shared/sql.h) where
 * standard_conforming_strings is off on its connection. */
spy_stmt spy_classify_sql_as(struct spy_classifier *classifier, const char *text, size_t len,
                             unsigned how);

static inline spy_stmt spy_classify_sql(struct spy_classifier *classifier, const char *text,
                                        size_t len)
{
    return spy_classify_sql_as(classifier, text, len, 0);
}

/* The statement prepared under NAME. TEXT is NULL where the preparation was not seen: then only
 * `prepared:` rules apply, and an unmapped one is the operation `prepared:NAME`. */
spy_stmt spy_classify_prepared_as(struct spy_classifier *classifier, const char *name,
                                  const char *text, size_t len, unsigned how);

static inline spy_stmt spy_classify_prepared(struct spy_classifier *classifier, const char *name,
                                             const char *text, size_t len)
{
    return spy_classify_prepared_as(classifier, name, text, len, 0);
}

/*
 * The statements of a text that has several (shared/sql.h), in the order in which the server runs
 * them: sets *PARTS to them, which stay as long as the classifier, and returns how many there are.
 * Each is the statement that its own text would be, with the comments that stand before its
 * semicolon; those behind the last semicolon are the last one's. Parts that are "other" count no
 * SPY_SELF_OPS_FULL.
 *
 * 1, and *PARTS untouched, where STMT is one statement; and where a text had more than
 * SPY_BATCH_MAX of them or found no room among the batches: then it is one under the normalised
 * text of all of it.
 */
#define SPY_BATCH_MAX 64u
uint32_t spy_classify_parts(const struct spy_classifier *classifier, spy_stmt stmt,
                            const spy_stmt **parts);

/* Operations of libpq that are no statements of the program. Unmapped. */
#define SPY_BUILTINS(X)                         \
    X(CONNECT, "libpq.connect")                 \
    X(PING, "libpq.ping")                       \
    X(PREPARE, "libpq.prepare")                 \
    X(DESCRIBE, "libpq.describe")               \
    X(CLOSE, "libpq.close")                     \
    X(FUNCTION, "libpq.function")               \
    X(CANCEL, "libpq.cancel")                   \
    X(NOTIFY, "libpq.notify")                   \
    X(SYNC, "libpq.pipeline_sync")              \
    X(CHANGE_PASSWORD, "libpq.change_password") \
    X(LO_OPEN, "libpq.lo_open")                 \
    X(LO_CLOSE, "libpq.lo_close")               \
    X(LO_READ, "libpq.lo_read")                 \
    X(LO_WRITE, "libpq.lo_write")               \
    X(LO_SEEK, "libpq.lo_seek")                 \
    X(LO_TRUNCATE, "libpq.lo_truncate")         \
    X(LO_CREATE, "libpq.lo_create")             \
    X(LO_UNLINK, "libpq.lo_unlink")             \
    X(LO_IMPORT, "libpq.lo_import")             \
    X(LO_EXPORT, "libpq.lo_export")

enum spy_builtin {
#define X(id, name) SPY_BUILTIN_##id,
    SPY_BUILTINS(X)
#undef X
        SPY_BUILTIN_COUNT
};

/* The operation of WHICH; entered when it is first asked for. */
uint32_t spy_classify_builtin(struct spy_classifier *classifier, enum spy_builtin which);

/* The operation that one call of STMT on its own is credited to. Of a text with several statements:
 * that of the whole, which no rule names; it is entered when it is first asked for, so ask only
 * where its parts cannot be told apart. */
uint32_t spy_classify_single(const struct spy_classifier *classifier, spy_stmt stmt);

/* Is STMT one statement, which no sequence has in it? Then *OP is what all its calls are credited
 * to. */
bool spy_classify_alone(const struct spy_classifier *classifier, spy_stmt stmt, uint32_t *op);

/*
 * The operations of requests that the sqlcommenter tags of STMT's text name as what it is run for
 * (classify/origins.h): writes them to OP and returns how many. 0: it has no such tags, or they
 * name nothing. Of a text with several statements, the last one's tags count; of a prepared one,
 * those of the text that it was prepared with.
 */
#define SPY_ORIGIN_OPS 8u
uint32_t spy_classify_origin(struct spy_classifier *classifier, spy_stmt stmt,
                             uint32_t op[SPY_ORIGIN_OPS]);

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

/* Can a call of OP be STMT, or a part of it or of a sequence that it is in? */
bool spy_classify_may_be(const struct spy_classifier *classifier, spy_stmt stmt, uint32_t op);

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
