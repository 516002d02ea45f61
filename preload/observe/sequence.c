/* SPDX-License-Identifier: MIT */
/*
 * Crediting statements to single operations and sequences. Any thread; no lock, no allocation.
 */
#include "observe/sequence.h"

#include "record/held.h"
#include "record/record.h"
#include "record/shard.h"
#include "runtime/clock.h"
#include "runtime/thread.h"

#include <string.h>

#define RELAXED memory_order_relaxed

/* Owner while a request's end is flushing. No thread has this id. */
#define FLUSHING UINT32_MAX

/* One call out of N statements' samples. */
static struct spy_sample combine(const struct spy_sample *sample, uint32_t n, uint32_t op)
{
    struct spy_sample sum = sample[0];
    uint64_t begin_ns = sample[0].end_ns - sample[0].dur_ns;
    sum.op = op;
    for (uint32_t i = 1; i < n; i++) {
        sum.end_ns = sample[i].end_ns;
        sum.wait_ns += sample[i].wait_ns;
        sum.queue_ns += sample[i].queue_ns;
        sum.rows += sample[i].rows;
        sum.affected += sample[i].affected;
        uint32_t params = (uint32_t)sum.params + sample[i].params;
        sum.params = params < UINT16_MAX ? (uint16_t)params : UINT16_MAX;
        sum.transaction = sample[i].transaction;
        sum.bytes_in += sample[i].bytes_in;
        sum.bytes_out += sample[i].bytes_out;
        if (sample[i].failed) {
            sum.failed = 1;
            sum.code = sample[i].code;
        }
    }
    sum.dur_ns = spy_clock_since(sum.end_ns, begin_ns);
    return sum;
}

/* The statements of P end in one that failed, in the middle of a sequence: nobody will go on with
 * it, and what failed was that sequence's call, unless the statements are a whole call of another
 * named operation. */
static bool failed_midway(const struct spy_region *region, const struct spy_pending *p,
                          uint32_t count, const struct spy_sequence *seq)
{
    bool whole = seq->matched == count && spy_region_op(region, seq->op)->mapped;
    return p->sample[count - 1].failed && seq->extensible && !whole;
}

/* Credits from the front of P: all of it when ENDED, else only what no statement to come can
 * change. Returns how many statements stay. */
static uint32_t credit(struct spy_region *region, const struct spy_classifier *classifier,
                       struct spy_pending *p, uint32_t count, bool ended)
{
    while (count > 0) {
        struct spy_sequence seq = spy_classify_sequence(classifier, p->stmt, count);
        if (failed_midway(region, p, count, &seq)) {
            seq.matched = count;
            seq.op = seq.begun_op;
        } else if (seq.extensible && !ended && count < SPY_RULES_STEPS) {
            break;
        }
        struct spy_sample sample = combine(p->sample, seq.matched, seq.op);
        spy_record(region, &sample);
        spy_capture_credit(&sample, p->sample, p->captured, seq.matched);
        count -= seq.matched;
        memmove(p->captured, p->captured + seq.matched, count * sizeof(p->captured[0]));
        memmove(p->stmt, p->stmt + seq.matched, count * sizeof(p->stmt[0]));
        memmove(p->sample, p->sample + seq.matched, count * sizeof(p->sample[0]));
    }
    return count;
}

/* Publishes what stays, as it would be credited now. */
static void publish(struct spy_region *region, const struct spy_classifier *classifier,
                    const struct spy_pending *p, uint32_t count)
{
    struct spy_sample credits[SPY_RULES_STEPS];
    uint32_t n = 0;
    for (uint32_t at = 0; at < count;) {
        struct spy_sequence seq = spy_classify_sequence(classifier, p->stmt + at, count - at);
        credits[n++] = combine(p->sample + at, seq.matched, seq.op);
        at += seq.matched;
    }
    spy_held_set(region, p->slot, credits, n);
}

/* Notes CONN among those the thread left open, so that the end of its request finds it. */
static void note(struct spy_region *region, struct spy_conn *conn)
{
    struct spy_thread *t = &spy_thread;
    for (uint32_t i = 0; i < t->held_count; i++)
        if (t->held[i] == conn)
            return;
    if (t->held_count == SPY_THREAD_HELD)
        spy_sequence_flush_thread(region);
    t->held[t->held_count++] = conn;
}

