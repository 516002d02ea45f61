/* SPDX-License-Identifier: MIT */
/*
 * From texts to statements:
 *
 *   text ── hash ──▶ texts (cache) ──▶ statement                       steady state ends here
 *             ├─ skeleton ── hash ──▶ shapes (cache) ──▶ statement       new plain literals, or
 *             │                                                          a new traceparent
 *             └─ lex ──▶ fingerprint ──▶ shapes (cache) ──▶ statement    new text, known shape
 *                            └─ match all rules ──▶ operation, statement   new shape
 *
 * A text of several statements is lexed to the shape of each; together these are known, or become,
 * a batch, whose statement stands in the cache of texts like any other.
 *
 * The comment that ends a text is no part of its skeleton, but for the tags that somebody asks for:
 * texts with a traceparent each are lexed once, and do not fill the cache of texts.
 *
 * Rules that do not go by the text (comment:, prepared:) are found first, and their number goes
 * into the hashes: the same text under another such rule is another entry.
 *
 * Any thread; no lock, no allocation, no system call.
 */
#include "classify/classifier.h"
#include "classify/hash.h"
#include "shared/sql.h"

/* What seeds the hashes of shapes is made of: a rule (32 bits), whether it is a skeleton's (1 bit),
 * an origin. */
#define SKELETON_SEED (1ull << 32)
#define ORIGIN_SHIFT  33

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

/* A shape seen for the first time. Not inlined: its buffer must not burden the stack of the hot
 * path. */
__attribute__((noinline)) static spy_stmt resolve(struct spy_classifier *c,
                                                  const struct spy_text *text)
{
    char normal_text[SPY_STATEMENT_BYTES + 1];
    struct spy_sql_normal normal =
        spy_sql_normalise_as(text->at, text->len, text->how, normal_text, sizeof(normal_text));
    struct spy_stmt_row row = {.origin = (uint16_t)text->origin};
    uint32_t rule =
        spy_patterns_match(&c->patterns, text->at, text->len, text->how, text->rule, &row);
    if (rule == SPY_NO_RULE)
        rule = text->rule;
    row.op = rule != SPY_NO_RULE ? c->op[rule] : spy_optable_statement(&c->ops, normal.fingerprint);
    spy_optable_keep_text(&c->ops, row.op, normal_text, normal.len);
    keep_sequence_text(c, &row, normal_text, normal.len);
    return spy_stmts_intern(&c->stmts, &row);
}

/* A comment of TEXT may name a rule before the one that is known, and what it is run for. */
static void apply_tags(struct spy_classifier *c, struct spy_text *text)
{
    struct spy_sql_tags tags = spy_tags_of(text->at, text->len, text->how);
    if (tags.at == tags.end)
        return;
    uint32_t rule = spy_tags_match(&c->tags, &tags);
    text->rule = rule < text->rule ? rule : text->rule;
    text->origin = spy_origins_find(&c->origins, &tags);
}

static uint64_t shape_of(uint64_t fingerprint, const struct spy_text *text)
{
    return spy_hash_seeded(&fingerprint, sizeof(fingerprint),
                           (uint64_t)text->origin << ORIGIN_SHIFT | text->rule);
}

static spy_stmt by_shape(struct spy_classifier *c, uint64_t shape, const struct spy_text *text)
{
    spy_stmt stmt;
    if (!spy_cache_find(&c->shapes, shape, &stmt)) {
        stmt = resolve(c, text);
        spy_cache_insert(&c->shapes, shape, stmt);
    }
    return stmt;
}

/* --- several statements ------------------------------------------------------------------- */

struct split {
    const char *at[SPY_BATCH_MAX + 1]; /* where each begins, behind the semicolon before it */
    uint64_t shape[SPY_BATCH_MAX];
    uint32_t rule[SPY_BATCH_MAX];
    uint32_t origin[SPY_BATCH_MAX];
    uint32_t count;
};

static struct spy_text part_of(const struct split *split, uint32_t i, unsigned how)
{
    size_t len = (size_t)(split->at[i + 1] - split->at[i]) - 1; /* without the semicolon */
    return (struct spy_text){split->at[i], len, how, split->rule[i], split->origin[i]};
}

/* False where there are too many. */
static bool split(struct spy_classifier *c, const struct spy_text *text, struct split *out)
{
    size_t at = 0, rest;
    uint32_t i;
    for (i = 0, rest = 1; rest != 0; i++) {
        if (i == SPY_BATCH_MAX)
            return false;
        struct spy_sql_normal normal =
            spy_sql_normalise_as(text->at + at, text->len - at, text->how | SPY_SQL_FIRST, NULL, 0);
        rest = normal.rest;
        out->at[i] = text->at + at;
        out->at[i + 1] = rest != 0 ? text->at + at + rest : text->at + text->len + 1;
        out->rule[i] = text->rule;
        out->origin[i] = 0;
        struct spy_text part = part_of(out, i, text->how);
        apply_tags(c, &part);
        out->rule[i] = part.rule;
        out->origin[i] = part.origin;
        out->shape[i] = shape_of(normal.fingerprint, &part);
        at += rest;
    }
    out->count = i;
    return true;
}

/* Its parts' statements. */
static void resolve_parts(struct spy_classifier *c, const struct split *split, unsigned how,
                          spy_stmt part[SPY_BATCH_MAX])
{
    for (uint32_t i = 0; i < split->count; i++) {
        struct spy_text text = part_of(split, i, how);
        part[i] = by_shape(c, split->shape[i], &text);
    }
}

