/* SPDX-License-Identifier: MIT */
/* Repeated statements: of several processes, and of rows that are no good. */
#include "ctl/repeats.h"

#include "unit/ctl/requests_fixture.h"

/* Rows of the same statement in the same request are one, whatever their places; the site is that
 * which has a text. */
static void processes_are_merged(void **state)
{
    struct ctl_model model;
    (void)state;
    struct spy_region *a = make(), *b = make();
    struct spy_repeat *rows = spy_region_section(b, SPY_SECTION_REPEATS);
    struct spy_repeat first;
    memcpy(&first, &rows[0], sizeof(first)); /* in another order than in the first process */
    memcpy(&rows[0], &rows[1], sizeof(first));
    memcpy(&rows[1], &first, sizeof(first));
    rows[1].most = 30;
    rows[1].ns = 60 * MS;
    site_text(b, 1, "app.so+0x10 (each)");
    ctl_model_init(&model, 0);
    add(&model, a);
    add(&model, b);
    ctl_repeats_sort(&model);
    assert_int_equal(model.repeats, 2);
    assert_string_equal(model.repeat[0].statement->name, "parts_crud.delete_part");
    assert_string_equal(model.repeat[0].site, "");
    assert_int_equal(model.repeat[0].ns, 240 * MS);
    assert_string_equal(model.repeat[1].statement->name, "parts_crud.get_part");
    assert_int_equal(model.repeat[1].requests, 8);
    assert_int_equal(model.repeat[1].calls, 82);
    assert_int_equal(model.repeat[1].most, 30);
    assert_int_equal(model.repeat[1].ns, 150 * MS);
    assert_string_equal(model.repeat[1].site, "app.so+0x10 (each)");
    print(&model, "queries: 2,400 by thread, 6 as the only request, 0 by tag, 8 unattributed\n");
    ctl_model_free(&model);
    free(a);
    free(b);
}

/* Rows that are being made, or that no library wrote. */
static void rows_that_are_no_good(void **state)
{
    struct ctl_model model;
    (void)state;
    struct spy_region *r = make();
    struct spy_repeat *row = spy_region_section(r, SPY_SECTION_REPEATS);
    fixture_repeat(r, 2, HTTP, SQL, 0, 0, 0); /* claimed, not counted yet */
    fixture_repeat(r, 3, 77, SQL, 1, 5, SEC); /* no such request */
    fixture_repeat(r, 4, HTTP, 77, 1, 5, SEC);
    fixture_repeat(r, 5, SQL, SQL, 1, 5, SEC); /* kinds */
    fixture_repeat(r, 6, HTTP, HTTP, 1, 5, SEC);
    row[7].key = UINT64_MAX;
    row[7].requests = 1;
    row[8].key = 1ull << 40; /* no statement */
    row[8].requests = 1;
    row[0].site_text = UINT32_MAX;
    row[0].site = UINT64_MAX;
    site_text(r, 1, "\x1b[2J\xff\n");
    ctl_model_init(&model, 0);
    add(&model, r);
    ctl_repeats_sort(&model);
    assert_int_equal(model.repeats, 2);
    assert_string_equal(model.repeat[0].site, " [2J? ");
    assert_string_equal(model.repeat[1].site, "0xffffffffffffffff");
    ctl_model_free(&model);
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processes_are_merged),
        cmocka_unit_test(rows_that_are_no_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
