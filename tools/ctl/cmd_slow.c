/* SPDX-License-Identifier: MIT */
/*
 * `slow`: single calls that were slow or failed.
 */
#include "ctl/command.h"
#include "ctl/format.h"
#include "ctl/image.h"
#include "ctl/json.h"
#include "ctl/slow.h"
#include "ctl/table.h"
#include "ctl/view.h"

#include <string.h>

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

/* The status or SQLSTATE of CALL; "" if it had none. */
static const char *code_of(char out[16], const struct ctl_slow_call *call)
{
    if (call->sample.code == 0)
        return strcpy(out, "");
    if (call->kind == SPY_KIND_SQL)
        spy_sqlstate_unpack(call->sample.code, out);
    else
        snprintf(out, 16, "%u", call->sample.code);
    return out;
}

static uint64_t tail_of(const struct spy_sample *sample)
{
    return sample->dur_ns > sample->wait_ns ? sample->dur_ns - sample->wait_ns : 0;
}

static void add_row(struct ctl_table *table, const struct ctl_slow_call *call,
                    const struct ctl_run *run)
{
    char text[CTL_NUMBER_BYTES];
    const struct spy_sample *s = &call->sample;
    bool sql = call->kind == SPY_KIND_SQL;
    ctl_table_cell(table, CTL_PLAIN, ctl_format_local(text, call->end_ns, run->now_real_ns));
    ctl_table_cell(table, CTL_PLAIN, call->operation);
    ctl_table_cell(table, ctl_level_paint(call->level),
                   ctl_format_duration(text, (double)s->dur_ns));
    ctl_table_cell(table, CTL_PLAIN, ctl_format_duration(text, (double)s->wait_ns));
    ctl_table_cell(table, CTL_PLAIN, ctl_format_duration(text, (double)tail_of(s)));
    ctl_table_cell(table, CTL_PLAIN, sql ? ctl_format_count(text, s->rows) : "-");
    const char *code = code_of(text, call);
    ctl_table_cell(table, s->failed ? CTL_BAD : CTL_PLAIN,
                   *code != '\0' ? code
                   : s->aborted  ? "aborted"
                                 : "-");
    snprintf(text, sizeof(text), "%d/%u", call->pid, call->tid);
    ctl_table_cell(table, CTL_PLAIN, text);
}

static void print_table(const struct ctl_slow *slow, size_t limit, const struct ctl_run *run)
{
    struct ctl_table *table = ctl_table_new(columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < limit; i++)
        add_row(table, &slow->call[i], run);
    ctl_table_print(table, run->out, &run->term);
    ctl_table_free(table);
    if (slow->count == 0)
        fputs("no slow or failed calls\n", run->out);
    if (limit < slow->count)
        fprintf(run->out, "%zu of %zu calls; --limit N shows more\n", limit, slow->count);
    if (slow->dropped > 0)
        fprintf(run->out, "%llu calls are missing: they came faster than they could be kept\n",
                (unsigned long long)slow->dropped);
}

static json_t *call_json(const struct ctl_slow_call *call)
{
    char code[16];
    const struct spy_sample *s = &call->sample;
    bool sql = call->kind == SPY_KIND_SQL;
    json_t *o = json_object();
    ctl_json_set(o, "when", ctl_json_utc(call->end_ns));
    ctl_json_set(o, "when_s", ctl_json_real((double)call->end_ns / 1e9));
    ctl_json_set(o, "operation", json_string(call->operation));
    ctl_json_set(o, "kind", json_string(spy_kind_name(call->kind)));
    ctl_json_set(o, "level", json_string(spy_level_name(call->level)));
    ctl_json_set(o, "total_ms", ctl_json_ms((double)s->dur_ns));
    ctl_json_set(o, sql ? "wait_ms" : "ttfb_ms", ctl_json_ms((double)s->wait_ns));
    ctl_json_set(o, sql ? "consume_ms" : "tail_ms", ctl_json_ms((double)tail_of(s)));
    if (!sql)
        ctl_json_set(o, "blocked_ms", ctl_json_ms((double)s->blocked_ns));
    ctl_json_set(o, "rows", ctl_json_count(s->rows));
    ctl_json_set(o, "bytes_in", ctl_json_count(s->bytes_in));
    ctl_json_set(o, "bytes_out", ctl_json_count(s->bytes_out));
    ctl_json_set(o, sql ? "sqlstate" : "status", ctl_json_text(code_of(code, call)));
    ctl_json_set(o, "failed", json_boolean(s->failed));
    ctl_json_set(o, "aborted", json_boolean(s->aborted));
    ctl_json_set(o, "pid", json_integer(call->pid));
    ctl_json_set(o, "tid", json_integer(call->tid));
    return o;
}

static void print_json(const struct ctl_slow *slow, size_t limit, const struct ctl_run *run)
{
    json_t *o = json_object();
    json_t *calls = json_array();
    for (size_t i = 0; i < limit; i++)
        ctl_json_append(calls, call_json(&slow->call[i]));
    ctl_json_set(o, "version", json_integer(1));
    ctl_json_set(o, "window_s",
                 run->args->last_ns > 0 ? ctl_json_real((double)run->args->last_ns / 1e9)
                                        : json_null());
    ctl_json_set(o, "calls", calls);
    ctl_json_set(o, "dropped", ctl_json_count(slow->dropped));
    ctl_json_print(run, o);
}

static bool collect(struct ctl_slow *slow, const struct ctl_source *source,
                    const struct ctl_run *run)
{
    uint64_t last = run->args->last_ns;
    uint64_t since = last > 0 && last < run->now_real_ns ? run->now_real_ns - last : 0;
    bool any = false;
    for (size_t i = 0; i < source->count; i++) {
        struct spy_region *region = ctl_source_load(&source->process[i], run->err);
        if (region == NULL)
            continue;
        any = true;
        ctl_slow_add(slow, &source->process[i], region, since);
        ctl_image_free(region);
    }
    return any;
}

enum ctl_exit ctl_cmd_slow(const struct ctl_run *run)
{
    struct ctl_source source;
    struct ctl_slow slow = {0};
    enum ctl_want want = run->args->last_ns > 0 ? CTL_WANT_WINDOW : CTL_WANT_TOTALS;
    enum ctl_exit result = ctl_source_open(&source, run, want);
    if (result != CTL_OK)
        return result;
    if (!collect(&slow, &source, run))
        result = CTL_NOTHING;
    ctl_slow_sort(&slow, run->args->sort);
    size_t limit = run->args->limit;
    if (limit == 0)
        limit = run->args->json ? slow.count : LIMIT_DEFAULT;
    if (limit > slow.count)
        limit = slow.count;
    if (result == CTL_OK && run->args->json)
        print_json(&slow, limit, run);
    else if (result == CTL_OK)
        print_table(&slow, limit, run);
    ctl_slow_free(&slow);
    ctl_source_free(&source);
    return result;
}
