/* SPDX-License-Identifier: MIT */
/*
 * The long form of an operation; see detail.h.
 */
#include "ctl/detail.h"

#include "ctl/format.h"
#include "ctl/requests.h"
#include "ctl/table.h"
#include "ctl/view.h"

#include <stdlib.h>
#include <string.h>

#define BAR_CELLS 30u

static void print_counts(const struct ctl_model *model, const struct ctl_operation *op,
                         const struct ctl_run *run)
{
    char a[CTL_NUMBER_BYTES], b[CTL_NUMBER_BYTES];
    const struct spy_totals *t = &op->totals;
    ctl_view_label(run, "calls");
    fprintf(run->out, "%s  %s\n", ctl_format_count(a, t->calls),
            ctl_format_rate(b, ctl_operation_rate(model, op)));
    ctl_view_label(run, "errors");
    fprintf(run->out, "%s", ctl_format_count(a, t->errors));
    if (t->errors > 0)
        fprintf(run->out, "  %s", ctl_format_percent(b, (double)t->errors, (double)t->calls));
    fputc('\n', run->out);
    if (t->untimed > 0) {
        ctl_view_label(run, "timed");
        fprintf(run->out, "%s  sampled: times and levels are estimated from these\n",
                ctl_format_count(a, spy_totals_timed(t)));
    }
    if (t->aborted > 0) {
        ctl_view_label(run, "aborted");
        fprintf(run->out, "%s%s\n", op->kind == SPY_KIND_SQL ? "never executed: " : "",
                ctl_format_count(a, t->aborted));
    }
}

void ctl_detail_times(const struct ctl_operation *op, const struct ctl_run *run)
{
    char text[CTL_NUMBER_BYTES];
    ctl_view_label(run, "time");
    fprintf(run->out, "min %s", ctl_format_duration(text, (double)op->totals.min_ns));
    for (uint32_t stat = 0; stat < SPY_STAT_ERRORS; stat++)
        fprintf(run->out, "  %s %s", spy_stat_name(stat),
                ctl_format_duration(text, ctl_operation_stat(op, stat)));
    fputc('\n', run->out);
}

static void print_part(const struct ctl_run *run, const char *name, uint64_t part_ns,
                       const struct spy_totals *t)
{
    char mean[CTL_NUMBER_BYTES], share[CTL_NUMBER_BYTES];
    fprintf(run->out, "%s %s (%s)", name,
            ctl_format_duration(mean, (double)part_ns / (double)t->calls),
            ctl_format_percent(share, (double)part_ns, (double)t->sum_ns));
}

/* Where the time went, on the mean. */
static void print_split(const struct ctl_operation *op, const struct ctl_run *run)
{
    bool http = op->kind == SPY_KIND_HTTP;
    const struct spy_totals *t = &op->totals;
    ctl_view_label(run, "split");
    print_part(run, http ? "first byte" : "wait", t->wait_ns, t);
    if (t->queue_ns > 0)
        print_part(run, ", of it queued", t->queue_ns, t);
    fputs("  ", run->out);
    print_part(run, http ? "rest" : "consume", t->tail_ns, t);
    fputc('\n', run->out);
}

static void bar_of(char out[BAR_CELLS + 1], uint64_t part, uint64_t whole)
{
    double share = part < whole ? (double)part / (double)whole : part > 0;
    size_t cells = (size_t)(share * BAR_CELLS + 0.5);
    if (cells == 0 && part > 0)
        cells = 1;
    memset(out, '#', cells);
    out[cells] = '\0';
}

static void print_levels(const struct ctl_model *model, const struct ctl_operation *op,
                         const struct ctl_run *run)
{
    static const struct ctl_column columns[] = {
        {.title = ""},
        {.title = "LEVEL"},
        {.title = "TIME"},
        {.title = "CALLS", .right = true},
        {.title = "SHARE", .right = true},
        {.title = "", .rank = 1},
    };
    struct ctl_table *table = ctl_table_new(columns, sizeof(columns) / sizeof(columns[0]));
    for (uint32_t i = 0; i < SPY_LEVEL_COUNT; i++) {
        char text[CTL_NUMBER_BYTES], bound[CTL_NUMBER_BYTES + 4], bar[BAR_CELLS + 1];
        bool last = i + 1 == SPY_LEVEL_COUNT;
        ctl_format_limit(text, model->level_bounds_ns[last ? i - 1 : i]);
        snprintf(bound, sizeof(bound), last ? ">= %s" : "< %s", text);
        bar_of(bar, op->totals.level[i], op->totals.calls);
        ctl_table_cell(table, CTL_PLAIN, "");
        ctl_table_cell(table, ctl_level_paint(i), spy_level_name(i));
        ctl_table_cell(table, CTL_PLAIN, bound);
        ctl_table_cell(table, CTL_PLAIN, ctl_format_count(text, op->totals.level[i]));
        ctl_table_cell(
            table, CTL_PLAIN,
            ctl_format_percent(text, (double)op->totals.level[i], (double)op->totals.calls));
        ctl_table_cell(table, ctl_level_paint(i), bar);
    }
    ctl_table_print(table, run->out, &run->term);
    ctl_table_free(table);
}

