/* SPDX-License-Identifier: MIT */
/* Whole commands over the region of a dead process: golden output and exit codes. */
#include "ctl/command.h"
#include "ctl/limits.h"

#include "unit/ctl/fixture.h"

#include <jansson.h>

#define PID   99999999 /* no kernel gives out such an id */
#define TICKS 1000

static char dir[SPY_PATH_BYTES];
static struct spy_region *region;
static const char *pid_option[] = {"99999999"};

static struct ctl_args only_ours(void)
{
    return (struct ctl_args){.process = pid_option, .processes = 1};
}

static void expect(enum ctl_exit (*command)(const struct ctl_run *), struct ctl_args args,
                   enum ctl_exit wanted, const char *out, const char *err)
{
    struct capture c;
    capture_begin(&c, &args);
    enum ctl_exit result = command(&c.run);
    capture_end(&c);
    assert_string_equal(c.err, err);
    assert_string_equal(c.out, out);
    assert_int_equal(result, wanted);
    capture_free(&c);
}

static void stats(void **state)
{
    (void)state;
    expect(ctl_cmd_stats, only_ours(), CTL_OK,
           "parts_server, process 99999999 (dead); 20 s, since 00:00:00\n"
           "OPERATION            CALLS  ERR    RATE     MEAN      P50      P95      P99      MAX  "
           "LEVELS      BENCH\n"
           "api.get_part            10    1  0.50/s   245 ms  50.0 ms   1.98 s   1.98 s   2.00 s  "
           ".........#  -\n"
           "parts_crud.get_part      5    1  0.25/s  4.00 ms  4.00 ms  4.00 ms  4.00 ms  4.00 ms  "
           "..........  missed\n"
           "levels: . excellent < 100 ms  - good < 500 ms  = acceptable < 1 s  # slow < 3 s  "
           "! critical\n"
           "1 mapped operation saw no calls\n",
           "");
}

static void stats_of_one(void **state)
{
    char *operand[] = {(char[]){"api.get_part"}, NULL};
    struct ctl_args args = only_ours();
    (void)state;
    args.operand = operand;
    args.operands = 1;
    expect(ctl_cmd_stats, args, CTL_OK,
           "parts_server, process 99999999 (dead); 20 s, since 00:00:00\n"
           "api.get_part  (http, named by a rule)\n"
           "  calls      10  0.50/s\n"
           "  errors     1  10 %\n"
           "  time       min 50.0 ms  mean 245 ms  p50 50.0 ms  p90 50.0 ms  p95 1.98 s  "
           "p99 1.98 s  p99.9 1.98 s  max 2.00 s\n"
           "  split      first byte 122 ms (50 %)  rest 122 ms (50 %)\n"
           "  parts      reading 0 µs (0 %)  database wait 0 µs (0 %)  database rows 0 µs (0 %)  "
           "blocked 0 µs (0 %)  program 245 ms (100 %)\n"
           "  status     200: 9  404: 1\n"
           "  bytes      100 B in  1000 B out\n"
           "  benchmark  p95 1.98 s, limit 200 ms: no data: 10 calls are too few for p95: it "
           "needs 20\n"
           "  LEVEL       TIME      CALLS  SHARE\n"
           "  excellent   < 100 ms      9   90 %  ###########################\n"
           "  good        < 500 ms      0    0 %\n"
           "  acceptable  < 1 s         0    0 %\n"
           "  slow        < 3 s         1   10 %  ###\n"
           "  critical    >= 3 s        0    0 %\n",
           "");
    operand[0] = (char[]){"get_prt"};
    expect(ctl_cmd_stats, args, CTL_NOTHING, "",
           "perfspy-ctl: no operation is called \"get_prt\"; did you mean api.get_part or "
           "parts_crud.get_part?\n");
}

static void benchmarks(void **state)
{
    (void)state;
    expect(ctl_cmd_benchmarks, only_ours(), CTL_MISSED,
           "parts_server, process 99999999 (dead); 20 s, since 00:00:00\n"
           "BENCHMARK  OPERATION            STAT      VALUE   LIMIT     CALLS\n"
           "missed     parts_crud.get_part  errors     20 %     1 %         5\n"
           "met        parts_crud.get_part  mean    4.00 ms  100 ms         5\n"
           "no data    api.get_part         p95      1.98 s  200 ms  10 of 20\n"
           "1 missed, 1 met, 1 without data\n",
           "");
}

