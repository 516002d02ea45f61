/* SPDX-License-Identifier: MIT */
/*
 * Durations and shares: every unit, decimals, and what is refused.
 */
#include "shared/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ns;
    } good[] = {
        {"0ms", 0},
        {"1ns", 1},
        {"250us", 250000},
        {"100ms", 100000000},
        {"1s", 1000000000},
        {"1.5s", 1500000000},
        {"0.000000001s", 1},
        {"1.9ns", 1},
        {"5m", 300000000000},
        {"1h", 3600000000000},
        {"2.5h", 9000000000000},
        {"007ms", 7000000},
        {"5000000h", 18000000000000000000ull},
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        uint64_t ns = 77;
        if (!spy_duration_parse(good[i].text, &ns) || ns != good[i].ns)
            fail_msg("%s: %llu", good[i].text, (unsigned long long)ns);
    }
}

static void test_bad_durations(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "ms",
        "5",
        "5 ms",
        " 5ms",
        "5ms ",
        "-5ms",
        "+5ms",
        "5.ms",
        ".5s",
        "5d",
        "5MS",
        "5e3s",
        "1.5.5s",
        "0x5s",
        "5mss",
        "1,5s",
        "infs",
        "nans",
        "5m5s",
        "1.0000000000s",
        "6000000h",
        "99999999999999999999s",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint64_t ns;
        if (spy_duration_parse(bad[i], &ns))
            fail_msg("accepted: %s", bad[i]);
    }
}

static void test_shares(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ppm;
    } good[] = {
        {"0%", 0},          {"1%", 10000},     {"0.5%", 5000},       {"20%", 200000},
        {"0.0001%", 1},     {"100%", 1000000}, {"99.9999%", 999999}, {"100.0%", 1000000},
        {"33.30%", 333000},
    };
    static const char *const bad[] = {"",     "%",        "5",   "5 %", "-1%", "100.0001%",
                                      "101%", "0.00001%", "5%%", ".5%", "5.%", "5ms"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        uint64_t ppm = 77;
        if (!spy_share_parse(good[i].text, &ppm) || ppm != good[i].ppm)
            fail_msg("%s: %llu", good[i].text, (unsigned long long)ppm);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint64_t ppm;
        if (spy_share_parse(bad[i], &ppm))
            fail_msg("accepted: %s", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_bad_durations),
        cmocka_unit_test(test_shares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
