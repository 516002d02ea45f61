/* SPDX-License-Identifier: MIT */
/* What is told of health and of benchmarks from one look to the next. */
#include "ctl/changes.h"

#include "unit/ctl/fixture.h"

static const struct ctl_run now = {.now_mono_ns = 200 * SEC, .now_real_ns = REAL + 100 * SEC};

struct told {
    char text[2000];
    json_t *last;
};

static void tell(void *ctx, const struct ctl_change *change)
{
    struct told *told = ctx;
    size_t used = strlen(told->text);
    snprintf(told->text + used, sizeof(told->text) - used, "%s%s%s%s:%s>%s ", change->what,
             change->operation != NULL ? "." : "", change->stat != NULL ? change->stat : "",
             change->operation != NULL ? "" : "", change->from, change->to);
    json_decref(told->last);
    told->last = json_incref(change->json);
}

/* One look at a process that made CALLS calls of DUR_NS, with a limit of 200 ms on their p50; at
 * none where CALLS is negative. */
static const char *look(struct ctl_changes *changes, struct told *told, int calls, uint64_t dur_ns)
{
    struct ctl_model model;
    ctl_model_init(&model, 300 * SEC);
    told->text[0] = '\0';
    struct spy_region *r = fixture_region(10, 1000);
    if (calls >= 0) {
        uint32_t op = fixture_op(r, SPY_KIND_HTTP, true, "api.x");
        fixture_budget(r, op, SPY_STAT_P50, 200 * MS);
        if (calls > 0)
            fixture_calls(r, op, (uint64_t)calls, dur_ns, 200);
        struct ctl_process process = {.state = CTL_LIVE};
        process.proc.pid = r->pid;
        ctl_model_add(&model, &process, r, &now);
    }
    ctl_changes_look(changes, &model, &now, tell, told);
    ctl_model_free(&model);
    free(r);
    return told->text;
}

static void first_look_is_the_baseline(void **state)
{
    struct ctl_changes changes = {.hold = 1};
    struct told told = {0};
    (void)state;
    assert_string_equal(look(&changes, &told, 5, 4 * SEC), "");
    assert_string_equal(look(&changes, &told, 5, 4 * SEC), "");
    look(&changes, &told, 5, MS);
    assert_string_equal(look(&changes, &told, 5, MS),
                        "health:critical>healthy benchmark.p50:missed>met ");
    ctl_changes_free(&changes);
    json_decref(told.last);
}

static void or_is_told(void **state)
{
    struct ctl_changes changes = {.hold = 1, .initial = true};
    struct told told = {0};
    (void)state;
    assert_string_equal(look(&changes, &told, 5, 4 * SEC),
                        "health:unknown>critical benchmark.p50:no data>missed ");
    ctl_changes_free(&changes);
    json_decref(told.last);
}

static void processes_come_and_go(void **state)
{
    struct ctl_changes changes = {.hold = 1};
    struct told told = {0};
    (void)state;
    assert_string_equal(look(&changes, &told, -1, 0), "");
    look(&changes, &told, 5, MS); /* better counts after two looks; "met" is no news */
    assert_string_equal(look(&changes, &told, 5, MS), "health:unknown>healthy ");
    assert_string_equal(look(&changes, &told, 0, 0), "health:healthy>unknown ");
    assert_string_equal(look(&changes, &told, 5, 300 * MS), "benchmark.p50:no data>missed ");
    look(&changes, &told, -1, 0);
    /* From healthy to unknown while the benchmark, gone with its process, lost its data. */
    assert_string_equal(look(&changes, &told, -1, 0), "benchmark.p50:missed>no data ");
    look(&changes, &told, 5, MS);
    /* Who was told of the miss is told of its end. */
    assert_string_equal(look(&changes, &told, 5, MS),
                        "health:unknown>healthy benchmark.p50:no data>met ");
    assert_string_equal(look(&changes, &told, 0, 0), "health:healthy>unknown ");
    look(&changes, &told, 5, MS);
    assert_string_equal(look(&changes, &told, 5, MS), "health:unknown>healthy ");
    ctl_changes_free(&changes);
    json_decref(told.last);
}

static void json_tells_all(void **state)
{
    struct ctl_changes changes = {.hold = 1};
    struct told told = {0};
    (void)state;
    look(&changes, &told, 5, MS);
    assert_string_equal(look(&changes, &told, 5, 300 * MS), "benchmark.p50:met>missed ");
    char *text = json_dumps(told.last, JSON_REAL_PRECISION(15) | JSON_COMPACT);
    assert_string_equal(
        text, "{\"version\":1,\"window_s\":300.0,\"covered_s\":100.0,"
              "\"covered_since\":\"2026-01-01T00:00:00Z\",\"processes\":[{\"pid\":10,"
              "\"exe\":\"/usr/bin/parts_server\",\"state\":\"live\",\"disabled_since\":null,"
              "\"started\":\"2025-12-31T23:58:30Z\",\"since\":\"2025-12-31T23:58:30Z\","
              "\"mode\":\"preload\"}],"
              "\"at\":\"2026-01-01T00:01:40Z\",\"what\":\"benchmark\",\"operation\":\"api.x\","
              "\"from\":\"met\",\"to\":\"missed\",\"stat\":\"p50\",\"limit_ms\":200.0,"
              "\"value_ms\":300.0,\"calls_needed\":2,"
              "\"reason\":\"p50 is 300 ms, limit 200 ms, of 5 calls\",\"kind\":\"http\","
              "\"calls\":5}");
    free(text);
    assert_string_equal(look(&changes, &told, 5, 2 * SEC), "health:healthy>warning ");
    assert_true(json_is_null(json_object_get(told.last, "operation")));
    assert_int_equal(json_integer_value(json_object_get(told.last, "slow")), 5);
    assert_string_equal(json_string_value(json_object_get(told.last, "reason")),
                        "5 of 5 calls (100 %) took 1 s or longer in the last 5 min, more than the "
                        "allowed 20 %; api.x: 5 slow and 0 critical of 5 calls, the longest "
                        "2.00 s");
    ctl_changes_free(&changes);
    json_decref(told.last);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_look_is_the_baseline),
        cmocka_unit_test(or_is_told),
        cmocka_unit_test(processes_come_and_go),
        cmocka_unit_test(json_tells_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
