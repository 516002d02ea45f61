/* SPDX-License-Identifier: MIT */
/* Prometheus' text: escaping, exact seconds, cumulative buckets, gauges of the window. */
#include "ctl/metrics.h"

#include "unit/ctl/fixture.h"

static char *print(const struct ctl_sums *sums, size_t count, struct ctl_metrics_program *program,
                   size_t programs)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    ctl_metrics_text(out, sums, count, program, programs);
    fclose(out);
    return text;
}

static void has(const char *text, const char *line)
{
    const char *at = strstr(text, line);
    if (at == NULL || (at > text && at[-1] != '\n') || at[strlen(line)] != '\n')
        fail_msg("no line: %s\nin:\n%s", line, text);
}

/* What there is to count of a request, and of a statement. */
static const struct ctl_sum request = {
    .name = "say \"hi\\there\"",
    .kind = SPY_KIND_HTTP,
    .part_ns = {1, 2 * SEC, 3, 4},
    .queries = 11,
    .repeated = 12,
    .sum_ns = 12345678901234567890ull,
    .bucket = {3, 0, 1, [14] = 2},
    .codes = 2,
    .code = {{404, 2}, {SPY_CODE_OTHER, 4}},
};

static const struct ctl_sum statement = {
    .name = "q",
    .kind = SPY_KIND_SQL,
    .attribution = {21, 22, 23, 24},
    .sum_ns = 5,
    .errors = 1,
    .affected = 6,
    .aborted = 7,
    .bytes_out = 8,
    .bucket = {1, [9] = 1},
    .level = {1, 0, 0, 0, 1},
    .codes = 1,
};

/* Of a program that has both. */
static char *print_both(void)
{
    struct ctl_sum sum[] = {request, statement};
    struct ctl_sums sums = {.program = "p", .sum = sum, .count = 2};
    sum[1].code[0] = (struct spy_code_count){spy_sqlstate_pack("23505"), 1};
    return print(&sums, 1, NULL, 0);
}

#define HTTP   "http_server_request_duration_seconds"
#define LABELS "{exe=\"p\",operation=\"say \\\"hi\\\\there\\\"\""

static void a_request(void **state)
{
    char *text = print_both();
    (void)state;
    has(text, "# TYPE " HTTP " histogram");
    has(text, HTTP "_bucket" LABELS ",le=\"0.005\"} 3");
    has(text, HTTP "_bucket" LABELS ",le=\"0.01\"} 3");
    has(text, HTTP "_bucket" LABELS ",le=\"0.025\"} 4");
    has(text, HTTP "_bucket" LABELS ",le=\"10\"} 4");
    has(text, HTTP "_bucket" LABELS ",le=\"+Inf\"} 6");
    has(text, HTTP "_sum" LABELS "} 12345678901.234567890");
    has(text, HTTP "_count" LABELS "} 6");
    has(text, "perfspy_http_responses_total" LABELS ",http_response_status_code=\"404\"} 2");
    has(text, "perfspy_http_responses_total" LABELS ",http_response_status_code=\"other\"} 4");
    has(text, "perfspy_operation_aborted_total" LABELS ",kind=\"http\"} 0");
    has(text, "perfspy_request_part_seconds_total" LABELS ",part=\"read\"} 0.000000001");
    has(text, "perfspy_request_part_seconds_total" LABELS ",part=\"database_wait\"} 2.000000000");
    has(text, "perfspy_request_part_seconds_total" LABELS ",part=\"blocked\"} 0.000000004");
    assert_null(strstr(text, "part=\"program\""));
    has(text, "perfspy_request_queries_total" LABELS "} 11");
    has(text, "perfspy_repeated_statements_total" LABELS "} 12");
    free(text);
}

#define SQL "db_client_operation_duration_seconds"
#define PG  "{exe=\"p\",operation=\"q\",db_system_name=\"postgresql\""

