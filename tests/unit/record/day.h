/* SPDX-License-Identifier: MIT */
/*
 * A day of calls, from a fixed seed, with a simulated clock and a log of what each call really was.
 * For test programs.
 */
#ifndef TESTS_UNIT_RECORD_DAY_H
#define TESTS_UNIT_RECORD_DAY_H

#include "../region_fixture.h"

#include "record/record.h"
#include "runtime/process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#define SEC       1000000000ull
#define STEP      (10 * SEC)
#define STEPS     8640 /* a day */
#define OPS       14u  /* from FIRST on: even ones are statements, odd ones requests */
#define FIRST     2u
#define EPOCH     (123456789ull * 1000000ull)
#define CALLS_MAX (STEPS * OPS * 12u)

/* One call as it really was. */
struct call {
    uint64_t end_ns; /* of the step it fell in */
    uint64_t dur_ns;
    uint64_t part_ns[SPY_PART_COUNT];
    uint32_t op;
    uint32_t queries;
};

static struct call *log_of_calls;
static size_t logged;
static struct spy_region *region;
static uint64_t now_ns;
static uint64_t state = 88172645463325252ull;

static inline uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* Anything from a microsecond to a minute, each octave as likely as the others. */
static inline uint64_t random_time(void)
{
    return (next_random() % 1000 + 1000) << (next_random() % 26);
}

static inline void day_begins(uint32_t history_bytes)
{
    struct spy_region *r;
    uint64_t bytes = spy_region_bytes((struct spy_region_sizes){history_bytes, 0});
    struct spy_history_plan plan = spy_history_default;
    plan.bytes = history_bytes;
    r = aligned_alloc(4096, bytes);
    assert_non_null(r);
    memset(r, 0, bytes);
    r->history_bytes = history_bytes;
    spy_region_layout(r);
    spy_history_begin(r, &plan);
    static uint64_t regions;
    r->epoch_mono_ns = EPOCH + ++regions;
    const uint64_t bounds[] = {100 * FIXTURE_MS, 500 * FIXTURE_MS, SEC, 3 * SEC};
    memcpy(r->level_bounds_ns, bounds, sizeof(bounds));
    for (uint32_t i = 0; i < FIRST + OPS; i++) {
        struct spy_op *op = spy_region_op(r, i);
        op->kind = i % 2 == 0 ? SPY_KIND_SQL : SPY_KIND_HTTP;
        op->watch_ns = UINT64_MAX;
        atomic_store(&op->state, SPY_OP_READY);
    }
    atomic_store(&r->ops_used, FIRST + OPS);
    atomic_store(&r->arena_used, 1);
    atomic_store(&r->text_used, 1);
    region = r;
    now_ns = r->epoch_mono_ns;
    logged = 0;
}

static inline void fill_request(struct spy_sample *s, struct call *call)
{
    s->queries = (uint32_t)(next_random() % 40);
    s->way = 1;
    s->read_ns = next_random() % 2 ? s->dur_ns / 50 : 0;
    s->db_wait_ns = s->queries > 0 ? s->dur_ns / 3 : 0;
    s->db_rows_ns = s->queries > 0 ? s->dur_ns / 7 : 0;
    s->blocked_ns = next_random() % 3 ? 0 : s->dur_ns / 11;
    call->queries = s->queries;
    call->part_ns[SPY_PART_READ] = s->read_ns;
    call->part_ns[SPY_PART_DB_WAIT] = s->db_wait_ns;
    call->part_ns[SPY_PART_DB_ROWS] = s->db_rows_ns;
    call->part_ns[SPY_PART_BLOCKED] = s->blocked_ns;
    call->part_ns[SPY_PART_PROGRAM] =
        s->dur_ns - s->read_ns - s->db_wait_ns - s->db_rows_ns - s->blocked_ns;
    call->part_ns[SPY_PART_FIRST_BYTE] = s->wait_ns;
}

static inline void one_call(uint32_t op, uint64_t end_ns)
{
    struct call *call = &log_of_calls[logged++];
    struct spy_sample s = {.op = op, .dur_ns = random_time(), .code = 200 + next_random() % 5};
    *call = (struct call){.end_ns = end_ns, .dur_ns = s.dur_ns, .op = op};
    s.wait_ns = s.dur_ns / 2;
    s.failed = s.code == 204;
    s.rows = s.dur_ns % 100;
    if (op % 2 == 1)
        fill_request(&s, call);
    spy_record(region, &s);
}

/* Half of the operations are called all day, the others by the hour; at night hardly any. */
static inline void one_step(uint64_t i)
{
    uint64_t hour = i / 360;
    for (uint32_t k = 0; k < OPS; k++) {
        bool awake = k % 2 == 0 || (hour + k) % 5 == 0;
        uint64_t most = awake ? (hour < 6 ? 2 : 8) : 1;
        for (uint64_t n = next_random() % most; n > 0; n--)
            one_call(FIRST + k, now_ns + STEP);
    }
}

#endif
