/* SPDX-License-Identifier: MIT */
/*
 * Collecting kept calls: from the rings of slow and failed ones and from the worst of operations,
 * each once, with the request it was part of, also from regions that are torn or lie.
 */
#include "fixture.h"

#include "ctl/command.h"
#include "ctl/image.h"
#include "ctl/json.h"
#include "ctl/slow.h"

enum { HTTP, SQL }; /* operations of fixture_parts() */

static const struct ctl_process process = {.state = CTL_LIVE, .proc.pid = 10};

static struct ctl_slow collect(const struct spy_region *region, bool worst_only)
{
    struct ctl_slow slow = {0};
    ctl_slow_add(&slow, &process, region, 0, worst_only);
    ctl_slow_sort(&slow, CTL_SORT_DURATION);
    return slow;
}

static void failed(struct spy_region *r, uint64_t end_ns, uint32_t code)
{
    uint64_t n = r->failed_head++;
    struct spy_slow_event *event = spy_region_section(r, SPY_SECTION_FAILED);
    event += n % SPY_FAILED_EVENTS;
    event->sample = (struct spy_sample){
        .op = SQL, .code = code, .failed = 1, .end_ns = end_ns, .dur_ns = 1 * MS};
    event->seq = 2 * n + 2;
}

static void each_call_is_listed_once(void **state)
{
    (void)state;
    struct spy_region *r = fixture_parts(10, 1000); /* keeps 2 s at 110 s and 4 ms at 120 s */
    failed(r, 121 * SEC, spy_sqlstate_pack("23505"));
    fixture_worst(r, HTTP, 0, 110 * SEC, 2 * SEC); /* the newest as well */
    fixture_worst(r, HTTP, 1, 105 * SEC, 3 * SEC);
    fixture_worst(r, SQL, 2, 105 * SEC, 3 * SEC);  /* alike, and another call */
    fixture_worst(r, HTTP, 3, 110 * SEC, 2 * SEC); /* of its hour, too */
    fixture_worst(r, HTTP, 8, 108 * SEC, 1 * SEC); /* of its hour alone */
    struct ctl_slow all = collect(r, false), worst = collect(r, true);
    assert_int_equal(all.count, 6);
    assert_int_equal(worst.count, 4);
    assert_int_equal(worst.call[3].sample.dur_ns, 1 * SEC);
    assert_int_equal(worst.call[0].sample.dur_ns, 3 * SEC);
    assert_int_equal(worst.call[1].sample.dur_ns, 3 * SEC);
    assert_int_equal(worst.call[2].sample.dur_ns, 2 * SEC);
    assert_string_equal(worst.call[2].operation, "api.get_part");
    ctl_slow_free(&all);
    ctl_slow_free(&worst);
    free(r);
}

static void what_is_being_written_is_left_out(void **state)
{
    (void)state;
    struct spy_region *r = fixture_parts(10, 1000);
    fixture_worst(r, HTTP, 0, 105 * SEC, 3 * SEC);
    fixture_worst(r, HTTP, 1, 105 * SEC, 4 * SEC)->seq = 3;
    struct ctl_slow worst = collect(r, true);
    assert_int_equal(worst.count, 1);
    assert_int_equal(worst.call[0].sample.dur_ns, 3 * SEC);
    ctl_slow_free(&worst);
    free(r);
}

static void indices_that_lead_nowhere(void **state)
{
    (void)state;
    static const uint32_t nowhere[] = {SPY_ARENA_CHUNKS - SPY_WORST_CHUNKS + 1, SPY_ARENA_CHUNKS,
                                       UINT32_MAX - 1, UINT32_MAX};
    struct spy_region *r = fixture_parts(10, 1000);
    for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
        spy_region_op(r, HTTP)->worst = nowhere[i];
        struct ctl_slow worst = collect(r, true);
        assert_int_equal(worst.count, 0);
        ctl_slow_free(&worst);
    }
    spy_region_op(r, HTTP)->worst = 0;
    fixture_worst(r, HTTP, 0, 105 * SEC, SEC)->sample.op = 77777;
    struct ctl_slow worst = collect(r, true);
    assert_int_equal(worst.count, 0);
    ctl_slow_free(&worst);
    free(r);
}

static void a_statement_tells_its_request(void **state)
{
    (void)state;
    static const uint32_t nowhere[] = {0, 4, SPY_OPS_MAX, UINT32_MAX};
    struct spy_region *r = fixture_parts(10, 1000);
    struct spy_slow_event *event = fixture_worst(r, SQL, 0, 105 * SEC, SEC);
    event->sample.request_op = HTTP + 1;
    struct ctl_slow worst = collect(r, true);
    assert_string_equal(worst.call[0].request, "api.get_part");
    json_t *json = ctl_json_slow(&worst, 1, 0);
    const char *request = json_string_value(
        json_object_get(json_array_get(json_object_get(json, "calls"), 0), "request"));
    assert_string_equal(request, "api.get_part");
    json_decref(json);
    ctl_slow_free(&worst);
    for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
        event->sample.request_op = nowhere[i];
        worst = collect(r, true);
        assert_string_equal(worst.call[0].request, "");
        ctl_slow_free(&worst);
    }
    free(r);
}

/* The command prints a column for requests where there is one to tell. */
static void the_table_has_a_column_for_it(void **state)
{
    (void)state;
    char dir[SPY_PATH_BYTES];
    struct capture c;
    const char *only[] = {"99999998"};
    struct ctl_args args = {.worst = true, .process = only, .processes = 1};
    struct spy_region *r = fixture_parts(99999998, 1000);
    struct spy_slow_event *event = fixture_worst(r, SQL, 0, 105 * SEC, SEC);
    fixture_dir(dir);
    for (int i = 0; i < 2; i++) {
        event->sample.request_op = i == 0 ? 0 : HTTP + 1;
        fixture_save(r, dir);
        capture_begin(&c, &args);
        assert_int_equal(ctl_cmd_slow(&c.run), CTL_OK);
        capture_end(&c);
        assert_non_null(strstr(c.out, "parts_crud.get_part"));
        assert_int_equal(strstr(c.out, "REQUEST") != NULL, i == 1);
        assert_int_equal(strstr(c.out, "api.get_part") != NULL, i == 1);
        capture_free(&c);
    }
    fixture_remove(dir, r);
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_is_listed_once),
        cmocka_unit_test(what_is_being_written_is_left_out),
        cmocka_unit_test(indices_that_lead_nowhere),
        cmocka_unit_test(a_statement_tells_its_request),
        cmocka_unit_test(the_table_has_a_column_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
