/* SPDX-License-Identifier: MIT */
/*
 * When to back off, and when to come back: the decision alone, look by look.
 */
#include "publish/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define LIMIT  20000u /* 2 % */
#define SECOND 1000000000ull

static uint32_t calm;

static int setup(void **state)
{
    (void)state;
    calm = 0;
    return 0;
}

/* A second in which the process was on a processor all the time, PPM of it for us. */
static struct spy_backoff_sight busy(uint64_t ppm)
{
    return (struct spy_backoff_sight){.calls_ns = SECOND / 1000000 * ppm,
                                      .process_ns = SECOND,
                                      .wall_ns = SECOND,
                                      .samples = SPY_BACKOFF_SAMPLES};
}

static enum spy_backoff next(enum spy_backoff now, struct spy_backoff_sight sight)
{
    return spy_backoff_next(now, &calm, LIMIT, &sight);
}

static void only_above_the_limit(void **state)
{
    (void)state;
    assert_int_equal(next(SPY_BACKOFF_NONE, busy(LIMIT)), SPY_BACKOFF_NONE);
    assert_int_equal(next(SPY_BACKOFF_NONE, busy(LIMIT + 1)), SPY_BACKOFF_DETAIL);
}

static void a_capture_goes_first(void **state)
{
    (void)state;
    struct spy_backoff_sight sight = busy(LIMIT + 1);
    sight.capturing = true;
    assert_int_equal(next(SPY_BACKOFF_NONE, sight), SPY_BACKOFF_CAPTURE);
    assert_int_equal(next(SPY_BACKOFF_CAPTURE, busy(LIMIT)), SPY_BACKOFF_CAPTURE);
    assert_int_equal(next(SPY_BACKOFF_CAPTURE, busy(LIMIT + 1)), SPY_BACKOFF_DETAIL);
}

/* Between half the limit and the limit it stays as it is, for however long. */
static void comes_back_after_three_calm_looks(void **state)
{
    (void)state;
    enum spy_backoff now = SPY_BACKOFF_DETAIL;
    for (int i = 0; i < 10; i++)
        assert_int_equal(now = next(now, busy(LIMIT / 2 + 1)), SPY_BACKOFF_DETAIL);
    assert_int_equal(next(now, busy(LIMIT / 2)), SPY_BACKOFF_DETAIL);
    assert_int_equal(next(now, busy(LIMIT / 2)), SPY_BACKOFF_DETAIL);
    assert_int_equal(next(now, busy(LIMIT / 2 + 1)), SPY_BACKOFF_DETAIL);
    assert_int_equal(next(now, busy(0)), SPY_BACKOFF_DETAIL);
    assert_int_equal(next(now, busy(LIMIT / 2)), SPY_BACKOFF_DETAIL);
    assert_int_equal(next(now, busy(LIMIT / 2)), SPY_BACKOFF_NONE);
}

static void no_verdict_on_too_little(void **state)
{
    (void)state;
    struct spy_backoff_sight few = busy(1000000), cheap = busy(1000000), blind = busy(1000000);
    few.samples = SPY_BACKOFF_SAMPLES - 1;
    cheap.calls_ns = SECOND / SPY_BACKOFF_PER_WALL;
    cheap.process_ns = cheap.calls_ns;
    blind.process_ns = 0; /* not known */
    assert_int_equal(next(SPY_BACKOFF_NONE, few), SPY_BACKOFF_NONE);
    assert_int_equal(next(SPY_BACKOFF_NONE, cheap), SPY_BACKOFF_NONE);
    assert_int_equal(next(SPY_BACKOFF_NONE, blind), SPY_BACKOFF_NONE);
    cheap.calls_ns++;
    assert_int_equal(next(SPY_BACKOFF_NONE, cheap), SPY_BACKOFF_DETAIL);
}

static void never_where_it_is_off(void **state)
{
    (void)state;
    struct spy_backoff_sight sight = busy(1000000);
    assert_int_equal(spy_backoff_next(SPY_BACKOFF_NONE, &calm, 0, &sight), SPY_BACKOFF_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(only_above_the_limit, setup),
        cmocka_unit_test_setup(a_capture_goes_first, setup),
        cmocka_unit_test_setup(comes_back_after_three_calm_looks, setup),
        cmocka_unit_test_setup(no_verdict_on_too_little, setup),
        cmocka_unit_test_setup(never_where_it_is_off, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
