/* SPDX-License-Identifier: MIT */
/*
 * Parts of requests: counted exactly, in all parts or in none, from any number of threads; and what
 * they cost of the arena.
 */
#include "../region_fixture.h"

#include "record/record.h"
#include "runtime/process.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#define HTTP 3u
#define SQL  2u

static struct spy_totals totals;

static const struct spy_part_hist *part(struct spy_region *region, enum spy_part which)
{
    spy_totals_of_op(&totals, region, HTTP);
    return &totals.part[which];
}

static void is_about(double ns, double wanted)
{
    assert_true(fabs(ns / wanted - 1) <= 0.0445);
}

static void each_part_has_its_percentiles(void **state)
{
    (void)state;
    struct spy_region *region = region_fixture();
    for (uint64_t i = 1; i <= 100; i++)
        spy_record(region, &(struct spy_sample){
                               .op = HTTP,
                               .way = 1,
                               .dur_ns = 100 * i * FIXTURE_MS,
                               .wait_ns = 90 * i * FIXTURE_MS,
                               .read_ns = i * FIXTURE_MS,
                               .db_wait_ns = i > 60 ? 50 * i * FIXTURE_MS : 0,
                               .db_rows_ns = 7 * FIXTURE_MS,
                               .blocked_ns = 0,
                           });
    is_about(spy_part_quantile_ns(part(region, SPY_PART_READ), 0.95, UINT64_MAX), 95e6);
    is_about(spy_part_quantile_ns(part(region, SPY_PART_FIRST_BYTE), 0.5, UINT64_MAX), 4500e6);
    is_about(spy_part_quantile_ns(part(region, SPY_PART_DB_ROWS), 0.99, UINT64_MAX), 7e6);
    is_about(spy_part_quantile_ns(part(region, SPY_PART_DB_WAIT), 0.95, UINT64_MAX), 4750e6);
    assert_true(spy_part_quantile_ns(part(region, SPY_PART_DB_WAIT), 0.6, UINT64_MAX) == 0);
    is_about(spy_part_quantile_ns(part(region, SPY_PART_DB_WAIT), 0.61, UINT64_MAX), 3050e6);
    assert_int_equal(part(region, SPY_PART_BLOCKED)->zero, 100);
    assert_true(spy_part_quantile_ns(part(region, SPY_PART_BLOCKED), 0.99, UINT64_MAX) == 0);
    /* What is left: of the first 100 ms less 1 and 7. */
    is_about(spy_part_quantile_ns(part(region, SPY_PART_PROGRAM), 0.01, UINT64_MAX), 92e6);
    /* Nothing was longer than the longest request. */
    assert_true(spy_part_quantile_ns(part(region, SPY_PART_READ), 1, 99 * FIXTURE_MS) == 99e6);
    free(region);
}

/* Parts that overlap leave nothing, not less than nothing, for the program. */
static void the_program_has_no_less_than_nothing(void **state)
{
    (void)state;
    struct spy_region *region = region_fixture();
    spy_record(region, &(struct spy_sample){.op = HTTP,
                                            .way = 1,
                                            .dur_ns = 10,
                                            .db_wait_ns = 8,
                                            .db_rows_ns = 8,
                                            .blocked_ns = UINT64_MAX});
    assert_int_equal(part(region, SPY_PART_PROGRAM)->zero, 1);
    free(region);
}

static void statements_have_none(void **state)
{
    (void)state;
    struct spy_region *region = region_fixture();
    spy_record(region, &(struct spy_sample){.op = SQL, .dur_ns = 10});
    const struct spy_cell *cell = spy_region_cell(region, 0, SQL);
    assert_non_null(cell);
    assert_int_equal(cell->parts, 0);
    free(region);
}

/* The bound of DESIGN's memory: what parts of one request operation take of the arena where its
 * times spread over a millionfold. */
static void parts_are_small(void **state)
{
    (void)state;
    struct spy_region *region = region_fixture();
    for (uint64_t ns = 1000; ns < 1000000000; ns += ns / 3)
        spy_record(region,
                   &(struct spy_sample){.op = HTTP, .way = 1, .dur_ns = 2 * ns, .db_wait_ns = ns});
    uint32_t with = atomic_load(&region->arena_used);
    const struct spy_cell *cell = spy_region_cell(region, 0, HTTP);
    uint32_t others = SPY_CELL_CHUNKS + 1 + SPY_WORST_CHUNKS; /* the last of them were slow */
    for (uint32_t i = 0; i < SPY_HIST_OCTAVES; i++)
        others += cell->octave[i] != 0;
    assert_true(with - 1 - others <= 1 + 2 * 6);
    free(region);
}

/* With the arena full a request is in all of its parts or in none, and that is counted. What the
 * thread's own cell has no room for is in one of the shared shard: two chunks, the parts' own one,
 * and one each of four parts that took some time. */
static void no_room(void **state)
{
    (void)state;
    for (uint32_t left = 0; left < 12; left++) {
        struct spy_region *region = region_fixture();
        spy_record(region, &(struct spy_sample){.op = HTTP, .way = 1, .dur_ns = 1});
        atomic_store(&region->arena_used, SPY_ARENA_CHUNKS - left);
        spy_record(region, &(struct spy_sample){.op = HTTP,
                                                .way = 1,
                                                .dur_ns = 1,
                                                .wait_ns = 40000000000,
                                                .read_ns = 300,
                                                .db_wait_ns = 500000,
                                                .db_rows_ns = 60000000});
        uint64_t lost = atomic_load(&region->self[SPY_SELF_PARTS_FULL]);
        for (unsigned i = 0; i < SPY_PART_COUNT; i++)
            assert_int_equal(spy_part_count(part(region, (enum spy_part)i)), 2 - lost);
        assert_int_equal(totals.calls, 2);
        assert_int_equal(lost, left < 7);
        free(region);
    }
}

/* ---- threads -------------------------------------------------------------------------------- */

#define THREADS 80 /* more than shards */
#define EACH    2000

static void *count(void *region)
{
    for (uint64_t i = 0; i < EACH; i++)
        spy_record(region, &(struct spy_sample){
                               .op = HTTP, .way = 1, .dur_ns = 1000 << (i % 20), .read_ns = i % 2});
    return NULL;
}

static void threads_lose_nothing(void **state)
{
    pthread_t thread[THREADS];
    (void)state;
    struct spy_region *region = region_fixture();
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, count, region), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    for (unsigned i = 0; i < SPY_PART_COUNT; i++)
        assert_int_equal(spy_part_count(part(region, (enum spy_part)i)), THREADS * EACH);
    assert_int_equal(part(region, SPY_PART_READ)->zero, THREADS * EACH / 2);
    free(region);
}

int main(void)
{
    spy_process->pid = getpid();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_part_has_its_percentiles),
        cmocka_unit_test(the_program_has_no_less_than_nothing),
        cmocka_unit_test(statements_have_none),
        cmocka_unit_test(parts_are_small),
        cmocka_unit_test(no_room),
        cmocka_unit_test(threads_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
