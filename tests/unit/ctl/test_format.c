/* SPDX-License-Identifier: MIT */
/* Numbers and foreign text as people read them. */
#include "ctl/format.h"

#include "unit/ctl/fixture.h"

static void durations(void **state)
{
    static const struct {
        double ns;
        const char *text;
    } rows[] = {
        {0, "0 µs"},         {950, "0.95 µs"},    {9994, "9.99 µs"},   {9996, "10.0 µs"},
        {99960, "100 µs"},   {999400, "999 µs"},  {999600, "1.00 ms"}, {4.12e6, "4.12 ms"},
        {41.2e6, "41.2 ms"}, {999.6e6, "1.00 s"}, {1.2e9, "1.20 s"},   {85e9, "85.0 s"},
        {599.9e9, "600 s"},  {600e9, "10.0 min"}, {7199e9, "120 min"}, {7200e9, "2.00 h"},
    };
    char out[CTL_NUMBER_BYTES];
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_string_equal(ctl_format_duration(out, rows[i].ns), rows[i].text);
}

static void limits_and_ages(void **state)
{
    char out[CTL_NUMBER_BYTES];
    (void)state;
    assert_string_equal(ctl_format_limit(out, 100 * MS), "100 ms");
    assert_string_equal(ctl_format_limit(out, 1500 * MS), "1.5 s");
    assert_string_equal(ctl_format_limit(out, 300 * SEC), "5 min");
    assert_string_equal(ctl_format_limit(out, 90 * SEC), "90 s");
    assert_string_equal(ctl_format_limit(out, 3600 * SEC), "1 h");
    assert_string_equal(ctl_format_age(out, 59 * SEC), "59 s");
    assert_string_equal(ctl_format_age(out, 61 * SEC), "1 min");
    assert_string_equal(ctl_format_age(out, 3900 * SEC), "1 h 05 min");
    assert_string_equal(ctl_format_age(out, 90000 * SEC), "1 d 01 h");
}

static void counts(void **state)
{
    char out[CTL_NUMBER_BYTES];
    (void)state;
    assert_string_equal(ctl_format_count(out, 0), "0");
    assert_string_equal(ctl_format_count(out, 999), "999");
    assert_string_equal(ctl_format_count(out, 1234567), "1,234,567");
    assert_string_equal(ctl_format_count(out, UINT64_MAX), "18,446,744,073,709,551,615");
    assert_string_equal(ctl_format_rate(out, -1), "-");
    assert_string_equal(ctl_format_rate(out, 0.001), "<0.01/s");
    assert_string_equal(ctl_format_rate(out, 12.34), "12.3/s");
    assert_string_equal(ctl_format_rate(out, 12345), "12,345/s");
    assert_string_equal(ctl_format_percent(out, 1, 4), "25 %");
    assert_string_equal(ctl_format_percent(out, 1, 3), "33.3 %");
    assert_string_equal(ctl_format_percent(out, 1, 100000), "<0.1 %");
    assert_string_equal(ctl_format_percent(out, 1, 0), "0 %");
    assert_string_equal(ctl_format_bytes(out, 1023), "1023 B");
    assert_string_equal(ctl_format_bytes(out, 1536), "1.50 KiB");
    assert_string_equal(ctl_format_bytes(out, UINT64_MAX), "16.0 EiB");
}

static void times(void **state)
{
    char out[CTL_NUMBER_BYTES];
    (void)state;
    setenv("TZ", "UTC0", 1);
    tzset();
    assert_string_equal(ctl_format_utc(out, REAL), "2026-01-01T00:00:00Z");
    assert_string_equal(ctl_format_local(out, REAL + 250 * MS, REAL), "00:00:00.250");
    assert_string_equal(ctl_format_local(out, REAL - SEC, REAL), "2025-12-31 23:59:59.000");
    assert_non_null(ctl_format_local(out, UINT64_MAX, 0));
    assert_non_null(ctl_format_utc(out, UINT64_MAX));
}

static void clean(void **state)
{
    char out[32];
    (void)state;
    assert_string_equal(ctl_format_clean(out, sizeof(out), "a\033[31mb", 9), "a [31mb");
    assert_string_equal(ctl_format_clean(out, sizeof(out), "a\n\tb\x7f", 9), "a  b ");
    assert_string_equal(ctl_format_clean(out, sizeof(out), "gr\xc3\xbc\xc3\x9f", 9), "grüß");
    assert_string_equal(ctl_format_clean(out, sizeof(out), "\xff\xc0\x80x", 9), "???x");
    assert_string_equal(ctl_format_clean(out, sizeof(out),
                                         "\xc2\x9b"
                                         "31m",
                                         9),
                        " 31m");
    assert_string_equal(ctl_format_clean(out, sizeof(out), "\xed\xa0\x80", 9), "???");
    assert_string_equal(ctl_format_clean(out, sizeof(out), "cut\xe2\x82", 9), "cut??");
    assert_string_equal(ctl_format_clean(out, 4, "abcdef", 9), "abc");
    assert_string_equal(ctl_format_clean(out, 4, "ab\xc3\xbc", 9), "ab"); /* no half characters */
    assert_string_equal(ctl_format_clean(out, sizeof(out), "unended", 2), "un");
    assert_int_equal(ctl_format_width("grüß µs"), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations), cmocka_unit_test(limits_and_ages), cmocka_unit_test(counts),
        cmocka_unit_test(times),     cmocka_unit_test(clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
