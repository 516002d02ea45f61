/* SPDX-License-Identifier: MIT */
/*
 * What is told of a statement beside its times: the long forms of an operation and of a single
 * call, their JSON, and statements that were never executed. Golden output over the region of a
 * dead process.
 */
#include "ctl/command.h"

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
                   const char *out)
{
    struct capture c;
    capture_begin(&c, &args);
    assert_int_equal(command(&c.run), CTL_OK);
    capture_end(&c);
    assert_string_equal(c.err, "");
    assert_string_equal(c.out, out);
    capture_free(&c);
}

static void a_call_in_full(void **state)
{
    (void)state;
    struct ctl_args args = only_ours();
    args.full = true;
    expect(ctl_cmd_slow, args,
           "00:00:10.000  api.get_part  (http, slow, failed)\n"
           "  time       2.00 s  first byte 500 ms  rest 1.50 s  blocked 0 µs\n"
           "  status     404\n"
           "  parameters skip=1 limit=2\n"
           "  bytes      0 B in  0 B out\n"
           "  process    99999999, thread 77\n"
           "00:00:20.000  parts_crud.get_part  (sql, excellent, failed)\n"
           "  time       4.00 ms  wait 1.00 ms, of it queued 250 µs  consume 3.00 ms\n"
           "  sqlstate   23505\n"
           "  statement  get_part\n"
           "  rows       3  affected 1  parameters 2\n"
           "  bytes      10 B in  0 B out\n"
           "  server     db.example:5433  database parts  user app  backend 4242  "
           "transaction inerror\n"
           "  process    99999999, thread 77\n");
    args.full = false; /* the table has no room for a statement's name */
    args.limit = 1;
    args.sort = CTL_SORT_TIME;
    expect(ctl_cmd_slow, args,
           "WHEN          OPERATION              TOTAL     WAIT     TAIL  ROWS  CODE   PID/TID\n"
           "00:00:20.000  parts_crud.get_part  4.00 ms  1.00 ms  3.00 ms     3  23505  "
           "99999999/77\n"
           "1 of 2 calls; --limit N shows more\n");
}

/* Nothing is known of the server, and nothing was queued. */
static void what_is_not_known(void **state)
{
    struct ctl_args args = only_ours();
    (void)state;
    struct spy_region *plain = fixture_parts(PID, TICKS);
    fixture_save(plain, dir);
    free(plain);
    args.full = true;
    args.limit = 1;
    args.sort = CTL_SORT_TIME;
    expect(ctl_cmd_slow, args,
           "00:00:20.000  parts_crud.get_part  (sql, excellent, failed)\n"
           "  time       4.00 ms  wait 1.00 ms  consume 3.00 ms\n"
           "  sqlstate   23505\n"
           "  rows       3  affected 0  parameters 0\n"
           "  bytes      0 B in  0 B out\n"
           "  server     unknown\n"
           "  process    99999999, thread 77\n"
           "1 of 2 calls; --limit N shows more\n");
    fixture_save(region, dir);
}

static void a_call_as_json(void **state)
{
    (void)state;
    struct ctl_args args = only_ours();
    struct capture c;
    args.json = true;
    args.sort = CTL_SORT_TIME;
    capture_begin(&c, &args);
    assert_int_equal(ctl_cmd_slow(&c.run), CTL_OK);
    capture_end(&c);
    json_t *document = json_loads(c.out, 0, NULL);
    json_t *calls = json_object_get(document, "calls");
    char *sql = json_dumps(json_array_get(calls, 0), JSON_COMPACT | JSON_REAL_PRECISION(15));
    char *http = json_dumps(json_array_get(calls, 1), JSON_COMPACT | JSON_REAL_PRECISION(15));
    assert_string_equal(
        sql,
        "{\"when\":\"2026-01-01T00:00:20Z\",\"when_s\":1767225620.0,"
        "\"operation\":\"parts_crud.get_part\",\"kind\":\"sql\",\"level\":\"excellent\","
        "\"total_ms\":4.0,\"wait_ms\":1.0,\"consume_ms\":3.0,\"rows\":3,\"bytes_in\":10,"
        "\"bytes_out\":0,\"sqlstate\":\"23505\",\"queue_ms\":0.25,\"affected\":1,"
        "\"params\":2,\"statement_name\":\"get_part\",\"request\":null,\"transaction\":\"inerror\","
        "\"backend_pid\":4242,\"server\":{\"host\":\"db.example\",\"port\":\"5433\","
        "\"database\":\"parts\",\"user\":\"app\"},\"failed\":true,\"aborted\":false,"
        "\"pid\":99999999,\"tid\":77}");
    assert_string_equal(
        http, "{\"when\":\"2026-01-01T00:00:10Z\",\"when_s\":1767225610.0,"
              "\"operation\":\"api.get_part\",\"kind\":\"http\",\"level\":\"slow\","
              "\"total_ms\":2000.0,\"ttfb_ms\":500.0,\"tail_ms\":1500.0,\"blocked_ms\":0.0,"
              "\"rows\":3,\"bytes_in\":0,\"bytes_out\":0,\"status\":\"404\","
              "\"parameters\":{\"skip\":\"1\",\"limit\":\"2\"},\"failed\":true,"
              "\"aborted\":false,\"pid\":99999999,\"tid\":77}");
    free(sql);
    free(http);
    json_decref(document);
    capture_free(&c);
}

