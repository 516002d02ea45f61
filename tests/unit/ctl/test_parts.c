/* SPDX-License-Identifier: MIT */
/* Parts of a request's time, its queries, and how queries were attributed. */
#include "ctl/parts.h"

#include "unit/ctl/fixture.h"

static struct spy_totals totals;

static void the_rest_is_the_programs(void **state)
{
    (void)state;
    totals = (struct spy_totals){
        .calls = 1,
        .sum_ns = 100,
        .read_ns = 10,
        .db_wait_ns = 20,
        .db_rows_ns = 30,
        .blocked_ns = 5,
    };
    struct ctl_parts parts = ctl_parts_of(&totals);
    assert_int_equal(parts.ns[SPY_PART_READ], 10);
    assert_int_equal(parts.ns[SPY_PART_DB_WAIT], 20);
    assert_int_equal(parts.ns[SPY_PART_DB_ROWS], 30);
    assert_int_equal(parts.ns[SPY_PART_BLOCKED], 5);
    assert_int_equal(parts.ns[SPY_PART_PROGRAM], 35);
    assert_false(parts.overlapping);
    totals.blocked_ns = 40;
    parts = ctl_parts_of(&totals);
    assert_int_equal(parts.ns[SPY_PART_PROGRAM], 0);
    assert_false(parts.overlapping);
}

/* Two connections at once: nothing is made smaller, and nothing is negative. */
static void parts_that_overlap(void **state)
{
    (void)state;
    totals = (struct spy_totals){.calls = 1, .sum_ns = 100, .db_wait_ns = 180, .blocked_ns = 5};
    struct ctl_parts parts = ctl_parts_of(&totals);
    assert_int_equal(parts.ns[SPY_PART_DB_WAIT], 180);
    assert_int_equal(parts.ns[SPY_PART_BLOCKED], 5);
    assert_int_equal(parts.ns[SPY_PART_PROGRAM], 0);
    assert_true(parts.overlapping);
    totals.db_wait_ns = totals.db_rows_ns = UINT64_MAX; /* a corrupt region */
    assert_true(ctl_parts_of(&totals).overlapping);
    assert_int_equal(ctl_parts_of(&totals).ns[SPY_PART_PROGRAM], 0);
}

/* COUNT requests made so many queries. */
static void spread(uint64_t count, uint32_t queries)
{
    totals.spread[spy_spread_index(queries)] += count;
    totals.queries += count * queries;
    totals.calls += count;
}

static void queries_a_request(void **state)
{
    (void)state;
    spy_totals_clear(&totals);
    assert_false(ctl_queries_of(&totals).known);
    totals.calls = 10; /* counted in none of them */
    assert_false(ctl_queries_of(&totals).known);
    spread(3, 0);
    struct ctl_queries q = ctl_queries_of(&totals);
    assert_true(q.known && q.spread);
    assert_int_equal(q.min + q.median + q.max, 0);
    assert_float_equal(q.mean, 0, 0);
    spread(2, 4);
    q = ctl_queries_of(&totals);
    assert_int_equal(q.median, 0);
    assert_int_equal(q.max, 4);
    spread(1, 4);
    assert_int_equal(ctl_queries_of(&totals).median, 0); /* the lower of two in the middle */
    spread(1, 45);
    q = ctl_queries_of(&totals);
    assert_int_equal(q.min, 0);
    assert_int_equal(q.median, 4);
    assert_int_equal(q.max, 32); /* rounded down */
    assert_float_equal(q.mean, 57.0 / 7, 1e-9);
    spread(1, 100000);
    assert_int_equal(ctl_queries_of(&totals).max, 3072);
}

/* A window tells how many there were, and no more. */
static void queries_in_a_window(void **state)
{
    (void)state;
    spy_totals_clear(&totals);
    totals.calls = 4;
    totals.queries = 10;
    struct ctl_queries q = ctl_queries_of(&totals);
    assert_true(q.known);
    assert_false(q.spread);
    assert_float_equal(q.mean, 2.5, 0);
}

static void text_is(uint32_t queries, const char *wanted)
{
    char text[CTL_NUMBER_BYTES];
    assert_string_equal(ctl_queries_text(text, "about ", queries), wanted);
}

static void texts(void **state)
{
    char text[CTL_NUMBER_BYTES];
    (void)state;
    text_is(0, "0");
    text_is(15, "15");
    text_is(16, "about 16");
    text_is(1024, "about 1,024");
    text_is(2048, "about 2,048");
    text_is(3072, ">=3,072");
    assert_string_equal(ctl_mean_text(text, 0), "0");
    assert_string_equal(ctl_mean_text(text, 10), "10");
    assert_string_equal(ctl_mean_text(text, 2.5), "2.5");
    assert_string_equal(ctl_mean_text(text, 1.0 / 3), "0.33");
    assert_string_equal(ctl_mean_text(text, 1234.5), "1234");
}

static void attribution(void **state)
{
    struct ctl_model model;
    struct ctl_process process = {.state = CTL_LIVE};
    const struct ctl_run now = {.now_mono_ns = 200 * SEC, .now_real_ns = REAL + 100 * SEC};
    (void)state;
    struct spy_region *r = fixture_parts(10, 1000);
    ctl_model_init(&model, 0);
    ctl_model_add(&model, &process, r, &now);
    struct ctl_attribution all = ctl_attribution_of_all(&model);
    assert_false(ctl_attribution_any(&all));
    ctl_model_free(&model);
    fixture_cell(r, 0)->way_thread = 99; /* a request's: no such thing */
    fixture_cell(r, 1)->way_thread = 1;
    fixture_cell(r, 1)->way_only = 2;
    fixture_cell(r, 2)->way_only = 10;
    fixture_cell(r, 2)->way_tag = 3;
    fixture_cell(r, 2)->way_none = 4;
    fixture_cell(r, 2)->aborted = 1; /* else nothing is told of it */
    ctl_model_init(&model, 0);
    ctl_model_add(&model, &process, r, &now);
    all = ctl_attribution_of_all(&model);
    assert_int_equal(all.thread, 1);
    assert_int_equal(all.only, 12);
    assert_int_equal(all.tag, 3);
    assert_int_equal(all.none, 4);
    assert_true(ctl_attribution_any(&all));
    ctl_model_free(&model);
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rest_is_the_programs),
        cmocka_unit_test(parts_that_overlap),
        cmocka_unit_test(queries_a_request),
        cmocka_unit_test(queries_in_a_window),
        cmocka_unit_test(texts),
        cmocka_unit_test(attribution),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
