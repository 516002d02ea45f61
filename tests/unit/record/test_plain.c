/* SPDX-License-Identifier: MIT */
/*
 * Plain calls: counted as spy_record() counts them, or not at all.
 */
#include "../region_fixture.h"

#include "record/plain.h"
#include "record/record.h"
#include "shared/totals.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define OP    2
#define CALLS 20000

static struct spy_totals plain, usual;

static struct spy_sample sample_of(const struct spy_plain *call)
{
    return (struct spy_sample){.op = call->op,
                               .params = call->params,
                               .dur_ns = call->dur_ns,
                               .wait_ns = call->dur_ns,
                               .rows = call->rows,
                               .affected = call->affected,
                               .bytes_in = call->bytes_in};
}

static bool record(struct spy_region *region, uint64_t dur_ns)
{
    return spy_record_plain(region, &(struct spy_plain){.op = OP, .dur_ns = dur_ns});
}

/* A region in which this thread has the bucket of DUR_NS. */
static struct spy_region *region_with(uint64_t dur_ns)
{
    struct spy_region *region = region_fixture();
    spy_record(region, &(struct spy_sample){.op = OP, .dur_ns = dur_ns});
    return region;
}

static uint64_t calls_in(const struct spy_region *region)
{
    spy_totals_of_op(&plain, region, OP);
    return plain.calls;
}

/* Marsaglia's xorshift: the same calls in every run. */
static struct spy_plain draw(uint64_t *seed)
{
    uint64_t x = *seed;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *seed = x;
    return (struct spy_plain){.op = OP,
                              .params = (uint16_t)(x % 3),
                              .dur_ns = (x >> 8) >> (26 + x % 16),
                              .rows = x % 7,
                              .affected = x % 5 < 2 ? x % 11 : 0,
                              .bytes_in = x >> 40};
}

/* Returns how many calls were plain. */
static int record_calls(struct spy_region *region, bool as_plain)
{
    uint64_t seed = 88172645463325252ull;
    int taken = 0;
    for (int i = 0; i < CALLS; i++) {
        struct spy_plain call = draw(&seed);
        struct spy_sample sample = sample_of(&call);
        if (as_plain && spy_record_plain(region, &call))
            taken++;
        else
            spy_record(region, &sample);
    }
    return taken;
}

static void it_counts_what_the_usual_way_counts(void **state)
{
    (void)state;
    struct spy_region *one = region_fixture(), *other = region_fixture();
    int taken = record_calls(one, true);
    record_calls(other, false);
    assert_true(taken > CALLS / 2 && taken < CALLS);
    spy_totals_of_op(&plain, one, OP);
    spy_totals_of_op(&usual, other, OP);
    assert_int_equal(plain.calls, CALLS);
    assert_memory_equal(&plain, &usual, sizeof(plain));
    free(one);
    free(other);
}

/* Returns how many calls were counted at once. */
static int record_untimed(struct spy_region *region, bool as_plain)
{
    uint64_t seed = 88172645463325252ull;
    int taken = 0;
    for (int i = 0; i < CALLS; i++) {
        struct spy_plain call = draw(&seed);
        struct spy_sample sample = sample_of(&call);
        sample.sampled = SPY_UNTIMED;
        sample.dur_ns = sample.wait_ns = 0;
        if (as_plain && spy_record_untimed(region, &call))
            taken++;
        else
            spy_record(region, &sample);
    }
    return taken;
}

static void so_it_does_of_calls_that_were_not_timed(void **state)
{
    (void)state;
    struct spy_region *one = region_fixture(), *other = region_fixture();
    assert_int_equal(record_untimed(one, true), CALLS - 1); /* the first makes the cell */
    record_untimed(other, false);
    spy_totals_of_op(&plain, one, OP);
    spy_totals_of_op(&usual, other, OP);
    assert_int_equal(plain.untimed, CALLS);
    assert_memory_equal(&plain, &usual, sizeof(plain));
    spy_thread.recording = 1; /* a signal handler's call is not taken */
    assert_false(spy_record_untimed(other, &(struct spy_plain){.op = OP}));
    spy_thread.recording = 0;
    free(one);
    free(other);
}

static void what_is_slow_is_left_to_the_usual_way(void **state)
{
    (void)state;
    struct spy_region *region = region_with(100 * FIXTURE_MS);
    spy_record(region, &(struct spy_sample){.op = OP, .dur_ns = 100 * FIXTURE_MS - 1});
    assert_false(record(region, 100 * FIXTURE_MS)); /* no longer excellent */
    assert_true(record(region, 100 * FIXTURE_MS - 1));
    spy_region_op(region, OP)->watch_ns = 100 * FIXTURE_MS - 1; /* a benchmark of its own */
    assert_false(record(region, 100 * FIXTURE_MS - 1));
    assert_int_equal(calls_in(region), 3);
    free(region);
}

static void so_is_the_first_call_in_a_bucket(void **state)
{
    (void)state;
    struct spy_region *region = region_fixture();
    assert_false(record(region, FIXTURE_MS)); /* and in the region */
    spy_record(region, &(struct spy_sample){.op = OP, .dur_ns = FIXTURE_MS});
    assert_true(record(region, FIXTURE_MS));
    assert_false(record(region, 10 * FIXTURE_MS));
    assert_int_equal(calls_in(region), 2);
    free(region);
}

static void and_what_interrupts_a_recording(void **state)
{
    (void)state;
    struct spy_region *region = region_with(FIXTURE_MS);
    spy_thread.recording = 1;
    assert_false(record(region, FIXTURE_MS));
    spy_thread.recording = 0;
    struct spy_shard *own = spy_thread.shard;
    spy_thread.shard = spy_region_shard(region, SPY_SHARD_SHARED);
    assert_false(record(region, FIXTURE_MS));
    spy_thread.shard = own;
    assert_true(record(region, FIXTURE_MS));
    assert_int_equal(spy_thread.recording, 0);
    assert_int_equal(calls_in(region), 2);
    free(region);
}

static void and_what_is_to_be_logged(void **state)
{
    (void)state;
    struct spy_region *region = region_with(FIXTURE_MS);
    spy_calllog_open(SPY_LOG_DEBUG);
    assert_false(record(region, FIXTURE_MS));
    spy_calllog_open(SPY_LOG_INFO); /* such a call is DEBUG */
    assert_true(record(region, FIXTURE_MS));
    spy_calllog_open(-1);
    free(region);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_counts_what_the_usual_way_counts),
        cmocka_unit_test(so_it_does_of_calls_that_were_not_timed),
        cmocka_unit_test(what_is_slow_is_left_to_the_usual_way),
        cmocka_unit_test(so_is_the_first_call_in_a_bucket),
        cmocka_unit_test(and_what_interrupts_a_recording),
        cmocka_unit_test(and_what_is_to_be_logged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