/* A batch seen for the first time. Not inlined, for its buffer. */
__attribute__((noinline)) static uint32_t add_batch(struct spy_classifier *c, uint64_t key,
                                                    const struct spy_text *text,
                                                    const spy_stmt *part, uint32_t count)
{
    char normal_text[SPY_STATEMENT_BYTES + 1];
    struct spy_sql_normal normal =
        spy_sql_normalise_as(text->at, text->len, text->how, normal_text, sizeof(normal_text));
    return spy_batches_add(&c->batches, key, part, count, &normal, normal_text);
}

/* The statement of a text with several, SPY_STMT_OTHER where it finds no room as such. */
__attribute__((noinline)) static spy_stmt by_parts(struct spy_classifier *c,
                                                   const struct spy_text *text)
{
    struct split parts;
    if (!split(c, text, &parts))
        return SPY_STMT_OTHER;
    uint64_t key = spy_hash(parts.shape, parts.count * sizeof(parts.shape[0]));
    uint32_t batch = spy_batches_find(&c->batches, key);
    if (batch == 0 && !spy_batches_full(&c->batches)) { /* else its parts would be for nothing */
        spy_stmt part[SPY_BATCH_MAX];
        resolve_parts(c, &parts, text->how, part);
        batch = add_batch(c, key, text, part, parts.count);
    }
    if (batch == 0)
        return SPY_STMT_OTHER;
    struct spy_stmt_row row = {.batch = (uint16_t)batch,
                               .origin = (uint16_t)parts.origin[parts.count - 1]};
    return spy_stmts_intern(&c->stmts, &row);
}

/* --- skeletons ---------------------------------------------------------------------------- */

/* The longest text whose skeleton is asked for: longer ones are seldom, and the stack is not ours.
 */
#define SKELETON_BYTES 1024u

/* What TEXT is known by among the shapes without being lexed; 0 where it has to be. *ONCE: it may
 * never come again as it is. */
__attribute__((noinline)) static uint64_t skeleton_of(const struct spy_classifier *c,
                                                      const struct spy_text *text, bool *once)
{
    char skeleton[SKELETON_BYTES];
    struct spy_sql_tags tags;
    size_t len = text->len;
    bool tagged = spy_sql_last_comment(text->at, text->len, &len, &tags);
    uint64_t told = tagged ? spy_tags_hash(&c->tags, &tags, once) : 0;
    size_t bones = spy_sql_skeleton(text->at, len, text->how, skeleton, sizeof(skeleton));
    if (bones == 0 && !tagged)
        return 0;
    uint64_t hash[] = {bones != 0 ? spy_hash(skeleton, bones) : spy_hash(text->at, len), told,
                       bones != 0 ? 0 : 1 + text->how};
    return spy_hash_seeded(hash, sizeof(hash), SKELETON_SEED | text->rule);
}

/* --- texts -------------------------------------------------------------------------------- */

__attribute__((noinline)) static spy_stmt by_lexing(struct spy_classifier *c, struct spy_text text)
{
    struct spy_sql_normal normal =
        spy_sql_normalise_as(text.at, text.len, text.how | SPY_SQL_FIRST, NULL, 0);
    if (normal.rest != 0) {
        spy_stmt stmt = by_parts(c, &text);
        if (stmt != SPY_STMT_OTHER)
            return stmt;
        atomic_fetch_add_explicit(&c->ops.region->self[SPY_SELF_BATCHES_FULL], 1,
                                  memory_order_relaxed);
        normal = spy_sql_normalise_as(text.at, text.len, text.how, NULL, 0);
    }
    apply_tags(c, &text);
    return by_shape(c, shape_of(normal.fingerprint, &text), &text);
}

/* A text seen for the first time, or again after its entry was lost. */
__attribute__((noinline)) static spy_stmt first_seen(struct spy_classifier *c, uint64_t hash,
                                                     struct spy_text text)
{
    bool once = false;
    uint64_t skeleton = skeleton_of(c, &text, &once);
    spy_stmt stmt;
    if (skeleton == 0 || !spy_cache_find(&c->shapes, skeleton, &stmt)) {
        stmt = by_lexing(c, text);
        if (skeleton != 0)
            spy_cache_insert(&c->shapes, skeleton, stmt);
    }
    if (!once)
        spy_cache_insert(&c->texts, hash, stmt);
    return stmt;
}

spy_stmt spy_texts_find(struct spy_classifier *c, uint64_t hash, const struct spy_text *text)
{
    spy_stmt stmt;
    if (!spy_cache_find(&c->texts, hash, &stmt))
        stmt = first_seen(c, hash, *text);
    if (stmt == SPY_STMT_OTHER)
        spy_classifier_full(c);
    return stmt;
}

spy_stmt spy_classify_sql_as(struct spy_classifier *c, const char *text, size_t len, unsigned how)
{
    uint64_t hash = spy_hash(text, len);
    if (how != 0) /* the same text may be another statement */
        hash = spy_hash_seeded(&hash, sizeof(hash), how);
    return spy_texts_find(c, hash, &(struct spy_text){text, len, how, SPY_NO_RULE, 0});
}

uint32_t spy_classify_parts(const struct spy_classifier *c, spy_stmt stmt, const spy_stmt **parts)
{
    uint32_t batch = spy_stmts_row(&c->stmts, stmt)->batch;
    if (batch == 0)
        return 1;
    *parts = c->batches.batch[batch].part;
    return c->batches.batch[batch].count;
}

bool spy_classify_alone(const struct spy_classifier *c, spy_stmt stmt, uint32_t *op)
{
    const struct spy_stmt_row *row = spy_stmts_row(&c->stmts, stmt);
    *op = row->op;
    return row->batch == 0 && row->fits == 0;
}

uint32_t spy_classify_single(const struct spy_classifier *c, spy_stmt stmt)
{
    const struct spy_stmt_row *row = spy_stmts_row(&c->stmts, stmt);
    return row->batch == 0 ? row->op : spy_batches_op(&c->batches, row->batch);
}
