/* SPDX-License-Identifier: MIT */
/* Merging regions, the arithmetic on operations, and the JSON schema. */
#include "ctl/model.h"

#include "ctl/find.h"
#include "ctl/json.h"
#include "ctl/view.h"
#include "unit/ctl/fixture.h"

static const struct ctl_run now = {.now_mono_ns = 200 * SEC, .now_real_ns = REAL + 100 * SEC};

static void add(struct ctl_model *model, struct spy_region *region, enum ctl_state state)
{
    struct ctl_process process = {.state = state};
    process.proc.pid = region->pid;
    process.proc.start_ticks = region->start_ticks;
    ctl_model_add(model, &process, region, &now);
}

static struct ctl_operation *find(const struct ctl_model *model, const char *name)
{
    for (size_t i = 0; i < model->count; i++)
        if (strcmp(model->operation[i]->name, name) == 0)
            return model->operation[i];
    fail_msg("no operation %s", name);
    return NULL;
}

static void merges(void **state)
{
    struct ctl_model model;
    (void)state;
    struct spy_region *a = fixture_parts(10, 1000), *b = fixture_parts(11, 1000);
    fixture_calls(b, fixture_op(b, SPY_KIND_HTTP, false, "GET /new"), 2, MS, 200);
    ctl_model_init(&model, 0);
    add(&model, a, CTL_LIVE);
    add(&model, b, CTL_LIVE);
    assert_int_equal(model.members, 2);
    assert_int_equal(model.count, 4);
    struct ctl_operation *op = find(&model, "api.get_part");
    assert_int_equal(op->totals.calls, 20);
    assert_int_equal(op->totals.errors, 2);
    assert_int_equal(op->totals.level[SPY_LEVEL_SLOW], 2);
    assert_int_equal(op->budgets, 1);
    assert_int_equal(op->totals.min_ns, 50 * MS);
    assert_int_equal(op->totals.max_ns, 2 * SEC);
    assert_int_equal(spy_hist_count(&op->totals.hist), 20);
    assert_int_equal(model.member[1].calls, 17);
    assert_int_equal(model.member[1].operations, 3);
    assert_float_equal(ctl_operation_rate(&model, op), 0.2, 1e-9); /* 20 calls in 100 s */
    assert_string_equal(find(&model, "parts_crud.get_part")->statement,
                        "SELECT * FROM parts WHERE id = ?");
    ctl_model_free(&model);
    free(a);
    free(b);
}

static void same_name_of_another_kind(void **state)
{
    struct ctl_model model;
    (void)state;
    struct spy_region *r = fixture_region(10, 1000);
    fixture_calls(r, fixture_op(r, SPY_KIND_SQL, true, "x"), 1, MS, 0);
    fixture_calls(r, fixture_op(r, SPY_KIND_HTTP, true, "x"), 2, MS, 200);
    ctl_model_init(&model, 0);
    add(&model, r, CTL_LIVE);
    assert_int_equal(model.count, 2);
    ctl_model_free(&model);
    free(r);
}

static uint64_t calls_in(struct spy_region *r, uint64_t window, enum ctl_state state, double *span)
{
    struct ctl_model model;
    uint64_t calls = 0;
    ctl_model_init(&model, window);
    add(&model, r, state);
    for (size_t i = 0; i < model.count; i++)
        calls += model.operation[i]->totals.calls;
    *span = model.members > 0 ? ctl_model_span_s(&model) : -1;
    ctl_model_free(&model);
    return calls;
}

static void windows(void **state)
{
    double span;
    (void)state;
    struct spy_region *r = fixture_region(10, 1000);
    uint32_t op = fixture_op(r, SPY_KIND_SQL, true, "x");
    fixture_calls(r, op, 3, MS, 0);               /* not rolled yet */
    fixture_step(r, op, 5, 140 * SEC, 150 * SEC); /* the rest is not rolled */
    assert_int_equal(calls_in(r, 300 * SEC, CTL_LIVE, &span), 8);
    assert_float_equal(span, 100, 0.001); /* as old as the process */
    assert_int_equal(calls_in(r, 55 * SEC, CTL_LIVE, &span), 8);
    assert_float_equal(span, 60, 0.001); /* from the beginning of that step */
    assert_int_equal(calls_in(r, 20 * SEC, CTL_LIVE, &span), 3);
    assert_float_equal(span, 50, 0.001); /* since the last roll */
    /* Dead since 150 s or a little later: in the last 55 s, but not in the last 20 s. */
    r->history[0].head = r->history[0].tail = r->history_applied = 0;
    assert_int_equal(calls_in(r, 55 * SEC, CTL_DEAD, &span), 3);
    assert_int_equal(calls_in(r, 20 * SEC, CTL_DEAD, &span), 0);
    assert_float_equal(span, -1, 0.001); /* and is left out */
    free(r);
}

