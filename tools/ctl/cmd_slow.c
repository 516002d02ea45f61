/* SPDX-License-Identifier: MIT */
/*
 * `slow`: single calls that were slow or failed.
 */
#include "ctl/command.h"
#include "ctl/format.h"
#include "ctl/json.h"
#include "ctl/slow.h"
#include "ctl/table.h"
#include "ctl/view.h"

#include <string.h>

const struct ctl_command ctl_command_slow = {
    .name = "slow",
    .operands = "",
    .summary = "list single calls that were slow or failed",
    .help = "Lists the calls that were slow, critical or failed. Kept of each process are the "
            "newest 512 that were slow or longer than a benchmark, the newest 256 others that "
            "failed, and of each operation the 3 longest of those that were slow, since the "
            "start, of this hour and of the hour before: --worst shows these alone, with "
            "--last 1h those of now. WAIT is the time to the first result of a "
            "statement or to the first byte of a response, TAIL is the rest.\n\n"
            "With --full also shows of a statement the request that it was part of, how long "
            "it was queued before it was sent, "
            "the rows it affected, the number of its parameters, the name it was prepared "
            "under, the server, database and user, the process id of the server's backend, "
            "and the state of the transaction after it; --json has them, too.",
    .options = CTL_READS | CTL_BIT(LAST) | CTL_BIT(WATCH) | CTL_BIT(SORT) | CTL_BIT(LIMIT) |
               CTL_BIT(WORST) | CTL_BIT(FULL),
    .run = ctl_cmd_slow,
};

#define LIMIT_DEFAULT 20u

static const struct ctl_column columns[] = {
    {.title = "WHEN"},
    {.title = "OPERATION", .elastic = true},
    {.title = "TOTAL", .right = true},
    {.title = "WAIT", .right = true, .rank = 1},
    {.title = "TAIL", .right = true, .rank = 2},
    {.title = "ROWS", .right = true, .rank = 3},
    {.title = "CODE"},
    {.title = "PID/TID", .rank = 4},
};

static void add_row(struct ctl_table *table, const struct ctl_slow_call *call,
                    const struct ctl_run *run)
{
    char text[CTL_NUMBER_BYTES];
    const struct spy_sample *s = &call->sample;
    bool sql = call->kind == SPY_KIND_SQL;
    ctl_table_cell(table, CTL_PLAIN, ctl_format_local(text, call->end_ns, run->now_real_ns));
    ctl_table_cell(table, CTL_PLAIN, call->operation);
    bool timed = s->sampled != SPY_UNTIMED;
    ctl_table_cell(table, ctl_level_paint(call->level),
                   timed ? ctl_format_duration(text, (double)s->dur_ns) : "-");
    ctl_table_cell(table, CTL_PLAIN, timed ? ctl_format_duration(text, (double)s->wait_ns) : "-");
    ctl_table_cell(table, CTL_PLAIN,
                   timed ? ctl_format_duration(text, (double)ctl_slow_tail_ns(s)) : "-");
    ctl_table_cell(table, CTL_PLAIN, sql ? ctl_format_count(text, s->rows) : "-");
    const char *code = ctl_slow_code(text, call);
    ctl_table_cell(table, s->failed ? CTL_BAD : CTL_PLAIN,
                   *code != '\0' ? code
                   : s->aborted  ? "aborted"
                                 : "-");
    snprintf(text, sizeof(text), "%d/%u", call->pid, call->tid);
    ctl_table_cell(table, CTL_PLAIN, text);
}

static const char *request_of(const struct ctl_slow_call *call)
{
    return call->request;
}

/* Parameters of a request's URL. */
static const char *params_of(const struct ctl_slow_call *call)
{
    return call->kind == SPY_KIND_HTTP ? call->detail : "";
}

/* Columns that are there where some call has something to show in them. */
static const struct {
    struct ctl_column column;
    const char *(*text)(const struct ctl_slow_call *call);
} extras[] = {
    {{.title = "REQUEST", .rank = 5}, request_of},
    {{.title = "PARAMETERS", .rank = 6}, params_of},
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))
#define EXTRAS  (sizeof(extras) / sizeof(extras[0]))

static bool any(const struct ctl_slow *slow, size_t limit, size_t extra)
{
    for (size_t i = 0; i < limit; i++)
        if (*extras[extra].text(&slow->call[i]) != '\0')
            return true;
    return false;
}

static void print_table(const struct ctl_slow *slow, size_t limit, const struct ctl_run *run)
{
    struct ctl_column all[COLUMNS + EXTRAS];
    bool shown[EXTRAS];
    size_t count = COLUMNS;
    memcpy(all, columns, sizeof(columns));
    for (size_t e = 0; e < EXTRAS; e++) {
        shown[e] = any(slow, limit, e);
        if (shown[e])
            all[count++] = extras[e].column;
    }
    struct ctl_table *table = ctl_table_new(all, count);
    for (size_t i = 0; i < limit; i++) {
        add_row(table, &slow->call[i], run);
        for (size_t e = 0; e < EXTRAS; e++) {
            const char *text = extras[e].text(&slow->call[i]);
            if (shown[e])
                ctl_table_cell(table, CTL_PLAIN, text);
        }
    }
    ctl_table_print(table, run->out, &run->term);
    ctl_table_free(table);
}

static void print_calls(const struct ctl_slow *slow, size_t limit, const struct ctl_run *run)
{
    if (!run->args->full)
        print_table(slow, limit, run);
    for (size_t i = 0; run->args->full && i < limit; i++)
        ctl_slow_detail(&slow->call[i], run);
    if (slow->count == 0)
        fputs("no slow or failed calls\n", run->out);
    if (limit < slow->count)
        fprintf(run->out, "%zu of %zu calls; --limit N shows more\n", limit, slow->count);
    if (slow->dropped > 0)
        fprintf(run->out, "%llu calls are missing: they came faster than they could be kept\n",
                (unsigned long long)slow->dropped);
}

enum ctl_exit ctl_cmd_slow(const struct ctl_run *run)
{
    struct ctl_source source;
    struct ctl_slow slow = {0};
    enum ctl_want want = run->args->last_ns > 0 ? CTL_WANT_WINDOW : CTL_WANT_TOTALS;
    enum ctl_exit result = ctl_source_open(&source, run, want);
    if (result != CTL_OK)
        return result;
    if (!ctl_slow_load(&slow, &source, run))
        result = CTL_NOTHING;
    ctl_slow_sort(&slow, run->args->sort);
    size_t limit = run->args->limit;
    if (limit == 0)
        limit = run->args->json ? slow.count : LIMIT_DEFAULT;
    if (limit > slow.count)
        limit = slow.count;
    if (result == CTL_OK && run->args->json)
        ctl_json_print(run, ctl_json_slow(&slow, limit, run->args->last_ns));
    else if (result == CTL_OK)
        print_calls(&slow, limit, run);
    ctl_slow_free(&slow);
    ctl_source_free(&source);
    return result;
}
