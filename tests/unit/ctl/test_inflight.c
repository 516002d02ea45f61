/* SPDX-License-Identifier: MIT */
/*
 * What is under way: every kind of waiting, idle transactions, outdated rows, processes that died,
 * terminals that are narrow.
 */
#include "ctl/command.h"
#include "ctl/json.h"

#include "unit/ctl/inflight_fixture.h"

static void nothing(void **state)
{
    (void)state;
    fixture_conn(region, 0, SPY_PHASE_IDLE, SQL, NOW); /* in no transaction: nothing to tell */
    add(CTL_LIVE);
    expect(20, "nothing is under way\n");
}

/* ---- what is waited for --------------------------------------------------------------------- */

/* Requests 0 .. 6, begun one after the other. */
static void every_kind(void)
{
    static const uint32_t phases[] = {SPY_PHASE_SERVER, SPY_PHASE_ROWS, SPY_PHASE_QUEUED,
                                      SPY_PHASE_CONNECTING};
    for (uint32_t i = 0; i < 7; i++)
        fixture_request(region, i, HTTP, NOW - (10 - i) * SEC, 30 + i);
    for (uint32_t i = 0; i < 4; i++)
        fixture_conn(region, i, phases[i], SQL, NOW - (9 - i) * MS)->request = i + 1;
    struct spy_open_request *r = spy_region_section(region, SPY_SECTION_REQUESTS);
    r[0].queries = 12;
    r[0].db_wait_ns = 3 * SEC;
    r[0].db_rows_ns = SEC;
    r[4].stalled_ns = NOW - SEC;
    spy_region_shard(region, 35)->writing_ns = NOW - MS;
}

static void every_wait_is_told(void **state)
{
    (void)state;
    every_kind();
    fixture_endpoint(region, 5, "db.example", "5433", "parts", "app");
    ((struct spy_open_conn *)spy_region_section(region, SPY_SECTION_CONNS))->endpoint = 5;
    add(CTL_LIVE);
    expect(20, "REQUEST       ELAPSED  WAITS FOR  STATEMENT            QUERIES  DATABASE  PID/TID\n"
               "api.get_part   10.0 s  server     parts_crud.get_part       12    4.01 s  "
               "99999999/30\n"
               "api.get_part   9.00 s  rows       parts_crud.get_part        0   8.00 ms  "
               "99999999/31\n"
               "api.get_part   8.00 s  queue      parts_crud.get_part        0   7.00 ms  "
               "99999999/32\n"
               "api.get_part   7.00 s  connect    parts_crud.get_part        0   6.00 ms  "
               "99999999/33\n"
               "api.get_part   6.00 s  client     -                          0      0 µs  "
               "99999999/34\n"
               "api.get_part   5.00 s  client     -                          0      0 µs  "
               "99999999/35\n"
               "api.get_part   4.00 s  program    -                          0      0 µs  "
               "99999999/36\n"
               "STATEMENT            ELAPSED  WAITS FOR  REQUEST       DATABASE  BACKEND  PID/TID\n"
               "parts_crud.get_part  9.00 ms  server     api.get_part  parts        4200  "
               "99999999/70\n"
               "parts_crud.get_part  8.00 ms  rows       api.get_part  -            4201  "
               "99999999/71\n"
               "parts_crud.get_part  7.00 ms  queue      api.get_part  -            4202  "
               "99999999/72\n"
               "parts_crud.get_part  6.00 ms  connect    api.get_part  -            4203  "
               "99999999/73\n"
               "SELECT pg_cancel_backend(4200); -- parts_crud.get_part, at db.example:5433\n"
               "SELECT pg_cancel_backend(4201); -- parts_crud.get_part\n");
}

/* An event loop that is writing a response has read several heads: any of them may be it. */
static void an_event_loop_that_writes(void **state)
{
    (void)state;
    fixture_request(region, 0, HTTP, NOW - 2 * SEC, 30);
    fixture_request(region, 1, HTTP, NOW - 1 * SEC, 30);
    spy_region_shard(region, 30)->writing_ns = NOW - MS;
    add(CTL_LIVE);
    assert_int_equal(in.requests, 2);
    assert_int_equal(in.request[0].waits, CTL_WAITS_PROGRAM);
    assert_int_equal(in.request[1].waits, CTL_WAITS_PROGRAM);
}

