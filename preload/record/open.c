/* SPDX-License-Identifier: MIT */
/*
 * Taking and freeing rows. See open.h.
 */
#include "record/open.h"

#include "record/shard.h"
#include "runtime/thread.h"

#include <string.h>

#define RELAXED memory_order_relaxed

/* Rows looked at before a request goes without: few enough for the path of a call. A thread with
 * one request at a time finds its own row again, warm; where its first few are taken, as in an
 * event loop, it goes on from a place that differs each time, so that 64 taken rows side by side
 * stay improbable until the table is nearly full. */
#define PROBES_NEAR 8u
#define PROBES_FAR  64u

enum { FREE, CLAIMED, OPEN };

/* Where the calling thread begins to look: threads keep out of each other's way. */
static uint32_t first_probe(struct spy_region *region)
{
    return spy_writer_thread_id(region) * 37u;
}

/* Row number TRY to look at. The word changes with every request that begins or ends. */
static uint32_t probe(uint32_t near, uint64_t open, uint32_t try)
{
    uint32_t far = (uint32_t)(open * 0x9E3779B97F4A7C15ull >> 32);
    return (try < PROBES_NEAR ? near + try : far + try) % SPY_OPEN_REQUESTS;
}

static bool claim(_Atomic uint32_t *taken)
{
    uint32_t expected = FREE;
    /* Acquire: after the stores of whoever freed it. */
    return atomic_load_explicit(taken, RELAXED) == FREE &&
           atomic_compare_exchange_strong_explicit(taken, &expected, CLAIMED, memory_order_acquire,
                                                   RELAXED);
}

/* ---- requests ------------------------------------------------------------------------------- */

struct spy_shard *spy_open_shard(struct spy_region *region)
{
    spy_writer_thread_id(region);
    return spy_thread.shard;
}

uint32_t spy_open_own(struct spy_region *region)
{
    uint32_t row =
        spy_open_only(atomic_load_explicit(&spy_open_shard(region)->open, memory_order_relaxed));
    if (row >= SPY_OPEN_REQUESTS)
        return SPY_OPEN_NO_ROW;
    const struct spy_open_request *r = spy_open_request_at(region, row);
    return atomic_load_explicit(&r->tid, RELAXED) == spy_thread.tid ? row : SPY_OPEN_NO_ROW;
}

/* Tallies are claimed in order: behind the first free one there is none. */
static void clear_tallies(struct spy_open_request *r)
{
    for (uint32_t i = 0; i < SPY_TALLIES; i++) {
        if (atomic_load_explicit(&r->tally[i].op, RELAXED) == 0)
            return;
        atomic_store_explicit(&r->tally[i].calls, 0, RELAXED);
        atomic_store_explicit(&r->tally[i].ns, 0, RELAXED);
        atomic_store_explicit(&r->tally[i].op, 0, RELAXED);
    }
}

void spy_open_writing(struct spy_region *region, uint64_t since_ns)
{
    struct spy_shard *shard = spy_open_shard(region);
    if (shard != spy_region_shard(region, SPY_SHARD_SHARED)) /* whose thread would it be? */
        atomic_store_explicit(&shard->writing_ns, since_ns, RELAXED);
}

static void fill(struct spy_region *region, struct spy_open_request *r, uint32_t op,
                 uint64_t begin_ns)
{
    const struct spy_shard *first = spy_region_shard(region, 0);
    atomic_store_explicit(&r->op, op, RELAXED);
    atomic_store_explicit(&r->tid, spy_thread.tid, RELAXED);
    atomic_store_explicit(&r->shard, (uint32_t)(spy_thread.shard - first), RELAXED);
    atomic_store_explicit(&r->begin_ns, begin_ns, RELAXED);
    atomic_store_explicit(&r->stalled_ns, 0, RELAXED);
    atomic_store_explicit(&r->db_wait_ns, 0, RELAXED);
    atomic_store_explicit(&r->db_rows_ns, 0, RELAXED);
    atomic_store_explicit(&r->queries, 0, RELAXED);
    atomic_store_explicit(&r->guessed, 0, RELAXED);
    clear_tallies(r);
}

