/* SPDX-License-Identifier: MIT */
/*
 * The schema of `slow --json`. Declared in json.h.
 */
#include "ctl/json.h"

#include <stdio.h>
#include <string.h>

static json_t *params_json(const char *params)
{
    json_t *o = json_object();
    char name[SPY_PARAMS_BYTES + 1];
    for (const char *at = params; *at != '\0';) {
        size_t len = strcspn(at, " "), name_len = strcspn(at, "= ");
        snprintf(name, sizeof(name), "%.*s", (int)name_len, at);
        const char *value = at[name_len] == '=' ? at + name_len + 1 : at + name_len;
        ctl_json_set(o, name, json_stringn(value, (size_t)(at + len - value)));
        at += len + (at[len] == ' ');
    }
    return o;
}

static json_t *server_json(const struct ctl_server *server)
{
    json_t *o = json_object();
    ctl_json_set(o, "host", ctl_json_text(server->host));
    ctl_json_set(o, "port", ctl_json_text(server->port));
    ctl_json_set(o, "database", ctl_json_text(server->database));
    ctl_json_set(o, "user", ctl_json_text(server->user));
    return o;
}

/* What only a statement has. */
static void set_statement(json_t *o, const struct ctl_slow_call *call)
{
    const struct spy_sample *s = &call->sample;
    bool seen = s->transaction < SPY_TRANSACTION_COUNT;
    ctl_json_set(o, "queue_ms", ctl_json_ms((double)s->queue_ns));
    ctl_json_set(o, "affected", ctl_json_count(s->affected));
    ctl_json_set(o, "params", ctl_json_count(s->params));
    ctl_json_set(o, "statement_name", ctl_json_text(call->detail));
    ctl_json_set(o, "request", ctl_json_text(call->request));
    ctl_json_set(o, "transaction",
                 seen ? ctl_json_text(spy_transaction_name(s->transaction)) : json_null());
    ctl_json_set(o, "backend_pid", s->backend_pid > 0 ? json_integer(s->backend_pid) : json_null());
    ctl_json_set(o, "server", server_json(&call->server));
}

static void set_time(json_t *o, const char *key, bool timed, uint64_t ns)
{
    ctl_json_set(o, key, timed ? ctl_json_ms((double)ns) : json_null());
}

static json_t *call_json(const struct ctl_slow_call *call)
{
    char code[CTL_SLOW_CODE_BYTES];
    const struct spy_sample *s = &call->sample;
    bool sql = call->kind == SPY_KIND_SQL;
    json_t *o = json_object();
    ctl_json_set(o, "when", ctl_json_utc(call->end_ns));
    ctl_json_set(o, "when_s", ctl_json_real((double)call->end_ns / 1e9));
    ctl_json_set(o, "operation", json_string(call->operation));
    ctl_json_set(o, "kind", json_string(spy_kind_name(call->kind)));
    bool timed = s->sampled != SPY_UNTIMED;
    ctl_json_set(o, "level", timed ? json_string(spy_level_name(call->level)) : json_null());
    set_time(o, "total_ms", timed, s->dur_ns);
    set_time(o, sql ? "wait_ms" : "ttfb_ms", timed, s->wait_ns);
    set_time(o, sql ? "consume_ms" : "tail_ms", timed, ctl_slow_tail_ns(s));
    if (!sql)
        ctl_json_set(o, "blocked_ms", ctl_json_ms((double)s->blocked_ns));
    ctl_json_set(o, "rows", ctl_json_count(s->rows));
    ctl_json_set(o, "bytes_in", ctl_json_count(s->bytes_in));
    ctl_json_set(o, "bytes_out", ctl_json_count(s->bytes_out));
    ctl_json_set(o, sql ? "sqlstate" : "status", ctl_json_text(ctl_slow_code(code, call)));
    if (sql)
        set_statement(o, call);
    else
        ctl_json_set(o, "parameters", params_json(call->detail));
    ctl_json_set(o, "failed", json_boolean(s->failed));
    ctl_json_set(o, "aborted", json_boolean(s->aborted));
    ctl_json_set(o, "pid", json_integer(call->pid));
    ctl_json_set(o, "tid", json_integer(call->tid));
    return o;
}

json_t *ctl_json_slow(const struct ctl_slow *slow, size_t limit, uint64_t window_ns)
{
    json_t *o = json_object();
    json_t *calls = json_array();
    for (size_t i = 0; i < slow->count && i < limit; i++)
        ctl_json_append(calls, call_json(&slow->call[i]));
    ctl_json_set(o, "version", json_integer(1));
    ctl_json_set(o, "window_s",
                 window_ns > 0 ? ctl_json_real((double)window_ns / 1e9) : json_null());
    ctl_json_set(o, "calls", calls);
    ctl_json_set(o, "dropped", ctl_json_count(slow->dropped));
    return o;
}