/* Of several statements for one request it waits for that which has taken the longest. */
static void several_statements_of_a_request(void **state)
{
    (void)state;
    fixture_request(region, 3, HTTP, NOW - 2 * SEC, 30);
    fixture_conn(region, 0, SPY_PHASE_ROWS, SQL, NOW - MS)->request = 4;
    fixture_conn(region, 1, SPY_PHASE_SERVER, OTHER, NOW - 2 * MS)->request = 4;
    fixture_conn(region, 2, SPY_PHASE_ROWS, SQL, NOW - MS)->request = 4;
    add(CTL_LIVE);
    assert_int_equal(in.request[0].waits, CTL_WAITS_SERVER);
    assert_string_equal(in.request[0].statement, "parts_crud.delete_part");
    assert_int_equal(in.request[0].backend_pid, 4201);
}

/* A statement outlived its request, whose row another request has now. */
static void an_outdated_request_is_not_named(void **state)
{
    (void)state;
    fixture_request(region, 3, HTTP, NOW - MS, 30);
    fixture_conn(region, 0, SPY_PHASE_SERVER, SQL, NOW - 2 * MS)->request = 4;
    add(CTL_LIVE);
    assert_int_equal(in.request[0].waits, CTL_WAITS_PROGRAM);
    assert_string_equal(in.request[0].statement, "");
    assert_string_equal(in.conn[0].request, "");
}

/* ---- transactions --------------------------------------------------------------------------- */

static void open_transactions(void)
{
    struct spy_open_conn *conn = fixture_conn(region, 0, SPY_PHASE_IDLE, SQL, NOW - 2 * SEC);
    conn->transaction = SPY_TRANSACTION_INTRANS;
    conn->transaction_ns = NOW - 90 * SEC;
    conn->transaction_op = OTHER;
    conn = fixture_conn(region, 1, SPY_PHASE_SERVER, SQL, NOW - SEC);
    conn->transaction_ns = NOW - 3 * SEC;
    conn->transaction_op = SQL;
}

static void idle_in_transaction(void **state)
{
    (void)state;
    open_transactions();
    add(CTL_LIVE);
    expect(20, "STATEMENT            ELAPSED  WAITS FOR  REQUEST  DATABASE  BACKEND  PID/TID\n"
               "parts_crud.get_part   1.00 s  server     -        -            4201  99999999/71\n"
               "IDLE IN TRANSACTION     OPEN FOR  IDLE FOR  LAST STATEMENT       DATABASE  "
               "BACKEND  PID/TID\n"
               "parts_crud.delete_part    90.0 s    2.00 s  parts_crud.get_part  -            "
               "4200  99999999/70\n"
               "SELECT pg_cancel_backend(4201); -- parts_crud.get_part\n"
               "SELECT pg_terminate_backend(4200); -- parts_crud.get_part\n");
}

static void a_statement_without_a_rule_has_its_text(void **state)
{
    (void)state;
    uint32_t op = fixture_op(region, SPY_KIND_SQL, false, "sql:0123456789abcdef");
    fixture_text(region, op, "select pg_sleep(?)");
    fixture_conn(region, 0, SPY_PHASE_SERVER, op, NOW - SEC);
    fixture_conn(region, 1, SPY_PHASE_ROWS, SQL, NOW - 500 * MS);
    add(CTL_LIVE);
    expect(20, "STATEMENT             ELAPSED  WAITS FOR  REQUEST  DATABASE  BACKEND  PID/TID      "
               "TEXT\n"
               "sql:0123456789abcdef   1.00 s  server     -        -            4200  99999999/70  "
               "select pg_sleep(?)\n"
               "parts_crud.get_part    500 ms  rows       -        -            4201  99999999/71\n"
               "SELECT pg_cancel_backend(4200); -- sql:0123456789abcdef\n"
               "SELECT pg_cancel_backend(4201); -- parts_crud.get_part\n");
}

