/* SPDX-License-Identifier: MIT */
/*
 * `benchmarks`: every budget of the rules against what was measured.
 */
#include "ctl/command.h"
#include "ctl/format.h"
#include "ctl/json.h"
#include "ctl/table.h"
#include "ctl/view.h"

#include <stdlib.h>
#include <string.h>

struct line {
    const struct ctl_operation *op;
    const struct spy_budget *budget;
    enum ctl_verdict verdict;
};

struct lines {
    struct line *line;
    size_t count;
    size_t with[CTL_BENCH_NO_DATA + 1]; /* lines of each verdict */
};

/* Value in units of the limit. */
static double excess(const struct line *line)
{
    double value = ctl_operation_stat(line->op, line->budget->stat);
    return line->budget->limit > 0 ? value / (double)line->budget->limit : value;
}

/* Missed, met, no data; the worst of each first. */
static int by_verdict(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    if (x->verdict != y->verdict)
        return x->verdict < y->verdict ? -1 : 1;
    double p = excess(x), q = excess(y);
    return p != q ? (p < q ? 1 : -1) : strcmp(x->op->name, y->op->name);
}

static struct lines collect(const struct ctl_model *model)
{
    struct lines lines = {0};
    lines.line = ctl_alloc(model->count * SPY_BUDGETS * sizeof(*lines.line));
    for (size_t i = 0; i < model->count; i++) {
        const struct ctl_operation *op = model->operation[i];
        for (uint32_t k = 0; k < op->budgets; k++) {
            enum ctl_verdict verdict = ctl_operation_verdict(op, &op->budget[k]);
            lines.line[lines.count++] = (struct line){op, &op->budget[k], verdict};
            lines.with[verdict]++;
        }
    }
    qsort(lines.line, lines.count, sizeof(*lines.line), by_verdict);
    return lines;
}

static void print_table(const struct ctl_model *model, const struct lines *lines,
                        const struct ctl_run *run)
{
    static const struct ctl_column columns[] = {
        {.title = "BENCHMARK"},
        {.title = "OPERATION", .elastic = true},
        {.title = "STAT"},
        {.title = "VALUE", .right = true},
        {.title = "LIMIT", .right = true},
        {.title = "CALLS", .right = true, .rank = 1},
    };
    char text[CTL_NUMBER_BYTES];
    struct ctl_table *table = ctl_table_new(columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < lines->count; i++) {
        const struct line *line = &lines->line[i];
        enum ctl_paint paint = ctl_verdict_paint(line->verdict);
        ctl_table_cell(table, paint, ctl_verdict_name(line->verdict));
        ctl_table_cell(table, CTL_PLAIN, line->op->name);
        ctl_table_cell(table, CTL_PLAIN, spy_stat_name(line->budget->stat));
        ctl_table_cell(table, paint, ctl_view_value(text, line->op, line->budget));
        ctl_table_cell(table, CTL_PLAIN, ctl_view_limit(text, line->budget));
        ctl_table_cell(table, CTL_PLAIN, ctl_format_count(text, line->op->totals.calls));
    }
    ctl_view_heading(model, run);
    ctl_table_print(table, run->out, &run->term);
    if (lines->count == 0)
        fputs("no benchmarks in the rules in force\n", run->out);
    else
        fprintf(run->out, "%zu missed, %zu met, %zu without data\n", lines->with[CTL_BENCH_MISSED],
                lines->with[CTL_BENCH_MET], lines->with[CTL_BENCH_NO_DATA]);
    ctl_table_free(table);
}

static void print_json(const struct ctl_model *model, const struct lines *lines,
                       const struct ctl_run *run)
{
    json_t *o = ctl_json_begin(model);
    json_t *array = json_array();
    for (size_t i = 0; i < lines->count; i++) {
        const struct line *line = &lines->line[i];
        json_t *entry = ctl_json_benchmark(line->op, line->budget);
        ctl_json_set(entry, "operation", json_string(line->op->name));
        ctl_json_set(entry, "kind", json_string(spy_kind_name(line->op->kind)));
        ctl_json_set(entry, "calls", ctl_json_count(line->op->totals.calls));
        ctl_json_append(array, entry);
    }
    ctl_json_set(o, "benchmarks", array);
    ctl_json_set(o, "missed", ctl_json_count(lines->with[CTL_BENCH_MISSED]));
    ctl_json_set(o, "met", ctl_json_count(lines->with[CTL_BENCH_MET]));
    ctl_json_set(o, "no_data", ctl_json_count(lines->with[CTL_BENCH_NO_DATA]));
    ctl_json_print(run, o);
}

static enum ctl_exit show(struct ctl_model *model, const struct ctl_run *run)
{
    struct lines lines = collect(model);
    if (run->args->json)
        print_json(model, &lines, run);
    else
        print_table(model, &lines, run);
    free(lines.line);
    return lines.with[CTL_BENCH_MISSED] > 0 ? CTL_MISSED : CTL_OK;
}

enum ctl_exit ctl_cmd_benchmarks(const struct ctl_run *run)
{
    return ctl_model_answer(run, show);
}
