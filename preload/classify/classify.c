/* SPDX-License-Identifier: MIT */
/*
 * classify: the classifier, assembled from its parts, and the ways into it. Contract in classify.h.
 *
 *   text ── hash ──▶ texts (cache) ──▶ statement                       steady state ends here
 *             └─ lex ──▶ fingerprint ──▶ shapes (cache) ──▶ statement    new text, known shape
 *                            └─ match all rules ──▶ operation, statement   new shape
 *
 * Rules that do not go by the text (comment:, prepared:) are found first, and their number goes
 * into the hashes: the same text under another such rule is another entry.
 */
#include "classify/classify.h"

#include "classify/cache.h"
#include "classify/hash.h"
#include "classify/optable.h"
#include "classify/params.h"
#include "classify/patterns.h"
#include "classify/routes.h"
#include "classify/sequences.h"
#include "classify/stmt.h"
#include "classify/tags.h"
#include "classify/template.h"
#include "shared/sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct spy_classifier {
    const struct spy_rules *rules;
    struct spy_optable ops;
    struct spy_stmts stmts;
    struct spy_cache texts;
    struct spy_cache shapes;
    struct spy_patterns patterns;
    struct spy_sequences sequences;
    struct spy_tags tags;
    struct spy_edges prepared; /* hash of the name -> rule + 1 */
    struct spy_routes routes;
    _Atomic uint32_t unmapped_routes;
    uint32_t *op; /* of every rule */
    uint32_t builtin[SPY_BUILTIN_COUNT];
};

static uint32_t unmapped_op(struct spy_classifier *c, const char *name)
{
    bool added;
    uint64_t key = spy_optable_key(SPY_KIND_SQL, name);
    uint32_t op = spy_optable_find(&c->ops, key);
    if (op == 0)
        op = spy_optable_add(&c->ops, key, SPY_KIND_SQL, name, &added);
    return op != 0 ? op : SPY_OP_OTHER_SQL;
}

/* --- making ------------------------------------------------------------------------------- */

static bool open_prepared(struct spy_classifier *c)
{
    if (!spy_edges_open(&c->prepared, c->rules->count))
        return false;
    for (uint32_t i = 0; i < c->rules->count; i++) {
        const char *name = c->rules->rule[i].prepared;
        if (name != NULL)
            spy_edges_add(&c->prepared, spy_hash(name, strlen(name)), i + 1);
    }
    return true;
}

static bool open_parts(struct spy_classifier *c, struct spy_region *region)
{
    c->op = calloc((size_t)c->rules->count + 1, sizeof(*c->op));
    if (c->op == NULL || !spy_optable_open(&c->ops, region))
        return false;
    for (uint32_t i = 0; i < c->rules->count; i++)
        c->op[i] = spy_optable_add_rule(&c->ops, &c->rules->rule[i], i);
    c->builtin[SPY_BUILTIN_CONNECT] = unmapped_op(c, "libpq.connect");
    c->builtin[SPY_BUILTIN_PREPARE] = unmapped_op(c, "libpq.prepare");
    return spy_stmts_open(&c->stmts) && spy_cache_open(&c->texts) && spy_cache_open(&c->shapes) &&
           spy_patterns_open(&c->patterns, c->rules) &&
           spy_sequences_open(&c->sequences, c->rules, &c->patterns, c->op) &&
           spy_tags_open(&c->tags, c->rules) && open_prepared(c) &&
           spy_routes_open(&c->routes, c->rules, c->op);
}

struct spy_classifier *spy_classifier_new(struct spy_region *region, const struct spy_rules *rules)
{
    struct spy_classifier *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return NULL;
    c->rules = rules;
    if (open_parts(c, region))
        return c;
    spy_classifier_free(c);
    return NULL;
}

void spy_classifier_free(struct spy_classifier *c)
{
    if (c == NULL)
        return;
    spy_routes_close(&c->routes);
    spy_edges_close(&c->prepared);
    spy_tags_close(&c->tags);
    spy_sequences_close(&c->sequences);
    spy_patterns_close(&c->patterns);
    spy_cache_close(&c->shapes);
    spy_cache_close(&c->texts);
    spy_stmts_close(&c->stmts);
    spy_optable_close(&c->ops);
    free(c->op);
    free(c);
}

