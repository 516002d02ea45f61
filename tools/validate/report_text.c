/* SPDX-License-Identifier: MIT */
/*
 * The report for people.
 */
#include "validate/report.h"

#include "ctl/format.h"
#include "ctl/table.h"
#include "ctl/view.h"

#include <inttypes.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct printer {
    const struct val_report *report;
    FILE *out;
    const struct ctl_term *term;
    struct ctl_table *table;
    char text[CTL_NUMBER_BYTES];
};

static void cell(struct printer *p, const char *text)
{
    ctl_table_cell(p->table, CTL_PLAIN, text);
}

static void cell_count(struct printer *p, uint64_t count)
{
    cell(p, ctl_format_count(p->text, count));
}

static void cell_time(struct printer *p, double ns)
{
    cell(p, ctl_format_duration(p->text, ns));
}

static void begin(struct printer *p, const struct ctl_column *columns, size_t count)
{
    p->table = ctl_table_new(columns, count);
}

static void end(struct printer *p)
{
    ctl_table_print(p->table, p->out, p->term);
    ctl_table_free(p->table);
}

static void print_head(struct printer *p)
{
    const struct val_settings *s = p->report->settings;
    char took[CTL_NUMBER_BYTES], parts[CTL_NUMBER_BYTES];
    fprintf(p->out, VAL_NAME " " SPY_VERSION ": %s\n", s->url);
    fprintf(p->out,
            "%s, took %s; %s parts; rules %s\n"
            "%" PRIu32 " connections, %" PRIu32 " requests a scenario after %" PRIu32
            " to warm up\n\n",
            ctl_format_utc(p->text, p->report->begin_ns),
            ctl_format_duration(took, (double)p->report->dur_ns),
            ctl_format_count(parts, p->report->parts > 0 ? (uint64_t)p->report->parts : 0),
            p->report->rules_path, s->concurrency, s->requests, s->warmup);
}

/* ---- scenarios ------------------------------------------------------------------------------ */

static void print_scenarios(struct printer *p)
{
    static const struct ctl_column columns[] = {
        {.title = "SCENARIO"},
        {.title = "RESULT"},
        {.title = "REQUESTS", .right = true},
        {.title = "CHECKS", .right = true},
        {.title = "FAILED", .right = true},
        {.title = "TIME", .right = true},
        {.title = "RATE", .right = true},
    };
    begin(p, columns, COUNT(columns));
    for (size_t i = 0; i < p->report->outcomes->count; i++) {
        const struct val_outcome *o = &p->report->outcomes->outcome[i];
        uint64_t checks = val_findings_checks(&o->findings);
        if (o->scenario == NULL && checks == 0)
            continue;
        cell(p, val_outcome_name(o));
        ctl_table_cell(p->table, val_outcome_good(o) ? CTL_GOOD : CTL_BAD, val_outcome_word(o));
        cell_count(p, o->requests);
        cell_count(p, checks);
        cell_count(p, val_findings_failed(&o->findings));
        cell_time(p, (double)o->dur_ns);
        cell(p, ctl_format_rate(
                    p->text, o->dur_ns > 0 ? (double)o->requests * 1e9 / (double)o->dur_ns : -1));
    }
    end(p);
}

/* ---- operations ----------------------------------------------------------------------------- */

static void print_operations(struct printer *p)
{
    static const struct ctl_column columns[] = {
        {.title = "OPERATION"},          {.title = "CALLS", .right = true},
        {.title = "ERR", .right = true}, {.title = "MEAN", .right = true},
        {.title = "P50", .right = true}, {.title = "P95", .right = true},
        {.title = "P99", .right = true}, {.title = "MAX", .right = true},
    };
    static const uint32_t stats[] = {SPY_STAT_MEAN, SPY_STAT_P50, SPY_STAT_P95, SPY_STAT_P99,
                                     SPY_STAT_MAX};
    begin(p, columns, COUNT(columns));
    for (size_t i = 0; i < p->report->model.count; i++) {
        const struct ctl_operation *op = p->report->model.operation[i];
        if (op->totals.calls == 0 || op->kind != SPY_KIND_HTTP)
            continue;
        cell(p, op->name);
        cell_count(p, op->totals.calls);
        cell(p, op->totals.errors > 0 ? ctl_format_count(p->text, op->totals.errors) : "-");
        for (size_t k = 0; k < COUNT(stats); k++)
            cell_time(p, ctl_operation_stat(op, stats[k]));
    }
    fputc('\n', p->out);
    end(p);
}

