/* SPDX-License-Identifier: MIT */
/*
 * Tables and lines about requests; see requests.h.
 */
#include "ctl/requests.h"

#include "ctl/detail.h"
#include "ctl/parts.h"
#include "ctl/repeats.h"
#include "ctl/table.h"
#include "ctl/view.h"

#define STATEMENT_WIDTH 72u /* in characters; `stats NAME` shows all */

/* ---- lines of a long form ------------------------------------------------------------------- */

static void print_part(const struct ctl_operation *op, enum spy_part part,
                       const struct ctl_parts *parts, const struct ctl_run *run)
{
    char mean[CTL_NUMBER_BYTES], share[CTL_NUMBER_BYTES];
    const struct spy_totals *t = &op->totals;
    fprintf(run->out, "%s%s %s (%s)", part > 0 ? "  " : "", ctl_part_name(part),
            ctl_format_duration(mean, (double)parts->ns[part] / (double)t->calls),
            ctl_format_percent(share, (double)parts->ns[part], (double)t->sum_ns));
}

void ctl_requests_parts(const struct ctl_operation *op, const struct ctl_run *run)
{
    struct ctl_parts parts = ctl_parts_of(&op->totals);
    ctl_view_label(run, "parts");
    for (unsigned i = 0; i < CTL_PART_COUNT; i++)
        print_part(op, (enum spy_part)i, &parts, run);
    fprintf(run->out, "%s\n", parts.overlapping ? "  (overlapping)" : "");
}

/* A quantile of a part, "-" where no request was counted in it. */
static void quantile_cell(struct ctl_table *table, const struct spy_totals *t, enum spy_part part,
                          double q)
{
    char text[CTL_NUMBER_BYTES] = "-";
    if (spy_part_count(&t->part[part]) > 0)
        ctl_format_duration(text, spy_part_quantile_ns(&t->part[part], q, t->max_ns));
    ctl_table_cell(table, CTL_PLAIN, text);
}

static void add_part(struct ctl_table *table, const struct spy_totals *t, enum spy_part part,
                     uint64_t ns)
{
    char text[CTL_NUMBER_BYTES];
    ctl_table_cell(table, CTL_PLAIN, "");
    ctl_table_cell(table, CTL_PLAIN, ctl_part_name(part));
    ctl_table_cell(table, CTL_PLAIN, ctl_format_percent(text, (double)ns, (double)t->sum_ns));
    ctl_table_cell(table, CTL_PLAIN, ctl_format_duration(text, (double)ns / (double)t->calls));
    quantile_cell(table, t, part, 0.5);
    quantile_cell(table, t, part, 0.95);
    quantile_cell(table, t, part, 0.99);
}

/* All parts with their percentiles, the time to the first byte last: it overlaps the others. */
static void print_parts(const struct ctl_operation *op, const struct ctl_run *run)
{
    static const struct ctl_column columns[] = {
        {.title = ""},
        {.title = "PART"},
        {.title = "SHARE", .right = true},
        {.title = "MEAN", .right = true},
        {.title = "P50", .right = true},
        {.title = "P95", .right = true},
        {.title = "P99", .right = true},
    };
    const struct spy_totals *t = &op->totals;
    struct ctl_parts parts = ctl_parts_of(t);
    struct ctl_table *table = ctl_table_new(columns, sizeof(columns) / sizeof(columns[0]));
    for (unsigned i = 0; i < CTL_PART_COUNT; i++)
        add_part(table, t, (enum spy_part)i, parts.ns[i]);
    add_part(table, t, SPY_PART_FIRST_BYTE, t->wait_ns);
    ctl_table_print(table, run->out, &run->term);
    ctl_table_free(table);
    if (parts.overlapping)
        fputs("  queries ran at once: the parts overlap\n", run->out);
}

void ctl_requests_queries(const struct ctl_operation *op, const struct ctl_run *run)
{
    char text[CTL_NUMBER_BYTES];
    struct ctl_queries q = ctl_queries_of(&op->totals);
    if (!q.known)
        return;
    ctl_view_label(run, "queries");
    fprintf(run->out, "%s a request", ctl_mean_text(text, q.mean));
    if (q.spread) {
        fprintf(run->out, "  min %s", ctl_queries_text(text, "about ", q.min));
        fprintf(run->out, "  median %s", ctl_queries_text(text, "about ", q.median));
        fprintf(run->out, "  max %s", ctl_queries_text(text, "about ", q.max));
    }
    fputc('\n', run->out);
}

static void print_attribution(const struct ctl_attribution *a, const struct ctl_run *run)
{
    char n[CTL_NUMBER_BYTES];
    fprintf(run->out, "%s by thread, ", ctl_format_count(n, a->thread));
    fprintf(run->out, "%s as the only request, ", ctl_format_count(n, a->only));
    fprintf(run->out, "%s by tag, ", ctl_format_count(n, a->tag));
    fprintf(run->out, "%s unattributed\n", ctl_format_count(n, a->none));
}

void ctl_requests_attributed(const struct ctl_operation *op, const struct ctl_run *run)
{
    struct ctl_attribution attribution = ctl_attribution_of(&op->totals);
    if (!ctl_attribution_any(&attribution))
        return;
    ctl_view_label(run, "attributed");
    print_attribution(&attribution, run);
}

/* ---- repeated statements -------------------------------------------------------------------- */

