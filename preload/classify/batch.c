/* SPDX-License-Identifier: MIT */
/*
 * The batch table: see batch.h.
 */
#include "classify/batch.h"

#include "classify/zeroed.h"

#include <string.h>

bool spy_batches_open(struct spy_batches *batches, struct spy_optable *ops)
{
    batches->ops = ops;
    batches->batch = spy_zeroed_open(SPY_BATCHES_MAX * sizeof(*batches->batch));
    batches->text = spy_zeroed_open(SPY_BATCH_TEXT_BYTES);
    if (batches->batch == NULL || batches->text == NULL)
        return false;
    atomic_store_explicit(&batches->used, 1, memory_order_relaxed);
    atomic_store_explicit(&batches->text_used, 1, memory_order_relaxed);
    return spy_intern_open(&batches->intern, &batches->used, SPY_BATCHES_MAX);
}

void spy_batches_close(struct spy_batches *batches)
{
    spy_intern_close(&batches->intern);
    spy_zeroed_close(batches->text, SPY_BATCH_TEXT_BYTES);
    spy_zeroed_close(batches->batch, SPY_BATCHES_MAX * sizeof(*batches->batch));
    batches->text = NULL;
    batches->batch = NULL;
}

uint32_t spy_batches_find(const struct spy_batches *batches, uint64_t key)
{
    return spy_intern_find(&batches->intern, key);
}

/* Done by the one thread whose row it became, so that no room is lost in a race. */
static void keep_text(struct spy_batches *batches, struct spy_batch *batch, const char *text,
                      uint32_t len)
{
    uint32_t room = SPY_BATCH_TEXT_BYTES - len - 1;
    /* Asked before adding, so that a full place does not count up until the number wraps. */
    if (atomic_load_explicit(&batches->text_used, memory_order_relaxed) > room)
        return;
    uint32_t at = atomic_fetch_add_explicit(&batches->text_used, len + 1, memory_order_relaxed);
    if (at > room)
        return;
    memcpy(batches->text + at, text, len); /* the NUL is there */
    /* Pairs with the acquire in spy_batches_op(): who sees the place sees the text. */
    atomic_store_explicit(&batch->at, at, memory_order_release);
}

uint32_t spy_batches_add(struct spy_batches *batches, uint64_t key, const spy_stmt *part,
                         uint32_t count, const struct spy_sql_normal *normal, const char *text)
{
    uint32_t row = spy_intern_take(&batches->intern);
    if (row == 0)
        return 0;
    struct spy_batch *batch = &batches->batch[row];
    memcpy(batch->part, part, count * sizeof(*part));
    batch->count = count;
    batch->fingerprint = normal->fingerprint;
    uint32_t winner = spy_intern_publish(&batches->intern, key, row);
    if (winner == row)
        keep_text(batches, batch, text, normal->len);
    return winner;
}

uint32_t spy_batches_op(const struct spy_batches *batches, uint32_t which)
{
    struct spy_batch *batch = &batches->batch[which];
    /* Pairs with the release below: the operation's row is complete. */
    uint32_t op = atomic_load_explicit(&batch->op, memory_order_acquire);
    if (op != 0)
        return op;
    struct spy_optable *ops = batches->ops;
    op = spy_optable_statement(ops, batch->fingerprint);
    uint32_t at = atomic_load_explicit(&batch->at, memory_order_acquire);
    if (at != 0)
        spy_optable_keep_text(ops, op, batches->text + at, (uint32_t)strlen(batches->text + at));
    else
        atomic_fetch_add_explicit(&ops->region->self[SPY_SELF_TEXT_FULL], 1, memory_order_relaxed);
    atomic_store_explicit(&batch->op, op, memory_order_release);
    return op;
}
_Static_assert(SPY_OP_OTHER_SQL == 0, "a batch that found no room is asked about again");
