/* SPDX-License-Identifier: MIT */
/*
 * The histogram against exact arithmetic: bucket bounds, order, quantiles on hostile data.
 */
#include "shared/histogram.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t next_random(void)
{
    static uint64_t state = 0x9E3779B97F4A7C15ull;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* The bucket by definition: ceil(log2(seconds) * 32) - 1, less the first index, clamped. */
static long exact_index(uint64_t ns)
{
    long double position = log2l((long double)ns / 1e9L) * SPY_HIST_SUB;
    long index = (long)ceill(position) - 1 - SPY_HIST_OTEL_BASE;
    if (index < 0)
        return 0;
    return index < SPY_HIST_BUCKETS ? index : SPY_HIST_BUCKETS - 1;
}

static bool on_a_bound(uint64_t ns)
{
    long double position = log2l((long double)ns / 1e9L) * SPY_HIST_SUB;
    return fabsl(position - roundl(position)) < 1e-9L;
}

static void index_follows_the_definition(void **state)
{
    (void)state;
    for (int i = 0; i < 2000000; i++) {
        uint64_t ns = 1 + (next_random() >> (next_random() % 50 + 14));
        if (!on_a_bound(ns))
            assert_int_equal(spy_hist_index(ns), exact_index(ns));
    }
}

static void every_small_value_follows_the_definition(void **state)
{
    (void)state;
    for (uint64_t ns = 1; ns < 3000000; ns++)
        if (!on_a_bound(ns))
            assert_int_equal(spy_hist_index(ns), exact_index(ns));
}

/* Powers of two of a second are bounds, and belong to the bucket below. */
static void exact_bounds_belong_to_the_lower_bucket(void **state)
{
    (void)state;
    assert_int_equal(spy_hist_index(1000000000), 20 * SPY_HIST_SUB - 1);
    assert_int_equal(spy_hist_index(1000000001), 20 * SPY_HIST_SUB);
    assert_int_equal(spy_hist_index(500000000), 19 * SPY_HIST_SUB - 1);
    assert_int_equal(spy_hist_index(2000000000), 21 * SPY_HIST_SUB - 1);
    assert_int_equal(spy_hist_index(4000000001), 22 * SPY_HIST_SUB);
}

static void extremes_are_clamped(void **state)
{
    (void)state;
    assert_int_equal(spy_hist_index(0), 0);
    assert_int_equal(spy_hist_index(1), 0);
    assert_int_equal(spy_hist_index(953), 0);
    assert_int_equal(spy_hist_index(4096ull * 1000000000), SPY_HIST_BUCKETS - 1);
    assert_int_equal(spy_hist_index(UINT64_MAX), SPY_HIST_BUCKETS - 1);
    assert_int_equal(spy_hist_index(1ull << 43), SPY_HIST_BUCKETS - 1);
}

static void bounds_are_powers_of_the_base(void **state)
{
    (void)state;
    for (uint32_t i = 0; i <= SPY_HIST_BUCKETS; i++) {
        double want = exp2((SPY_HIST_OTEL_BASE + (double)i) / SPY_HIST_SUB);
        double got = i < SPY_HIST_BUCKETS ? spy_hist_lower_s(i) : spy_hist_upper_s(i - 1);
        assert_true(fabs(got / want - 1) < 1e-12);
    }
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

#define SAMPLES 5000

static void check_quantiles(uint64_t *values, size_t n)
{
    static struct spy_hist hist;
    memset(&hist, 0, sizeof(hist));
    for (size_t i = 0; i < n; i++)
        hist.bucket[spy_hist_index(values[i])]++;
    qsort(values, n, sizeof(values[0]), by_value);
    assert_int_equal(spy_hist_count(&hist), n);
    static const double quantiles[] = {0, 0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 1};
    for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
        size_t rank = (size_t)ceil(quantiles[i] * (double)n);
        double exact = (double)values[rank > 0 ? rank - 1 : 0];
        double got = spy_hist_quantile_ns(&hist, quantiles[i], values[0], values[n - 1]);
        assert_true(fabs(got / exact - 1) <= 0.0110);
    }
}

static void quantiles_are_within_the_promised_error(void **state)
{
    (void)state;
    static uint64_t values[SAMPLES];
    for (size_t n = 1; n <= SAMPLES; n = n * 3 + 1) {
        for (size_t i = 0; i < n; i++) /* log-uniform over the whole range */
            values[i] = (uint64_t)exp2(10 + (double)(next_random() % 100000) / 100000 * 31);
        check_quantiles(values, n);
        for (size_t i = 0; i < n; i++) /* all the same */
            values[i] = 123456789;
        check_quantiles(values, n);
        for (size_t i = 0; i < n; i++) /* two far points */
            values[i] = i % 100 == 0 ? 3000000000000ull : 2000;
        check_quantiles(values, n);
        for (size_t i = 0; i < n; i++) /* a narrow band */
            values[i] = 50000000 + next_random() % 1000;
        check_quantiles(values, n);
    }
}

static void an_empty_histogram_has_no_quantile(void **state)
{
    (void)state;
    static struct spy_hist hist;
    assert_true(spy_hist_quantile_ns(&hist, 0.5, 0, 0) == 0);
}

static void merging_adds_buckets(void **state)
{
    (void)state;
    static struct spy_hist a, b;
    a.bucket[7] = 2;
    b.bucket[7] = 3;
    b.bucket[1023] = 1;
    spy_hist_merge(&a, &b);
    assert_int_equal(a.bucket[7], 5);
    assert_int_equal(a.bucket[1023], 1);
    assert_int_equal(spy_hist_count(&a), 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(index_follows_the_definition),
        cmocka_unit_test(every_small_value_follows_the_definition),
        cmocka_unit_test(exact_bounds_belong_to_the_lower_bucket),
        cmocka_unit_test(extremes_are_clamped),
        cmocka_unit_test(bounds_are_powers_of_the_base),
        cmocka_unit_test(quantiles_are_within_the_promised_error),
        cmocka_unit_test(an_empty_histogram_has_no_quantile),
        cmocka_unit_test(merging_adds_buckets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
