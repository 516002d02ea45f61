/* SPDX-License-Identifier: MIT */
/*
 * Prometheus' text format 0.0.4; see metrics.h. A family is a heading and its samples, which must
 * stand together.
 */
#include "ctl/bench.h"
#include "ctl/health.h"
#include "ctl/metrics.h"
#include "ctl/prom.h"

#ifndef SPY_VERSION
#define SPY_VERSION "unknown"
#endif

/* What is printed, and what the samples of a family have in common. */
struct text {
    FILE *out;
    const struct ctl_sums *sums;
    size_t count;
    struct ctl_metrics_program *program;
    size_t programs;
};

/* ---- operations ----------------------------------------------------------------------------- */

/* Calls EACH for every operation of KIND, or of any where KIND is SPY_KIND_COUNT. */
static void for_each(const struct text *t, uint32_t kind,
                     void (*each)(FILE *out, const char *program, const struct ctl_sum *sum))
{
    for (size_t i = 0; i < t->count; i++)
        for (size_t k = 0; k < t->sums[i].count; k++)
            if (kind == SPY_KIND_COUNT || t->sums[i].sum[k].kind == kind)
                each(t->out, t->sums[i].program, &t->sums[i].sum[k]);
}

static const char *histogram_of(uint32_t kind)
{
    return kind == SPY_KIND_HTTP ? "http_server_request_duration_seconds"
                                 : "db_client_operation_duration_seconds";
}

static void histogram_line(FILE *out, const char *suffix, const char *program,
                           const struct ctl_sum *sum)
{
    fputs(histogram_of(sum->kind), out);
    ctl_prom_identity(out, suffix, program, sum->name);
    if (sum->kind == SPY_KIND_SQL)
        fputs(",db_system_name=\"postgresql\"", out);
}

static void histogram(FILE *out, const char *program, const struct ctl_sum *sum)
{
    size_t count;
    uint64_t below = 0;
    const double *bound = ctl_ledger_bounds(sum->kind, &count);
    for (size_t i = 0; i <= count; i++) {
        below += sum->bucket[i];
        histogram_line(out, "_bucket", program, sum);
        if (i < count)
            fprintf(out, ",le=\"%g\"", bound[i]);
        else
            fputs(",le=\"+Inf\"", out);
        ctl_prom_count(out, below);
    }
    histogram_line(out, "_sum", program, sum);
    ctl_prom_seconds(out, sum->sum_ns);
    histogram_line(out, "_count", program, sum);
    ctl_prom_count(out, below);
}

static void calls(FILE *out, const char *program, const struct ctl_sum *sum)
{
    for (uint32_t i = 0; i < SPY_LEVEL_COUNT; i++) {
        ctl_prom_identity(out, "perfspy_operation_calls_total", program, sum->name);
        fprintf(out, ",kind=\"%s\",level=\"%s\"", spy_kind_name(sum->kind), spy_level_name(i));
        ctl_prom_count(out, sum->level[i]);
    }
}

static void count_line(FILE *out, const char *metric, const char *program,
                       const struct ctl_sum *sum, uint64_t value)
{
    ctl_prom_identity(out, metric, program, sum->name);
    fprintf(out, ",kind=\"%s\"", spy_kind_name(sum->kind));
    ctl_prom_count(out, value);
}

/* An operation that is sampled has two samples, any other none. */
static void sampled(FILE *out, const char *program, const struct ctl_sum *sum)
{
    if (sum->untimed == 0)
        return;
    for (int timed = 1; timed >= 0; timed--) {
        ctl_prom_identity(out, "perfspy_operation_sampled_calls_total", program, sum->name);
        fprintf(out, ",kind=\"%s\",timed=\"%s\"", spy_kind_name(sum->kind),
                timed ? "true" : "false");
        ctl_prom_count(out, timed ? sum->timed : sum->untimed);
    }
}

static void errors(FILE *out, const char *program, const struct ctl_sum *sum)
{
    count_line(out, "perfspy_operation_errors_total", program, sum, sum->errors);
}

