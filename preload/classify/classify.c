/* SPDX-License-Identifier: MIT */
/*
 * classify: the classifier, assembled from its parts, and the ways into it but for statement texts
 * (texts.c). Contract in classify.h.
 */
#include "classify/classifier.h"

#include "classify/hash.h"
#include "classify/params.h"
#include "classify/template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* All but the operation table. Its name says to the build's checks that it may allocate. */
static bool spy_classifier_open(struct spy_classifier *c)
{
    c->op = calloc((size_t)c->rules->count + 1, sizeof(*c->op));
    if (c->op == NULL)
        return false;
    for (uint32_t i = 0; i < c->rules->count; i++)
        c->op[i] = spy_optable_add_rule(&c->ops, &c->rules->rule[i], i);
    return spy_stmts_open(&c->stmts) && spy_batches_open(&c->batches, &c->ops) &&
           spy_cache_open(&c->texts) && spy_cache_open(&c->shapes) &&
           spy_patterns_open(&c->patterns, c->rules) &&
           spy_sequences_open(&c->sequences, c->rules, &c->patterns, c->op) &&
           spy_tags_open(&c->tags, c->rules) && spy_origins_open(&c->origins, c->rules, &c->ops) &&
           open_prepared(c) && spy_routes_open(&c->routes, c->rules, c->op);
}

struct spy_classifier *spy_classifier_new(struct spy_region *region, const struct spy_rules *rules)
{
    struct spy_classifier *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return NULL;
    c->rules = rules;
    c->generation = 1;
    c->unmapped_routes = &c->first_unmapped_routes;
    if (spy_optable_open(&c->ops, region) && spy_classifier_open(c))
        return c;
    spy_classifier_free(c);
    return NULL;
}

struct spy_classifier *spy_classifier_renew(const struct spy_classifier *before,
                                            const struct spy_rules *rules)
{
    struct spy_classifier *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return NULL;
    c->rules = rules;
    c->before = before;
    c->generation = before->generation + 1;
    c->unmapped_routes = before->unmapped_routes;
    spy_optable_share(&c->ops, &before->ops);
    if (spy_classifier_open(c))
        return c;
    spy_classifier_free(c);
    return NULL;
}

uint32_t spy_classifier_generation(const struct spy_classifier *c)
{
    return c->generation;
}

const struct spy_rules *spy_classifier_rules(const struct spy_classifier *c)
{
    return c->rules;
}

void spy_classifier_set_terms(const struct spy_classifier *c)
{
    struct spy_region *region = c->ops.region;
    for (uint32_t i = 0; i < c->rules->count; i++)
        if (c->op[i] >= SPY_OP_FIRST_FREE)
            spy_optable_set_terms(region, c->op[i], &c->rules->rule[i], i);
    for (uint32_t i = SPY_OP_FIRST_FREE; i < spy_region_ops(region); i++) {
        struct spy_op *op = spy_region_op(region, i);
        if (atomic_load_explicit(&op->state, memory_order_acquire) != SPY_OP_READY || !op->mapped)
            continue;
        if (op->rule >= c->rules->count || c->op[op->rule] != i)
            spy_optable_set_terms(region, i, NULL, SPY_RULE_GONE);
    }
}

void spy_classifier_retire(struct spy_classifier *c)
{
    spy_cache_drop(&c->texts);
    spy_cache_drop(&c->shapes);
}

void spy_classifier_free(struct spy_classifier *c)
{
    if (c == NULL)
        return;
    spy_routes_close(&c->routes);
    spy_edges_close(&c->prepared);
    spy_origins_close(&c->origins);
    spy_tags_close(&c->tags);
    spy_sequences_close(&c->sequences);
    spy_patterns_close(&c->patterns);
    spy_cache_close(&c->shapes);
    spy_cache_close(&c->texts);
    spy_batches_close(&c->batches);
    spy_stmts_close(&c->stmts);
    if (c->before == NULL)
        spy_optable_close(&c->ops);
    free(c->op);
    free(c);
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
        row.op = spy_optable_sql(&c->ops, own);
    }
    spy_stmt stmt = spy_stmts_intern(&c->stmts, &row);
    if (stmt == SPY_STMT_OTHER)
        spy_classifier_full(c);
    return stmt;
}

