/* SPDX-License-Identifier: MIT */
/*
 * `slow --full`: the long form of a single call. Declared in slow.h.
 */
#include "ctl/format.h"
#include "ctl/slow.h"
#include "ctl/view.h"
#include "shared/endpoint.h"

static void print_heading(const struct ctl_slow_call *call, const struct ctl_run *run)
{
    char when[CTL_NUMBER_BYTES];
    fprintf(run->out, "%s  ", ctl_format_local(when, call->end_ns, run->now_real_ns));
    ctl_paint(run->out, &run->term, CTL_HEADING, call->operation);
    fprintf(run->out, "  (%s, ", spy_kind_name(call->kind));
    ctl_paint(run->out, &run->term, ctl_level_paint(call->level), spy_level_name(call->level));
    if (call->sample.failed) {
        fputs(", ", run->out);
        ctl_paint(run->out, &run->term, CTL_BAD, "failed");
    }
    fprintf(run->out, "%s)\n", call->sample.aborted ? ", aborted" : "");
}

static void print_times(const struct ctl_slow_call *call, const struct ctl_run *run)
{
    char text[CTL_NUMBER_BYTES];
    const struct spy_sample *s = &call->sample;
    bool sql = call->kind == SPY_KIND_SQL;
    ctl_view_label(run, "time");
    if (s->sampled == SPY_UNTIMED) {
        fputs("not taken: its operation is sampled\n", run->out);
        return;
    }
    fprintf(run->out, "%s", ctl_format_duration(text, (double)s->dur_ns));
    fprintf(run->out, "  %s %s", sql ? "wait" : "first byte",
            ctl_format_duration(text, (double)s->wait_ns));
    if (s->queue_ns > 0)
        fprintf(run->out, ", of it queued %s", ctl_format_duration(text, (double)s->queue_ns));
    fprintf(run->out, "  %s %s", sql ? "consume" : "rest",
            ctl_format_duration(text, (double)ctl_slow_tail_ns(s)));
    if (!sql)
        fprintf(run->out, "  blocked %s", ctl_format_duration(text, (double)s->blocked_ns));
    fputc('\n', run->out);
}

static void print_text(const struct ctl_run *run, const char *name, const char *text)
{
    if (*text == '\0')
        return;
    ctl_view_label(run, name);
    fprintf(run->out, "%s\n", text);
}

static void print_volume(const struct ctl_slow_call *call, const struct ctl_run *run)
{
    char a[CTL_NUMBER_BYTES], b[CTL_NUMBER_BYTES];
    const struct spy_sample *s = &call->sample;
    if (call->kind == SPY_KIND_SQL) {
        ctl_view_label(run, "rows");
        fprintf(run->out, "%s  affected %s  parameters %u\n", ctl_format_count(a, s->rows),
                ctl_format_count(b, s->affected), s->params);
    }
    ctl_view_label(run, "bytes");
    fprintf(run->out, "%s in  %s out\n", ctl_format_bytes(a, s->bytes_in),
            ctl_format_bytes(b, s->bytes_out));
}

/* "  NAME VALUE", where there is a value. */
static void print_fact(const struct ctl_run *run, const char *name, const char *value)
{
    if (*value != '\0')
        fprintf(run->out, "  %s %s", name, value);
}

static void print_server(const struct ctl_slow_call *call, const struct ctl_run *run)
{
    char address[SPY_ENDPOINT_ADDRESS_BYTES], backend[CTL_NUMBER_BYTES] = "";
    const struct ctl_server *server = &call->server;
    uint32_t transaction = call->sample.transaction;
    if (call->sample.backend_pid > 0)
        snprintf(backend, sizeof(backend), "%d", call->sample.backend_pid);
    spy_endpoint_address(address, server->host, server->port);
    ctl_view_label(run, "server");
    fputs(*address != '\0' ? address : "unknown", run->out);
    print_fact(run, "database", server->database);
    print_fact(run, "user", server->user);
    print_fact(run, "backend", backend);
    print_fact(run, "transaction", spy_transaction_name(transaction));
    fputc('\n', run->out);
}

void ctl_slow_detail(const struct ctl_slow_call *call, const struct ctl_run *run)
{
    char code[CTL_SLOW_CODE_BYTES];
    bool sql = call->kind == SPY_KIND_SQL;
    print_heading(call, run);
    print_times(call, run);
    print_text(run, sql ? "sqlstate" : "status", ctl_slow_code(code, call));
    print_text(run, sql ? "statement" : "parameters", call->detail);
    print_text(run, "request", call->request);
    print_volume(call, run);
    if (sql)
        print_server(call, run);
    ctl_view_label(run, "process");
    fprintf(run->out, "%d, thread %u\n", call->pid, call->tid);
}
