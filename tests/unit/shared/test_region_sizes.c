/* SPDX-License-Identifier: MIT */
/* Dividing a cap on the region: whatever it is, the region is a valid one, and not larger. */
#include "shared/region_sizes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAGE 4096u

static void texts(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"1", 1}, {"4096", 4096}, {"512K", 512u << 10}, {"6M", 6u << 20}, {"1G", 1u << 30}};
    static const char *const bad[] = {"",  "0",   "-1", "4 M",   "4Mi",
                                      "M", "1e6", "4m", "2048G", "99999999999999999999"};
    uint64_t bytes = 0;
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(spy_size_parse(good[i].text, &bytes));
        assert_int_equal(bytes, good[i].bytes);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(spy_size_parse(bad[i], &bytes));
    assert_int_equal(bytes, 1u << 30); /* as it was */
}

static void divide(struct spy_region *region, uint64_t cap, uint32_t history)
{
    struct spy_error err;
    struct spy_region_sizes sizes = spy_region_divide(cap, history);
    memset(region, 0, sizeof(*region));
    region->history_bytes = sizes.history_bytes;
    region->arena_bytes = sizes.arena_bytes;
    uint64_t total = spy_region_layout(region);
    assert_true(total <= cap);
    assert_int_equal(total, spy_region_bytes(sizes));
    assert_int_equal(spy_region_check(region, total, &err), SPY_OK);
    assert_true(spy_region_chunks(region) * SPY_CHUNK_BYTES == sizes.arena_bytes);
    assert_null(spy_region_chunk(region, spy_region_chunks(region)));
    assert_non_null(spy_region_chunk(region, spy_region_chunks(region) - 1));
}

/* Every page of sizes, and what is a byte more and less. */
static void every_cap_gives_a_region(void **state)
{
    struct spy_region *region = aligned_alloc(_Alignof(struct spy_region), sizeof(*region));
    (void)state;
    assert_non_null(region);
    for (uint64_t cap = SPY_REGION_CAP_MIN; cap <= SPY_REGION_CAP_MAX; cap += PAGE) {
        divide(region, cap, 0);
        divide(region, cap + PAGE - 1, SPY_HISTORY_BYTES_MIN);
        divide(region, cap + 1, SPY_HISTORY_BYTES_MAX);
    }
    free(region);
}

static void nothing_grows(void **state)
{
    (void)state;
    struct spy_region_sizes sizes = spy_region_divide(SPY_REGION_CAP_MAX, 0);
    assert_int_equal(sizes.history_bytes, SPY_HISTORY_BYTES);
    assert_int_equal(sizes.arena_bytes, SPY_ARENA_BYTES);
    sizes = spy_region_divide(SPY_REGION_CAP_MAX, SPY_HISTORY_BYTES_MAX);
    assert_int_equal(sizes.history_bytes, SPY_HISTORY_BYTES_MAX);
    assert_int_equal(sizes.arena_bytes, SPY_ARENA_BYTES);
    sizes = spy_region_divide(SPY_REGION_CAP_MIN, SPY_HISTORY_BYTES_MIN);
    assert_int_equal(sizes.history_bytes, SPY_HISTORY_BYTES_MIN);
    sizes = spy_region_divide(SPY_REGION_CAP_MIN, SPY_HISTORY_BYTES_MAX);
    assert_int_equal(sizes.arena_bytes, SPY_ARENA_BYTES_MIN);
}

/* An arena that the file has not, or that no version makes, is no region. */
static void other_arenas_are_refused(void **state)
{
    static const uint32_t bad[] = {1, SPY_ARENA_BYTES_MIN - PAGE, SPY_ARENA_BYTES_MIN + 1,
                                   SPY_ARENA_BYTES + PAGE};
    struct spy_region *region = aligned_alloc(_Alignof(struct spy_region), sizeof(*region));
    struct spy_error err;
    (void)state;
    assert_non_null(region);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        region->arena_bytes = bad[i];
        uint64_t total = spy_region_layout(region);
        assert_int_equal(spy_region_check(region, total, &err), SPY_ERR_CORRUPT);
    }
    region->arena_bytes = SPY_ARENA_BYTES_MIN;
    uint64_t total = spy_region_layout(region);
    region->arena_bytes += PAGE; /* and the section stays as it was */
    assert_int_equal(spy_region_check(region, total, &err), SPY_ERR_CORRUPT);
    free(region);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(every_cap_gives_a_region),
        cmocka_unit_test(nothing_grows),
        cmocka_unit_test(other_arenas_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