static void a_statement(void **state)
{
    char *text = print_both();
    (void)state;
    has(text, SQL "_bucket" PG ",le=\"0.001\"} 1");
    has(text, SQL "_bucket" PG ",le=\"10\"} 1");
    has(text, SQL "_bucket" PG ",le=\"+Inf\"} 2");
    has(text, SQL "_sum" PG "} 0.000000005");
    has(text, "perfspy_operation_calls_total{exe=\"p\",operation=\"q\",kind=\"sql\","
              "level=\"critical\"} 1");
    has(text, "perfspy_operation_errors_total{exe=\"p\",operation=\"q\",kind=\"sql\"} 1");
    has(text, "perfspy_sql_errors_total{exe=\"p\",operation=\"q\","
              "db_response_status_code=\"23505\"} 1");
    has(text, "perfspy_operation_aborted_total{exe=\"p\",operation=\"q\",kind=\"sql\"} 7");
    has(text, "perfspy_operation_affected_rows_total{exe=\"p\",operation=\"q\",kind=\"sql\"} 6");
    has(text, "perfspy_operation_sent_bytes_total{exe=\"p\",operation=\"q\",kind=\"sql\"} 8");
    has(text, "perfspy_attributed_queries_total{exe=\"p\",operation=\"q\",way=\"thread\"} 21");
    has(text, "perfspy_attributed_queries_total{exe=\"p\",operation=\"q\",way=\"none\"} 24");
    free(text);
}

static void what_it_costs(void **state)
{
    struct ctl_sums sums = {.program = "p", .slow_dropped = 8};
    (void)state;
    sums.self[SPY_SELF_OPS_FULL] = 9;
    sums.spent = (struct ctl_spent){.timed = {[SPY_KIND_SQL] = 5},
                                    .timed_ns = {[SPY_KIND_SQL] = 1000},
                                    .helper_ns = 3,
                                    .process_ns = 2 * SEC,
                                    .backoffs = 4};
    char *text = print(&sums, 1, NULL, 0);
    has(text, "perfspy_self_ops_full_total{exe=\"p\"} 9");
    has(text, "perfspy_self_slow_dropped_total{exe=\"p\"} 8");
    has(text, "perfspy_self_calls_seconds_total{exe=\"p\",kind=\"sql\"} 0.000256000");
    has(text, "perfspy_self_timed_calls_total{exe=\"p\",kind=\"sql\"} 5");
    has(text, "perfspy_self_timed_calls_total{exe=\"p\",kind=\"http\"} 0");
    has(text, "perfspy_self_helper_cpu_seconds_total{exe=\"p\"} 0.000000003");
    has(text, "perfspy_self_process_cpu_seconds_total{exe=\"p\"} 2.000000000");
    has(text, "perfspy_self_backoffs_total{exe=\"p\"} 4");
    assert_null(strstr(text, "perfspy_self_cpu_ratio{"));
    free(text);
}

