/* SPDX-License-Identifier: MIT */
/*
 * `requests`: parts, queries and repeated statements of one and of several processes, in a window,
 * on a narrow terminal, as JSON; and what `stats` tells of the same.
 */
#include "ctl/command.h"
#include "ctl/json.h"
#include "ctl/repeats.h"
#include "ctl/requests.h"

#include "unit/ctl/fixture.h"

#define PID   99999999 /* no kernel gives out such an id */
#define TICKS 1000
#define HTTP  0u /* operations of fixture_parts() */
#define SQL   1u
#define OTHER 2u

static char dir[SPY_PATH_BYTES];
static const char *pid_option[] = {"99999999"};

static struct ctl_args only_ours(void)
{
    return (struct ctl_args){.process = pid_option, .processes = 1};
}

/* Ten requests of 245 ms on the mean, 2.45 s in all. */
static struct spy_region *make(void)
{
    struct spy_region *r = fixture_parts(PID, TICKS);
    uint32_t health = fixture_op(r, SPY_KIND_HTTP, true, "api.healthz");
    fixture_calls(r, health, 2, MS, 200);
    fixture_op(r, SPY_KIND_HTTP, true, "api.delete_part");
    struct spy_cell *cell = fixture_cell(r, HTTP);
    cell->read_ns = 49 * MS;
    cell->db_wait_ns = 1225 * MS;
    cell->db_rows_ns = 245 * MS;
    cell->blocked_ns = 490 * MS;
    fixture_spread(r, HTTP, 2, 1);
    fixture_spread(r, HTTP, 7, 3);
    fixture_spread(r, HTTP, 1, 40);
    fixture_part(r, HTTP, SPY_PART_DB_WAIT, 6, 0);
    fixture_part(r, HTTP, SPY_PART_DB_WAIT, 3, 100 * MS);
    fixture_part(r, HTTP, SPY_PART_DB_WAIT, 1, 1000 * MS);
    fixture_part(r, HTTP, SPY_PART_FIRST_BYTE, 10, 2000 * MS);
    cell = fixture_cell(r, SQL);
    cell->way_thread = 1200;
    cell->way_only = 3;
    cell->way_none = 4;
    struct spy_repeat *repeat = fixture_repeat(r, 0, HTTP, SQL, 4, 41, 90 * MS);
    repeat->most = 17;
    repeat->site = 0xabc123;
    repeat = fixture_repeat(r, 1, HTTP, OTHER, 1, 6, 120 * MS);
    repeat->most = 6;
    return r;
}

static void site_text(struct spy_region *r, uint32_t row, const char *text)
{
    struct spy_repeat *repeat = spy_region_section(r, SPY_SECTION_REPEATS);
    strcpy((char *)spy_region_section(r, SPY_SECTION_TEXT) + r->text_used, text);
    repeat[row].site_text = r->text_used;
    r->text_used += (uint32_t)strlen(text) + 1;
}

static void expect(enum ctl_exit (*command)(const struct ctl_run *), struct ctl_args args,
                   unsigned width, enum ctl_exit wanted, const char *out, const char *err)
{
    struct capture c;
    capture_begin(&c, &args);
    c.run.term.width = width;
    enum ctl_exit result = command(&c.run);
    capture_end(&c);
    assert_string_equal(c.err, err);
    assert_string_equal(c.out, out);
    assert_int_equal(result, wanted);
    capture_free(&c);
}

