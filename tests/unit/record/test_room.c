/* SPDX-License-Identifier: MIT */
/*
 * A service with more threads and operations than could each have cells of their own: every call is
 * still counted under its operation, with its codes and parts, and history takes all of them.
 */
#include "../region_fixture.h"

#include "record/record.h"
#include "record/roll.h"
#include "record/shard.h"
#include "runtime/process.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#define THREADS 60u
#define OPS     100u /* from FIRST on: even ones are statements, odd ones requests */
#define FIRST   2u
#define TIMES   8u /* an octave each */
#define ROUNDS  3u

static struct spy_region *region;
static pthread_barrier_t together;

static void full_house(void)
{
    region = region_fixture();
    spy_shards_reserve(region);
    for (uint32_t i = FIRST; i < FIRST + OPS; i++) {
        struct spy_op *op = spy_region_op(region, i);
        op->kind = i % 2 == 0 ? SPY_KIND_SQL : SPY_KIND_HTTP;
        op->watch_ns = UINT64_MAX;
        atomic_store(&op->state, SPY_OP_READY);
    }
    atomic_store(&region->ops_used, FIRST + OPS);
}

static void one_call(uint32_t op, uint64_t time)
{
    struct spy_sample s = {
        .op = op, .dur_ns = FIXTURE_MS << time, .way = SPY_WAY_THREAD, .rows = 3};
    s.wait_ns = s.dur_ns / 2;
    if (op % 2 == 1) {
        s.code = 200;
        s.queries = 2;
        s.db_wait_ns = s.dur_ns / 4;
        s.read_ns = s.dur_ns / 8;
    }
    spy_record(region, &s);
}

static void *serve(void *unused)
{
    (void)unused;
    pthread_barrier_wait(&together);
    for (uint32_t round = 0; round < ROUNDS; round++)
        for (uint32_t op = FIRST; op < FIRST + OPS; op++)
            for (uint64_t time = 0; time < TIMES; time++)
                one_call(op, time);
    pthread_barrier_wait(&together); /* all alive at once: none has another's shard */
    return NULL;
}

static void serve_by_all(void)
{
    pthread_t thread[THREADS];
    pthread_barrier_init(&together, NULL, THREADS);
    for (uint32_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, serve, NULL), 0);
    for (uint32_t i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    pthread_barrier_destroy(&together);
}

static void expect_all(const struct spy_totals *t, uint32_t op)
{
    const uint64_t calls = THREADS * ROUNDS * TIMES;
    assert_int_equal(t->calls, calls);
    assert_int_equal(spy_hist_count(&t->hist), calls);
    assert_int_equal(t->rows, calls * 3);
    assert_int_equal(t->way_thread, op % 2 == 0 ? calls : 0);
    if (op % 2 == 0)
        return;
    assert_int_equal(t->codes, 1);
    assert_int_equal(t->code[0].count, calls);
    assert_int_equal(t->spread[2], calls);
    for (int part = 0; part < SPY_PART_COUNT; part++)
        assert_int_equal(spy_part_count(&t->part[part]), calls);
}

static struct spy_totals told[FIRST + OPS];

static void add_up(void *ctx, const struct spy_history_step *step, uint32_t op,
                   const struct spy_totals *delta)
{
    (void)ctx;
    if (delta != NULL && step->end_ns != UINT64_MAX)
        spy_totals_add(&told[op], delta);
}

static void every_call_keeps_its_name(void **state)
{
    (void)state;
    static struct spy_totals totals;
    full_house();
    serve_by_all();
    for (uint32_t op = FIRST; op < FIRST + OPS; op++) {
        spy_totals_of_op(&totals, region, op);
        expect_all(&totals, op);
        spy_totals_clear(&told[op]);
    }
    assert_int_equal(atomic_load(&region->self[SPY_SELF_ARENA_FULL]), 0);
    assert_int_equal(atomic_load(&region->self[SPY_SELF_PARTS_FULL]), 0);
    assert_true(atomic_load(&region->self[SPY_SELF_SHARED_SHARD]) > 0); /* it was too much */

    struct spy_history_window w = {.until_ns = UINT64_MAX};
    spy_history_roll(region, region->epoch_mono_ns + 10, &(struct spy_use){0});
    assert_int_equal(spy_history_tell(region, &w, add_up, NULL), SPY_OK);
    for (uint32_t op = FIRST; op < FIRST + OPS; op++)
        expect_all(&told[op], op);
    free(region);
}

int main(void)
{
    spy_process->pid = getpid();
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_call_keeps_its_name)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