static void aborted(FILE *out, const char *program, const struct ctl_sum *sum)
{
    count_line(out, "perfspy_operation_aborted_total", program, sum, sum->aborted);
}

static void affected(FILE *out, const char *program, const struct ctl_sum *sum)
{
    count_line(out, "perfspy_operation_affected_rows_total", program, sum, sum->affected);
}

static void rows(FILE *out, const char *program, const struct ctl_sum *sum)
{
    count_line(out, "perfspy_operation_rows_total", program, sum, sum->rows);
}

static void received(FILE *out, const char *program, const struct ctl_sum *sum)
{
    count_line(out, "perfspy_operation_received_bytes_total", program, sum, sum->bytes_in);
}

static void sent(FILE *out, const char *program, const struct ctl_sum *sum)
{
    count_line(out, "perfspy_operation_sent_bytes_total", program, sum, sum->bytes_out);
}

static void statuses(FILE *out, const char *program, const struct ctl_sum *sum)
{
    for (uint32_t i = 0; i < sum->codes; i++) {
        ctl_prom_identity(out, "perfspy_http_responses_total", program, sum->name);
        if (sum->code[i].code == SPY_CODE_OTHER)
            fputs(",http_response_status_code=\"other\"", out);
        else
            fprintf(out, ",http_response_status_code=\"%u\"", sum->code[i].code);
        ctl_prom_count(out, sum->code[i].count);
    }
}

static void sqlstates(FILE *out, const char *program, const struct ctl_sum *sum)
{
    for (uint32_t i = 0; i < sum->codes; i++) {
        char state[6] = "other";
        if (sum->code[i].code != SPY_CODE_OTHER)
            spy_sqlstate_unpack(sum->code[i].code, state);
        ctl_prom_identity(out, "perfspy_sql_errors_total", program, sum->name);
        ctl_prom_label(out, ",db_response_status_code=\"", state);
        ctl_prom_count(out, sum->code[i].count);
    }
}

/* ---- requests and their queries ------------------------------------------------------------- */

static void parts(FILE *out, const char *program, const struct ctl_sum *sum)
{
    for (unsigned i = 0; i < SPY_PART_PROGRAM; i++) {
        ctl_prom_identity(out, "perfspy_request_part_seconds_total", program, sum->name);
        ctl_prom_label(out, ",part=\"", ctl_part_key((enum spy_part)i));
        ctl_prom_seconds(out, sum->part_ns[i]);
    }
}

static void queries(FILE *out, const char *program, const struct ctl_sum *sum)
{
    ctl_prom_identity(out, "perfspy_request_queries_total", program, sum->name);
    ctl_prom_count(out, sum->queries);
}

static void repeated(FILE *out, const char *program, const struct ctl_sum *sum)
{
    ctl_prom_identity(out, "perfspy_repeated_statements_total", program, sum->name);
    ctl_prom_count(out, sum->repeated);
}

static void attributed(FILE *out, const char *program, const struct ctl_sum *sum)
{
    const struct {
        const char *way;
        uint64_t count;
    } ways[] = {
        {"thread", sum->attribution.thread},
        {"only", sum->attribution.only},
        {"tag", sum->attribution.tag},
        {"none", sum->attribution.none},
    };
    for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        ctl_prom_identity(out, "perfspy_attributed_queries_total", program, sum->name);
        ctl_prom_label(out, ",way=\"", ways[i].way);
        ctl_prom_count(out, ways[i].count);
    }
}

static void print_requests(const struct text *t)
{
    ctl_prom_heading(t->out, "perfspy_request_part_seconds_total", "counter",
                     "Time of requests by what it went to, where that was measured; what is left "
                     "of the whole is the program's own.");
    for_each(t, SPY_KIND_HTTP, parts);
    ctl_prom_heading(t->out, "perfspy_request_queries_total", "counter",
                     "Queries that were attributed to requests.");
    for_each(t, SPY_KIND_HTTP, queries);
    ctl_prom_heading(t->out, "perfspy_repeated_statements_total", "counter",
                     "Statements that a request repeated (N+1): one for each request and "
                     "statement.");
    for_each(t, SPY_KIND_HTTP, repeated);
    ctl_prom_heading(t->out, "perfspy_attributed_queries_total", "counter",
                     "Queries while requests were under way, by how they were attributed to one; "
                     "none: they could not be.");
    for_each(t, SPY_KIND_SQL, attributed);
}

