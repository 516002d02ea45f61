/* SPDX-License-Identifier: MIT */
/*
 * Sampling: exactly one call of each block is timed, any of them, whatever N and however many
 * threads; counts are exact, and what is estimated from a million calls lies within the error that
 * record/sampling.h tells. Seeds are fixed.
 */
#include "../region_fixture.h"

#include "record/record.h"
#include "record/reset.h"
#include "record/roll.h"
#include "record/sampling.h"
#include "record/shard.h"
#include "runtime/thread.h"
#include "shared/totals.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define OP    2u
#define CALLS 1000000u

static struct spy_totals totals;

/* From here on the draws of this thread are those of SEED. */
static void seed(struct spy_region *region, uint64_t number)
{
    struct spy_writer writer = spy_writer_begin(region);
    atomic_store(&spy_writer_counters(&writer, OP)->draw, number << 33);
    spy_writer_end(&writer);
}

/* A call as observe/ makes it. Returns for how many it stands. */
static uint16_t call(struct spy_region *region, uint32_t every, uint64_t dur_ns)
{
    uint16_t sampled = spy_sampling_draw(region, OP, every);
    bool timed = sampled != SPY_UNTIMED;
    spy_record(region, &(struct spy_sample){.op = OP,
                                            .sampled = sampled,
                                            .dur_ns = timed ? dur_ns : 0,
                                            .wait_ns = timed ? dur_ns / 4 : 0,
                                            .rows = 2,
                                            .bytes_in = 3});
    return sampled;
}

static void one_call_of_each_block_is_timed(void **state)
{
    (void)state;
    static const uint32_t rates[] = {2, 3, 16, 100, 1024};
    struct spy_region *region = region_fixture();
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
        for (uint32_t block = 0; block < 2000; block++) {
            uint32_t timed = 0;
            for (uint32_t k = 0; k < rates[i]; k++) {
                uint16_t sampled = spy_sampling_draw(region, OP, rates[i]);
                assert_true(sampled == SPY_UNTIMED || sampled == rates[i]);
                timed += sampled != SPY_UNTIMED;
            }
            assert_int_equal(timed, 1);
        }
    free(region);
}

/* By chi-square: 15 degrees of freedom, of which 37.7 is the 0.1 % point. */
static void any_call_of_a_block_is_as_likely(void **state)
{
    (void)state;
    enum { N = 16, BLOCKS = 160000 };
    uint32_t seen[N] = {0};
    double chi = 0;
    struct spy_region *region = region_fixture();
    seed(region, 1);
    for (uint32_t i = 0; i < N * BLOCKS; i++)
        seen[i % N] += spy_sampling_draw(region, OP, N) != SPY_UNTIMED;
    for (int i = 0; i < N; i++)
        chi += pow((double)seen[i] - BLOCKS / N, 2) / (BLOCKS / N);
    assert_true(chi < 37.7);
    free(region);
}

/* A loop of as many calls as a block has, one of them slow: what samples each 16th call would see
 * either all of the slow ones or none. */
static void no_loop_is_in_step(void **state)
{
    (void)state;
    struct spy_region *region = region_fixture();
    seed(region, 2);
    for (uint32_t i = 0; i < CALLS; i++)
        call(region, 16, (i % 16 == 5 ? 4000 : 1) * FIXTURE_MS);
    spy_totals_of_op(&totals, region, OP);
    spy_totals_estimate(&totals);
    double share = (double)totals.level[SPY_LEVEL_CRITICAL] / CALLS, q = 1 / 16.;
    assert_true(fabs(share - q) < 4 * sqrt(q * (1 - q) / (CALLS / 16)));
    free(region);
}

/* Durations whose quantile Q is exp(ln 1 us + Q * ln 1e6): 1 us to 1 s. */
static uint64_t duration_at(double q)
{
    return (uint64_t)(1e3 * exp(q * log(1e6)));
}

/* A million calls, each quantile once, in an order that jumps about (a prime step). */
static void record_known(struct spy_region *region, uint32_t every)
{
    for (uint64_t i = 0; i < CALLS; i++)
        call(region, every, duration_at(((double)(i * 611953 % CALLS) + 0.5) / CALLS));
}

/* The value told for Q is that of a quantile within four standard errors, and of its bucket. */
static void assert_quantile(double q, uint32_t every)
{
    double error = 4 * sqrt(q * (1 - q) * every / CALLS);
    double told = spy_hist_quantile_ns(&totals.hist, q, totals.min_ns, totals.max_ns);
    double low = (double)duration_at(fmax(q - error, 0)),
           high = (double)duration_at(fmin(q + error, 1));
    if (told < low * 0.989 || told > high * 1.011)
        fail_msg("1/%u, q %g: %g ns is not between %g and %g", every, q, told, low, high);
}

