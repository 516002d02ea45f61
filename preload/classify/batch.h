/* SPDX-License-Identifier: MIT */
/*
 * The batch table: texts of several statements. A batch is known by what its statements are, each
 * on its own; the text as a whole becomes an operation only when somebody asks for it.
 *
 * A row is filled before it can be found, as in intern.h, and does not change after that but for
 * its text and its operation. The texts have a bounded place of their own: what finds no room in it
 * has an operation without text, and is counted (SPY_SELF_TEXT_FULL).
 *
 * All but open and close are wait-free and may be called by any thread.
 */
#ifndef SPY_CLASSIFY_BATCH_H
#define SPY_CLASSIFY_BATCH_H

#include "classify/classify.h"
#include "classify/intern.h"
#include "classify/optable.h"
#include "shared/sql.h"

#define SPY_BATCHES_MAX      1024u
#define SPY_BATCH_TEXT_BYTES (256u * 1024u)

struct spy_batch {
    spy_stmt part[SPY_BATCH_MAX];
    uint32_t count;
    uint64_t fingerprint; /* of the whole normalised text */
    _Atomic uint32_t at;  /* where its text is, in spy_batches.text; 0: none, or not yet */
    _Atomic uint32_t op;  /* of the whole; 0: not asked for yet */
};

struct spy_batches {
    struct spy_optable *ops;
    _Atomic uint32_t used;
    struct spy_intern intern;
    struct spy_batch *batch;
    char *text; /* NUL-terminated texts; the first byte is not used */
    _Atomic uint32_t text_used;
};

/* OPS must outlive it. False when out of memory. */
bool spy_batches_open(struct spy_batches *batches, struct spy_optable *ops);
void spy_batches_close(struct spy_batches *batches);

/* Has every row been taken? Then batches that are not there find no room. */
static inline bool spy_batches_full(struct spy_batches *batches)
{
    return atomic_load_explicit(&batches->used, memory_order_relaxed) >= SPY_BATCHES_MAX;
}

/* The batch of KEY, or 0. */
uint32_t spy_batches_find(const struct spy_batches *batches, uint64_t key);

/* Enters the batch of KEY: its COUNT parts, and its whole normalised text, which NORMAL is about. 0
 * where the table is full. */
uint32_t spy_batches_add(struct spy_batches *batches, uint64_t key, const spy_stmt *part,
                         uint32_t count, const struct spy_sql_normal *normal, const char *text);

/* The operation of the whole of BATCH, entered when it is first asked for. */
uint32_t spy_batches_op(const struct spy_batches *batches, uint32_t batch);

#endif