static void print_operations(const struct text *t)
{
    ctl_prom_heading(
        t->out, histogram_of(SPY_KIND_SQL), "histogram",
        "Duration of statements and of sequences of statements, as the program saw it. A "
        "bucket may miss calls that took up to 2.2 % less than its bound.");
    for_each(t, SPY_KIND_SQL, histogram);
    ctl_prom_heading(
        t->out, histogram_of(SPY_KIND_HTTP), "histogram",
        "Duration of requests, from the first byte of the head until the socket had the last "
        "byte of the response. A bucket may miss calls that took up to 2.2 % less than its "
        "bound.");
    for_each(t, SPY_KIND_HTTP, histogram);
    ctl_prom_heading(t->out, "perfspy_operation_calls_total", "counter",
                     "Calls by level of duration; estimated where they are sampled.");
    for_each(t, SPY_KIND_COUNT, calls);
    ctl_prom_heading(t->out, "perfspy_operation_sampled_calls_total", "counter",
                     "All calls of operations that the rules sample, counted exactly: those that "
                     "were timed, from which histograms and levels are estimated, and the others.");
    for_each(t, SPY_KIND_COUNT, sampled);
    ctl_prom_heading(t->out, "perfspy_operation_errors_total", "counter", "Calls that failed.");
    for_each(t, SPY_KIND_COUNT, errors);
    ctl_prom_heading(
        t->out, "perfspy_operation_aborted_total", "counter",
        "Requests whose client went away before the end; statements that were queued and "
        "never executed, which are no calls.");
    for_each(t, SPY_KIND_COUNT, aborted);
    ctl_prom_heading(t->out, "perfspy_sql_errors_total", "counter",
                     "Statements that failed, by SQLSTATE.");
    for_each(t, SPY_KIND_SQL, sqlstates);
    ctl_prom_heading(t->out, "perfspy_http_responses_total", "counter",
                     "Responses by status code.");
    for_each(t, SPY_KIND_HTTP, statuses);
    ctl_prom_heading(t->out, "perfspy_operation_rows_total", "counter",
                     "Rows that statements returned or "
                     "changed.");
    for_each(t, SPY_KIND_SQL, rows);
    ctl_prom_heading(t->out, "perfspy_operation_affected_rows_total", "counter",
                     "Rows that statements inserted, updated, deleted or copied in.");
    for_each(t, SPY_KIND_SQL, affected);
    ctl_prom_heading(t->out, "perfspy_operation_received_bytes_total", "counter",
                     "Bytes of results of statements, or of requests.");
    for_each(t, SPY_KIND_COUNT, received);
    ctl_prom_heading(t->out, "perfspy_operation_sent_bytes_total", "counter",
                     "Bytes of responses, or of data that statements copied in.");
    for_each(t, SPY_KIND_COUNT, sent);
}

/* ---- the window ----------------------------------------------------------------------------- */

static void print_health(const struct text *t)
{
    ctl_prom_heading(
        t->out, "perfspy_health", "gauge",
        "1 for the state that the program's health is in, by the rules' window and limits.");
    for (size_t i = 0; i < t->programs; i++) {
        struct ctl_health health = ctl_health_of(&t->program[i].model);
        for (unsigned s = 0; s <= CTL_STATUS_UNKNOWN; s++) {
            ctl_prom_identity(t->out, "perfspy_health", t->program[i].name, NULL);
            fprintf(t->out, ",status=\"%s\"", ctl_health_name((enum ctl_health_status)s));
            ctl_prom_count(t->out, s == health.status);
        }
        ctl_health_free(&health);
    }
    ctl_prom_heading(t->out, "perfspy_health_window_seconds", "gauge",
                     "The window of perfspy_health and of the benchmarks.");
    for (size_t i = 0; i < t->programs; i++) {
        ctl_prom_identity(t->out, "perfspy_health_window_seconds", t->program[i].name, NULL);
        ctl_prom_seconds(t->out, t->program[i].model.window_ns);
    }
}

