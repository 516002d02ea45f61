/* SPDX-License-Identifier: MIT */
/*
 * `trend`: the course of a window, a line for each stretch of it (trend.c).
 */
#include "ctl/command.h"
#include "ctl/format.h"
#include "ctl/json.h"
#include "ctl/table.h"
#include "ctl/trend.h"
#include "ctl/view.h"

#include <string.h>

const struct ctl_command ctl_command_trend = {
    .name = "trend",
    .operands = "[OPERATION]",
    .summary = "show how a window went: calls, latencies and process use over time",
    .help = "Shows the last hour, or --last, in some thirty lines: the calls that ended in "
            "each stretch of time, their rate, errors and percentiles, and the most memory, "
            "threads and descriptors that the processes used in it, added up. All requests "
            "together, or where there were none all statements; with OPERATION that one.\n\n"
            "History is kept in steps of 10 seconds for an hour, of a minute for a day and of "
            "10 minutes after that, as long as its bytes suffice; the watched program's "
            "environment may set it otherwise (PERFSPY_HISTORY, PERFSPY_HISTORY_STEPS). Older "
            "steps are added up, never averaged. Where a step is longer than --step it counts "
            "in the line that it ended in.",
    .options = CTL_READS | CTL_BIT(LAST) | CTL_BIT(STEP) | CTL_BIT(WATCH),
    .max_operands = 1,
    .run = ctl_cmd_trend,
};

static const struct ctl_column columns[] = {
    {.title = "UNTIL"},
    {.title = "CALLS", .right = true},
    {.title = "RATE", .right = true, .rank = 3},
    {.title = "ERR", .right = true},
    {.title = "MEAN", .right = true, .rank = 2},
    {.title = "P50", .right = true},
    {.title = "P95", .right = true},
    {.title = "P99", .right = true, .rank = 1},
    {.title = "RSS", .right = true, .rank = 4},
    {.title = "THREADS", .right = true, .rank = 5},
    {.title = "FDS", .right = true, .rank = 6},
};

static void quantile_cell(struct ctl_table *table, const struct spy_totals *t, double q)
{
    char text[CTL_NUMBER_BYTES] = "-";
    if (spy_totals_timed(t) > 0)
        ctl_format_duration(text, spy_hist_quantile_ns(&t->hist, q, t->min_ns, t->max_ns));
    ctl_table_cell(table, CTL_PLAIN, text);
}

static void add_point(struct ctl_table *table, const struct ctl_trend_point *p,
                      const struct ctl_run *run)
{
    char text[CTL_NUMBER_BYTES];
    const struct spy_totals *t = &p->totals;
    double seconds = (double)(p->end_ns - p->begin_ns) / 1e9;
    ctl_format_local(text, p->end_ns, run->now_real_ns);
    *strrchr(text, '.') = '\0'; /* milliseconds */
    ctl_table_cell(table, CTL_PLAIN, text);
    ctl_table_cell(table, CTL_PLAIN, ctl_format_count(text, t->calls));
    ctl_table_cell(table, CTL_PLAIN,
                   ctl_format_rate(text, seconds > 0 ? (double)t->calls / seconds : -1));
    ctl_table_cell(table, t->errors > 0 ? CTL_BAD : CTL_QUIET,
                   t->errors > 0 ? ctl_format_count(text, t->errors) : "-");
    strcpy(text, "-");
    if (spy_totals_timed(t) > 0)
        ctl_format_duration(text, (double)t->sum_ns / (double)t->calls);
    ctl_table_cell(table, CTL_PLAIN, text);
    quantile_cell(table, t, 0.5);
    quantile_cell(table, t, 0.95);
    quantile_cell(table, t, 0.99);
    ctl_view_use(table, &p->use);
}

/* Before this there is nothing to tell: the processes are younger, or history holds no more. */
static bool is_covered(const struct ctl_trend *trend, size_t i)
{
    return trend->point[i].end_ns > trend->model.begin_ns;
}

static void print_table(const struct ctl_trend *trend, const struct ctl_run *run)
{
    char step[CTL_NUMBER_BYTES];
    struct ctl_table *table = ctl_table_new(columns, sizeof(columns) / sizeof(columns[0]));
    ctl_view_heading(&trend->model, run);
    fprintf(run->out, "%s, in steps of %s\n",
            trend->only != NULL            ? trend->only->name
            : trend->kind == SPY_KIND_HTTP ? "all requests"
                                           : "all statements",
            ctl_format_limit(step, trend->step_ns));
    for (size_t i = 0; i < trend->points; i++)
        if (is_covered(trend, i))
            add_point(table, &trend->point[i], run);
    ctl_table_print(table, run->out, &run->term);
    ctl_table_free(table);
}

enum ctl_exit ctl_cmd_trend(const struct ctl_run *run)
{
    struct ctl_source source;
    struct ctl_trend trend;
    enum ctl_exit result = ctl_source_open(&source, run, CTL_WANT_WINDOW);
    if (result != CTL_OK)
        return result;
    result = ctl_trend_load(&trend, &source, run,
                            run->args->operands > 0 ? run->args->operand[0] : NULL);
    if (result == CTL_OK && run->args->json)
        ctl_json_print(run, ctl_json_trend(&trend));
    else if (result == CTL_OK)
        print_table(&trend, run);
    ctl_trend_free(&trend);
    ctl_source_free(&source);
    return result;
}