/* Makes P hold COUNT statements, from HELD before. */
static void settle(struct spy_region *region, const struct spy_classifier *classifier,
                   struct spy_conn *conn, uint32_t held, uint32_t count)
{
    struct spy_pending *p = &conn->pending;
    if (count > 0 && held == 0) {
        p->slot = spy_held_take(region);
        if (p->slot == SPY_HELD_NONE)
            count = credit(region, classifier, p, count, true);
    }
    if (count > 0) {
        p->epoch = region->epoch_mono_ns;
        p->classifier = classifier;
        publish(region, classifier, p, count);
        note(region, conn);
    } else if (held > 0) {
        spy_held_set(region, p->slot, NULL, 0);
        spy_held_release(region, p->slot);
    }
    /* Release: whoever finds it 0 may write over the statements, which were read before. */
    atomic_store_explicit(&p->count, count, memory_order_release);
    /* Release: whoever claims finds the statements and the count written before. */
    atomic_store_explicit(&p->owner, count > 0 ? spy_writer_thread_id(region) : 0,
                          memory_order_release);
}

/* Claims what lies open in P; false where a request's end is just flushing it. What belongs to
 * another region (we are a fork's child) is the parent's and is dropped. */
static bool claim(const struct spy_region *region, struct spy_pending *p, uint32_t *count)
{
    *count = atomic_load_explicit(&p->count, memory_order_acquire);
    if (*count == 0)
        return true;
    uint32_t owner = atomic_load_explicit(&p->owner, memory_order_acquire);
    if (owner == FLUSHING)
        return false;
    if (owner != 0 && !atomic_compare_exchange_strong_explicit(
                          &p->owner, &owner, 0, memory_order_acquire, memory_order_acquire))
        return false;
    *count = atomic_load_explicit(&p->count, RELAXED);
    if (p->epoch != region->epoch_mono_ns)
        *count = 0;
    return true;
}

/* The HELD statements of CONN, claimed, are all that there will be. */
static void end(struct spy_region *region, struct spy_conn *conn, uint32_t held)
{
    struct spy_pending *p = &conn->pending;
    uint32_t count = held > 0 ? credit(region, p->classifier, p, held, true) : 0;
    settle(region, p->classifier, conn, held, count);
}

void spy_sequence_add(struct spy_region *region, struct spy_classifier *classifier,
                      struct spy_conn *conn, spy_stmt stmt, struct spy_sample *sample,
                      const char *detail, spy_capture_ticket captured)
{
    struct spy_pending *p = conn != NULL ? &conn->pending : NULL;
    uint32_t held = 0;
    bool alone = p == NULL || !claim(region, p, &held);
    if (!alone && held > 0 && p->classifier != classifier) {
        end(region, conn, held);
        held = 0;
    }
    if (alone || (held == 0 && !spy_classify_sequence(classifier, &stmt, 1).extensible)) {
        sample->op = spy_classify_single(classifier, stmt);
        spy_record_with(region, sample, detail);
        if (captured != 0)
            spy_capture_credit(sample, sample, &captured, 1);
        return;
    }
    p->stmt[held] = stmt;
    p->sample[held] = *sample;
    p->captured[held] = captured;
    settle(region, classifier, conn, held,
           credit(region, classifier, p, held + 1, sample->failed != 0));
}

void spy_sequence_flush(struct spy_region *region, struct spy_conn *conn)
{
    uint32_t held;
    if (claim(region, &conn->pending, &held) && held > 0)
        end(region, conn, held);
}

/* Flushes what OWNER has left open on CONN; somebody else may have it by now. */
static void flush_of(struct spy_region *region, struct spy_conn *conn, uint32_t owner)
{
    struct spy_pending *p = &conn->pending;
    if (!atomic_compare_exchange_strong_explicit(&p->owner, &owner, FLUSHING, memory_order_acquire,
                                                 RELAXED))
        return;
    uint32_t held = atomic_load_explicit(&p->count, RELAXED);
    if (p->epoch != region->epoch_mono_ns)
        held = 0;
    end(region, conn, held);
}

void spy_sequence_flush_from_outside(struct spy_region *region, struct spy_conn *conn)
{
    uint32_t owner = atomic_load_explicit(&conn->pending.owner, RELAXED);
    if (owner != 0 && owner != FLUSHING)
        flush_of(region, conn, owner);
}

void spy_sequence_flush_thread(struct spy_region *region)
{
    struct spy_thread *t = &spy_thread;
    uint32_t self = spy_writer_thread_id(region);
    while (t->held_count > 0)
        flush_of(region, (struct spy_conn *)(uintptr_t)t->held[--t->held_count], self);
}
