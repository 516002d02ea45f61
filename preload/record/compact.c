/* SPDX-License-Identifier: MIT */
/*
 * Moving steps of history to the next level: those that ended in one stretch of its step length
 * are added up, record by record. Their records are in the order of operations, so one pass over
 * all of them at once does it, with memory for one record and one sum. What is added up is never
 * larger than its parts were. A step of before a reset is never added to one of after it.
 */
#include "record/ring.h"

#include <string.h>

/* Steps added up at once. A stretch of more of them becomes several steps. */
#define GROUP_MAX 64u

/* Records of one step, being read. */
struct cursor {
    uint64_t at;
    uint64_t end;
    uint32_t op; /* of the record at `at`; UINT32_MAX where there is none left */
};

struct group {
    struct spy_region *region;
    uint32_t level; /* whose steps they are */
    uint32_t steps;
    uint64_t end;                /* position behind the last of them */
    struct spy_history_step sum; /* their times and use */
    struct cursor cursor[GROUP_MAX];
};

static bool read_step(const struct spy_region *region, uint32_t level, uint64_t at,
                      struct spy_history_step *step)
{
    uint64_t head = atomic_load_explicit(&region->history[level].head, memory_order_relaxed);
    if (head - at < sizeof(*step))
        return false;
    struct spy_history_step scratch;
    memcpy(step, spy_ring_view(region, level, at, sizeof(*step), &scratch), sizeof(*step));
    /* Should the program have written into it: no step is shorter than its header. */
    return step->bytes >= sizeof(*step);
}

/* The operation of the record at the cursor: its first number. */
static void peek(const struct group *group, struct cursor *c)
{
    unsigned char scratch[SPY_HISTORY_OP_MAX];
    size_t left = c->end - c->at < sizeof(scratch) ? c->end - c->at : sizeof(scratch);
    const void *record = spy_ring_view(group->region, group->level, c->at, left, scratch);
    uint32_t op;
    c->op = spy_history_op(record, left, &op) > 0 ? op : UINT32_MAX;
}

static void add_step(struct group *group, const struct spy_history_step *step)
{
    struct spy_use *use = &group->sum.use;
    struct cursor *c = &group->cursor[group->steps];
    if (group->steps == 0)
        group->sum.begin_ns = step->begin_ns;
    group->sum.end_ns = step->end_ns;
    use->rss_bytes = use->rss_bytes > step->use.rss_bytes ? use->rss_bytes : step->use.rss_bytes;
    use->threads = use->threads > step->use.threads ? use->threads : step->use.threads;
    use->fds = use->fds > step->use.fds ? use->fds : step->use.fds;
    c->at = group->end + sizeof(*step);
    c->end = group->end + step->bytes;
    peek(group, c);
    group->end += step->bytes;
    group->steps++;
}

/* The oldest steps of the group's level that ended in one stretch of the next: no more bytes than
 * half of that one's ring, so that it can hand them on itself. */
static void gather(struct group *group, uint64_t keep)
{
    const struct spy_history_level *next = &group->region->history[group->level + 1];
    uint64_t begin = group->end, reset_ns = spy_region_reset_ns(group->region);
    struct spy_history_step step;
    while (group->steps < GROUP_MAX && group->end < keep &&
           read_step(group->region, group->level, group->end, &step)) {
        bool same = group->steps == 0 ||
                    ((step.end_ns - 1) / next->step_ns == (group->sum.end_ns - 1) / next->step_ns &&
                     (step.end_ns > reset_ns) == (group->sum.end_ns > reset_ns));
        bool small = group->steps == 0 || group->end + step.bytes - begin <= next->bytes / 2;
        if (!same || !small)
            return;
        add_step(group, &step);
    }
}

static uint32_t lowest_op(const struct group *group)
{
    uint32_t lowest = UINT32_MAX;
    for (uint32_t i = 0; i < group->steps; i++)
        if (group->cursor[i].op < lowest)
            lowest = group->cursor[i].op;
    return lowest;
}

