/* SPDX-License-Identifier: MIT */
/*
 * The client's view: named by the rules, timed or not, and judged like a watched process'.
 */
#include "validate/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char text[] = "version: 1\n"
                           "operations:\n"
                           "  - {name: get, http: \"GET /parts/{id}\", benchmark: 20ms}\n"
                           "  - {name: sql, sql: \"SELECT 1\", benchmark: 1s}\n";

struct fixture {
    struct spy_rules *rules;
    struct val_record record;
};

static int open_record(void **state)
{
    static struct fixture fixture;
    struct spy_error error;
    if (spy_rules_parse(text, strlen(text), &fixture.rules, &error) != SPY_OK)
        return -1;
    val_record_init(&fixture.record, fixture.rules);
    *state = &fixture;
    return 0;
}

static int close_record(void **state)
{
    struct fixture *fixture = *state;
    val_record_free(&fixture->record);
    spy_rules_free(fixture->rules);
    return 0;
}

static const char *add(struct val_record *record, const char *path, long status, uint64_t ms,
                       bool timed)
{
    struct val_request request = {.method = "GET", .path = path};
    struct val_response response = {
        .answered = status != 0, .status = status, .dur_ns = ms * 1000000, .bytes_out = 100};
    return val_record_add(record, &request, &response, timed);
}

static void test_names(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(add(&f->record, "/parts/1?x=y", 200, 1, true), "get");
    assert_string_equal(add(&f->record, "/other/1", 200, 1, true), "GET /other/{id}");
    assert_string_equal(add(&f->record, "/other/2", 200, 1, true), "GET /other/{id}");
    assert_int_equal(f->record.count, 3);
    assert_int_equal(val_record_requests(&f->record), 3);
    assert_int_equal(f->record.seen[2]->op.totals.calls, 2);
    assert_false(f->record.seen[2]->op.mapped);
}

static void test_warm_up_is_not_timed(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 30; i++)
        add(&f->record, "/parts/1", 200, 10, true);
    for (int i = 0; i < 30; i++)
        add(&f->record, "/parts/1", 200, 5000, false);
    add(&f->record, "/parts/1", 503, 10, true);
    add(&f->record, "/parts/1", 0, 10, true);
    const struct val_seen *seen = f->record.seen[0];
    assert_int_equal(seen->sum.calls, 62);
    assert_int_equal(seen->unanswered, 1);
    assert_int_equal(seen->op.totals.calls, 32);
    assert_int_equal(seen->op.totals.errors, 2);
    assert_int_equal(seen->op.totals.max_ns, 10000000);
}

static void test_model_is_judged(void **state)
{
    struct fixture *f = *state;
    struct ctl_model model;
    for (int i = 0; i < 30; i++)
        add(&f->record, "/parts/1", 200, 10, true);
    val_record_model(&f->record, 1000000000, 3000000000, &model);
    assert_int_equal(model.count, 2);
    const struct ctl_operation *get = model.operation[0], *sql = model.operation[1];
    assert_int_equal(ctl_operation_verdict(get, &get->budget[0]), CTL_BENCH_MET);
    assert_int_equal(ctl_operation_verdict(sql, &sql->budget[0]), CTL_BENCH_NO_DATA);
    assert_int_equal(sql->kind, SPY_KIND_SQL);
    assert_true(ctl_operation_rate(&model, get) == 15);
    for (int i = 0; i < 30; i++)
        add(&f->record, "/parts/1", 200, 30, true);
    assert_int_equal(ctl_operation_verdict(get, &get->budget[0]), CTL_BENCH_MISSED);
    val_record_release(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_names, open_record, close_record),
        cmocka_unit_test_setup_teardown(test_warm_up_is_not_timed, open_record, close_record),
        cmocka_unit_test_setup_teardown(test_model_is_judged, open_record, close_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