static void print_benchmarks(struct printer *p)
{
    static const struct ctl_column columns[] = {
        {.title = "BENCHMARK"},
        {.title = "OPERATION"},
        {.title = "STAT"},
        {.title = "VALUE", .right = true},
        {.title = "LIMIT", .right = true},
        {.title = "CALLS", .right = true},
        {.title = "SEEN BY"},
    };
    begin(p, columns, COUNT(columns));
    for (size_t i = 0; i < p->report->bench.count; i++) {
        const struct ctl_bench *bench = &p->report->bench.bench[i];
        enum ctl_paint paint = ctl_verdict_paint(bench->verdict);
        ctl_table_cell(p->table, paint, ctl_verdict_name(bench->verdict));
        cell(p, bench->op->name);
        cell(p, spy_stat_name(bench->budget->stat));
        ctl_table_cell(p->table, paint, ctl_view_value(p->text, bench->op, bench->budget));
        cell(p, ctl_view_limit(p->text, bench->budget));
        cell_count(p, bench->op->totals.calls);
        cell(p, bench->op->kind == SPY_KIND_HTTP ? "client" : "server");
    }
    fputc('\n', p->out);
    end(p);
}

/* ---- the service's view --------------------------------------------------------------------- */

/* "=", or by how much the service saw more or fewer requests than we sent. */
static void cell_more(struct printer *p, const struct val_pair *pair)
{
    int64_t more = (int64_t)(pair->server_calls - pair->client_calls);
    if (more == 0) {
        cell(p, "=");
        return;
    }
    snprintf(p->text, sizeof(p->text), "%+" PRId64, more);
    ctl_table_cell(p->table, CTL_WARN, p->text);
}

static void add_pair(struct printer *p, const struct val_pair *pair)
{
    cell(p, pair->name);
    cell_count(p, pair->client_calls);
    if (!pair->known) {
        for (int i = 0; i < 5; i++)
            cell(p, i == 2 ? ctl_format_duration(p->text, pair->client_p95_ns) : "-");
        return;
    }
    double outside = pair->client_p95_ns - pair->server_p95_ns;
    cell_count(p, pair->server_calls);
    cell_more(p, pair);
    cell_time(p, pair->client_p95_ns);
    cell_time(p, pair->server_p95_ns);
    cell(p, outside > 0 ? ctl_format_duration(p->text, outside) : "-");
}

static void print_server(struct printer *p)
{
    static const struct ctl_column columns[] = {
        {.title = "OPERATION"},
        {.title = "SENT", .right = true},
        {.title = "SERVED", .right = true},
        {.title = "MORE", .right = true},
        {.title = "CLIENT P95", .right = true},
        {.title = "SERVER P95", .right = true},
        {.title = "OUTSIDE", .right = true},
    };
    const struct val_server *server = p->report->server;
    struct val_pair pair;
    if (!server->taken) {
        fprintf(p->out, "\nno view of the server's own: %s\n", server->reason);
        return;
    }
    const struct ctl_member *first = &server->after.member[0];
    const char *slash = strrchr(first->exe, '/');
    fprintf(p->out, "\nserver: process %d%s (%s), as libperfspy saw it; all requests of this run\n",
            first->pid, server->after.members > 1 ? " and its like" : "",
            slash != NULL ? slash + 1 : first->exe);
    begin(p, columns, COUNT(columns));
    for (size_t at = 0; val_report_pair(p->report, &at, &pair);)
        add_pair(p, &pair);
    end(p);
    fputs("MORE: requests of other clients. OUTSIDE: network, client, waiting for a thread.\n",
          p->out);
}

/* ---- what failed ---------------------------------------------------------------------------- */

static void print_failures(struct printer *p)
{
    bool any = false;
    for (size_t i = 0; i < p->report->outcomes->count; i++) {
        const struct val_outcome *o = &p->report->outcomes->outcome[i];
        for (size_t k = 0; k < o->findings.count; k++) {
            const struct val_check *check = &o->findings.check[k];
            if (check->failed == 0)
                continue;
            fputs(any ? "" : "\nFAILED CHECKS\n", p->out);
            fprintf(p->out, "%s: %s: failed %" PRIu64 " of %" PRIu64 " times, first:\n    %s\n",
                    val_outcome_name(o), check->what, check->failed, check->failed + check->passed,
                    check->detail);
            any = true;
        }
    }
}

void val_report_text(const struct val_report *report, FILE *out, const struct ctl_term *term)
{
    struct printer p = {.report = report, .out = out, .term = term};
    int result = val_report_exit(report);
    print_head(&p);
    print_scenarios(&p);
    print_operations(&p);
    print_benchmarks(&p);
    print_server(&p);
    print_failures(&p);
    fputc('\n', out);
    ctl_paint(out, term, result == VAL_OK ? CTL_GOOD : CTL_BAD, "verdict: ");
    val_report_sentence(report, out);
}