static void a_million_calls_are_estimated(void **state)
{
    (void)state;
    static const uint32_t rates[] = {2, 16, 100, 1024};
    static const double quantiles[] = {0.5, 0.9, 0.95, 0.99, 0.999};
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        uint32_t every = rates[i];
        struct spy_region *region = region_fixture();
        seed(region, 3 + i);
        record_known(region, every);
        spy_totals_of_op(&totals, region, OP);
        uint64_t stands = spy_hist_count(&totals.hist);
        assert_int_equal(totals.calls, CALLS);
        assert_int_equal(totals.rows, 2 * CALLS);
        assert_int_equal(totals.bytes_in, 3 * CALLS);
        assert_int_equal(spy_totals_timed(&totals), stands / every);
        assert_true(stands < CALLS + every && stands + every > CALLS);
        spy_totals_estimate(&totals);
        assert_int_equal(spy_hist_count(&totals.hist), CALLS);
        uint64_t levels = 0;
        for (int level = 0; level < SPY_LEVEL_COUNT; level++)
            levels += totals.level[level];
        assert_int_equal(levels, CALLS);
        for (size_t k = 0; k < sizeof(quantiles) / sizeof(quantiles[0]); k++)
            assert_quantile(quantiles[k], every);
        /* The mean of 1e3 * e^(q ln 1e6), and the deviation of one: both by integration. */
        double range = log(1e6), mean = 1e3 * (1e6 - 1) / range;
        double deviation = sqrt(1e6 * (1e12 - 1) / (2 * range) - mean * mean);
        double told = (double)totals.sum_ns / CALLS;
        assert_true(fabs(told - mean) < 4 * deviation / sqrt((double)CALLS / every) + 1);
        free(region);
    }
}

static void a_block_is_finished_by_its_own_rate(void **state)
{
    (void)state;
    struct spy_region *region = region_fixture();
    uint32_t stands = 0;
    for (uint32_t i = 0; i < 100; i++) { /* ten calls into a block of 16, then others */
        uint32_t every = i < 10 ? 16 : 4;
        uint16_t sampled = spy_sampling_draw(region, OP, every);
        stands += sampled != SPY_UNTIMED ? sampled : 0;
    }
    assert_int_equal(stands, 16 + (100 - 16));
    free(region);
}

static void what_was_not_timed_has_no_time(void **state)
{
    (void)state;
    struct spy_region *region = region_fixture();
    for (int i = 0; i < 3; i++)
        spy_record(region, &(struct spy_sample){
                               .op = OP, .sampled = SPY_UNTIMED, .failed = i == 0, .code = 7});
    spy_totals_of_op(&totals, region, OP);
    spy_totals_estimate(&totals);
    assert_int_equal(totals.calls, 3);
    assert_int_equal(totals.errors, 1);
    assert_int_equal(totals.code[0].count, 3);
    assert_int_equal(spy_totals_timed(&totals), 0);
    assert_int_equal(spy_hist_count(&totals.hist), 0);
    assert_int_equal(totals.min_ns, UINT64_MAX);
    assert_int_equal(atomic_load(&region->failed_head), 1);
    free(region);
}

static bool seen_in_history;

static void tell(void *ctx, const struct spy_history_step *step, uint32_t op,
                 const struct spy_totals *delta)
{
    (void)ctx;
    if (delta == NULL || op != OP)
        return;
    seen_in_history = seen_in_history || step->end_ns != UINT64_MAX;
    spy_totals_add(&totals, delta);
}

/* A step in which no call was timed is kept like any other. */
static void history_keeps_them(void **state)
{
    (void)state;
    const struct spy_use use = {0};
    struct spy_region *region = region_fixture();
    spy_record(region, &(struct spy_sample){.op = OP, .sampled = SPY_UNTIMED, .code = 7});
    spy_history_roll(region, region->epoch_mono_ns + 10, &use);
    const struct spy_cell *rolled = spy_region_cell(region, SPY_SHARD_ROLLED, OP);
    assert_non_null(rolled);
    assert_int_equal(atomic_load(&rolled->calls), 1);
    spy_record(region, &(struct spy_sample){.op = OP, .sampled = 16, .dur_ns = FIXTURE_MS});
    spy_history_roll(region, region->epoch_mono_ns + 20, &use);
    struct spy_history_window window = {.until_ns = UINT64_MAX};
    spy_totals_clear(&totals);
    seen_in_history = false;
    assert_int_equal(spy_history_tell(region, &window, tell, NULL), SPY_OK);
    assert_true(seen_in_history);
    assert_int_equal(totals.calls, 2);
    assert_int_equal(totals.untimed, 1);
    assert_int_equal(spy_hist_count(&totals.hist), 16);
    assert_int_equal(totals.code[0].count, 1);
    free(region);
}

