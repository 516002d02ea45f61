/* SPDX-License-Identifier: MIT */
/*
 * The environment: what is understood, and what is said of what is not.
 */
#include "runtime/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* NULL: not set. */
static void read_with(const char *keep, const char *age)
{
    memset(&spy_config, 0, sizeof(spy_config));
    unsetenv("PERFSPY_KEEP");
    unsetenv("PERFSPY_KEEP_AGE");
    if (keep != NULL)
        setenv("PERFSPY_KEEP", keep, 1);
    if (age != NULL)
        setenv("PERFSPY_KEEP_AGE", age, 1);
    spy_config_read();
}

static void how_many_regions_are_kept(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t keep;
    } good[] = {{NULL, SPY_KEEP_DEFAULT},
                {"", SPY_KEEP_DEFAULT},
                {"0", 0},
                {"5", 5},
                {"1000", SPY_KEEP_MAX}};
    static const char *const bad[] = {"1001", "-1", " 5", "5 ", "all", "4294967297", "99999999999"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        read_with(good[i].text, NULL);
        assert_int_equal(spy_config.keep, good[i].keep);
        assert_string_equal(spy_config.problem, "");
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        read_with(bad[i], NULL);
        assert_int_equal(spy_config.keep, SPY_KEEP_DEFAULT);
        assert_string_equal(spy_config.problem, "PERFSPY_KEEP is not a number from 0 to 1000");
    }
}

static void how_long_they_are_kept(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t seconds;
    } good[] = {{NULL, SPY_KEEP_SECONDS_DEFAULT},
                {"", SPY_KEEP_SECONDS_DEFAULT},
                {"0s", 0},
                {"90s", 90},
                {"30m", 1800},
                {"12h", 43200},
                {"7d", 604800},
                {"3650d", SPY_KEEP_SECONDS_MAX}};
    static const char *const bad[] = {
        "7",     "d",  "7 d",  "7days",       "-7d",
        "3651d", "1w", "1.5h", "1000000000s", "99999999999999999999d"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        read_with(NULL, good[i].text);
        assert_int_equal(spy_config.keep_seconds, good[i].seconds);
        assert_string_equal(spy_config.problem, "");
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        read_with(NULL, bad[i]);
        assert_int_equal(spy_config.keep_seconds, SPY_KEEP_SECONDS_DEFAULT);
        assert_non_null(strstr(spy_config.problem, "PERFSPY_KEEP_AGE is not a time such as"));
    }
}

static void what_it_may_cost(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t ppm;
    } good[] = {{"", SPY_COST_LIMIT_PPM}, {"off", 0},       {"0", 0}, {"0%", 0}, {"2%", 20000},
                {"0.0001%", 1},           {"100%", 1000000}};
    static const char *const bad[] = {"2", "-1%", "101%", "2 %", "%", "much", "0.00001%"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        setenv("PERFSPY_COST_LIMIT", good[i].text, 1);
        read_with(NULL, NULL);
        assert_int_equal(spy_config.cost_limit_ppm, good[i].ppm);
        assert_string_equal(spy_config.problem, "");
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        setenv("PERFSPY_COST_LIMIT", bad[i], 1);
        read_with(NULL, NULL);
        assert_int_equal(spy_config.cost_limit_ppm, SPY_COST_LIMIT_PPM);
        assert_non_null(strstr(spy_config.problem, "PERFSPY_COST_LIMIT is not a percentage"));
    }
    unsetenv("PERFSPY_COST_LIMIT");
    read_with(NULL, NULL);
    assert_int_equal(spy_config.cost_limit_ppm, SPY_COST_LIMIT_PPM);
}

/* All that is wrong is said, and fits. */
static void every_problem_is_told(void **state)
{
    (void)state;
    setenv("PERFSPY_LOG_LEVEL", "LOUD", 1);
    setenv("PERFSPY_DEEPBIND", "maybe", 1);
    setenv("PERFSPY_COST_LIMIT", "little", 1);
    read_with("many", "long");
    unsetenv("PERFSPY_LOG_LEVEL");
    unsetenv("PERFSPY_DEEPBIND");
    unsetenv("PERFSPY_COST_LIMIT");
    static const char *const names[] = {
        "PERFSPY_DEEPBIND",  "PERFSPY_LOG_LEVEL", "PERFSPY_KEEP is", "PERFSPY_KEEP_AGE", "3650d",
        "PERFSPY_COST_LIMIT"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_non_null(strstr(spy_config.problem, names[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(how_many_regions_are_kept),
        cmocka_unit_test(how_long_they_are_kept),
        cmocka_unit_test(what_it_may_cost),
        cmocka_unit_test(every_problem_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