static void all_of_them(void **state)
{
    (void)state;
    expect(ctl_cmd_requests, only_ours(), 0, CTL_OK,
           "parts_server, process 99999999 (dead); 20 s, since 00:00:00\n"
           "REQUEST       CALLS     MEAN  READ  DB WAIT  DB ROWS  BLOCKED  PROGRAM  QUERIES  MIN  "
           "MEDIAN  MAX\n"
           "api.get_part     10   245 ms   2 %     50 %     10 %     20 %     18 %      6.3    1  "
           "     3  ~32\n"
           "api.healthz       2  1.00 ms   0 %      0 %      0 %      0 %    100 %        -    -  "
           "     -    -\n"
           "queries: 1,200 by thread, 3 as the only request, 0 by tag, 4 unattributed\n"
           "REPEATED IN   STATEMENT               REQUESTS  A REQUEST  MOST     TIME  "
           "CALLED FROM               TEXT\n"
           "api.get_part  parts_crud.delete_part         1          6     6   120 ms  "
           "parts_server+0x1f (list)\n"
           "api.get_part  parts_crud.get_part            4      10.25    17  90.0 ms  "
           "0xabc123                  SELECT * FROM parts WHERE id = ?\n",
           "");
}

static void a_narrow_terminal(void **state)
{
    (void)state;
    expect(ctl_cmd_requests, only_ours(), 64, CTL_OK,
           "parts_server, process 99999999 (dead); 20 s, since 00:00:00\n"
           "REQUEST          MEAN  DB WAIT  DB ROWS  PROGRAM  QUERIES\n"
           "api.get_part   245 ms     50 %     10 %     18 %      6.3\n"
           "api.healthz   1.00 ms      0 %      0 %    100 %        -\n"
           "queries: 1,200 by thread, 3 as the only request, 0 by tag, 4 unattributed\n"
           "REPEATED IN   STATEMENT               A REQUEST     TIME\n"
           "api.get_part  parts_crud.delete_part          6   120 ms\n"
           "api.get_part  parts_crud.get_part         10.25  90.0 ms\n",
           "");
}

static void one_of_them(void **state)
{
    char *operand[] = {(char[]){"get_part"}, NULL}; /* the statement of that name is none */
    struct ctl_args args = only_ours();
    (void)state;
    args.operand = operand;
    args.operands = 1;
    expect(ctl_cmd_requests, args, 60, CTL_OK,
           "parts_server, process 99999999 (dead); 20 s, since 00:00:00\n"
           "api.get_part  (http, named by a rule)\n"
           "  calls      10  0.50/s\n"
           "  errors     1  10 %\n"
           "  time       min 50.0 ms  mean 245 ms  p50 50.0 ms  p90 50.0 ms  p95 1.98 s  "
           "p99 1.98 s  p99.9 1.98 s  max 2.00 s\n"
           "  queries    6.3 a request  min 1  median 3  max about 32\n"
           "  PART           SHARE     MEAN     P50     P95     P99\n"
           "  reading          2 %  4.90 ms       -       -       -\n"
           "  database wait   50 %   122 ms    0 µs  958 ms  958 ms\n"
           "  database rows   10 %  24.5 ms       -       -       -\n"
           "  blocked         20 %  49.0 ms       -       -       -\n"
           "  program         18 %  44.1 ms       -       -       -\n"
           "  first byte      50 %   122 ms  1.92 s  1.92 s  1.92 s\n"
           "REPEATED IN   STATEMENT               A REQUEST     TIME\n"
           "api.get_part  parts_crud.delete_part          6   120 ms\n"
           "api.get_part  parts_crud.get_part         10.25  90.0 ms\n"
           "queries: 1,200 by thread, 3 as the only request, 0 by tag, 4 unattributed\n",
           "");
    operand[0] = (char[]){"api.delete_part"};
    expect(ctl_cmd_requests, args, 0, CTL_OK,
           "parts_server, process 99999999 (dead); 20 s, since 00:00:00\n"
           "api.delete_part  (http, named by a rule)\n"
           "  calls      0  0.00/s\n"
           "  errors     0\n"
           "queries: 1,200 by thread, 3 as the only request, 0 by tag, 4 unattributed\n",
           "");
    operand[0] = (char[]){"parts_crud.get_part"};
    expect(ctl_cmd_requests, args, 0, CTL_NOTHING, "",
           "perfspy-ctl: parts_crud.get_part is a statement, not a request; \"perfspy-ctl "
           "stats\" shows it\n");
    operand[0] = (char[]){"get_prt"};
    expect(ctl_cmd_requests, args, 0, CTL_NOTHING, "",
           "perfspy-ctl: no operation is called \"get_prt\"; did you mean "
           "api.get_part?\n");
}