/* Steps of some calls each, with and without a timed one: all of them together are the whole. */
static void no_step_loses_or_doubles(void **state)
{
    (void)state;
    enum { STEPS = 300 };
    const struct spy_use use = {0};
    struct spy_region *region = region_fixture();
    struct spy_totals whole;
    seed(region, 9);
    for (uint32_t step = 1; step <= STEPS; step++) {
        for (uint32_t i = 0; i < step * 7 % 41; i++)
            call(region, 16, (1 + i * step % 2000) * FIXTURE_MS);
        assert_true(spy_history_roll(region, region->epoch_mono_ns + step * 10, &use));
    }
    struct spy_history_window window = {.until_ns = UINT64_MAX};
    spy_totals_clear(&totals);
    assert_int_equal(spy_history_tell(region, &window, tell, NULL), SPY_OK);
    spy_totals_of_op(&whole, region, OP);
    assert_true(totals.untimed > 0 && spy_totals_timed(&totals) > 0);
    totals.min_ns = whole.min_ns; /* of steps these are their buckets' */
    totals.max_ns = whole.max_ns;
    assert_memory_equal(&totals, &whole, sizeof(whole));
    free(region);
}

/* Of a request: what was guessed is told like any other counter. */
static void a_request_tells_what_was_guessed(void **state)
{
    (void)state;
    const struct spy_use use = {0};
    struct spy_region *region = region_fixture();
    struct spy_sample request = {
        .op = 3, .way = 1, .queries = 9, .guessed = 5, .code = 200, .dur_ns = FIXTURE_MS};
    spy_record(region, &request);
    assert_true(spy_record_reset(region, region->epoch_mono_ns + 10, &use));
    spy_totals_since_reset(&totals, region, 3);
    assert_int_equal(totals.guessed, 0);
    spy_record(region, &request);
    spy_totals_since_reset(&totals, region, 3);
    assert_int_equal(totals.guessed, 5);
    assert_int_equal(totals.queries, 9);
    free(region);
}

static void a_reset_takes_all_that_was_before(void **state)
{
    (void)state;
    const struct spy_use use = {0};
    struct spy_region *region = region_fixture();
    uint64_t now = region->epoch_mono_ns, timed = 0;
    for (uint32_t reset = 1; reset <= 5; reset++) {
        timed = 0;
        for (uint32_t i = 0; i < 1000 + reset; i++)
            timed += call(region, 16, FIXTURE_MS) != SPY_UNTIMED;
        spy_totals_since_reset(&totals, region, OP);
        assert_int_equal(totals.calls, 1000 + reset);
        assert_int_equal(totals.rows, 2 * (1000 + reset));
        assert_int_equal(spy_totals_timed(&totals), timed);
        assert_int_equal(spy_hist_count(&totals.hist), 16 * timed);
        assert_int_equal(totals.level[SPY_LEVEL_EXCELLENT], 16 * timed);
        assert_int_equal(totals.sum_ns, 16 * timed * FIXTURE_MS);
        assert_true(spy_record_reset(region, now + reset * 10, &use));
        spy_totals_since_reset(&totals, region, OP);
        assert_false(spy_totals_any(&totals));
        assert_int_equal(totals.untimed, 0);
        assert_int_equal(spy_hist_count(&totals.hist), 0);
    }
    spy_record(region, &(struct spy_sample){.op = OP, .sampled = SPY_UNTIMED});
    assert_true(spy_record_reset(region, now + 60, &use)); /* with nothing but that */
    spy_totals_of_op(&totals, region, OP);
    assert_int_equal(totals.calls, 5 * 1000 + 15 + 1);
    free(region);
}

/* ---- threads -------------------------------------------------------------------------------- */

#define THREADS 90 /* more than there are shards */
#define EACH    16000
#define EVERY   16

static void *many(void *region)
{
    for (uint32_t i = 0; i < EACH; i++)
        call(region, EVERY, FIXTURE_MS);
    return NULL;
}

static void threads_lose_nothing(void **state)
{
    (void)state;
    pthread_t thread[THREADS];
    struct spy_region *region = region_fixture();
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, many, region), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    spy_totals_of_op(&totals, region, OP);
    uint64_t stands = spy_hist_count(&totals.hist);
    uint64_t shards = atomic_load(&region->shards_used) + 1;
    assert_int_equal(totals.calls, (uint64_t)THREADS * EACH);
    assert_int_equal(totals.untimed + stands / EVERY, totals.calls);
    assert_true(stands < totals.calls + shards * EVERY && stands + shards * EVERY > totals.calls);
    free(region);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_call_of_each_block_is_timed),
        cmocka_unit_test(any_call_of_a_block_is_as_likely),
        cmocka_unit_test(no_loop_is_in_step),
        cmocka_unit_test(a_million_calls_are_estimated),
        cmocka_unit_test(a_block_is_finished_by_its_own_rate),
        cmocka_unit_test(what_was_not_timed_has_no_time),
        cmocka_unit_test(history_keeps_them),
        cmocka_unit_test(no_step_loses_or_doubles),
        cmocka_unit_test(a_request_tells_what_was_guessed),
        cmocka_unit_test(a_reset_takes_all_that_was_before),
        cmocka_unit_test(threads_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