static void gauges(void **state)
{
    struct ctl_metrics_program program = {.name = "parts_server", .live = 2, .dead = 1};
    const struct ctl_run now = {.now_mono_ns = 200 * SEC, .now_real_ns = REAL + 100 * SEC};
    struct ctl_process process = {.state = CTL_LIVE};
    (void)state;
    struct spy_region *r = fixture_parts(10, 1000);
    ctl_model_init(&program.model, r->health_window_ns);
    ctl_model_add(&program.model, &process, r, &now);
    char *text = print(NULL, 0, &program, 1);
    has(text, "perfspy_processes{exe=\"parts_server\",state=\"live\"} 2");
    has(text, "perfspy_processes{exe=\"parts_server\",state=\"dead\"} 1");
    has(text, "perfspy_health{exe=\"parts_server\",status=\"degraded\"} 1");
    has(text, "perfspy_health{exe=\"parts_server\",status=\"healthy\"} 0");
    has(text, "perfspy_health_window_seconds{exe=\"parts_server\"} 300.000000000");
    has(text, "perfspy_benchmark_limit_seconds{exe=\"parts_server\",operation=\"api.get_part\","
              "kind=\"http\",stat=\"p95\"} 0.2");
    has(text, "perfspy_benchmark_met{exe=\"parts_server\",operation=\"parts_crud.get_part\","
              "kind=\"sql\",stat=\"mean\"} 1");
    has(text, "perfspy_benchmark_met{exe=\"parts_server\",operation=\"parts_crud.get_part\","
              "kind=\"sql\",stat=\"errors\"} 0");
    has(text, "perfspy_benchmark_value_seconds{exe=\"parts_server\",operation=\"parts_crud.get_"
              "part\",kind=\"sql\",stat=\"mean\"} 0.004");
    has(text, "perfspy_benchmark_value_ratio{exe=\"parts_server\",operation=\"parts_crud.get_"
              "part\",kind=\"sql\",stat=\"errors\"} 0.2");
    /* Ten calls are too few for a p95: no verdict. */
    assert_null(
        strstr(text, "perfspy_benchmark_met{exe=\"parts_server\",operation=\"api.get_part"));
    free(text);
    ctl_model_free(&program.model);
    free(r);
}

/* Of two processes: times are added up, tables and backing off are those of the worse one. */
static void self(void **state)
{
    struct ctl_metrics_program program = {.name = "p"};
    struct spy_region *r = fixture_parts(10, 1000);
    (void)state;
    r->cost.side[SPY_KIND_SQL].samples = 4;
    r->cost.side[SPY_KIND_SQL].ns = 400;
    r->cost.noted_ns = r->epoch_mono_ns + SEC;
    r->cost.calls_ns = SEC / 4;
    r->cost.helper_ns = SEC / 4;
    r->cost.process_ns = SEC;
    r->cost.limit_ppm = 20000;
    r->arena_used = SPY_ARENA_CHUNKS / 2;
    ctl_metrics_self_add(&program.self, r);
    r->cost.side[SPY_KIND_SQL].ns = 800;
    r->cost.backoff = SPY_BACKOFF_DETAIL;
    r->cost.process_ns = 3 * SEC;
    r->arena_used = SPY_ARENA_CHUNKS / 4;
    ctl_metrics_self_add(&program.self, r);
    char *text = print(NULL, 0, &program, 1);
    has(text, "perfspy_self_call_cost_seconds{exe=\"p\",kind=\"sql\"} 0.000000150");
    assert_null(strstr(text, "perfspy_self_call_cost_seconds{exe=\"p\",kind=\"http\""));
    has(text, "perfspy_self_cpu_ratio{exe=\"p\"} 0.25");
    has(text, "perfspy_self_cpu_limit_ratio{exe=\"p\"} 0.02");
    has(text, "perfspy_self_backoff_level{exe=\"p\"} 2");
    has(text, "perfspy_self_table_used_ratio{exe=\"p\",table=\"arena\"} 0.5");
    char line[128];
    snprintf(line, sizeof(line), "perfspy_self_region_limit_bytes{exe=\"p\"} %llu",
             2 * (unsigned long long)r->total_bytes);
    has(text, line);
    free(text);
    free(r);
}

/* Nothing is watched: headings, and no sample but the version. */
static void nothing(void **state)
{
    struct ctl_ledger ledger = {0};
    struct ctl_source source = {0};
    struct ctl_args args = {0};
    struct capture c;
    size_t lines = 0;
    (void)state;
    capture_begin(&c, &args);
    ctl_metrics_print(&ledger, &source, &c.run);
    capture_end(&c);
    for (char *line = strtok(c.out, "\n"); line != NULL; line = strtok(NULL, "\n"))
        lines += *line != '#';
    assert_int_equal(lines, 1);
    capture_free(&c);
    ctl_ledger_free(&ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request), cmocka_unit_test(a_statement), cmocka_unit_test(what_it_costs),
        cmocka_unit_test(gauges),    cmocka_unit_test(self),        cmocka_unit_test(nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