static void add_repeat(struct ctl_table *table, const struct ctl_repeat *r)
{
    char text[CTL_NUMBER_BYTES], statement[CTL_VIEW_SHORT_BYTES(STATEMENT_WIDTH)];
    ctl_table_cell(table, CTL_PLAIN, r->request->name);
    ctl_table_cell(table, CTL_PLAIN, r->statement->name);
    ctl_table_cell(table, CTL_PLAIN, ctl_format_count(text, r->requests));
    ctl_table_cell(table, CTL_PLAIN, ctl_mean_text(text, (double)r->calls / (double)r->requests));
    ctl_table_cell(table, CTL_PLAIN, ctl_format_count(text, r->most));
    ctl_table_cell(table, CTL_PLAIN, ctl_format_duration(text, (double)r->ns));
    ctl_table_cell(table, CTL_PLAIN, r->site[0] != '\0' ? r->site : "-");
    ctl_view_short(statement, STATEMENT_WIDTH,
                   r->statement->statement != NULL ? r->statement->statement : "");
    ctl_table_cell(table, CTL_QUIET, statement);
}

/* Those of ONLY, or of all requests. */
static void print_repeats(const struct ctl_model *model, const struct ctl_operation *only,
                          const struct ctl_run *run)
{
    static const struct ctl_column columns[] = {
        {.title = "REPEATED IN", .elastic = true},
        {.title = "STATEMENT", .elastic = true},
        {.title = "REQUESTS", .right = true, .rank = 2},
        {.title = "A REQUEST", .right = true},
        {.title = "MOST", .right = true, .rank = 4},
        {.title = "TIME", .right = true, .rank = 1},
        {.title = "CALLED FROM", .rank = 3},
        {.title = "TEXT", .rank = 5},
    };
    size_t found = 0;
    struct ctl_table *table = ctl_table_new(columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < model->repeats; i++)
        if (only == NULL || model->repeat[i].request == only) {
            add_repeat(table, &model->repeat[i]);
            found++;
        }
    ctl_table_print(table, run->out, &run->term);
    ctl_table_free(table);
    if (found > 0 && model->window_ns > 0)
        fputs("repeated statements are those of whole lives\n", run->out);
}

/* ---- the table ------------------------------------------------------------------------------ */

static void queries_cells(struct ctl_table *table, const struct spy_totals *t)
{
    char text[CTL_NUMBER_BYTES];
    struct ctl_queries q = ctl_queries_of(t);
    ctl_table_cell(table, CTL_PLAIN, q.known ? ctl_mean_text(text, q.mean) : "-");
    ctl_table_cell(table, CTL_PLAIN, q.spread ? ctl_queries_text(text, "~", q.min) : "-");
    ctl_table_cell(table, CTL_PLAIN, q.spread ? ctl_queries_text(text, "~", q.median) : "-");
    ctl_table_cell(table, CTL_PLAIN, q.spread ? ctl_queries_text(text, "~", q.max) : "-");
}

static void add_request(struct ctl_table *table, const struct ctl_operation *op)
{
    char text[CTL_NUMBER_BYTES];
    const struct spy_totals *t = &op->totals;
    struct ctl_parts parts = ctl_parts_of(t);
    ctl_table_cell(table, ctl_operation_paint(op), op->name);
    ctl_table_cell(table, CTL_PLAIN, ctl_format_count(text, t->calls));
    ctl_table_cell(table, CTL_PLAIN,
                   ctl_format_duration(text, ctl_operation_stat(op, SPY_STAT_MEAN)));
    for (unsigned i = 0; i < CTL_PART_COUNT; i++)
        ctl_table_cell(table, CTL_PLAIN,
                       ctl_format_percent(text, (double)parts.ns[i], (double)t->sum_ns));
    queries_cells(table, t);
    ctl_table_cell(table, CTL_WARN, parts.overlapping ? "overlapping" : "");
}

static bool is_shown(const struct ctl_operation *op)
{
    return op->kind == SPY_KIND_HTTP && op->totals.calls > 0;
}

static void print_table(const struct ctl_model *model, const struct ctl_run *run)
{
    static const struct ctl_column columns[] = {
        {.title = "REQUEST", .elastic = true},
        {.title = "CALLS", .right = true, .rank = 2},
        {.title = "MEAN", .right = true},
        {.title = "READ", .right = true, .rank = 6},
        {.title = "DB WAIT", .right = true},
        {.title = "DB ROWS", .right = true, .rank = 1},
        {.title = "BLOCKED", .right = true, .rank = 3},
        {.title = "PROGRAM", .right = true},
        {.title = "QUERIES", .right = true},
        {.title = "MIN", .right = true, .rank = 7},
        {.title = "MEDIAN", .right = true, .rank = 5},
        {.title = "MAX", .right = true, .rank = 4},
        {.title = ""},
    };
    size_t shown = 0;
    struct ctl_table *table = ctl_table_new(columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < model->count; i++)
        if (is_shown(model->operation[i])) {
            add_request(table, model->operation[i]);
            shown++;
        }
    if (shown == 0)
        fputs("no requests\n", run->out);
    ctl_table_print(table, run->out, &run->term);
    ctl_table_free(table);
}

static void print_attributions(const struct ctl_model *model, const struct ctl_run *run)
{
    struct ctl_attribution all = ctl_attribution_of_all(model);
    if (!ctl_attribution_any(&all))
        return;
    fputs("queries: ", run->out);
    print_attribution(&all, run);
}

void ctl_requests_table(const struct ctl_model *model, const struct ctl_run *run)
{
    ctl_view_heading(model, run);
    print_table(model, run);
    print_attributions(model, run);
    print_repeats(model, NULL, run);
}

/* ---- one request ---------------------------------------------------------------------------- */

void ctl_requests_detail(const struct ctl_model *model, const struct ctl_operation *op,
                         const struct ctl_run *run)
{
    ctl_detail_begin(model, op, run);
    if (op->totals.calls > 0) {
        ctl_detail_times(op, run);
        ctl_requests_queries(op, run);
        print_parts(op, run);
    }
    print_repeats(model, op, run);
    print_attributions(model, run);
}
