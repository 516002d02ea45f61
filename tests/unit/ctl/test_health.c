/* SPDX-License-Identifier: MIT */
/* Health: each status, its exit code and the sentences that explain it. */
#include "ctl/health.h"

#include "unit/ctl/fixture.h"

struct judged {
    enum ctl_health_status status;
    char first[256];
    char second[256];
};

static struct judged judge(struct spy_region *r)
{
    struct ctl_model model;
    struct judged judged = {0};
    struct ctl_process process = {.state = CTL_LIVE};
    const struct ctl_run now = {.now_mono_ns = 200 * SEC, .now_real_ns = REAL + 100 * SEC};
    ctl_model_init(&model, 300 * SEC);
    ctl_model_add(&model, &process, r, &now);
    struct ctl_health health = ctl_health_of(&model);
    judged.status = health.status;
    snprintf(judged.first, sizeof(judged.first), "%s", health.reason[0]);
    if (health.reasons > 1)
        snprintf(judged.second, sizeof(judged.second), "%s", health.reason[1]);
    ctl_health_free(&health);
    ctl_model_free(&model);
    free(r);
    return judged;
}

static struct spy_region *region_with(uint64_t fast, uint64_t slow, uint64_t critical)
{
    struct spy_region *r = fixture_region(10, 1000);
    uint32_t op = fixture_op(r, SPY_KIND_HTTP, true, "api.x");
    fixture_calls(r, op, fast, MS, 200);
    fixture_calls(r, op, slow, 2 * SEC, 200);
    fixture_calls(r, op, critical, 4 * SEC, 200);
    return r;
}

static void healthy(void **state)
{
    (void)state;
    struct judged j = judge(region_with(1234, 0, 0));
    assert_int_equal(j.status, CTL_STATUS_HEALTHY);
    assert_string_equal(j.first, "none of 1,234 calls was slow in the last 5 min");
    assert_string_equal(j.second, "");
    assert_int_equal(ctl_health_exit(j.status), 0);
}

static void degraded_up_to_the_share(void **state)
{
    (void)state;
    struct judged j = judge(region_with(80, 20, 0)); /* exactly 20 % is not more than 20 % */
    assert_int_equal(j.status, CTL_STATUS_DEGRADED);
    assert_string_equal(j.first, "20 of 100 calls (20 %) took 1 s or longer in the last 5 min, not "
                                 "more than the allowed 20 %");
    assert_string_equal(j.second, "api.x: 20 slow and 0 critical of 100 calls, the longest 2.00 s");
    assert_int_equal(ctl_health_exit(j.status), 1);
}

static void warning_beyond_it(void **state)
{
    (void)state;
    struct judged j = judge(region_with(79, 21, 0));
    assert_int_equal(j.status, CTL_STATUS_WARNING);
    assert_string_equal(j.first, "21 of 100 calls (21 %) took 1 s or longer in the last 5 min, "
                                 "more than the allowed 20 %");
    assert_int_equal(ctl_health_exit(j.status), 1);
}

static void one_critical_call_is_enough(void **state)
{
    (void)state;
    struct judged j = judge(region_with(1000000, 0, 1));
    assert_int_equal(j.status, CTL_STATUS_CRITICAL);
    assert_string_equal(j.first, "1 of 1,000,001 calls took 3 s or longer in the last 5 min");
    assert_int_equal(ctl_health_exit(j.status), 2);
}

static void unknown_without_calls(void **state)
{
    (void)state;
    struct judged j = judge(region_with(0, 0, 0));
    assert_int_equal(j.status, CTL_STATUS_UNKNOWN);
    assert_string_equal(j.first, "no calls in the last 5 min");
    assert_int_equal(ctl_health_exit(j.status), 3);
}

static void names_the_worst_first(void **state)
{
    (void)state;
    struct spy_region *r = fixture_region(10, 1000);
    fixture_calls(r, fixture_op(r, SPY_KIND_SQL, true, "often.slow"), 50, 2 * SEC, 0);
    fixture_calls(r, fixture_op(r, SPY_KIND_SQL, true, "once.critical"), 1, 9 * SEC, 0);
    struct judged j = judge(r);
    assert_string_equal(j.second,
                        "once.critical: 0 slow and 1 critical of 1 calls, the longest 9.00 s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(healthy),
        cmocka_unit_test(degraded_up_to_the_share),
        cmocka_unit_test(warning_beyond_it),
        cmocka_unit_test(one_critical_call_is_enough),
        cmocka_unit_test(unknown_without_calls),
        cmocka_unit_test(names_the_worst_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