static json_t *document_of(enum ctl_exit (*command)(const struct ctl_run *), const char *name)
{
    char *operand[] = {(char *)(uintptr_t)name, NULL};
    struct ctl_args args = only_ours();
    struct capture c;
    args.json = true;
    args.operand = operand;
    args.operands = name != NULL;
    capture_begin(&c, &args);
    assert_int_equal(command(&c.run), CTL_OK);
    capture_end(&c);
    json_t *document = json_loads(c.out, 0, NULL);
    assert_non_null(document);
    capture_free(&c);
    return document;
}

static void json_is(const json_t *value, const char *wanted)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(15) | JSON_ENCODE_ANY);
    assert_string_equal(text, wanted);
    free(text);
}

#define NO_PERCENTILES "{\"p50_ms\":null,\"p95_ms\":null,\"p99_ms\":null}"

static void as_json(void **state)
{
    (void)state;
    json_t *document = document_of(ctl_cmd_requests, NULL);
    json_t *requests = json_object_get(document, "requests");
    assert_int_equal(json_array_size(requests), 3); /* and the one that a rule names */
    json_is(json_array_get(requests, 0),
            "{\"operation\":\"api.get_part\",\"mapped\":true,\"calls\":10,\"errors\":1,"
            "\"rate\":0.5,\"mean_ms\":245.0,\"min_ms\":50.0,\"max_ms\":2000.0,"
            "\"p50_ms\":50.0,\"p90_ms\":50.0,\"p95_ms\":1978.456026,\"p99_ms\":1978.456026,"
            "\"ttfb_ms\":122.5,\"read_ms\":4.9,\"database_wait_ms\":122.5,"
            "\"database_rows_ms\":24.5,\"blocked_ms\":49.0,\"program_ms\":44.1,"
            "\"queries\":{\"min\":1,\"median\":3,\"max\":32,\"mean\":6.3,\"untimed\":0},"
            "\"share_percent\":{\"read\":2.0,\"database_wait\":50.0,\"database_rows\":10.0,"
            "\"blocked\":20.0,\"program\":18.0},\"percentiles\":{"
            "\"read\":" NO_PERCENTILES ",\"database_wait\":{\"p50_ms\":0.0,\"p95_ms\":957.603281,"
            "\"p99_ms\":957.603281},\"database_rows\":" NO_PERCENTILES
            ",\"blocked\":" NO_PERCENTILES ",\"program\":" NO_PERCENTILES
            ",\"first_byte\":{\"p50_ms\":1915.206561,\"p95_ms\":1915.206561,"
            "\"p99_ms\":1915.206561}},\"overlapping\":false}");
    json_is(json_object_get(document, "attribution"),
            "{\"thread\":1200,\"only\":3,\"tag\":0,\"none\":4}");
    json_is(json_object_get(document, "repeated_statements"),
            "[{\"request\":\"api.get_part\",\"operation\":\"parts_crud.delete_part\","
            "\"statement\":null,\"requests\":1,\"calls\":6,\"mean_calls\":6.0,"
            "\"most_calls\":6,\"total_ms\":120.0,"
            "\"call_site\":\"parts_server+0x1f (list)\"},"
            "{\"request\":\"api.get_part\",\"operation\":\"parts_crud.get_part\","
            "\"statement\":\"SELECT * FROM parts WHERE id = ?\",\"requests\":4,\"calls\":41,"
            "\"mean_calls\":10.25,\"most_calls\":17,\"total_ms\":90.0,"
            "\"call_site\":\"0xabc123\"}]");
    json_decref(document);
    document = document_of(ctl_cmd_requests, "api.healthz");
    assert_int_equal(json_array_size(json_object_get(document, "requests")), 1);
    assert_int_equal(json_array_size(json_object_get(document, "repeated_statements")), 0);
    json_decref(document);
}

