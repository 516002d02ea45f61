/* SPDX-License-Identifier: MIT */
/* `trend`: which stretch a call is in, what is added up, and what is said of it. */
#include "ctl/command.h"
#include "ctl/trend.h"

#include "unit/ctl/fixture.h"

static char dir[SPY_PATH_BYTES];
static const char *pids[] = {"99999990", "99999991"};
static size_t processes = 1; /* that have a region */

/* Steps that end at 110, 120, 125 and 170 s of a process that began at 100 s; it is 200 s. Its dead
 * region is looked at: the last two calls are not rolled. */
static struct spy_region *make(int32_t pid)
{
    struct spy_region *r = fixture_region(pid, 1000);
    uint32_t http = fixture_op(r, SPY_KIND_HTTP, true, "api.get_part");
    uint32_t sql = fixture_op(r, SPY_KIND_SQL, true, "parts_crud.get_part");
    fixture_calls(r, http, 2, MS, 200);
    fixture_step(r, http, 1, 100 * SEC, 110 * SEC);
    fixture_step(r, http, 4, 110 * SEC, 120 * SEC);
    fixture_step(r, sql, 9, 120 * SEC, 125 * SEC);
    fixture_step(r, http, 6, 160 * SEC, 170 * SEC);
    return r;
}

static enum ctl_exit load(struct ctl_trend *trend, const char *name, uint64_t last, uint64_t step,
                          char **said)
{
    struct ctl_args args = {
        .process = pids, .processes = processes, .last_ns = last, .step_ns = step};
    struct ctl_source source;
    struct capture c;
    capture_begin(&c, &args);
    assert_int_equal(ctl_source_open(&source, &c.run, CTL_WANT_WINDOW), CTL_OK);
    enum ctl_exit result = ctl_trend_load(trend, &source, &c.run, name);
    capture_end(&c);
    ctl_source_free(&source);
    *said = strdup(c.err);
    capture_free(&c);
    return result;
}

static void calls_are(const struct ctl_trend *trend, const uint64_t *wanted, size_t count)
{
    assert_int_equal(trend->points, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(trend->point[i].totals.calls, wanted[i]);
}

/* Points begin at whole multiples of the step by the calendar, which the fixture's epoch is: 100 s
 * of the machine is 0 s of the year. */
static void each_step_goes_to_the_point_that_it_ended_in(void **state)
{
    struct ctl_trend trend;
    char *said;
    (void)state;
    struct spy_region *r = make(99999990);
    fixture_save(r, dir);
    assert_int_equal(load(&trend, NULL, 100 * SEC, 20 * SEC, &said), CTL_OK);
    assert_int_equal(trend.kind, SPY_KIND_HTTP);
    calls_are(&trend, (const uint64_t[]){5, 0, 0, 6, 2}, 5);
    assert_int_equal(trend.point[0].begin_ns, REAL);
    assert_int_equal(trend.point[4].end_ns, REAL + 100 * SEC);
    assert_int_equal(trend.point[0].use.threads, 4);
    assert_int_equal(trend.point[1].use.threads, 9);
    assert_int_equal(trend.point[2].use.threads, 0);
    ctl_trend_free(&trend);
    free(said);
    assert_int_equal(load(&trend, "parts_crud.get_part", 95 * SEC, 50 * SEC, &said), CTL_OK);
    calls_are(&trend, (const uint64_t[]){9, 0}, 2);
    ctl_trend_free(&trend);
    free(said);
    assert_int_equal(load(&trend, NULL, 25 * SEC, 10 * SEC, &said), CTL_OK);
    calls_are(&trend, (const uint64_t[]){0, 0, 2}, 3);
    ctl_trend_free(&trend);
    free(said);
    free(r);
}

static void processes_are_added_up(void **state)
{
    struct ctl_trend trend;
    char *said;
    (void)state;
    struct spy_region *r = make(99999991);
    fixture_save(r, dir);
    processes = 2;
    assert_int_equal(load(&trend, "get_part", 100 * SEC, 100 * SEC, &said), CTL_USAGE);
    assert_non_null(strstr(said, "get_part"));
    ctl_trend_free(&trend);
    free(said);
    assert_int_equal(load(&trend, "api.get_part", 100 * SEC, 100 * SEC, &said), CTL_OK);
    calls_are(&trend, (const uint64_t[]){26}, 1); /* with that of the test before */
    assert_int_equal(trend.point[0].use.threads, 18);
    assert_int_equal(trend.point[0].use.rss_bytes, 18000);
    json_t *document = ctl_json_trend(&trend);
    json_t *point = json_array_get(json_object_get(document, "points"), 0);
    char *text = json_dumps(point, JSON_COMPACT | JSON_REAL_PRECISION(15));
    assert_string_equal(text,
                        "{\"begin\":\"2026-01-01T00:00:00Z\",\"end\":\"2026-01-01T00:01:40Z\","
                        "\"calls\":26,\"timed\":26,\"errors\":0,\"rate\":0.26,\"mean_ms\":1.0,"
                        "\"p50_ms\":1.008813,\"p90_ms\":1.008813,\"p95_ms\":1.008813,"
                        "\"p99_ms\":1.008813,\"use\":{\"rss_bytes\":18000,\"threads\":18,"
                        "\"fds\":20}}");
    free(text);
    json_decref(document);
    ctl_trend_free(&trend);
    free(said);
    free(r);
}

static void too_many_steps(void **state)
{
    struct ctl_trend trend;
    char *said;
    (void)state;
    assert_int_equal(load(&trend, NULL, 3600 * SEC, SEC, &said), CTL_USAGE);
    assert_string_equal(said, "perfspy-ctl: that is more than 500 steps: choose a longer --step, "
                              "or a shorter --last\n");
    ctl_trend_free(&trend);
    free(said);
}

static void as_text(void **state)
{
    static const char *process[] = {"99999990"};
    struct ctl_args args = {
        .process = process, .processes = 1, .last_ns = 60 * SEC, .step_ns = 20 * SEC};
    struct capture c;
    (void)state;
    capture_begin(&c, &args);
    assert_int_equal(ctl_cmd_trend(&c.run), CTL_OK);
    capture_end(&c);
    assert_string_equal(c.err, "");
    assert_string_equal(
        c.out,
        "parts_server, process 99999990 (dead); the last 1 min\n"
        "all requests, in steps of 20 s\n"
        "UNTIL     CALLS    RATE  ERR     MEAN      P50      P95      P99       RSS  THREADS  FDS\n"
        "00:01:00      0  0.00/s    -        -        -        -        -         -        -    -\n"
        "00:01:20      6  0.30/s    -  1.00 ms  1.01 ms  1.01 ms  1.01 ms  5.86 KiB        6   10\n"
        "00:01:40      2  0.10/s    -  1.00 ms  1.00 ms  1.00 ms  1.00 ms         -        -    "
        "-\n");
    capture_free(&c);
}

static int set_up(void **state)
{
    (void)state;
    setenv("TZ", "UTC", 1);
    fixture_dir(dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int32_t pid = 99999990; pid <= 99999991; pid++) {
        char path[SPY_PATH_BYTES];
        if (spy_paths_region(path, sizeof(path), dir, (struct spy_process_id){pid, 1000}))
            unlink(path);
    }
    rmdir(dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_step_goes_to_the_point_that_it_ended_in),
        cmocka_unit_test(processes_are_added_up),
        cmocka_unit_test(too_many_steps),
        cmocka_unit_test(as_text),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