spy_stmt spy_classify_prepared_as(struct spy_classifier *c, const char *name, const char *text,
                                  size_t len, unsigned how)
{
    uint32_t rule = prepared_rule(c, name);
    if (text == NULL)
        return prepared_unseen(c, name, rule);
    if (rule == SPY_NO_RULE)
        return spy_classify_sql_as(c, text, len, how);
    uint64_t hash = spy_hash(text, len);
    hash = spy_hash_seeded(&hash, sizeof(hash), ((uint64_t)rule + 1) << 32 | how);
    return spy_texts_find(c, hash, &(struct spy_text){text, len, how, rule, 0});
}

uint32_t spy_classify_builtin(struct spy_classifier *c, enum spy_builtin which)
{
    static const char *const names[SPY_BUILTIN_COUNT] = {
#define X(id, name) name,
        SPY_BUILTINS(X)
#undef X
    };
    uint32_t op = atomic_load_explicit(&c->builtin[which], memory_order_acquire);
    if (op == 0) {
        op = spy_optable_sql(&c->ops, names[which]);
        atomic_store_explicit(&c->builtin[which], op, memory_order_release);
    }
    return op;
}

struct spy_sequence spy_classify_sequence(const struct spy_classifier *c, const spy_stmt *stmt,
                                          uint32_t count)
{
    struct spy_sequence found = spy_sequences_match(&c->sequences, &c->stmts, stmt, count);
    if (found.matched == 1 && spy_stmts_row(&c->stmts, stmt[0])->batch != 0)
        found.op = spy_classify_single(c, stmt[0]); /* rules of one statement do not name it */
    return found;
}

static bool is_step(const struct spy_classifier *c, const struct spy_stmt_row *row, uint32_t op)
{
    const struct spy_op *o = spy_region_op(c->ops.region, op);
    const struct spy_rule *rule = o->mapped ? &c->rules->rule[o->rule] : NULL;
    for (uint32_t i = 0; rule != NULL && i < rule->steps && row->fits > 0; i++) {
        uint32_t pattern = spy_patterns_find(&c->patterns, rule->step[i]);
        for (uint32_t fit = 0; fit < row->fits; fit++)
            if (row->fit[fit] == pattern)
                return true;
    }
    return false;
}

bool spy_classify_may_be(const struct spy_classifier *c, spy_stmt stmt, uint32_t op)
{
    const spy_stmt *parts = &stmt;
    uint32_t count = spy_classify_parts(c, stmt, &parts);
    for (uint32_t i = 0; i < count; i++) {
        const struct spy_stmt_row *row = spy_stmts_row(&c->stmts, parts[i]);
        if (row->op == op || is_step(c, row, op))
            return true;
    }
    return false;
}

uint32_t spy_classify_origin(struct spy_classifier *c, spy_stmt stmt, uint32_t op[SPY_ORIGIN_OPS])
{
    uint32_t origin = spy_stmts_row(&c->stmts, stmt)->origin;
    return origin != 0 ? spy_origins_ops(&c->origins, origin, op) : 0;
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
    if (atomic_load_explicit(c->unmapped_routes, memory_order_relaxed) < SPY_ROUTES_MAX) {
        bool added = false;
        uint32_t place = atomic_fetch_add_explicit(c->unmapped_routes, 1, memory_order_relaxed);
        if (place < SPY_ROUTES_MAX)
            op = spy_optable_add(&c->ops, key, SPY_KIND_HTTP, name, &added);
        if (!added)
            atomic_fetch_sub_explicit(c->unmapped_routes, 1, memory_order_relaxed);
    }
    if (op == 0) /* the place went to another thread, perhaps for this very name */
        op = spy_optable_find(&c->ops, key);
    if (op != 0)
        return op;
    spy_classifier_full(c);
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
