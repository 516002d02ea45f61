/* SPDX-License-Identifier: MIT */
/*
 * `stats`: operations in a table, worst first, or one of them in detail (detail.c).
 */
#include "ctl/command.h"
#include "ctl/detail.h"
#include "ctl/find.h"
#include "ctl/format.h"
#include "ctl/json.h"
#include "ctl/self.h"
#include "ctl/table.h"
#include "ctl/view.h"

#include <stdlib.h>

const struct ctl_command ctl_command_stats = {
    .name = "stats",
    .operands = "[OPERATION]",
    .summary = "show calls, errors and latencies by operation, worst first",
    .help = "Shows every operation that was called: how often, how often it failed, and how "
            "long it took. Worst first: by the share of critical calls, then of slow ones, "
            "then by total time.\n\n"
            "~ behind a name: the rules have it sampled (sample: 1/N). Its calls and errors "
            "are exact, its times and levels are estimated from the calls that were timed, "
            "and a slow one among the others is not seen.\n\n"
            "With OPERATION shows that one in detail. \"never executed\" are statements "
            "that were queued in a pipeline and dropped, since one before them failed or the "
            "connection ended: they are no calls. A name without what stands before its "
            "last dot will do where it is the only one: get_part for parts_crud.get_part.\n\n"
            "With --self shows what perfspy itself costs each process. Of its calls about one "
            "in 256 is timed; what is said of all of them is an estimate from those. Exact are "
            "the CPU times of its helper thread and of the process, which are of the last step "
            "of history. It also says whether perfspy backs off: where its part of the "
            "program's calls takes more than PERFSPY_COST_LIMIT of the process' CPU time it "
            "ends captures, then no longer attributes queries to requests nor keeps "
            "percentiles of the parts of requests, until it takes less than half of that. "
            "Calls, errors and latencies are counted all the same.",
    .options = CTL_READS | CTL_BIT(LAST) | CTL_BIT(WATCH) | CTL_BIT(SELF),
    .max_operands = 1,
    .run = ctl_cmd_stats,
};

#define STATEMENT_WIDTH 72u /* of an unmapped statement, in characters; `stats NAME` shows all */