/* One sample of each benchmark, by the question that a family answers. */
enum question { MET, LIMIT_S, VALUE_S, LIMIT_RATIO, VALUE_RATIO };

static bool answer(enum question question, const struct ctl_bench *bench, double *value)
{
    bool errors_stat = bench->budget->stat == SPY_STAT_ERRORS;
    bool ratio = question == LIMIT_RATIO || question == VALUE_RATIO;
    double unit = ratio ? 1e6 : 1e9;
    if (question == MET) {
        *value = bench->verdict == CTL_BENCH_MET;
        return bench->verdict != CTL_BENCH_NO_DATA;
    }
    if (ratio != errors_stat)
        return false;
    bool limit = question == LIMIT_S || question == LIMIT_RATIO;
    *value = (limit ? (double)bench->budget->limit
                    : ctl_operation_stat(bench->op, bench->budget->stat)) /
             unit;
    return limit || bench->op->totals.calls > 0;
}

static void print_benchmark(const struct text *t, const char *metric, enum question question,
                            const char *help)
{
    ctl_prom_heading(t->out, metric, "gauge", help);
    for (size_t i = 0; i < t->programs; i++) {
        struct ctl_bench_list list = ctl_bench_judge(&t->program[i].model);
        for (size_t k = 0; k < list.count; k++) {
            const struct ctl_bench *bench = &list.bench[k];
            double value;
            if (!answer(question, bench, &value))
                continue;
            ctl_prom_identity(t->out, metric, t->program[i].name, bench->op->name);
            fprintf(t->out, ",kind=\"%s\",stat=\"%s\"} %.9g\n", spy_kind_name(bench->op->kind),
                    spy_stat_name(bench->budget->stat), value);
        }
        ctl_bench_free(&list);
    }
}

static void print_benchmarks(const struct text *t)
{
    print_benchmark(t, "perfspy_benchmark_met", MET,
                    "1: the benchmark was met in the window, 0: missed; absent where there were "
                    "too few calls to say.");
    print_benchmark(t, "perfspy_benchmark_limit_seconds", LIMIT_S, "Limits on times.");
    print_benchmark(t, "perfspy_benchmark_value_seconds", VALUE_S,
                    "What was measured in the window.");
    print_benchmark(t, "perfspy_benchmark_limit_ratio", LIMIT_RATIO,
                    "Limits on the share of calls that fail.");
    print_benchmark(t, "perfspy_benchmark_value_ratio", VALUE_RATIO,
                    "What was measured in the window.");
}

/* ---- processes ------------------------------------------------------------------------------ */

static void print_processes(const struct text *t)
{
    ctl_prom_heading(t->out, "perfspy_build_info", "gauge", "Version of perfspy-ctl.");
    fputs("perfspy_build_info{version=\"" SPY_VERSION "\"} 1\n", t->out);
    ctl_prom_heading(t->out, "perfspy_processes", "gauge",
                     "Watched processes; the dead ones as long as their regions are kept.");
    for (size_t i = 0; i < t->programs; i++) {
        ctl_prom_identity(t->out, "perfspy_processes", t->program[i].name, NULL);
        fputs(",state=\"live\"", t->out);
        ctl_prom_count(t->out, t->program[i].live);
        ctl_prom_identity(t->out, "perfspy_processes", t->program[i].name, NULL);
        fputs(",state=\"dead\"", t->out);
        ctl_prom_count(t->out, t->program[i].dead);
    }
}

void ctl_metrics_text(FILE *out, const struct ctl_sums *sums, size_t count,
                      struct ctl_metrics_program *program, size_t programs)
{
    const struct text t = {out, sums, count, program, programs};
    print_processes(&t);
    ctl_metrics_use(out, program, programs);
    print_health(&t);
    print_benchmarks(&t);
    print_operations(&t);
    print_requests(&t);
    ctl_metrics_self(out, sums, count, program, programs);
}