static void print_codes(const struct ctl_operation *op, const struct ctl_run *run)
{
    const struct spy_totals *t = &op->totals;
    if (t->codes == 0)
        return;
    ctl_view_label(run, op->kind == SPY_KIND_SQL ? "sqlstate" : "status");
    for (uint32_t i = 0; i < t->codes; i++) {
        char code[16], n[CTL_NUMBER_BYTES];
        if (t->code[i].code == SPY_CODE_OTHER)
            strcpy(code, "other");
        else if (op->kind == SPY_KIND_SQL)
            spy_sqlstate_unpack(t->code[i].code, code);
        else
            snprintf(code, sizeof(code), "%u", t->code[i].code);
        fprintf(run->out, "%s%s: %s", i > 0 ? "  " : "", code,
                ctl_format_count(n, t->code[i].count));
    }
    fputc('\n', run->out);
}

static void print_volume(const struct ctl_operation *op, const struct ctl_run *run)
{
    char in[CTL_NUMBER_BYTES], out[CTL_NUMBER_BYTES];
    const struct spy_totals *t = &op->totals;
    if (op->kind == SPY_KIND_SQL) {
        ctl_view_label(run, "rows");
        fprintf(run->out, "%s  affected %s\n", ctl_format_count(in, t->rows),
                ctl_format_count(out, t->affected));
    }
    if (t->params > 0) {
        ctl_view_label(run, "parameters");
        fprintf(run->out, "%s  %.3g a call\n", ctl_format_count(in, t->params),
                (double)t->params / (double)t->calls);
    }
    ctl_view_label(run, "bytes");
    fprintf(run->out, "%s in  %s out\n", ctl_format_bytes(in, t->bytes_in),
            ctl_format_bytes(out, t->bytes_out));
}

static void print_budgets(const struct ctl_operation *op, const struct ctl_run *run)
{
    for (uint32_t i = 0; i < op->budgets; i++) {
        char limit[CTL_NUMBER_BYTES], value[CTL_NUMBER_BYTES], reason[CTL_REASON_BYTES];
        const struct spy_budget *budget = &op->budget[i];
        enum ctl_verdict verdict = ctl_operation_verdict(op, budget);
        ctl_view_label(run, "benchmark");
        fprintf(run->out, "%s %s, limit %s: ", spy_stat_name(budget->stat),
                ctl_view_value(value, op, budget), ctl_view_limit(limit, budget));
        ctl_paint(run->out, &run->term, ctl_verdict_paint(verdict), ctl_verdict_name(verdict));
        if (verdict == CTL_BENCH_NO_DATA)
            fprintf(run->out, ": %s", ctl_view_reason(reason, op, budget));
        fputc('\n', run->out);
    }
}

void ctl_detail_begin(const struct ctl_model *model, const struct ctl_operation *op,
                      const struct ctl_run *run)
{
    ctl_view_heading(model, run);
    ctl_paint(run->out, &run->term, CTL_HEADING, op->name);
    fprintf(run->out, "  (%s, %s)\n", spy_kind_name(op->kind),
            op->mapped ? "named by a rule" : "not named by a rule");
    print_counts(model, op, run);
}

/* What is told of requests alone, and of statements alone. */
static void print_requests(const struct ctl_operation *op, const struct ctl_run *run)
{
    if (op->kind == SPY_KIND_HTTP) {
        ctl_requests_parts(op, run);
        ctl_requests_queries(op, run);
    } else {
        ctl_requests_attributed(op, run);
    }
}

void ctl_detail_print(const struct ctl_model *model, const struct ctl_operation *op,
                      const struct ctl_run *run)
{
    ctl_detail_begin(model, op, run);
    if (spy_totals_timed(&op->totals) > 0) {
        ctl_detail_times(op, run);
        print_split(op, run);
    }
    if (op->totals.calls > 0) {
        print_requests(op, run);
        print_codes(op, run);
        print_volume(op, run);
    }
    print_budgets(op, run);
    if (op->statement != NULL) {
        ctl_view_label(run, "statement");
        fprintf(run->out, "%s\n", op->statement);
    }
    if (spy_totals_timed(&op->totals) > 0)
        print_levels(model, op, run);
}
