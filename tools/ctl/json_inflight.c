/* SPDX-License-Identifier: MIT */
/*
 * The schema of `inflight --json`. Declared in json.h.
 */
#include "ctl/json.h"

static void set_place(json_t *o, const struct ctl_place *place)
{
    ctl_json_set(o, "since", ctl_json_utc(place->since_ns));
    ctl_json_set(o, "elapsed_ms", ctl_json_ms((double)place->elapsed_ns));
    ctl_json_set(o, "pid", json_integer(place->pid));
    ctl_json_set(o, "tid", json_integer(place->tid));
    ctl_json_set(o, "dead", json_boolean(place->dead));
}

static json_t *backend_json(int32_t backend_pid)
{
    return backend_pid > 0 ? json_integer(backend_pid) : json_null();
}

static json_t *request_json(const struct ctl_open_request *r)
{
    json_t *o = json_object();
    ctl_json_set(o, "operation", json_string(r->operation));
    ctl_json_set(o, "waits_for", json_string(ctl_waits_name(r->waits)));
    ctl_json_set(o, "statement_operation", ctl_json_text(r->statement));
    ctl_json_set(o, "backend_pid", backend_json(r->backend_pid));
    ctl_json_set(o, "queries", ctl_json_count(r->queries));
    ctl_json_set(o, "database_ms", ctl_json_ms((double)r->db_ns));
    set_place(o, &r->place);
    return o;
}

static json_t *conn_json(const struct ctl_open_conn *c)
{
    json_t *o = json_object();
    bool known = c->transaction < SPY_TRANSACTION_COUNT;
    ctl_json_set(o, "operation", json_string(c->operation));
    ctl_json_set(o, "statement", ctl_json_text(c->statement));
    ctl_json_set(o, "idle_in_transaction", json_boolean(c->idle));
    ctl_json_set(o, "waits_for", c->idle ? json_null() : json_string(ctl_waits_name(c->waits)));
    ctl_json_set(o, "idle_ms", c->idle ? ctl_json_ms((double)c->idle_ns) : json_null());
    ctl_json_set(o, "transaction",
                 known ? ctl_json_text(spy_transaction_name(c->transaction)) : json_null());
    ctl_json_set(o, "transaction_ms",
                 c->transaction_ns > 0 ? ctl_json_ms((double)c->transaction_ns) : json_null());
    ctl_json_set(o, "opened_by", ctl_json_text(c->opened_by));
    ctl_json_set(o, "request", ctl_json_text(c->request));
    ctl_json_set(o, "in_flight", ctl_json_count(c->queued));
    ctl_json_set(o, "backend_pid", backend_json(c->backend_pid));
    ctl_json_set(o, "database", ctl_json_text(c->database));
    ctl_json_set(o, "user", ctl_json_text(c->user));
    ctl_json_set(o, "host", ctl_json_text(c->host));
    ctl_json_set(o, "port", ctl_json_text(c->port));
    set_place(o, &c->place);
    ctl_json_set(o, "elapsed_at_most", json_boolean(c->place.at_most));
    return o;
}

static void append_conns(json_t *conns, const struct ctl_open_conn *conn, size_t count,
                         size_t limit)
{
    for (size_t i = 0; i < count && (limit == 0 || i < limit); i++)
        ctl_json_append(conns, conn_json(&conn[i]));
}

json_t *ctl_json_inflight(const struct ctl_inflight *in, size_t limit)
{
    json_t *o = json_object(), *requests = json_array(), *conns = json_array();
    for (size_t i = 0; i < in->requests && (limit == 0 || i < limit); i++)
        ctl_json_append(requests, request_json(&in->request[i]));
    append_conns(conns, in->conn, in->statements, limit);
    append_conns(conns, in->conn + in->statements, in->conns - in->statements, limit);
    ctl_json_set(o, "version", json_integer(1));
    ctl_json_set(o, "requests", requests);
    ctl_json_set(o, "connections", conns);
    ctl_json_set(o, "unlisted", ctl_json_count(in->unlisted));
    return o;
}