static void an_operation(void **state)
{
    (void)state;
    char *operand[] = {(char[]){"parts_crud.get_part"}, NULL};
    struct ctl_args args = only_ours();
    args.operand = operand;
    args.operands = 1;
    expect(ctl_cmd_stats, args,
           "parts_server, process 99999999 (dead); 20 s, since 00:00:00\n"
           "parts_crud.get_part  (sql, named by a rule)\n"
           "  calls      5  0.25/s\n"
           "  errors     1  20 %\n"
           "  aborted    never executed: 4\n"
           "  time       min 4.00 ms  mean 4.00 ms  p50 4.00 ms  p90 4.00 ms  p95 4.00 ms  "
           "p99 4.00 ms  p99.9 4.00 ms  max 4.00 ms\n"
           "  split      wait 2.00 ms (50 %), of it queued 400 µs (10 %)  consume 2.00 ms (50 %)\n"
           "  sqlstate   23505: 1\n"
           "  rows       5  affected 3\n"
           "  parameters 12  2.4 a call\n"
           "  bytes      50 B in  500 B out\n"
           "  benchmark  mean 4.00 ms, limit 100 ms: met\n"
           "  benchmark  errors 20 %, limit 1 %: missed\n"
           "  statement  SELECT * FROM parts WHERE id = ?\n"
           "  LEVEL       TIME      CALLS  SHARE\n"
           "  excellent   < 100 ms      5  100 %  ##############################\n"
           "  good        < 500 ms      0    0 %\n"
           "  acceptable  < 1 s         0    0 %\n"
           "  slow        < 3 s         0    0 %\n"
           "  critical    >= 3 s        0    0 %\n");
    operand[0] = (char[]){"sql.1"};
    expect(ctl_cmd_stats, args,
           "parts_server, process 99999999 (dead); 20 s, since 00:00:00\n"
           "sql.1  (sql, not named by a rule)\n"
           "  calls      0  0.00/s\n"
           "  errors     0\n"
           "  aborted    never executed: 1\n");
}

static void all_operations(void **state)
{
    (void)state;
    expect(ctl_cmd_stats, only_ours(),
           "parts_server, process 99999999 (dead); 20 s, since 00:00:00\n"
           "OPERATION            CALLS  ERR    RATE     MEAN      P50      P95      P99      MAX  "
           "LEVELS      BENCH\n"
           "api.get_part            10    1  0.50/s   245 ms  50.0 ms   1.98 s   1.98 s   2.00 s  "
           ".........#  -\n"
           "parts_crud.get_part      5    1  0.25/s  4.00 ms  4.00 ms  4.00 ms  4.00 ms  4.00 ms  "
           "..........  missed\n"
           "sql.1                    0    -  0.00/s        -        -        -        -        -  "
           "            -\n"
           "levels: . excellent < 100 ms  - good < 500 ms  = acceptable < 1 s  # slow < 3 s  "
           "! critical\n"
           "5 statements were never executed: one before in the pipeline failed, or the connection "
           "ended\n"
           "1 mapped operation saw no calls\n");
}

static int set_up(void **state)
{
    (void)state;
    setenv("TZ", "UTC0", 1);
    tzset();
    fixture_dir(dir);
    region = fixture_parts(PID, TICKS);
    fixture_facts(region, 1, 1);
    strcpy(fixture_event(region, 0)->detail, "skip=1 limit=2");
    fixture_cell(region, fixture_op(region, SPY_KIND_SQL, false, "sql.1"))->aborted = 1;
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
        cmocka_unit_test(a_call_in_full), cmocka_unit_test(what_is_not_known),
        cmocka_unit_test(a_call_as_json), cmocka_unit_test(an_operation),
        cmocka_unit_test(all_operations),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
