/* SPDX-License-Identifier: MIT */
/*
 * How full a region's tables are: exact, and bounded where a region lies.
 */
#include "fixture.h"

#include "ctl/occupancy.h"

enum { HTTP, SQL };

static void each_table_is_counted(void **state)
{
    (void)state;
    struct ctl_occupancy o;
    struct spy_region *r = fixture_parts(10, 1000);
    struct spy_held *held = spy_region_section(r, SPY_SECTION_HELD);
    held[5].taken = held[900].taken = 1;
    fixture_request(r, 7, HTTP, 105 * SEC, 3);
    fixture_conn(r, 0, SPY_PHASE_IDLE, SQL, 105 * SEC);
    fixture_conn(r, 1000, SPY_PHASE_SERVER, SQL, 105 * SEC);
    fixture_repeat(r, 3, HTTP, SQL, 1, 5, 100);
    fixture_endpoint(r, 1, "h", "1", "d", "u");
    r->shards_used = 4;
    r->failed_head = SPY_FAILED_EVENTS + 5ull; /* once round, and on */
    ctl_occupancy_read(&o, r);
    assert_int_equal(o.used[CTL_TABLE_operations], 3);
    assert_int_equal(o.size[CTL_TABLE_operations], SPY_OPS_MAX);
    assert_int_equal(o.used[CTL_TABLE_shards], 4);
    assert_int_equal(o.used[CTL_TABLE_arena], r->arena_used * SPY_CHUNK_BYTES);
    assert_int_equal(o.used[CTL_TABLE_texts], r->text_used);
    assert_int_equal(o.used[CTL_TABLE_slow], 2);
    assert_int_equal(o.used[CTL_TABLE_failed], SPY_FAILED_EVENTS);
    assert_int_equal(o.used[CTL_TABLE_held], 2);
    assert_int_equal(o.used[CTL_TABLE_requests], 1);
    assert_int_equal(o.used[CTL_TABLE_connections], 2);
    assert_int_equal(o.used[CTL_TABLE_repeats], 1);
    assert_int_equal(o.used[CTL_TABLE_endpoints], 1);
    assert_int_equal(o.used[CTL_TABLE_history], 0);
    assert_int_equal(o.used[CTL_TABLE_region], r->total_bytes);
    free(r);
}

static void holes_are_not_counted(void **state)
{
    (void)state;
    struct ctl_occupancy o;
    struct spy_region *r = fixture_parts(10, 1000);
    r->sparse = 1;
    r->stored[0] = 7;
    r->stored[1] = 1;
    ctl_occupancy_read(&o, r);
    assert_int_equal(o.used[CTL_TABLE_region], 4 * SPY_BLOCK_BYTES);
    free(r);
}

static void no_number_is_beyond_its_table(void **state)
{
    (void)state;
    struct ctl_occupancy o;
    struct spy_region *r = fixture_region(10, 1000);
    size_t header = offsetof(struct spy_region, ops_used);
    memset((char *)r + header, 0xff, sizeof(*r) - header);
    memset(r->stored, 0xff, sizeof(r->stored));
    r->sparse = 1;
    for (int i = 0; i < SPY_SECTION_COUNT; i++)
        memset(spy_region_section(r, (enum spy_section)i), 0xff, r->section[i].bytes);
    ctl_occupancy_read(&o, r);
    for (int i = 0; i < CTL_TABLE_COUNT; i++)
        assert_true(o.used[i] <= o.size[i]);
    json_t *json = ctl_occupancy_json(&o);
    assert_int_equal(json_object_size(json), CTL_TABLE_COUNT);
    json_decref(json);
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_table_is_counted),
        cmocka_unit_test(holes_are_not_counted),
        cmocka_unit_test(no_number_is_beyond_its_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