/* --- statements --------------------------------------------------------------------------- */

static void count_full(struct spy_classifier *c)
{
    atomic_fetch_add_explicit(&c->ops.region->self[SPY_SELF_OPS_FULL], 1, memory_order_relaxed);
}

/* Keeps TEXT for the sequences that begin with the statement of ROW. */
static void keep_sequence_text(struct spy_classifier *c, const struct spy_stmt_row *row,
                               const char *text, uint32_t len)
{
    for (uint32_t i = 0; row->fits > 0 && i < c->rules->count; i++) {
        if (c->rules->rule[i].steps < 2)
            continue;
        uint32_t first = spy_patterns_find(&c->patterns, c->rules->rule[i].step[0]);
        for (uint32_t fit = 0; fit < row->fits; fit++)
            if (row->fit[fit] == first)
                spy_optable_keep_text(&c->ops, c->op[i], text, len);
    }
}

/* A shape seen for the first time. RULE is the rule that has been found without looking at the
 * text, or SPY_NO_RULE. Not inlined: its buffer must not burden the stack of the hot path. */
__attribute__((noinline)) static spy_stmt resolve(struct spy_classifier *c, const char *text,
                                                  size_t len, uint32_t rule)
{
    char normal_text[SPY_STATEMENT_BYTES + 1];
    struct spy_sql_normal normal = spy_sql_normalise(text, len, normal_text, sizeof(normal_text));
    struct spy_stmt_row row = {0};
    uint32_t by_text = spy_patterns_match(&c->patterns, text, len, rule, &row);
    if (by_text != SPY_NO_RULE)
        rule = by_text;
    if (rule != SPY_NO_RULE) {
        row.op = c->op[rule];
    } else {
        char name[SPY_NAME_BYTES];
        snprintf(name, sizeof(name), "sql:%016llx", (unsigned long long)normal.fingerprint);
        row.op = unmapped_op(c, name);
    }
    spy_optable_keep_text(&c->ops, row.op, normal_text, normal.len);
    keep_sequence_text(c, &row, normal_text, normal.len);
    return spy_stmts_intern(&c->stmts, &row);
}

/* A text seen for the first time, or again after its entry was lost. */
__attribute__((noinline)) static spy_stmt classify_text(struct spy_classifier *c, uint64_t hash,
                                                        const char *text, size_t len, uint32_t rule)
{
    uint32_t by_comment = spy_tags_match(&c->tags, text, len);
    rule = by_comment < rule ? by_comment : rule;
    struct spy_sql_normal normal = spy_sql_normalise(text, len, NULL, 0);
    uint64_t shape = spy_hash_seeded(&normal.fingerprint, sizeof(normal.fingerprint), rule);
    spy_stmt stmt;
    if (!spy_cache_find(&c->shapes, shape, &stmt)) {
        stmt = resolve(c, text, len, rule);
        spy_cache_insert(&c->shapes, shape, stmt);
    }
    spy_cache_insert(&c->texts, hash, stmt);
    return stmt;
}

static spy_stmt lookup(struct spy_classifier *c, uint64_t hash, const char *text, size_t len,
                       uint32_t rule)
{
    spy_stmt stmt;
    if (!spy_cache_find(&c->texts, hash, &stmt))
        stmt = classify_text(c, hash, text, len, rule);
    if (stmt == SPY_STMT_OTHER)
        count_full(c);
    return stmt;
}

spy_stmt spy_classify_sql(struct spy_classifier *c, const char *text, size_t len)
{
    return lookup(c, spy_hash(text, len), text, len, SPY_NO_RULE);
}

/* --- prepared statements ------------------------------------------------------------------ */

static uint32_t prepared_rule(const struct spy_classifier *c, const char *name)
{
    uint32_t found = spy_edges_find(&c->prepared, spy_hash(name, strlen(name)));
    if (found == 0 || strcmp(c->rules->rule[found - 1].prepared, name) != 0)
        return SPY_NO_RULE;
    return found - 1;
}

/* Names come from the program: what would break a table or a log becomes an underscore, and a long
 * one ends in a hash, so that two never fall together by being cut. */