uint32_t spy_open_request(struct spy_region *region, uint32_t op, uint64_t begin_ns)
{
    uint32_t near = first_probe(region);
    uint64_t open = atomic_load_explicit(&region->open, RELAXED);
    for (uint32_t i = 0; i < PROBES_NEAR + PROBES_FAR; i++) {
        uint32_t row = probe(near, open, i);
        struct spy_open_request *r = spy_open_request_at(region, row);
        if (!claim(&r->taken))
            continue;
        fill(region, r, op, begin_ns);
        /* Release: who finds it open finds it filled in. */
        atomic_store_explicit(&r->taken, OPEN, memory_order_release);
        atomic_fetch_add_explicit(&spy_thread.shard->open, SPY_OPEN_ONE + row + 1, RELAXED);
        atomic_fetch_add_explicit(&spy_region_op(region, op)->open, SPY_OPEN_ONE + row + 1,
                                  RELAXED);
        atomic_fetch_add_explicit(&region->open, SPY_OPEN_ONE + row + 1, RELAXED);
        return row;
    }
    spy_self_count(region, SPY_SELF_OPEN_FULL);
    return SPY_OPEN_NO_ROW;
}

void spy_close_request(struct spy_region *region, uint32_t row)
{
    if (row >= SPY_OPEN_REQUESTS)
        return;
    struct spy_open_request *r = spy_open_request_at(region, row);
    uint32_t open = OPEN;
    if (!atomic_compare_exchange_strong_explicit(&r->taken, &open, CLAIMED, RELAXED, RELAXED))
        return; /* a fork's child, whose region knows nothing of what its parent had open; or all
                 * were closed, since recording is switched off */
    uint32_t shard = atomic_load_explicit(&r->shard, RELAXED);
    uint32_t op = atomic_load_explicit(&r->op, RELAXED);
    atomic_fetch_sub_explicit(&region->open, SPY_OPEN_ONE + row + 1, RELAXED);
    atomic_fetch_sub_explicit(&spy_region_op(region, op)->open, SPY_OPEN_ONE + row + 1, RELAXED);
    atomic_fetch_sub_explicit(&spy_region_shard(region, shard)->open, SPY_OPEN_ONE + row + 1,
                              RELAXED);
    atomic_store_explicit(&r->taken, FREE, memory_order_release);
}

void spy_open_close_all(struct spy_region *region)
{
    for (uint32_t row = 0; row < SPY_OPEN_REQUESTS; row++)
        spy_close_request(region, row);
    for (uint32_t row = 0; row < SPY_OPEN_CONNS; row++)
        spy_close_conn(region, row);
    for (uint32_t i = 0; i < SPY_SHARDS; i++)
        atomic_store_explicit(&spy_region_shard(region, i)->writing_ns, 0, RELAXED);
}

/* ---- connections ---------------------------------------------------------------------------- */

uint32_t spy_open_conn(struct spy_region *region)
{
    uint32_t first = first_probe(region);
    for (uint32_t i = 0; i < SPY_OPEN_CONNS; i++) {
        uint32_t row = (first + i) % SPY_OPEN_CONNS;
        struct spy_open_conn *c = spy_open_conn_at(region, row);
        if (claim(&c->taken)) {
            memset((char *)c + sizeof(c->taken), 0, sizeof(*c) - sizeof(c->taken));
            atomic_store_explicit(&c->taken, OPEN, memory_order_release);
            atomic_store_explicit(&region->queried, 1, RELAXED);
            return row;
        }
    }
    spy_self_count(region, SPY_SELF_OPEN_FULL);
    return SPY_OPEN_NO_ROW;
}

void spy_close_conn(struct spy_region *region, uint32_t row)
{
    if (row < SPY_OPEN_CONNS)
        atomic_store_explicit(&spy_open_conn_at(region, row)->taken, FREE, memory_order_release);
}
