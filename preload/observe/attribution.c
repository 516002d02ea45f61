/* SPDX-License-Identifier: MIT */
/*
 * Finding a query's request, and adding up what belongs to one. See attribution.h.
 */
#include "observe/attribution.h"

#include "record/open.h"
#include "record/repeat.h"
#include "runtime/thread.h"

#define RELAXED memory_order_relaxed

/* Row of the only open request that the tags of STMT may mean, SPY_OPEN_NO_ROW where there is none
 * or more than one: counts of several operations add up to the count of all. */
static uint32_t by_tag(const struct spy_region *region, struct spy_classifier *classifier,
                       spy_stmt stmt)
{
    uint32_t op[SPY_ORIGIN_OPS];
    uint64_t open = 0;
    if (stmt == SPY_STMT_OTHER)
        return SPY_OPEN_NO_ROW;
    uint32_t count = spy_classify_origin(classifier, stmt, op);
    for (uint32_t i = 0; i < count; i++)
        open += atomic_load_explicit(&spy_region_op(region, op[i])->open, RELAXED);
    return spy_open_only(open);
}

/* The request among those that are open, which ALL tells of. Out of line: without requests a query
 * saves no registers for it. */
__attribute__((noinline)) static struct spy_owner among_open(struct spy_region *region,
                                                             uint64_t all,
                                                             struct spy_classifier *classifier,
                                                             spy_stmt stmt)
{
    if (spy_cost_leaves_out(&region->cost, SPY_BACKOFF_DETAIL))
        return (struct spy_owner){0, SPY_WAY_NONE};
    uint32_t row = spy_open_own(region);
    if (row < SPY_OPEN_REQUESTS)
        return (struct spy_owner){(uint16_t)(row + 1), SPY_WAY_THREAD};
    row = spy_open_only(all);
    if (row < SPY_OPEN_REQUESTS)
        return (struct spy_owner){(uint16_t)(row + 1), SPY_WAY_ONLY};
    row = by_tag(region, classifier, stmt);
    if (row < SPY_OPEN_REQUESTS)
        return (struct spy_owner){(uint16_t)(row + 1), SPY_WAY_TAG};
    return (struct spy_owner){0, SPY_WAY_NONE};
}

struct spy_owner spy_attribute(struct spy_region *region, struct spy_classifier *classifier,
                               spy_stmt stmt)
{
    uint64_t all = atomic_load_explicit(&region->open, RELAXED);
    if (all == 0)
        return (struct spy_owner){0, SPY_WAY_NO_REQUEST};
    return among_open(region, all, classifier, stmt);
}

/* The request of OWNER, or NULL. A row that has begun since SAMPLE did is another request's: what
 * it tells of outlived its own. */
static struct spy_open_request *request_of(const struct spy_region *region, struct spy_owner owner,
                                           const struct spy_sample *sample)
{
    if (owner.request == 0)
        return NULL;
    struct spy_open_request *r = spy_open_request_at(region, owner.request - 1u);
    uint64_t begin_ns = sample->end_ns - sample->dur_ns;
    return atomic_load_explicit(&r->begin_ns, RELAXED) <= begin_ns ? r : NULL;
}

void spy_attribute_waited(struct spy_region *region, struct spy_owner owner,
                          const struct spy_sample *sample)
{
    struct spy_open_request *r = request_of(region, owner, sample);
    if (r != NULL)
        atomic_fetch_add_explicit(&r->db_wait_ns, sample->wait_ns, RELAXED);
}

/* The times of SAMPLE, which was not timed: those of the call of OP that this thread last timed. */
static struct spy_sample guess(struct spy_region *region, struct spy_open_request *r, uint32_t op,
                               const struct spy_sample *sample)
{
    struct spy_sample like = *sample;
    const struct spy_shard *shard = spy_open_shard(region);
    const struct spy_cell *cell =
        spy_region_chunk(region, atomic_load_explicit(&shard->cell[op], memory_order_acquire));
    if (cell != NULL) {
        like.dur_ns = atomic_load_explicit(&cell->last_dur_ns, RELAXED);
        like.wait_ns = atomic_load_explicit(&cell->last_wait_ns, RELAXED);
    }
    atomic_fetch_add_explicit(&r->guessed, 1, RELAXED);
    return like;
}

void spy_attribute_ended(struct spy_region *region, struct spy_owner owner, uint32_t op,
                         struct spy_sample *sample, const void *site)
{
    struct spy_open_request *r = request_of(region, owner, sample);
    if (r == NULL)
        return;
    sample->request_op = atomic_load_explicit(&r->op, RELAXED) + 1;
    const struct spy_sample *s = sample;
    struct spy_sample like;
    if (__builtin_expect(sample->sampled == SPY_UNTIMED, 0)) {
        like = guess(region, r, op, sample);
        s = &like;
    }
    atomic_fetch_add_explicit(&r->db_wait_ns, s->wait_ns, RELAXED);
    atomic_fetch_add_explicit(&r->db_rows_ns, spy_sample_tail_ns(s), RELAXED);
    atomic_fetch_add_explicit(&r->queries, 1, RELAXED);
    spy_repeats_tally(r, op, s->dur_ns, site);
}

/* Were all queries of request R, which ends, attributed? Some may not, where that was left out for
 * its cost, now or since the request began. */
static bool is_whole(const struct spy_region *region, const struct spy_open_request *r)
{
    const struct spy_cost *cost = &region->cost;
    return !spy_cost_leaves_out(cost, SPY_BACKOFF_DETAIL) &&
           atomic_load_explicit(&cost->changed_ns, RELAXED) <=
               atomic_load_explicit(&r->begin_ns, RELAXED);
}

void spy_attribute_close(struct spy_region *region, uint32_t row, struct spy_sample *sample)
{
    if (row >= SPY_OPEN_REQUESTS)
        return;
    struct spy_open_request *r = spy_open_request_at(region, row);
    if (is_whole(region, r)) {
        sample->way = atomic_load_explicit(&region->queried, RELAXED) != 0;
        sample->queries = atomic_load_explicit(&r->queries, RELAXED);
        sample->db_wait_ns = atomic_load_explicit(&r->db_wait_ns, RELAXED);
        sample->db_rows_ns = atomic_load_explicit(&r->db_rows_ns, RELAXED);
        uint32_t guessed = atomic_load_explicit(&r->guessed, RELAXED);
        sample->guessed = (uint16_t)(guessed < UINT16_MAX ? guessed : UINT16_MAX);
        if (sample->queries >= spy_term(region->repeats_calls))
            spy_repeats_note(region, r, sample->dur_ns);
    }
    spy_close_request(region, row);
}