/* Adds the record of OP at the cursor, if that is what is there. A record of ours cannot be
 * malformed; should the program have written into it, the rest of its step is left out. */
static void take_record(const struct group *group, struct cursor *c, uint32_t op,
                        struct spy_totals *sum)
{
    static unsigned char scratch[SPY_HISTORY_RECORD_MAX]; /* one helper thread: no other user */
    struct spy_totals one;
    uint32_t which;
    if (c->op != op)
        return;
    size_t left = c->end - c->at < sizeof(scratch) ? c->end - c->at : sizeof(scratch);
    const void *record = spy_ring_view(group->region, group->level, c->at, left, scratch);
    size_t used = spy_history_decode(record, left, &which, &one);
    if (used > 0)
        spy_totals_add(sum, &one);
    c->at = used > 0 ? c->at + used : c->end;
    peek(group, c);
}

static void lose(struct spy_region *region, uint64_t end_ns)
{
    atomic_store_explicit(&region->history_lost_ns, end_ns, memory_order_release);
}

static void hand_on(struct group *group)
{
    /* One a level: making room for a record may hand on steps of the next. */
    static unsigned char records[SPY_HISTORY_LEVELS][SPY_HISTORY_RECORD_MAX];
    unsigned char *record = records[group->level];
    struct spy_totals sum;
    struct spy_step_writer w = spy_step_begin(group->region, group->level + 1);
    for (uint32_t op; (op = lowest_op(group)) != UINT32_MAX;) {
        spy_totals_clear(&sum);
        for (uint32_t i = 0; i < group->steps; i++)
            take_record(group, &group->cursor[i], op, &sum);
        spy_step_put(&w, record, spy_history_encode(record, op, &sum));
    }
    if (!spy_step_commit(&w, &group->sum))
        lose(group->region, group->sum.end_ns);
}

/* Moves the oldest steps of LEVEL on, those before position KEEP. False where there are none. */
static bool move_oldest(struct spy_region *region, uint32_t level, uint64_t keep)
{
    _Atomic uint64_t *tail = &region->history[level].tail;
    struct group group = {.region = region, .level = level};
    struct spy_history_step step;
    group.end = atomic_load_explicit(tail, memory_order_relaxed);
    if (group.end >= keep || !read_step(region, level, group.end, &step))
        return false;
    if (level + 1 < region->history_levels) {
        gather(&group, keep);
        hand_on(&group);
    } else {
        group.end += step.bytes;
        lose(region, step.end_ns);
    }
    atomic_store_explicit(tail, group.end, memory_order_release);
    return true;
}

void spy_compact_room(struct spy_region *region, uint32_t level, uint64_t upto, uint64_t keep)
{
    const struct spy_history_level *l = &region->history[level];
    while (upto - atomic_load_explicit(&l->tail, memory_order_relaxed) > l->bytes)
        if (!move_oldest(region, level, keep))
            break;
    atomic_thread_fence(memory_order_seq_cst);
}

/* Whole stretches only: the oldest step is too old when the whole of its stretch is. */
static bool is_old(const struct spy_region *region, uint32_t level, uint64_t now_ns)
{
    struct spy_history_step oldest;
    const struct spy_history_level *l = &region->history[level];
    bool last = level + 1 == region->history_levels;
    uint64_t stretch = last ? l->step_ns : region->history[level + 1].step_ns;
    uint64_t tail = atomic_load_explicit(&l->tail, memory_order_relaxed);
    if (!read_step(region, level, tail, &oldest))
        return false;
    uint64_t over = ((oldest.end_ns - 1) / stretch + 1) * stretch;
    return over + l->keep_ns <= now_ns;
}

void spy_compact_old(struct spy_region *region, uint64_t now_ns)
{
    for (uint32_t level = 0; level < region->history_levels; level++)
        while (is_old(region, level, now_ns))
            if (!move_oldest(region, level, UINT64_MAX))
                break;
}