static void as_json(void **state)
{
    (void)state;
    open_transactions();
    fixture_endpoint(region, 5, "db.example", "5433", "parts", "app");
    ((struct spy_open_conn *)spy_region_section(region, SPY_SECTION_CONNS))->endpoint = 5;
    fixture_request(region, 3, HTTP, NOW - 3 * SEC, 30)->queries = 7;
    ((struct spy_open_conn *)spy_region_section(region, SPY_SECTION_CONNS))[1].request = 4;
    region->self[SPY_SELF_OPEN_FULL] = 6;
    add(CTL_LIVE);
    json_t *document = ctl_json_inflight(&in, 0);
    char *text = json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(15));
    assert_string_equal(
        text,
        "{\"version\":1,\"requests\":[{\"operation\":\"api.get_part\",\"waits_for\":\"server\","
        "\"statement_operation\":\"parts_crud.get_part\",\"backend_pid\":4201,\"queries\":7,"
        "\"database_ms\":1000.0,\"since\":\"2026-01-01T00:01:37Z\",\"elapsed_ms\":3000.0,"
        "\"pid\":99999999,\"tid\":30,\"dead\":false}],"
        "\"connections\":[{\"operation\":\"parts_crud.get_part\","
        "\"statement\":\"SELECT * FROM parts WHERE id = ?\",\"idle_in_transaction\":false,"
        "\"waits_for\":\"server\",\"idle_ms\":null,\"transaction\":null,"
        "\"transaction_ms\":3000.0,\"opened_by\":\"parts_crud.get_part\","
        "\"request\":\"api.get_part\",\"in_flight\":1,\"backend_pid\":4201,\"database\":null,"
        "\"user\":null,\"host\":null,\"port\":null,\"since\":\"2026-01-01T00:01:39Z\","
        "\"elapsed_ms\":1000.0,\"pid\":99999999,\"tid\":71,\"dead\":false,"
        "\"elapsed_at_most\":false},"
        "{\"operation\":\"parts_crud.get_part\","
        "\"statement\":\"SELECT * FROM parts WHERE id = ?\",\"idle_in_transaction\":true,"
        "\"waits_for\":null,\"idle_ms\":2000.0,\"transaction\":\"intrans\","
        "\"transaction_ms\":90000.0,\"opened_by\":\"parts_crud.delete_part\",\"request\":null,"
        "\"in_flight\":0,\"backend_pid\":4200,\"database\":\"parts\",\"user\":\"app\","
        "\"host\":\"db.example\",\"port\":\"5433\",\"since\":\"2026-01-01T00:00:10Z\","
        "\"elapsed_ms\":90000.0,\"pid\":99999999,\"tid\":70,\"dead\":false,"
        "\"elapsed_at_most\":false}],\"unlisted\":6}");
    free(text);
    json_decref(document);
}

/* Old transactions must not push statements out. */
static void limits_are_for_each_kind(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        fixture_request(region, i, HTTP, NOW - (3 - i) * MS, 30);
        fixture_conn(region, i, SPY_PHASE_IDLE, SQL, NOW)->transaction_ns = NOW - 90 * SEC + i;
        fixture_conn(region, 10 + i, SPY_PHASE_QUEUED, SQL, NOW - (3 - i) * MS);
    }
    add(CTL_LIVE);
    json_t *document = ctl_json_inflight(&in, 2);
    assert_int_equal(json_array_size(json_object_get(document, "requests")), 2);
    assert_int_equal(json_array_size(json_object_get(document, "connections")), 4);
    json_decref(document);
    expect(1, "REQUEST       ELAPSED  WAITS FOR  STATEMENT  QUERIES  DATABASE  PID/TID\n"
              "api.get_part  3.00 ms  program    -                0      0 µs  99999999/30\n"
              "STATEMENT            ELAPSED  WAITS FOR  REQUEST  DATABASE  BACKEND  PID/TID\n"
              "parts_crud.get_part  3.00 ms  queue      -        -            4210  99999999/80\n"
              "IDLE IN TRANSACTION  OPEN FOR  IDLE FOR  LAST STATEMENT       DATABASE  BACKEND  "
              "PID/TID\n"
              "api.get_part           90.0 s      0 µs  parts_crud.get_part  -            4200  "
              "99999999/70\n"
              "SELECT pg_terminate_backend(4200); -- parts_crud.get_part\n"
              "1 of 3 requests; --limit N shows more\n"
              "1 of 3 statements; --limit N shows more\n"
              "1 of 3 idle transactions; --limit N shows more\n");
}

/* ---- the dead ------------------------------------------------------------------------------- */

/* Time stands still at the last thing that the region knows of. */
static void a_dead_process(void **state)
{
    (void)state;
    fixture_request(region, 0, HTTP, 150 * SEC, 30);
    fixture_conn(region, 0, SPY_PHASE_SERVER, SQL, 160 * SEC)->request = 1;
    fixture_conn(region, 1, SPY_PHASE_IDLE, SQL, 170 * SEC)->transaction_ns = 140 * SEC;
    add(CTL_DEAD);
    region->self[SPY_SELF_OPEN_FULL] = 0;
    expect(20, "REQUEST       ELAPSED  WAITS FOR  STATEMENT            QUERIES  DATABASE  PID/TID\n"
               "api.get_part  >20.0 s  server     parts_crud.get_part        0    10.0 s  "
               "99999999/30 (dead)\n"
               "STATEMENT            ELAPSED  WAITS FOR  REQUEST       DATABASE  BACKEND  PID/TID\n"
               "parts_crud.get_part  >10.0 s  server     api.get_part  -            4200  "
               "99999999/70 (dead)\n"
               "IDLE IN TRANSACTION  OPEN FOR  IDLE FOR  LAST STATEMENT       DATABASE  BACKEND  "
               "PID/TID\n"
               "api.get_part          >30.0 s     >0 µs  parts_crud.get_part  -            4201  "
               "99999999/71 (dead)\n"
               "dead: what was under way when the process died\n");
}