static const struct ctl_column columns[] = {
    {.title = "OPERATION", .elastic = true},
    {.title = "CALLS", .right = true},
    {.title = "ERR", .right = true},
    {.title = "RATE", .right = true, .rank = 3},
    {.title = "MEAN", .right = true, .rank = 2},
    {.title = "P50", .right = true, .rank = 6},
    {.title = "P95", .right = true},
    {.title = "P99", .right = true, .rank = 5},
    {.title = "MAX", .right = true, .rank = 1},
    {.title = "LEVELS", .rank = 7},
    {.title = "BENCH", .rank = 4},
    {.title = "STATEMENT", .rank = 8},
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static void time_cell(struct ctl_table *table, const struct ctl_operation *op, uint32_t stat)
{
    char text[CTL_NUMBER_BYTES] = "-";
    if (spy_totals_timed(&op->totals) > 0)
        ctl_format_duration(text, ctl_operation_stat(op, stat));
    ctl_table_cell(table, CTL_PLAIN, text);
}

/* The statement of an operation that no rule names: its own name says little. */
static void statement_cell(struct ctl_table *table, const struct ctl_operation *op)
{
    char text[CTL_VIEW_SHORT_BYTES(STATEMENT_WIDTH)];
    bool shown = !op->mapped && op->statement != NULL;
    ctl_view_short(text, STATEMENT_WIDTH, shown ? op->statement : "");
    ctl_table_cell(table, CTL_QUIET, text);
}

static void add_row(struct ctl_table *table, const struct ctl_model *model,
                    const struct ctl_operation *op, bool statements)
{
    char text[CTL_NUMBER_BYTES];
    const struct spy_totals *t = &op->totals;
    char name[SPY_NAME_BYTES + sizeof(CTL_VIEW_ESTIMATED)];
    snprintf(name, sizeof(name), "%s%s", op->name, t->untimed > 0 ? CTL_VIEW_ESTIMATED : "");
    ctl_table_cell(table, ctl_operation_paint(op), name);
    ctl_table_cell(table, CTL_PLAIN, ctl_format_count(text, t->calls));
    ctl_table_cell(table, t->errors > 0 ? CTL_BAD : CTL_QUIET,
                   t->errors > 0 ? ctl_format_count(text, t->errors) : "-");
    ctl_table_cell(table, CTL_PLAIN, ctl_format_rate(text, ctl_operation_rate(model, op)));
    time_cell(table, op, SPY_STAT_MEAN);
    time_cell(table, op, SPY_STAT_P50);
    time_cell(table, op, SPY_STAT_P95);
    time_cell(table, op, SPY_STAT_P99);
    time_cell(table, op, SPY_STAT_MAX);
    ctl_view_bar(text, t->level);
    ctl_table_cell(table, ctl_operation_paint(op), text);
    enum ctl_verdict verdict = ctl_operation_verdicts(op);
    ctl_table_cell(table, ctl_verdict_paint(verdict),
                   verdict == CTL_BENCH_NO_DATA ? "-" : ctl_verdict_name(verdict));
    if (statements)
        statement_cell(table, op);
}

/* What a table has to show, and what is told below it. */
struct overview {
    size_t shown;
    size_t silent;           /* named by a rule, and nothing to tell */
    uint64_t never_executed; /* statements */
    bool statements;         /* some have their statement for want of a name */
    uint64_t calls;          /* of those that are sampled; and those of them that were timed */
    uint64_t timed;
};

static struct overview look_over(const struct ctl_model *model)
{
    struct overview o = {0};
    for (size_t i = 0; i < model->count; i++) {
        const struct ctl_operation *op = model->operation[i];
        bool any = spy_totals_any(&op->totals);
        o.shown += any;
        o.silent += op->mapped && !any;
        o.never_executed += op->kind == SPY_KIND_SQL ? op->totals.aborted : 0;
        o.calls += op->totals.untimed > 0 ? op->totals.calls : 0;
        o.timed += op->totals.untimed > 0 ? spy_totals_timed(&op->totals) : 0;
        o.statements = o.statements || (!op->mapped && op->statement && any);
    }
    return o;
}

static void print_footer(const struct ctl_model *model, const struct ctl_run *run,
                         const struct overview *o)
{
    char count[CTL_NUMBER_BYTES];
    if (o->shown > 0) {
        fputs("levels:", run->out);
        for (uint32_t i = 0; i < SPY_LEVEL_COUNT; i++) {
            char bound[CTL_NUMBER_BYTES];
            fprintf(run->out, " %c %s", CTL_BAR_CHARS[i], spy_level_name(i));
            if (i + 1 < SPY_LEVEL_COUNT)
                fprintf(run->out, " < %s ", ctl_format_limit(bound, model->level_bounds_ns[i]));
        }
        fputc('\n', run->out);
    }
    if (o->never_executed > 0)
        fprintf(run->out,
                "%s statement%s never executed: one before in the pipeline failed, or the "
                "connection ended\n",
                ctl_format_count(count, o->never_executed),
                o->never_executed == 1 ? " was" : "s were");
    if (o->calls > 0) {
        char timed[CTL_NUMBER_BYTES];
        fprintf(run->out,
                "~ sampled (sample: in the rules): times and levels are estimated from %s of %s "
                "calls; calls and errors are exact, a slow call among the others is not seen\n",
                ctl_format_count(timed, o->timed), ctl_format_count(count, o->calls));
    }
    if (o->silent > 0)
        fprintf(run->out, "%zu mapped operation%s saw no calls\n", o->silent,
                o->silent == 1 ? "" : "s");
}

static void print_table(struct ctl_model *model, const struct ctl_run *run)
{
    struct overview o = look_over(model);
    struct ctl_table *table = ctl_table_new(columns, COLUMNS - !o.statements);
    for (size_t i = 0; i < model->count; i++)
        if (spy_totals_any(&model->operation[i]->totals))
            add_row(table, model, model->operation[i], o.statements);
    ctl_view_heading(model, run);
    if (o.shown == 0)
        fputs("no calls\n", run->out);
    ctl_table_print(table, run->out, &run->term);
    print_footer(model, run, &o);
    ctl_table_free(table);
}

static enum ctl_exit show(struct ctl_model *model, const struct ctl_run *run)
{
    const struct ctl_operation *only = NULL;
    enum ctl_exit result = CTL_OK;
    if (model->count > 0)
        qsort(model->operation, model->count, sizeof(struct ctl_operation *), ctl_operation_worse);
    if (run->args->operands > 0) {
        only = ctl_find_operation(model, run->args->operand[0], &result, run->err);
        if (only == NULL)
            return result;
    }
    if (run->args->json)
        ctl_json_print(run, ctl_json_stats(model, only));
    else if (only != NULL)
        ctl_detail_print(model, only, run);
    else
        print_table(model, run);
    return CTL_OK;
}

enum ctl_exit ctl_cmd_stats(const struct ctl_run *run)
{
    return run->args->self ? ctl_self_answer(run) : ctl_model_answer(run, show);
}
