/* SPDX-License-Identifier: MIT */
/*
 * Recording: exact counts under threads, full tables.
 */
#include "../region_fixture.h"

#include "record/record.h"
#include "record/shard.h"
#include "runtime/process.h"
#include "runtime/thread.h"
#include "shared/totals.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

static struct spy_totals totals;

static void record(struct spy_region *region, uint32_t op, uint64_t dur_ns, uint32_t code)
{
    spy_record(region, &(struct spy_sample){.op = op,
                                            .dur_ns = dur_ns,
                                            .wait_ns = dur_ns / 4,
                                            .code = code,
                                            .rows = 2,
                                            .bytes_in = 3,
                                            .bytes_out = 5});
}

static void a_call_is_counted_in_every_way(void **state)
{
    (void)state;
    struct spy_region *region = region_fixture();
    record(region, 3, 200 * FIXTURE_MS, 404);
    record(region, 3, 4000 * FIXTURE_MS, 200);
    spy_totals_of_op(&totals, region, 3);
    assert_int_equal(totals.calls, 2);
    assert_int_equal(totals.sum_ns, 4200 * FIXTURE_MS);
    assert_int_equal(totals.wait_ns, 1050 * FIXTURE_MS);
    assert_int_equal(totals.tail_ns, 3150 * FIXTURE_MS);
    assert_int_equal(totals.rows, 4);
    assert_int_equal(totals.bytes_in, 6);
    assert_int_equal(totals.bytes_out, 10);
    assert_int_equal(totals.min_ns, 200 * FIXTURE_MS);
    assert_int_equal(totals.max_ns, 4000 * FIXTURE_MS);
    assert_int_equal(totals.level[SPY_LEVEL_GOOD], 1);
    assert_int_equal(totals.level[SPY_LEVEL_CRITICAL], 1);
    assert_int_equal(totals.codes, 2);
    assert_int_equal(spy_hist_count(&totals.hist), 2);
    free(region);
}

#define THREADS 90 /* more than there are shards */
#define CALLS   20000

static pthread_barrier_t together;

static void *hammer(void *arg)
{
    struct spy_region *region = arg;
    pthread_barrier_wait(&together);
    for (uint64_t i = 0; i < CALLS; i++)
        record(region, 2 + (uint32_t)(i % 2), 1000 << (i % 20), 200 + (uint32_t)(i % 3));
    pthread_barrier_wait(&together); /* all alive at once: shards run short */
    return NULL;
}

static void every_call_of_every_thread_counts(void **state)
{
    (void)state;
    struct spy_region *region = region_fixture();
    pthread_t thread[THREADS];
    pthread_barrier_init(&together, NULL, THREADS);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, hammer, region), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    for (uint32_t op = 2; op <= 3; op++) {
        spy_totals_of_op(&totals, region, op);
        assert_int_equal(totals.calls, THREADS * CALLS / 2);
        assert_int_equal(spy_hist_count(&totals.hist), THREADS * CALLS / 2);
        uint64_t by_code = 0, by_level = 0;
        for (uint32_t i = 0; i < totals.codes; i++)
            by_code += totals.code[i].count;
        for (int i = 0; i < SPY_LEVEL_COUNT; i++)
            by_level += totals.level[i];
        assert_int_equal(by_code, totals.calls);
        assert_int_equal(by_level, totals.calls);
    }
    assert_true(atomic_load(&region->self[SPY_SELF_SHARED_SHARD]) > 0);
    free(region);
}

static void a_full_arena_counts_under_other(void **state)
{
    (void)state;
    struct spy_region *region = region_fixture();
    spy_shards_reserve(region);
    record(region, 2, 5000, 1);
    atomic_store(&region->arena_used, SPY_ARENA_CHUNKS);
    record(region, 2, 5000, 1);         /* has its place already */
    record(region, 2, 5000000, 1);      /* another octave: no room */
    record(region, 3, 5000000000, 500); /* another operation: no room */
    spy_totals_of_op(&totals, region, 2);
    assert_int_equal(totals.calls, 2);
    spy_totals_of_op(&totals, region, SPY_OP_OTHER_SQL);
    assert_int_equal(totals.calls, 1);
    spy_totals_of_op(&totals, region, SPY_OP_OTHER_HTTP);
    assert_int_equal(totals.calls, 1);
    assert_int_equal(totals.code[0].code, 500);
    assert_int_equal(atomic_load(&region->self[SPY_SELF_ARENA_FULL]), 2);
    free(region);
}