static void benchmarks_of_ones_own(void **state)
{
    struct ctl_args args = only_ours();
    struct ctl_limits limits = {0};
    struct spy_error err;
    (void)state;
    args.limits = &limits;
    args.min_calls = 10;
    assert_int_equal(ctl_limits_add_text(&limits, "api.get_part=p50:50ms", &err), SPY_OK);
    assert_int_equal(ctl_limits_add_text(&limits, "api.get_part=95s", &err), SPY_OK);
    expect(ctl_cmd_benchmarks, args, CTL_OK,
           "parts_server, process 99999999 (dead); 20 s, since 00:00:00\n"
           "BENCHMARK  OPERATION            STAT      VALUE   LIMIT    CALLS\n"
           "met        api.get_part         p50     50.0 ms   50 ms       10\n"
           "met        api.get_part         p95      1.98 s    95 s       10\n"
           "no data    parts_crud.get_part  errors     20 %     1 %  5 of 10\n"
           "no data    parts_crud.get_part  mean    4.00 ms  100 ms  5 of 10\n"
           "0 missed, 2 met, 2 without data\n",
           "");
    assert_int_equal(ctl_limits_add_text(&limits, "get_prt=95s", &err), SPY_OK);
    expect(ctl_cmd_benchmarks, args, CTL_NOTHING, "",
           "perfspy-ctl: --set: no operation is called \"get_prt\"; did you mean api.get_part or "
           "parts_crud.get_part?\n");
    ctl_limits_free(&limits);
}

static void health(void **state)
{
    (void)state;
    expect(ctl_cmd_health, only_ours(), CTL_DEGRADED,
           "degraded: 1 of 15 calls (6.7 %) took 1 s or longer in the last 5 min, not more than "
           "the allowed 20 %\n"
           "  api.get_part: 1 slow and 0 critical of 10 calls, the longest 2.00 s\n"
           "parts_server, process 99999999 (dead); the last 5 min, of which only 1 min are "
           "covered, since 00:00:00\n",
           "");
}

static void slow(void **state)
{
    struct ctl_args args = only_ours();
    static const char heading[] =
        "WHEN          OPERATION              TOTAL     WAIT     TAIL  ROWS  CODE   PID/TID\n";
    static const char http[] =
        "00:00:10.000  api.get_part          2.00 s   500 ms   1.50 s     -  404    99999999/77\n";
    static const char sql[] =
        "00:00:20.000  parts_crud.get_part  4.00 ms  1.00 ms  3.00 ms     3  23505  99999999/77\n";
    char out[512];
    (void)state;
    snprintf(out, sizeof(out), "%s%s%s", heading, http, sql);
    expect(ctl_cmd_slow, args, CTL_OK, out, "");
    args.sort = CTL_SORT_TIME;
    snprintf(out, sizeof(out), "%s%s%s", heading, sql, http);
    expect(ctl_cmd_slow, args, CTL_OK, out, "");
    args.last_ns = 85 * SEC; /* now is 100 s after the start */
    snprintf(out, sizeof(out), "%s%s", heading, sql);
    expect(ctl_cmd_slow, args, CTL_OK, out, "");
}

static void slow_limit(void **state)
{
    struct ctl_args args = only_ours();
    (void)state;
    args.limit = 1;
    expect(ctl_cmd_slow, args, CTL_OK,
           "WHEN          OPERATION      TOTAL    WAIT    TAIL  ROWS  CODE  PID/TID\n"
           "00:00:10.000  api.get_part  2.00 s  500 ms  1.50 s     -  404   99999999/77\n"
           "1 of 2 calls; --limit N shows more\n",
           "");
}

static void ps(void **state)
{
    (void)state;
    expect(ctl_cmd_ps, only_ours(), CTL_OK,
           "     PID  STATE    AGE  MODE     RULES    OPS  CALLS       RSS  THREADS  FDS  EXE\n"
           "99999999  dead   3 min  preload  invalid    2     15  20.0 MiB        7    -  "
           "/usr/bin/parts_server\n"
           "99999999: rules.yml:3:5: unknown key \"htp\"\n"
           "99999999: 4 connections not watched because the stream table is full\n",
           "");
}