static void prepared_name(char out[SPY_NAME_BYTES], const char *name)
{
    enum { PREFIX = 9, HASH = 9, ROOM = SPY_NAME_BYTES - 1 - PREFIX - HASH };
    size_t len = strlen(name), keep = len <= ROOM ? len : ROOM;
    memcpy(out, "prepared:", PREFIX);
    if (len == 0) {
        strcpy(out + PREFIX, "(unnamed)");
        return;
    }
    for (size_t i = 0; i < keep; i++) {
        bool safe = name[i] > 0x20 && name[i] < 0x7F && name[i] != '"' && name[i] != '\\';
        out[PREFIX + i] = safe ? name[i] : '_';
    }
    out[PREFIX + keep] = '\0';
    if (len > keep)
        snprintf(out + PREFIX + keep, HASH + 1, "~%08x", (unsigned)spy_hash(name, len));
}

static spy_stmt prepared_unseen(struct spy_classifier *c, const char *name, uint32_t rule)
{
    struct spy_stmt_row row = {0};
    if (rule != SPY_NO_RULE) {
        row.op = c->op[rule];
    } else {
        char own[SPY_NAME_BYTES];
        prepared_name(own, name);
        row.op = unmapped_op(c, own);
    }
    spy_stmt stmt = spy_stmts_intern(&c->stmts, &row);
    if (stmt == SPY_STMT_OTHER)
        count_full(c);
    return stmt;
}

spy_stmt spy_classify_prepared(struct spy_classifier *c, const char *name, const char *text,
                               size_t len)
{
    uint32_t rule = prepared_rule(c, name);
    if (text == NULL)
        return prepared_unseen(c, name, rule);
    uint64_t hash = spy_hash(text, len);
    if (rule != SPY_NO_RULE)
        hash = spy_hash_seeded(&hash, sizeof(hash), rule);
    return lookup(c, hash, text, len, rule);
}

uint32_t spy_classify_builtin(const struct spy_classifier *c, enum spy_builtin which)
{
    return c->builtin[which];
}

uint32_t spy_classify_single(const struct spy_classifier *c, spy_stmt stmt)
{
    return spy_stmts_row(&c->stmts, stmt)->op;
}

struct spy_sequence spy_classify_sequence(const struct spy_classifier *c, const spy_stmt *stmt,
                                          uint32_t count)
{
    return spy_sequences_match(&c->sequences, &c->stmts, stmt, count);
}

/* --- requests ----------------------------------------------------------------------------- */

/* A request that no rule matches. The place among the unmapped routes is taken before the row, so
 * that there are never more of them than allowed. */
static uint32_t unmapped_request(struct spy_classifier *c, const char *method, size_t method_len,
                                 const struct spy_target *target)
{
    char name[SPY_NAME_BYTES];
    spy_template_write(name, method, method_len, target);
    uint64_t key = spy_optable_key(SPY_KIND_HTTP, name);
    uint32_t op = spy_optable_find(&c->ops, key);
    if (op != 0)
        return op;
    if (atomic_load_explicit(&c->unmapped_routes, memory_order_relaxed) < SPY_ROUTES_MAX) {
        bool added = false;
        uint32_t place = atomic_fetch_add_explicit(&c->unmapped_routes, 1, memory_order_relaxed);
        if (place < SPY_ROUTES_MAX)
            op = spy_optable_add(&c->ops, key, SPY_KIND_HTTP, name, &added);
        if (!added)
            atomic_fetch_sub_explicit(&c->unmapped_routes, 1, memory_order_relaxed);
    }
    if (op == 0) /* the place went to another thread, perhaps for this very name */
        op = spy_optable_find(&c->ops, key);
    if (op != 0)
        return op;
    count_full(c);
    return SPY_OP_OTHER_HTTP;
}

uint32_t spy_classify_http(struct spy_classifier *c, const char *method, size_t method_len,
                           const char *target, size_t target_len)
{
    struct spy_target parsed = spy_target_parse(target, target_len);
    if (parsed.form == SPY_TARGET_PATH) {
        uint32_t op = spy_routes_match(&c->routes, method, method_len, parsed.path, parsed.len);
        if (op != SPY_ROUTE_NONE)
            return op;
    }
    return unmapped_request(c, method, method_len, &parsed);
}

size_t spy_classify_params(const struct spy_classifier *c, const char *target, size_t target_len,
                           char out[SPY_PARAMS_BYTES])
{
    return spy_params_keep(c->rules, target, target_len, out);
}
