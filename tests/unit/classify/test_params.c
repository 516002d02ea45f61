/* SPDX-License-Identifier: MIT */
/*
 * URL parameters: the allowed ones, whole, harmless, and nothing else.
 */
#include "classify_fixture.h"

#include "classify/params.h"

#include <stdio.h>

static char *allowed[] = {(char *)"skip", (char *)"limit", (char *)"part_type"};
static const struct spy_rules rules = {.parameter = allowed, .parameters = 3};

static void expect(const char *target, const char *want)
{
    /* A copy of the exact size, so that the sanitizer sees a read past the end. */
    size_t len = strlen(target);
    char *copy = malloc(len + 1), out[SPY_PARAMS_BYTES];
    memcpy(copy, target, len);
    memset(out, 'x', sizeof(out));
    assert_int_equal(spy_params_keep(&rules, copy, len, out), strlen(want));
    assert_string_equal(out, want);
    free(copy);
}

static void allowed_ones_are_kept_in_order(void **state)
{
    (void)state;
    expect("/parts/?limit=10&skip=5", "limit=10 skip=5");
    expect("/parts/?limit=10&q=secret&skip=5", "limit=10 skip=5");
    expect("/parts/?part_type=wear_part#top", "part_type=wear_part");
    expect("/parts/?skip=", "skip=");
    expect("/parts/?skip", "skip=");
    expect("/parts/?&&skip=1&", "skip=1");
    expect("http://h/parts/?skip=1", "skip=1");
}

static void everything_else_is_dropped(void **state)
{
    (void)state;
    expect("/parts/", "");
    expect("/parts/?", "");
    expect("/parts/?password=x&SKIP=1&skip2=1&kip=1&=1", "");
    expect("/skip=1", "");
}

static void values_are_harmless_and_short(void **state)
{
    (void)state;
    expect("/?skip=a\"b\\c d\n\x80", "skip=a_b_c_d__");
    expect("/?skip=%20%22", "skip=%20%22");
    expect("/?skip=0123456789012345678901234567890123456789",
           "skip=0123456789012345678901234567890123456789");
    expect("/?skip=01234567890123456789012345678901234567890",
           "skip=0123456789012345678901234567890123456789~");
}

static void what_does_not_fit_is_left_out_whole(void **state)
{
    (void)state;
    const char *forty = "0123456789012345678901234567890123456789";
    char target[256], want[256];
    snprintf(target, sizeof(target), "/?part_type=%s&part_type=%s&part_type=%s&skip=1", forty,
             forty, forty);
    snprintf(want, sizeof(want), "part_type=%s part_type=%s skip=1", forty, forty);
    expect(target, want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allowed_ones_are_kept_in_order),
        cmocka_unit_test(everything_else_is_dropped),
        cmocka_unit_test(values_are_harmless_and_short),
        cmocka_unit_test(what_does_not_fit_is_left_out_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
