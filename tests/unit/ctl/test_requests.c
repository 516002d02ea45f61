/* SPDX-License-Identifier: MIT */
/*
 * `requests`: parts, queries and repeated statements, in a window, on a narrow terminal, as JSON;
 * and what `stats` tells of the same.
 */
#include "ctl/command.h"
#include "ctl/json.h"

#include "unit/ctl/requests_fixture.h"

static char dir[SPY_PATH_BYTES];
static const char *pid_option[] = {"99999999"};

static struct ctl_args only_ours(void)
{
    return (struct ctl_args){.process = pid_option, .processes = 1};
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
        cmocka_unit_test(overlapping_parts_are_marked),
        cmocka_unit_test(a_window_knows_what_a_life_does),
        cmocka_unit_test(nothing_to_tell),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