/* `stats` has the same numbers. */
static void stats_of_a_request_and_of_a_statement(void **state)
{
    (void)state;
    json_t *document = document_of(ctl_cmd_stats, "api.get_part");
    json_t *op = json_array_get(json_object_get(document, "operations"), 0);
    json_is(json_object_get(op, "read_ms"), "4.9");
    json_is(json_object_get(op, "database_wait_ms"), "122.5");
    json_is(json_object_get(op, "database_rows_ms"), "24.5");
    json_is(json_object_get(op, "blocked_ms"), "49.0");
    json_is(json_object_get(op, "program_ms"), "44.1");
    json_is(json_object_get(op, "queries"),
            "{\"min\":1,\"median\":3,\"max\":32,\"mean\":6.3,\"untimed\":0}");
    json_decref(document);
    document = document_of(ctl_cmd_stats, "api.delete_part");
    op = json_array_get(json_object_get(document, "operations"), 0);
    json_is(json_object_get(op, "program_ms"), "null");
    json_is(json_object_get(op, "queries"),
            "{\"min\":null,\"median\":null,\"max\":null,\"mean\":null,\"untimed\":0}");
    json_decref(document);
    document = document_of(ctl_cmd_stats, "parts_crud.get_part");
    op = json_array_get(json_object_get(document, "operations"), 0);
    json_is(json_object_get(op, "attribution"),
            "{\"thread\":1200,\"only\":3,\"tag\":0,\"none\":4}");
    assert_null(json_object_get(op, "queries"));
    json_decref(document);
}

static void attribution_in_the_long_form(void **state)
{
    char *operand[] = {(char[]){"parts_crud.get_part"}, NULL};
    struct ctl_args args = only_ours();
    struct capture c;
    (void)state;
    args.operand = operand;
    args.operands = 1;
    capture_begin(&c, &args);
    assert_int_equal(ctl_cmd_stats(&c.run), CTL_OK);
    capture_end(&c);
    assert_non_null(strstr(c.out, "\n  attributed 1,200 by thread, 3 as the only request, 0 by "
                                  "tag, 4 unattributed\n"));
    capture_free(&c);
}

/* ---- models --------------------------------------------------------------------------------- */

static const struct ctl_run now = {.now_mono_ns = 200 * SEC, .now_real_ns = REAL + 100 * SEC};

static void add(struct ctl_model *model, const struct spy_region *r)
{
    struct ctl_process process = {.state = CTL_LIVE};
    process.proc.pid = r->pid;
    process.proc.start_ticks = r->start_ticks;
    ctl_model_add(model, &process, r, &now);
}

static void print(struct ctl_model *model, const char *wanted)
{
    struct ctl_args args = {0};
    struct capture c;
    capture_begin(&c, &args);
    ctl_requests_table(model, &c.run);
    capture_end(&c);
    assert_non_null(strstr(c.out, wanted));
    capture_free(&c);
}

/* Rows of the same statement in the same request are one, whatever their places; the site is that
 * which has a text. */
static void processes_are_merged(void **state)
{
    struct ctl_model model;
    (void)state;
    struct spy_region *a = make(), *b = make();
    struct spy_repeat *rows = spy_region_section(b, SPY_SECTION_REPEATS);
    struct spy_repeat first;
    memcpy(&first, &rows[0], sizeof(first)); /* in another order than in the first process */
    memcpy(&rows[0], &rows[1], sizeof(first));
    memcpy(&rows[1], &first, sizeof(first));
    rows[1].most = 30;
    rows[1].ns = 60 * MS;
    site_text(b, 1, "app.so+0x10 (each)");
    ctl_model_init(&model, 0);
    add(&model, a);
    add(&model, b);
    ctl_repeats_sort(&model);
    assert_int_equal(model.repeats, 2);
    assert_string_equal(model.repeat[0].statement->name, "parts_crud.delete_part");
    assert_string_equal(model.repeat[0].site, "");
    assert_int_equal(model.repeat[0].ns, 240 * MS);
    assert_string_equal(model.repeat[1].statement->name, "parts_crud.get_part");
    assert_int_equal(model.repeat[1].requests, 8);
    assert_int_equal(model.repeat[1].calls, 82);
    assert_int_equal(model.repeat[1].most, 30);
    assert_int_equal(model.repeat[1].ns, 150 * MS);
    assert_string_equal(model.repeat[1].site, "app.so+0x10 (each)");
    print(&model, "queries: 2,400 by thread, 6 as the only request, 0 by tag, 8 unattributed\n");
    ctl_model_free(&model);
    free(a);
    free(b);
}