/* ---- never executed ------------------------------------------------------------------------- */

static void never_executed_is_no_call(void **state)
{
    (void)state;
    struct spy_region *region = region_fixture();
    uint32_t chunks = atomic_load(&region->arena_used);
    spy_record_aborted(region, 2); /* before any call: the cell is made */
    assert_int_equal(atomic_load(&region->arena_used), chunks + SPY_CELL_CHUNKS);
    record(region, 2, 5000, 0);
    spy_record_aborted(region, 2);
    spy_totals_of_op(&totals, region, 2);
    assert_int_equal(totals.aborted, 2);
    assert_int_equal(totals.calls, 1);
    assert_int_equal(totals.errors, 0);
    assert_int_equal(spy_hist_count(&totals.hist), 1);
    assert_int_equal(totals.min_ns, 5000);
    assert_int_equal(atomic_load(&region->slow_head), 0);
    free(region);
}

static void never_executed_finds_room_under_other(void **state)
{
    (void)state;
    struct spy_region *region = region_fixture();
    spy_shards_reserve(region);
    atomic_store(&region->arena_used, SPY_ARENA_CHUNKS);
    spy_record_aborted(region, 2);
    spy_totals_of_op(&totals, region, SPY_OP_OTHER_SQL);
    assert_int_equal(totals.aborted, 1);
    assert_int_equal(totals.calls, 0);
    assert_int_equal(atomic_load(&region->self[SPY_SELF_ARENA_FULL]), 1);
    free(region);
}

static void *abort_often(void *arg)
{
    pthread_barrier_wait(&together);
    for (uint64_t i = 0; i < CALLS; i++)
        spy_record_aborted(arg, 2);
    pthread_barrier_wait(&together);
    return NULL;
}

static void every_statement_never_executed_counts(void **state)
{
    (void)state;
    struct spy_region *region = region_fixture();
    pthread_t thread[THREADS];
    pthread_barrier_init(&together, NULL, THREADS);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, abort_often, region), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    spy_totals_of_op(&totals, region, 2);
    assert_int_equal(totals.aborted, THREADS * CALLS);
    free(region);
}

/* ---- a signal in the middle of recording ----------------------------------------------------- */

static struct spy_region *signalled;
static volatile int in_handler;

static void on_signal(int number)
{
    (void)number;
    record(signalled, 2, 7000, 0);
    in_handler++;
}

static void a_handler_records_beside_its_thread(void **state)
{
    (void)state;
    signalled = region_fixture();
    spy_shards_reserve(signalled);
    signal(SIGUSR1, on_signal);
    struct spy_writer writer = spy_writer_begin(signalled); /* in the middle of a recording */
    raise(SIGUSR1);
    assert_false(writer.shared);
    spy_writer_end(&writer);
    raise(SIGUSR1);
    assert_int_equal(in_handler, 2);
    spy_totals_of_op(&totals, signalled, 2);
    assert_int_equal(totals.calls, 2);
    assert_int_equal(atomic_load(&signalled->self[SPY_SELF_SHARED_SHARD]), 1);
    free(signalled);
}

int main(void)
{
    spy_process->pid = getpid();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_counted_in_every_way),
        cmocka_unit_test(every_call_of_every_thread_counts),
        cmocka_unit_test(a_full_arena_counts_under_other),
        cmocka_unit_test(never_executed_is_no_call),
        cmocka_unit_test(never_executed_finds_room_under_other),
        cmocka_unit_test(every_statement_never_executed_counts),
        cmocka_unit_test(a_handler_records_beside_its_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