static void out_of_range_is_left_out(void **state)
{
    struct ctl_model model;
    (void)state;
    struct spy_region *r = fixture_parts(10, 1000);
    spy_region_op(r, 0)->kind = SPY_KIND_COUNT;
    spy_region_op(r, 1)->budget[0].stat = 4711;
    memset(spy_region_op(r, 1)->name, 'x', SPY_NAME_BYTES); /* does not end */
    spy_region_op(r, 2)->state = SPY_OP_FREE;
    ctl_model_init(&model, 0);
    add(&model, r, CTL_LIVE);
    assert_int_equal(model.count, 1);
    assert_int_equal(strlen(model.operation[0]->name), SPY_NAME_BYTES);
    assert_int_equal(model.operation[0]->budgets, 1);
    ctl_model_free(&model);
    free(r);
}

static void statistics(void **state)
{
    struct ctl_model model;
    (void)state;
    struct spy_region *r = fixture_parts(10, 1000);
    ctl_model_init(&model, 0);
    add(&model, r, CTL_LIVE);
    struct ctl_operation *http = find(&model, "api.get_part");
    struct ctl_operation *sql = find(&model, "parts_crud.get_part");
    struct ctl_operation *none = find(&model, "parts_crud.delete_part");
    assert_float_equal(ctl_operation_stat(http, SPY_STAT_MEAN), 245e6, 1);
    assert_float_equal(ctl_operation_stat(http, SPY_STAT_P50), 50e6, 0.011 * 50e6);
    assert_float_equal(ctl_operation_stat(http, SPY_STAT_P95), 2e9, 0.011 * 2e9);
    assert_float_equal(ctl_operation_stat(http, SPY_STAT_MAX), 2e9, 0);
    assert_float_equal(ctl_operation_stat(sql, SPY_STAT_ERRORS), 200000, 0);
    assert_float_equal(ctl_operation_stat(none, SPY_STAT_P99), 0, 0);
    assert_int_equal(ctl_operation_verdicts(http), CTL_BENCH_NO_DATA); /* p95 of 10 calls */
    assert_int_equal(ctl_operation_verdicts(sql), CTL_BENCH_MISSED);
    assert_int_equal(ctl_operation_verdict(sql, &sql->budget[0]), CTL_BENCH_MET);
    assert_int_equal(ctl_operation_verdict(sql, &sql->budget[1]), CTL_BENCH_MISSED);
    assert_int_equal(ctl_operation_verdicts(none), CTL_BENCH_NO_DATA);
    qsort(model.operation, model.count, sizeof(struct ctl_operation *), ctl_operation_worse);
    assert_ptr_equal(model.operation[0], http);
    assert_ptr_equal(model.operation[1], sql);
    ctl_model_free(&model);
    free(r);
}

static void bars(void **state)
{
    char bar[CTL_BAR_CELLS + 1];
    (void)state;
    ctl_view_bar(bar, (const uint64_t[]){0, 0, 0, 0, 0});
    assert_string_equal(bar, "          ");
    ctl_view_bar(bar, (const uint64_t[]){5, 5, 0, 0, 0});
    assert_string_equal(bar, ".....-----");
    ctl_view_bar(bar, (const uint64_t[]){1000000, 0, 0, 1, 1}); /* seen at all: shown */
    assert_string_equal(bar, "........#!");
    ctl_view_bar(bar, (const uint64_t[]){1, 1, 1, 1, 1});
    assert_string_equal(bar, "..--==##!!");
    ctl_view_bar(bar, (const uint64_t[]){0, 0, 0, 0, UINT32_MAX});
    assert_string_equal(bar, "!!!!!!!!!!");
}

static void finds_by_suffix(void **state)
{
    struct ctl_model model;
    enum ctl_exit result = CTL_OK;
    char text[512] = "";
    (void)state;
    struct spy_region *r = fixture_parts(10, 1000);
    ctl_model_init(&model, 0);
    add(&model, r, CTL_LIVE);
    FILE *err = fmemopen(text, sizeof(text), "w");
    assert_string_equal(ctl_find_operation(&model, "delete_part", &result, err)->name,
                        "parts_crud.delete_part");
    assert_string_equal(ctl_find_operation(&model, "api.get_part", &result, err)->name,
                        "api.get_part");
    assert_null(ctl_find_operation(&model, "get_part", &result, err));
    assert_int_equal(result, CTL_USAGE);
    assert_null(ctl_find_operation(&model, "delete_prat", &result, err));
    assert_int_equal(result, CTL_NOTHING);
    fclose(err);
    assert_string_equal(text, "perfspy-ctl: \"get_part\" may be api.get_part or "
                              "parts_crud.get_part; give the whole name\n"
                              "perfspy-ctl: no operation is called \"delete_prat\"; did you mean "
                              "parts_crud.delete_part?\n");
    ctl_model_free(&model);
    free(r);
}