static void overlapping_parts_are_marked(void **state)
{
    struct ctl_model model;
    (void)state;
    struct spy_region *r = make();
    fixture_cell(r, HTTP)->db_wait_ns = 4900 * MS;
    ctl_model_init(&model, 0);
    add(&model, r);
    print(&model, "api.get_part     10   245 ms   2 %    200 %     10 %     20 %      0 %      6.3 "
                  "   1       3  ~32  overlapping\n");
    ctl_model_free(&model);
    free(r);
}

static void a_window_knows_what_a_life_does(void **state)
{
    struct ctl_model model;
    (void)state;
    struct spy_region *r = make();
    ctl_model_init(&model, 300 * SEC);
    add(&model, r);
    print(&model, "     6.3    1       3  ~32\n");
    print(&model, "repeated statements are those of whole lives\n");
    ctl_model_free(&model);
    free(r);
}

static void nothing_to_tell(void **state)
{
    struct ctl_model model;
    (void)state;
    struct spy_region *r = fixture_region(PID, TICKS);
    ctl_model_init(&model, 0);
    add(&model, r);
    print(&model, "no requests\n");
    ctl_model_free(&model);
    free(r);
}

/* Rows that are being made, or that no library wrote. */
static void rows_that_are_no_good(void **state)
{
    struct ctl_model model;
    (void)state;
    struct spy_region *r = make();
    struct spy_repeat *row = spy_region_section(r, SPY_SECTION_REPEATS);
    fixture_repeat(r, 2, HTTP, SQL, 0, 0, 0); /* claimed, not counted yet */
    fixture_repeat(r, 3, 77, SQL, 1, 5, SEC); /* no such request */
    fixture_repeat(r, 4, HTTP, 77, 1, 5, SEC);
    fixture_repeat(r, 5, SQL, SQL, 1, 5, SEC); /* kinds */
    fixture_repeat(r, 6, HTTP, HTTP, 1, 5, SEC);
    row[7].key = UINT64_MAX;
    row[7].requests = 1;
    row[8].key = 1ull << 40; /* no statement */
    row[8].requests = 1;
    row[0].site_text = UINT32_MAX;
    row[0].site = UINT64_MAX;
    site_text(r, 1, "\x1b[2J\xff\n");
    ctl_model_init(&model, 0);
    add(&model, r);
    ctl_repeats_sort(&model);
    assert_int_equal(model.repeats, 2);
    assert_string_equal(model.repeat[0].site, " [2J? ");
    assert_string_equal(model.repeat[1].site, "0xffffffffffffffff");
    ctl_model_free(&model);
    free(r);
}

static struct spy_region *saved;

static int set_up(void **state)
{
    (void)state;
    setenv("TZ", "UTC0", 1);
    tzset();
    fixture_dir(dir);
    saved = make();
    site_text(saved, 1, "parts_server+0x1f (list)");
    fixture_save(saved, dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_remove(dir, saved);
    free(saved);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_them),
        cmocka_unit_test(a_narrow_terminal),
        cmocka_unit_test(one_of_them),
        cmocka_unit_test(as_json),
        cmocka_unit_test(stats_of_a_request_and_of_a_statement),
        cmocka_unit_test(attribution_in_the_long_form),
        cmocka_unit_test(processes_are_merged),
        cmocka_unit_test(overlapping_parts_are_marked),
        cmocka_unit_test(a_window_knows_what_a_life_does),
        cmocka_unit_test(nothing_to_tell),
        cmocka_unit_test(rows_that_are_no_good),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
