/* SPDX-License-Identifier: MIT */
/*
 * What a classifier is made of, for the files that are it: classify.c (making, names, requests) and
 * texts.c (statements). Contract in classify.h.
 */
#ifndef SPY_CLASSIFY_CLASSIFIER_H
#define SPY_CLASSIFY_CLASSIFIER_H

#include "classify/batch.h"
#include "classify/cache.h"
#include "classify/classify.h"
#include "classify/optable.h"
#include "classify/origins.h"
#include "classify/patterns.h"
#include "classify/routes.h"
#include "classify/sequences.h"
#include "classify/stmt.h"
#include "classify/tags.h"

struct spy_classifier {
    const struct spy_rules *rules;
    uint32_t generation;                 /* 1, and one more than the one before */
    const struct spy_classifier *before; /* NULL: the first. Kept: there may be statements of it */
    struct spy_optable ops;
    struct spy_stmts stmts;
    struct spy_batches batches;
    struct spy_cache texts;
    struct spy_cache shapes;
    struct spy_patterns patterns;
    struct spy_sequences sequences;
    struct spy_tags tags;
    struct spy_origins origins;
    struct spy_edges prepared; /* hash of the name -> rule + 1 */
    struct spy_routes routes;
    _Atomic uint32_t *unmapped_routes; /* the first classifier's first_unmapped_routes */
    _Atomic uint32_t first_unmapped_routes;
    uint32_t *op;                                /* of every rule */
    _Atomic uint32_t builtin[SPY_BUILTIN_COUNT]; /* 0: not entered yet */
};

/* A call is counted under "other" because a table is full. */
static inline void spy_classifier_full(struct spy_classifier *c)
{
    atomic_fetch_add_explicit(&c->ops.region->self[SPY_SELF_OPS_FULL], 1, memory_order_relaxed);
}

/* What is asked about: a text, or of one with several statements one of these. */
struct spy_text {
    const char *at;
    size_t len;
    unsigned how;    /* shared/sql.h: 0 or SPY_SQL_BACKSLASH */
    uint32_t rule;   /* that has been found without looking at the text, or SPY_NO_RULE */
    uint32_t origin; /* that its tags name, once they were looked at */
};

/* The statement of TEXT, whose hash (with all that it means beside its bytes) is HASH. */
spy_stmt spy_texts_find(struct spy_classifier *c, uint64_t hash, const struct spy_text *text);

#endif
