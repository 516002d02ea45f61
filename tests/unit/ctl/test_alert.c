/* SPDX-License-Identifier: MIT */
/* Hysteresis: what counts as a change, look by look. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ctl/alert.h"

#include <string.h>

/* Each digit of LOOKS is a rank that was seen; OUT gets the rank that is believed after each. */
static const char *believe(char *out, uint32_t begin, unsigned hold, const char *looks)
{
    struct ctl_alert alert = {.rank = begin};
    size_t i = 0;
    for (; looks[i] != '\0'; i++) {
        uint32_t before = alert.rank;
        bool changed = ctl_alert_look(&alert, (uint32_t)(looks[i] - '0'), hold);
        assert_int_equal(changed, before != alert.rank);
        out[i] = (char)('0' + alert.rank);
    }
    out[i] = '\0';
    return out;
}

static void worse_after_hold(void **state)
{
    char out[64];
    (void)state;
    assert_string_equal(believe(out, 0, 1, "0110"), "0111");
    assert_string_equal(believe(out, 0, 2, "01222"), "00112"); /* the mildest of the first two */
    assert_string_equal(believe(out, 0, 3, "0222"), "0002");
}

static void better_after_twice_that(void **state)
{
    char out[64];
    (void)state;
    assert_string_equal(believe(out, 2, 1, "200"), "220");
    assert_string_equal(believe(out, 2, 2, "20000"), "22220");
    assert_string_equal(believe(out, 2, 2, "201000"), "222211"); /* the worst of the four */
}

static void a_blip_is_none(void **state)
{
    char out[64];
    (void)state;
    assert_string_equal(believe(out, 0, 2, "01010101"), "00000000");
    assert_string_equal(believe(out, 1, 2, "12012012"), "11111111"); /* nor one to both sides */
    assert_string_equal(believe(out, 2, 2, "20002000"), "22222222");
}

static void swinging_among_worse_ones_is_worse(void **state)
{
    char out[64];
    (void)state;
    assert_string_equal(believe(out, 0, 2, "013131313"), "001111111");
    assert_string_equal(believe(out, 0, 2, "0131333"), "0011133");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worse_after_hold),
        cmocka_unit_test(better_after_twice_that),
        cmocka_unit_test(a_blip_is_none),
        cmocka_unit_test(swinging_among_worse_ones_is_worse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
