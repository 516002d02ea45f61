/* SPDX-License-Identifier: MIT */
/*
 * Drawing samples of our own cost, and adding them. See cost.h.
 */
#include "record/cost.h"

#include "runtime/clock.h"

#define RELAXED memory_order_relaxed

/* A number from 1 to 2 * SPY_COST_EVERY - 1, each as likely, by Marsaglia's xorshift: good enough
 * to be in step with no program. */
static int32_t draw_gap(struct spy_thread *t)
{
    uint32_t x = t->cost_seed;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    t->cost_seed = x;
    return (int32_t)((x >> 8) % (2 * SPY_COST_EVERY - 1)) + 1;
}

/* A thread begins somewhere between two samples, so that many short-lived threads are sampled as
 * often as a long one. The less of two gaps is spread nearly as what is left of one. */
static int32_t draw_first_gap(struct spy_thread *t)
{
    t->cost_seed = ((uint32_t)((uintptr_t)t >> 6) ^ (uint32_t)spy_now()) * 2654435769u | 1u;
    int32_t one = draw_gap(t), other = draw_gap(t);
    return one < other ? one : other;
}

SPY_SELDOM bool spy_cost_draw(void)
{
    struct spy_thread *t = &spy_thread;
    if (t->cost_seed == 0) {
        int32_t gap = draw_first_gap(t);
        if (gap > 1) {
            t->cost_left = gap - 1;
            return false;
        }
    }
    t->cost_left = draw_gap(t);
    return true;
}

SPY_SELDOM void spy_cost_begin(struct spy_timing *timing)
{
    uint64_t before = spy_now();
    timing->at_ns = spy_now();
    timing->reading_ns = spy_clock_since(timing->at_ns, before);
    timing->spent_ns = 0;
}

SPY_SELDOM void spy_cost_stop(struct spy_timing *timing)
{
    uint64_t now = spy_now();
    uint64_t since = spy_clock_since(now, timing->at_ns);
    timing->spent_ns += spy_clock_since(since, timing->reading_ns);
    timing->at_ns = now;
}

SPY_SELDOM void spy_cost_go_on(struct spy_timing *timing)
{
    timing->at_ns = spy_now();
}

SPY_SELDOM void spy_cost_end(struct spy_timing *timing, struct spy_region *region,
                             enum spy_kind kind)
{
    struct spy_cost_side *side = &region->cost.side[kind];
    spy_cost_stop(timing);
    if (timing->spent_ns > SPY_COST_CUT_NS) {
        atomic_fetch_add_explicit(&side->cut, 1, RELAXED);
        return;
    }
    atomic_fetch_add_explicit(&side->samples, 1, RELAXED);
    atomic_fetch_add_explicit(&side->ns, timing->spent_ns, RELAXED);
}