static void json_is_json(void **state)
{
    static enum ctl_exit (*const commands[])(const struct ctl_run *) = {
        ctl_cmd_stats, ctl_cmd_benchmarks, ctl_cmd_health,   ctl_cmd_slow,
        ctl_cmd_ps,    ctl_cmd_requests,   ctl_cmd_inflight, ctl_cmd_trend,
    };
    struct ctl_args args = only_ours();
    (void)state;
    args.json = true;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        struct capture c;
        capture_begin(&c, &args);
        (void)commands[i](&c.run);
        capture_end(&c);
        json_t *document = json_loads(c.out, 0, NULL);
        assert_non_null(document);
        assert_int_equal(json_integer_value(json_object_get(document, "version")), 1);
        json_decref(document);
        capture_free(&c);
    }
}

static void nothing_to_read(void **state)
{
    static const char *nobody[] = {"99999998"}, *noname[] = {"no-such-program"};
    struct ctl_args args = {.process = nobody, .processes = 1};
    (void)state;
    expect(ctl_cmd_stats, args, CTL_NOTHING, "",
           "perfspy-ctl: there is no process 99999998, nor the region of a dead one\n");
    expect(ctl_cmd_health, args, CTL_UNKNOWN,
           "unknown: there was no watched process in the last 5 min\n",
           "perfspy-ctl: there is no process 99999998, nor the region of a dead one\n");
    args.process = noname;
    expect(ctl_cmd_slow, args, CTL_NOTHING, "",
           "perfspy-ctl: no watched process is called \"no-such-program\"; \"perfspy-ctl ps\" "
           "lists them\n");
}

static void rules_check(void **state)
{
    char good[SPY_PATH_BYTES + 8], bad[SPY_PATH_BYTES + 8], missing[SPY_PATH_BYTES + 8];
    char out[600], err[1200];
    (void)state;
    snprintf(good, sizeof(good), "%s/good", dir);
    snprintf(bad, sizeof(bad), "%s/bad", dir);
    snprintf(missing, sizeof(missing), "%s/none", dir);
    FILE *file = fopen(good, "w");
    fputs("version: 1\noperations:\n  - name: a\n    http: GET /a\n  - name: b\n"
          "    sql: SELECT ?\n",
          file);
    fclose(file);
    file = fopen(bad, "w");
    fputs("version: 2\n", file);
    fclose(file);
    char *operand[] = {good, bad, missing, NULL};
    struct ctl_args args = {.operand = operand, .operands = 3};
    struct capture c;
    capture_begin(&c, &args);
    assert_int_equal(ctl_cmd_rules_check(&c.run), CTL_INVALID);
    capture_end(&c);
    snprintf(out, sizeof(out), "%s: ok: 2 operations (1 http, 1 sql)\n", good);
    snprintf(err, sizeof(err), "%s:1:10: error: ", bad);
    assert_string_equal(c.out, out);
    assert_memory_equal(c.err, err, strlen(err));
    snprintf(err, sizeof(err), "\n%s: error: ", missing);
    assert_non_null(strstr(c.err, err));
    capture_free(&c);
    args.operands = 1;
    expect(ctl_cmd_rules_check, args, CTL_OK, out, "");
    unlink(good);
    unlink(bad);
}

static int set_up(void **state)
{
    (void)state;
    setenv("TZ", "UTC0", 1);
    tzset();
    fixture_dir(dir);
    region = fixture_parts(PID, TICKS);
    region->rules_state = SPY_RULES_INVALID;
    strcpy(region->rules_error, "rules.yml:3:5: unknown key \"htp\"");
    region->self[SPY_SELF_STREAMS_FULL] = 4;
    region->rss_bytes = 20u << 20;
    region->threads = 7;
    fixture_save(region, dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_remove(dir, region);
    free(region);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stats),        cmocka_unit_test(stats_of_one),
        cmocka_unit_test(benchmarks),   cmocka_unit_test(benchmarks_of_ones_own),
        cmocka_unit_test(health),       cmocka_unit_test(slow),
        cmocka_unit_test(slow_limit),   cmocka_unit_test(ps),
        cmocka_unit_test(json_is_json), cmocka_unit_test(nothing_to_read),
        cmocka_unit_test(rules_check),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
