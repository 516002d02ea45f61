/* SPDX-License-Identifier: MIT */
/*
 * What is under way: every kind of waiting, idle transactions, processes that died, rows that are
 * half-written, outdated or garbage, terminals that are narrow.
 */
#include "ctl/command.h"
#include "ctl/inflight.h"
#include "ctl/json.h"

#include "unit/ctl/fixture.h"

#define PID   99999999 /* no kernel gives out such an id */
#define TICKS 1000
#define HTTP  0u /* operations of fixture_parts() */
#define SQL   1u
#define OTHER 2u
#define NOW   (200 * SEC) /* as capture_begin() has it */

static struct spy_region *region;
static struct ctl_args args;
static struct capture c;
static struct ctl_inflight in;

static int set_up(void **state)
{
    (void)state;
    region = fixture_parts(PID, TICKS);
    memset(&in, 0, sizeof(in));
    memset(&args, 0, sizeof(args));
    capture_begin(&c, &args);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    capture_end(&c);
    capture_free(&c);
    ctl_inflight_free(&in);
    free(region);
    return 0;
}

static void add(enum ctl_state as)
{
    struct ctl_process process = {.state = as};
    process.proc.pid = PID;
    ctl_inflight_add(&in, &process, region, &c.run);
    ctl_inflight_sort(&in);
}

static void expect(size_t limit, const char *wanted)
{
    ctl_inflight_print(&in, limit, &c.run);
    fflush(c.run.out);
    assert_string_equal(c.out, wanted);
}

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
               "api.get_part   10.0 s  server     parts_crud.get_part       12    4.00 s  "
               "99999999/30\n"
               "api.get_part   9.00 s  rows       parts_crud.get_part        0      0 µs  "
               "99999999/31\n"
               "api.get_part   8.00 s  queue      parts_crud.get_part        0      0 µs  "
               "99999999/32\n"
               "api.get_part   7.00 s  connect    parts_crud.get_part        0      0 µs  "
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
        "\"database_ms\":0.0,\"since\":\"2026-01-01T00:01:37Z\",\"elapsed_ms\":3000.0,"
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
               "api.get_part  >20.0 s  server     parts_crud.get_part        0      0 µs  "
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

/* ---- rows that are no good ------------------------------------------------------------------ */

static void half_written_rows_are_left_out(void **state)
{
    (void)state;
    fixture_request(region, 0, HTTP, NOW - SEC, 30)->taken = 1;
    fixture_request(region, 1, HTTP, 0, 30);
    fixture_request(region, 2, 77, NOW - SEC, 30); /* no such operation */
    fixture_conn(region, 0, SPY_PHASE_SERVER, SQL, NOW - SEC)->taken = 1;
    fixture_conn(region, 1, SPY_PHASE_SERVER, SQL, 0);
    fixture_conn(region, 2, SPY_PHASE_SERVER, 77, NOW - SEC);
    spy_region_op(region, OTHER)->state = SPY_OP_FREE; /* being made */
    fixture_conn(region, 3, SPY_PHASE_SERVER, OTHER, NOW - SEC);
    add(CTL_LIVE);
    expect(20, "nothing is under way\n");
}

/* Any bytes: nothing is read outside the region, and what is printed is text. */
static void garbage(void **state)
{
    (void)state;
    static const enum ctl_state states[] = {CTL_LIVE, CTL_DEAD};
    uint64_t seed = 88172645463325252ull;
    for (int s = SPY_SECTION_REQUESTS; s <= SPY_SECTION_ENDPOINTS; s++) {
        unsigned char *bytes = spy_region_section(region, (enum spy_section)s);
        for (uint64_t i = 0; i < region->section[s].bytes; i++) {
            seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
            bytes[i] = (unsigned char)(seed >> 32);
        }
    }
    struct spy_open_request *r = spy_region_section(region, SPY_SECTION_REQUESTS);
    struct spy_open_conn *conn = spy_region_section(region, SPY_SECTION_CONNS);
    struct spy_endpoint *e = spy_region_section(region, SPY_SECTION_ENDPOINTS);
    for (uint32_t i = 0; i < SPY_ENDPOINTS; i++)
        e[i].state = SPY_ENDPOINT_READY;
    for (uint32_t i = 0; i < SPY_OPEN_REQUESTS; i++) {
        r[i].taken = 2;
        r[i].op = i % 4;
        r[i].shard = i % 2 ? UINT32_MAX : i;
        r[i].stalled_ns = i % 3;
        conn[i].taken = 2;
        conn[i].op = i % 4;
        conn[i].phase = i % 7;
        conn[i].endpoint = i % 2 ? UINT32_MAX : i % 64;
        conn[i].request = i % 3 ? conn[i].request : i;
        conn[i].transaction = i % 2 ? UINT32_MAX : i;
    }
    r[0].begin_ns = UINT64_MAX;
    conn[0].since_ns = UINT64_MAX;
    for (int i = 0; i < 2; i++) {
        ctl_inflight_free(&in);
        memset(&in, 0, sizeof(in));
        add(states[i]);
        assert_true(in.requests > 100);
        assert_true(in.conns > 100);
        for (size_t k = 0; k < in.requests; k++)
            assert_true(in.request[k].place.elapsed_ns <= 200 * SEC);
        json_t *document = ctl_json_inflight(&in, 0);
        char *text = json_dumps(document, 0);
        assert_non_null(text); /* else something in it is no UTF-8 */
        free(text);
        json_decref(document);
        ctl_inflight_print(&in, SIZE_MAX, &c.run);
    }
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
        TEST(half_written_rows_are_left_out),
        TEST(garbage),
        TEST(narrow_terminals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
