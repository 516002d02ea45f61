/* SPDX-License-Identifier: MIT */
/*
 * `benchmarks`: every budget of the rules against what was measured.
 */
#include "ctl/bench.h"
#include "ctl/command.h"
#include "ctl/format.h"
#include "ctl/json.h"
#include "ctl/limits.h"
#include "ctl/table.h"
#include "ctl/view.h"

#include <string.h>

const struct ctl_command ctl_command_benchmarks = {
    .name = "benchmarks",
    .operands = "",
    .summary = "compare operations with the budgets in the rules",
    .help = "Shows for every budget the limit, the value, and how many calls stand behind it: "
            "missed ones first. Budgets come from the rules and from --set.\n\n"
            "A verdict on a quantile needs as many calls as make that quantile more than "
            "another name of the maximum: 2 for p50, 10 for p90, 20 for p95, 100 for p99, "
            "1,000 for p99.9; one on mean, max or errors needs a single call. On fewer calls "
            "it says \"no data\", unless each of them took longer than the limit, which is a "
            "miss however few they are. --min-calls sets the number for all.\n\n"
            "The exit status is 1 if a budget is missed, 0 if all are met or have no data.",
    .options = CTL_READS | CTL_BIT(LAST) | CTL_BIT(SET) | CTL_BIT(MIN_CALLS),
    .run = ctl_cmd_benchmarks,
};

/* "8 of 20": too few for a verdict. */
static char *calls_of(char out[2 * CTL_NUMBER_BYTES], const struct ctl_bench *bench)
{
    char needed[CTL_NUMBER_BYTES];
    uint64_t calls = bench->op->totals.calls;
    ctl_format_count(out, calls);
    if (bench->verdict == CTL_BENCH_NO_DATA && calls > 0) {
        strcat(out, " of ");
        strcat(out, ctl_format_count(needed, ctl_calls_needed(bench->op, bench->budget->stat)));
    }
    return out;
}

static void print_table(const struct ctl_model *model, const struct ctl_bench_list *list,
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
    char text[2 * CTL_NUMBER_BYTES];
    struct ctl_table *table = ctl_table_new(columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < list->count; i++) {
        const struct ctl_bench *bench = &list->bench[i];
        enum ctl_paint paint = ctl_verdict_paint(bench->verdict);
        ctl_table_cell(table, paint, ctl_verdict_name(bench->verdict));
        ctl_table_cell(table, CTL_PLAIN, bench->op->name);
        ctl_table_cell(table, CTL_PLAIN, spy_stat_name(bench->budget->stat));
        ctl_table_cell(table, paint, ctl_view_value(text, bench->op, bench->budget));
        ctl_table_cell(table, CTL_PLAIN, ctl_view_limit(text, bench->budget));
        ctl_table_cell(table, CTL_PLAIN, calls_of(text, bench));
    }
    ctl_view_heading(model, run);
    ctl_table_print(table, run->out, &run->term);
    if (list->count == 0)
        fputs("no benchmarks: neither in the rules in force nor by --set\n", run->out);
    else
        fprintf(run->out, "%zu missed, %zu met, %zu without data\n", list->with[CTL_BENCH_MISSED],
                list->with[CTL_BENCH_MET], list->with[CTL_BENCH_NO_DATA]);
    ctl_table_free(table);
}

static enum ctl_exit show(struct ctl_model *model, const struct ctl_run *run)
{
    struct spy_error error;
    if (run->args->limits != NULL) {
        enum spy_status status = ctl_limits_apply(run->args->limits, model, &error);
        if (status != SPY_OK) {
            ctl_say(run->err, "--set: %s", error.text);
            return status == SPY_ERR_ABSENT ? CTL_NOTHING : CTL_USAGE;
        }
    }
    ctl_limits_min_calls(model, run->args->min_calls);
    struct ctl_bench_list list = ctl_bench_judge(model);
    if (run->args->json)
        ctl_json_print(run, ctl_json_benchmarks(model, &list));
    else
        print_table(model, &list, run);
    enum ctl_exit result = list.with[CTL_BENCH_MISSED] > 0 ? CTL_MISSED : CTL_OK;
    ctl_bench_free(&list);
    return result;
}

enum ctl_exit ctl_cmd_benchmarks(const struct ctl_run *run)
{
    return ctl_model_answer(run, show);
}