static void every_sign_of_life_counts(void **state)
{
    (void)state;
    fixture_request(region, 0, HTTP, 110 * SEC, 30); /* a slow call ended at 120 s */
    add(CTL_DEAD);
    assert_int_equal(in.request[0].place.elapsed_ns, 10 * SEC);
    ctl_inflight_free(&in);
    memset(&in, 0, sizeof(in));
    region->history_rolled_ns = 130 * SEC;
    add(CTL_DEAD);
    assert_int_equal(in.request[0].place.elapsed_ns, 20 * SEC);
    ctl_inflight_free(&in);
    memset(&in, 0, sizeof(in));
    spy_region_shard(region, 30)->writing_ns = 145 * SEC;
    add(CTL_DEAD);
    assert_int_equal(in.request[0].place.elapsed_ns, 35 * SEC);
}

/* The command finds the dead one by its region, and reads it. */
static void the_command(void **state)
{
    static const char *pid_option[] = {"99999999"};
    char dir[SPY_PATH_BYTES];
    (void)state;
    fixture_dir(dir);
    fixture_request(region, 0, HTTP, 110 * SEC, 30);
    fixture_save(region, dir);
    args = (struct ctl_args){.process = pid_option, .processes = 1};
    assert_int_equal(ctl_cmd_inflight(&c.run), CTL_OK);
    fflush(c.run.out);
    assert_string_equal(
        c.out, "REQUEST       ELAPSED  WAITS FOR  STATEMENT  QUERIES  DATABASE  PID/TID\n"
               "api.get_part  >10.0 s  program    -                0      0 µs  99999999/30 "
               "(dead)\n"
               "dead: what was under way when the process died\n");
    rewind(c.run.out);
    args.json = true;
    assert_int_equal(ctl_cmd_inflight(&c.run), CTL_OK);
    fflush(c.run.out);
    json_t *document = json_loads(c.out, JSON_DISABLE_EOF_CHECK, NULL);
    json_t *first = json_array_get(json_object_get(document, "requests"), 0);
    assert_true(json_is_true(json_object_get(first, "dead")));
    json_decref(document);
    fixture_remove(dir, region);
}

/* ---- narrow --------------------------------------------------------------------------------- */

static void narrow_terminals(void **state)
{
    (void)state;
    open_transactions();
    fixture_request(region, 0, HTTP, NOW - 10 * SEC, 30);
    add(CTL_LIVE);
    c.run.term.width = 60;
    expect(20, "REQUEST       ELAPSED  WAITS FOR  STATEMENT  QUERIES\n"
               "api.get_part   10.0 s  program    -                0\n"
               "STATEMENT            ELAPSED  WAITS FOR  REQUEST  BACKEND\n"
               "parts_crud.get_part   1.00 s  server     -           4201\n"
               "IDLE IN TRANSACTION     OPEN FOR  IDLE FOR  BACKEND\n"
               "parts_crud.delete_part    90.0 s    2.00 s     4200\n"
               "SELECT pg_cancel_backend(4201); -- parts_crud.get_part\n"
               "SELECT pg_terminate_backend(4200); -- parts_crud.get_part\n");
    rewind(c.run.out);
    c.run.term.width = 30;
    ctl_inflight_print(&in, 20, &c.run);
    fflush(c.run.out);
    static const char wanted[] = "REQUEST       ELAPSED  WAITS FOR\n"
                                 "api.get_part   10.0 s  program\n"
                                 "STATEMENT     ELAPSED  WAITS FOR  BACKEND\n"
                                 "parts_crud.…   1.00 s  server        4201\n"
                                 "IDLE IN TRA…  OPEN FOR  IDLE FOR  BACKEND\n"
                                 "parts_crud.…    90.0 s    2.00 s     4200\n";
    assert_memory_equal(c.out, wanted, strlen(wanted));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    setenv("TZ", "UTC0", 1);
    tzset();
    const struct CMUnitTest tests[] = {
        TEST(nothing),
        TEST(every_wait_is_told),
        TEST(an_event_loop_that_writes),
        TEST(several_statements_of_a_request),
        TEST(an_outdated_request_is_not_named),
        TEST(idle_in_transaction),
        TEST(a_statement_without_a_rule_has_its_text),
        TEST(as_json),
        TEST(limits_are_for_each_kind),
        TEST(a_dead_process),
        TEST(every_sign_of_life_counts),
        TEST(the_command),
        TEST(narrow_terminals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
