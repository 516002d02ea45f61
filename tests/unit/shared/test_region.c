/* SPDX-License-Identifier: MIT */
/*
 * Validation of regions: what is not one is refused with a reason, and indices are bounded.
 */
#include "../region_fixture.h"

#include "shared/totals.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static enum spy_status check(const struct spy_region *region, uint64_t bytes)
{
    struct spy_error err;
    return spy_region_check(region, bytes, &err);
}

static void a_fresh_region_is_one(void **state)
{
    (void)state;
    struct spy_region *region = region_fixture();
    assert_int_equal(check(region, region->total_bytes), SPY_OK);
    free(region);
}

static void an_image_may_end_in_the_arena_only(void **state)
{
    (void)state;
    struct spy_region *region = region_fixture();
    uint64_t arena = region->section[SPY_SECTION_ARENA].offset;
    assert_int_equal(check(region, arena + 256), SPY_OK);
    assert_int_equal(check(region, arena), SPY_OK);
    assert_int_equal(check(region, arena - 1), SPY_ERR_CORRUPT);
    assert_int_equal(check(region, 100), SPY_ERR_CORRUPT);
    free(region);
}

static void foreign_headers_are_refused(void **state)
{
    (void)state;
    struct spy_region *region = region_fixture();
    uint64_t bytes = region->total_bytes;
    region->magic = __builtin_bswap64(SPY_REGION_MAGIC);
    assert_int_equal(check(region, bytes), SPY_ERR_VERSION);
    region->magic = 0;
    assert_int_equal(check(region, bytes), SPY_ERR_CORRUPT);
    spy_region_layout(region);
    region->version++;
    assert_int_equal(check(region, bytes), SPY_ERR_VERSION);
    spy_region_layout(region);
    memset(region->exe, 'x', sizeof(region->exe));
    assert_int_equal(check(region, bytes), SPY_ERR_CORRUPT);
    region->exe[0] = '\0';
    memset(region->exe, 0, sizeof(region->exe));
    region->section[SPY_SECTION_SLOW].offset = UINT64_MAX - 4095;
    assert_int_equal(check(region, bytes), SPY_ERR_CORRUPT);
    free(region);
}

static void indices_out_of_range_give_nothing(void **state)
{
    (void)state;
    struct spy_region *region = region_fixture();
    assert_null(spy_region_chunk(region, 0));
    assert_null(spy_region_chunk(region, SPY_ARENA_CHUNKS));
    assert_null(spy_region_chunk(region, UINT32_MAX));
    assert_non_null(spy_region_chunk(region, SPY_ARENA_CHUNKS - 1));
    atomic_store(&spy_region_shard(region, 0)->cell[2], SPY_ARENA_CHUNKS - 1);
    assert_null(spy_region_cell(region, 0, 2)); /* a cell has two chunks */
    atomic_store(&region->ops_used, UINT32_MAX);
    assert_int_equal(spy_region_ops(region), SPY_OPS_MAX);
    free(region);
}

static void texts_that_do_not_end_are_not_read(void **state)
{
    (void)state;
    struct spy_region *region = region_fixture();
    char *text = spy_region_section(region, SPY_SECTION_TEXT);
    struct spy_op *op = spy_region_op(region, 2);
    assert_string_equal(spy_region_text(region, op), "");
    strcpy(text + 1, "select ?");
    atomic_store(&op->text, 1);
    assert_string_equal(spy_region_text(region, op), "select ?");
    memset(text, 'x', SPY_TEXT_BYTES);
    assert_string_equal(spy_region_text(region, op), "");
    atomic_store(&op->text, UINT32_MAX);
    assert_string_equal(spy_region_text(region, op), "");
    free(region);
}

/* A region whose every byte is hostile is still read without going astray. */
static void hostile_cells_are_read_within_bounds(void **state)
{
    (void)state;
    static struct spy_totals totals;
    struct spy_region *region = region_fixture();
    for (int i = SPY_SECTION_OPS; i < SPY_SECTION_COUNT; i++)
        memset(spy_region_section(region, i), 0xA5, region->section[i].bytes);
    for (uint32_t op = 0; op < SPY_OPS_MAX; op += 37)
        spy_totals_of_op(&totals, region, op);
    free(region);
}

static void a_seventeenth_code_is_other(void **state)
{
    (void)state;
    static struct spy_totals totals;
    spy_totals_clear(&totals);
    for (uint32_t code = 1; code <= 40; code++)
        spy_totals_add_code(&totals, code, 1);
    assert_int_equal(totals.codes, SPY_CODES);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < totals.codes; i++)
        sum += totals.code[i].count;
    assert_int_equal(sum, 40);
    assert_int_equal(totals.code[SPY_CODES - 1].code, SPY_CODE_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_region_is_one),
        cmocka_unit_test(an_image_may_end_in_the_arena_only),
        cmocka_unit_test(foreign_headers_are_refused),
        cmocka_unit_test(indices_out_of_range_give_nothing),
        cmocka_unit_test(texts_that_do_not_end_are_not_read),
        cmocka_unit_test(hostile_cells_are_read_within_bounds),
        cmocka_unit_test(a_seventeenth_code_is_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
