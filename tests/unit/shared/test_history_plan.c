/* SPDX-License-Identifier: MIT */
/* Settings of history: what is understood, what is refused, and how levels share its bytes. */
#include "shared/history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEC 1000000000ull

static void sizes(void **state)
{
    struct spy_history_plan plan = spy_history_default;
    (void)state;
    assert_true(spy_history_plan_bytes(&plan, "65536"));
    assert_int_equal(plan.bytes, 65536);
    assert_true(spy_history_plan_bytes(&plan, "100000"));
    assert_int_equal(plan.bytes, 25 * 4096); /* whole pages */
    assert_true(spy_history_plan_bytes(&plan, "512K"));
    assert_int_equal(plan.bytes, 512 << 10);
    assert_true(spy_history_plan_bytes(&plan, "64M"));
    assert_int_equal(plan.bytes, 64 << 20);
    static const char *const bad[] = {
        "",      "0", "65535", "65M",      "4G",  "2 M", "-1",
        "2Mi",   "M", "1e6",   "67108865", "63K", "2m",  "99999999999999999999",
        "+65536"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(spy_history_plan_bytes(&plan, bad[i]));
    assert_int_equal(plan.bytes, 64 << 20); /* as it was */
}

static void steps(void **state)
{
    struct spy_history_plan plan = spy_history_default;
    (void)state;
    assert_true(spy_history_plan_steps(&plan, "1s:10m"));
    assert_int_equal(plan.levels, 1);
    assert_int_equal(plan.step_ns[0], SEC);
    assert_int_equal(plan.keep_ns[0], 600 * SEC);
    assert_int_equal(plan.bytes, SPY_HISTORY_BYTES);
    assert_true(spy_history_plan_steps(&plan, "10s:1h,1m:24h,10m:168h"));
    assert_memory_equal(&plan, &spy_history_default, sizeof(plan));
    static const char *const bad[] = {
        "",
        "10s",
        "10s:",
        ":1h",
        "500ms:1h",                /* shorter than a second */
        "10s:5s",                  /* not kept for one step */
        "10s:1h,15s:24h",          /* no multiple */
        "10s:1h,10s:24h",          /* the same */
        "1s:1h,61s:24h",           /* too many in one */
        "10s:2h,1m:1h",            /* kept for less than the one before */
        "1s:1m,2s:1h,4s:2h,8s:3h", /* too many */
        "10s:1h,",
        "10s:1h 1m:2h",
        "10s:99999h",
        "10s:1h,1m:24h,10m:"
        "168hxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(spy_history_plan_steps(&plan, bad[i]));
    assert_memory_equal(&plan, &spy_history_default, sizeof(plan));
}

/* Rings lie side by side within the section, and none is smaller than what may be handed to it. */
static void shares(void **state)
{
    static const char *const texts[] = {"10s:1h", "10s:1h,1m:24h", "10s:1h,1m:24h,10m:168h"};
    (void)state;
    struct spy_region *region = aligned_alloc(_Alignof(struct spy_region), sizeof(*region));
    assert_non_null(region);
    memset(region, 0, sizeof(*region));
    region->history_bytes = SPY_HISTORY_BYTES_MIN;
    for (uint32_t n = 1; n <= 3; n++) {
        struct spy_history_plan plan = {0};
        uint32_t at = 0;
        assert_true(spy_history_plan_steps(&plan, texts[n - 1]));
        spy_history_begin(region, &plan);
        assert_int_equal(region->history_levels, n);
        for (uint32_t i = 0; i < n; i++) {
            const struct spy_history_level *l = &region->history[i];
            assert_int_equal(l->offset, at);
            assert_true(i == 0 || l->bytes >= region->history[i - 1].bytes || i == 2);
            at += l->bytes;
        }
        assert_int_equal(at, region->history_bytes);
    }
    free(region);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),
        cmocka_unit_test(steps),
        cmocka_unit_test(shares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