static void schema(void **state)
{
    struct ctl_model model;
    (void)state;
    struct spy_region *r = fixture_parts(10, 1000);
    fixture_facts(r, 1, 1);
    ctl_model_init(&model, 0);
    add(&model, r, CTL_LIVE);
    json_t *stats = ctl_json_stats(&model, find(&model, "parts_crud.get_part"));
    char *text = json_dumps(stats, JSON_REAL_PRECISION(15) | JSON_COMPACT);
    assert_string_equal(
        text, "{\"version\":1,\"window_s\":null,\"covered_s\":100.0,"
              "\"covered_since\":\"2026-01-01T00:00:00Z\",\"processes\":[{\"pid\":10,"
              "\"exe\":\"/usr/bin/parts_server\",\"state\":\"live\",\"disabled_since\":null,"
              "\"started\":\"2025-12-31T23:58:30Z\",\"since\":\"2025-12-31T23:58:30Z\","
              "\"mode\":\"preload\"}],\"operations\":[{"
              "\"operation\":\"parts_crud.get_part\",\"kind\":\"sql\",\"mapped\":true,\"calls\":5,"
              "\"errors\":1,\"aborted\":4,\"sampled\":null,\"timed\":5,\"rate\":0.05,\"mean_ms\":4."
              "0,\"min_ms\":4.0,"
              "\"max_ms\":4.0,\"p50_ms\":4.0,\"p90_ms\":4.0,\"p95_ms\":4.0,\"p99_ms\":4.0,"
              "\"wait_ms\":2.0,\"consume_ms\":2.0,\"queue_ms\":0.4,\"levels\":{\"excellent\":5,"
              "\"good\":0,"
              "\"acceptable\":0,\"slow\":0,\"critical\":0},\"rows\":5,\"affected\":3,"
              "\"params\":12,"
              "\"attribution\":{\"thread\":0,\"only\":0,\"tag\":0,\"none\":0},\"bytes\":50,"
              "\"bytes_in\":50,\"bytes_out\":500,\"status\":{},\"sqlstate\":{\"23505\":1},"
              "\"benchmark\":{\"stat\":\"mean\",\"limit_ms\":100.0,\"value_ms\":4.0,\"met\":true,"
              "\"calls_needed\":1,\"reason\":null},"
              "\"statement\":\"SELECT * FROM parts WHERE id = ?\"}]}");
    free(text);
    json_decref(stats);
    stats = ctl_json_stats(&model, NULL);
    json_t *none = json_array_get(json_object_get(stats, "operations"), 2);
    assert_string_equal(json_string_value(json_object_get(none, "operation")),
                        "parts_crud.delete_part");
    assert_true(json_is_null(json_object_get(none, "mean_ms")));
    assert_true(json_is_null(json_object_get(none, "benchmark")));
    assert_true(json_is_null(json_object_get(none, "statement")));
    json_decref(stats);
    ctl_model_free(&model);
    free(r);
}

/* An operation of which nothing was ever executed is something to tell, named by a rule or not. */
static void never_executed(void **state)
{
    struct ctl_model model;
    (void)state;
    struct spy_region *r = fixture_region(10, 1000);
    uint32_t op = fixture_op(r, SPY_KIND_SQL, false, "sql.1");
    fixture_op(r, SPY_KIND_SQL, false, "sql.2");
    fixture_cell(r, op)->aborted = 2;
    for (uint64_t window = 0; window <= 300 * SEC; window += 300 * SEC) {
        ctl_model_init(&model, window);
        add(&model, r, CTL_LIVE);
        json_t *stats = ctl_json_stats(&model, NULL);
        json_t *operations = json_object_get(stats, "operations");
        assert_int_equal(json_array_size(operations), 1);
        json_t *first = json_array_get(operations, 0);
        assert_int_equal(json_integer_value(json_object_get(first, "aborted")), 2);
        assert_int_equal(json_integer_value(json_object_get(first, "calls")), 0);
        assert_true(json_is_null(json_object_get(first, "queue_ms")));
        assert_true(json_is_null(json_object_get(first, "max_ms")));
        json_decref(stats);
        ctl_model_free(&model);
    }
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges),         cmocka_unit_test(same_name_of_another_kind),
        cmocka_unit_test(windows),        cmocka_unit_test(out_of_range_is_left_out),
        cmocka_unit_test(statistics),     cmocka_unit_test(bars),
        cmocka_unit_test(schema),         cmocka_unit_test(finds_by_suffix),
        cmocka_unit_test(never_executed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
