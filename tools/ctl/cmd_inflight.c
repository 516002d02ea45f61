/* SPDX-License-Identifier: MIT */
/*
 * `inflight`: what every thread and connection is doing this moment.
 */
#include "ctl/command.h"
#include "ctl/format.h"
#include "ctl/inflight.h"
#include "ctl/json.h"
#include "ctl/table.h"
#include "ctl/view.h"
#include "shared/endpoint.h"

#include <string.h>

const struct ctl_command ctl_command_inflight = {
    .name = "inflight",
    .operands = "",
    .summary = "show what every request and connection is doing this very moment",
    .help = "Lists the requests under way, the statements under way and the connections that "
            "are being made or idle in a transaction, the longest first, and what each waits "
            "for: server "
            "(the database's first result), rows (results being fetched or copied), client "
            "(the response being taken), connect (a connection or ping, with the address), "
            "queue (in a pipeline, not sent yet) or "
            "program (everything else: its own code, a lock, a connection from its pool, "
            "another service). QUERIES of a request are those that have ended, DATABASE is the "
            "time "
            "of these and of what is under way. A statement that no rule names has its text, "
            "cut to 72 characters; of an "
            "idle connection that is its last one.\n\n"
            "Below stand ready lines for psql that end what is under way: "
            "pg_cancel_backend() for a statement, pg_terminate_backend() for a connection "
            "idle in a transaction. Of a dead process it shows what was under way when it "
            "died; times then end with its last sign of life, and were longer.",
    .options = CTL_READS | CTL_BIT(WATCH) | CTL_BIT(LIMIT),
    .run = ctl_cmd_inflight,
};

#define LIMIT_DEFAULT   20u
#define STATEMENT_WIDTH 72u /* in characters; --json has all */

static void cell_place(struct ctl_table *table, const struct ctl_place *place)
{
    char text[CTL_NUMBER_BYTES];
    snprintf(text, sizeof(text), "%d/%u%s", place->pid, place->tid, place->dead ? " (dead)" : "");
    ctl_table_cell(table, CTL_PLAIN, text);
}

static void cell_duration(struct ctl_table *table, uint64_t ns)
{
    char text[CTL_NUMBER_BYTES];
    ctl_table_cell(table, CTL_PLAIN, ctl_format_duration(text, (double)ns));
}

/* Of a dead process: until its last sign of life, so it was longer. Of what is sampled it may be
 * shorter. */
static void cell_elapsed(struct ctl_table *table, const struct ctl_place *place, uint64_t ns)
{
    char text[CTL_NUMBER_BYTES], at_least[CTL_NUMBER_BYTES + 2];
    const char *sign = place->dead && place->at_most ? "~"
                       : place->dead                 ? ">"
                       : place->at_most              ? "<"
                                                     : "";
    snprintf(at_least, sizeof(at_least), "%s%s", sign, ctl_format_duration(text, (double)ns));
    ctl_table_cell(table, CTL_PLAIN, at_least);
}

static void cell_backend(struct ctl_table *table, int32_t backend_pid)
{
    char text[CTL_NUMBER_BYTES] = "-";
    if (backend_pid > 0)
        snprintf(text, sizeof(text), "%d", backend_pid);
    ctl_table_cell(table, CTL_PLAIN, text);
}

static void cell_name(struct ctl_table *table, const char *name)
{
    ctl_table_cell(table, CTL_PLAIN, *name != '\0' ? name : "-");
}

static void print_requests(const struct ctl_inflight *in, size_t count, const struct ctl_run *run)
{
    static const struct ctl_column columns[] = {
        {.title = "REQUEST", .elastic = true},
        {.title = "ELAPSED", .right = true},
        {.title = "WAITS FOR"},
        {.title = "STATEMENT", .rank = 1},
        {.title = "QUERIES", .right = true, .rank = 2},
        {.title = "DATABASE", .right = true, .rank = 3},
        {.title = "PID/TID", .rank = 4},
    };
    struct ctl_table *table = ctl_table_new(columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < count; i++) {
        const struct ctl_open_request *r = &in->request[i];
        char text[CTL_NUMBER_BYTES];
        ctl_table_cell(table, CTL_PLAIN, r->operation);
        cell_elapsed(table, &r->place, r->place.elapsed_ns);
        ctl_table_cell(table, CTL_PLAIN, ctl_waits_name(r->waits));
        cell_name(table, r->statement);
        ctl_table_cell(table, CTL_PLAIN, ctl_format_count(text, r->queries));
        cell_duration(table, r->db_ns);
        cell_place(table, &r->place);
    }
    ctl_table_print(table, run->out, &run->term);
    ctl_table_free(table);
}

/* Of one that is only being made: also where, since no server can be asked about it. */
static void cell_database(struct ctl_table *table, const struct ctl_open_conn *c)
{
    char address[SPY_ENDPOINT_ADDRESS_BYTES];
    char text[sizeof(c->database) + sizeof(address) + 4];
    spy_endpoint_address(address, c->host, c->port);
    bool where = !c->idle && c->waits == CTL_WAITS_CONNECT && *address != '\0';
    snprintf(text, sizeof(text), "%s%s%s", c->database, where ? " at " : "", where ? address : "");
    cell_name(table, text);
}

/* The text of a statement that no rule names: its own name says little. */
static const char *text_of(const struct ctl_open_conn *c)
{
    bool unnamed = strncmp(c->operation, "sql:", 4) == 0 && c->statement != NULL;
    return unnamed ? c->statement : "";
}

static bool any_text(const struct ctl_open_conn *conn, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (*text_of(&conn[i]) != '\0')
            return true;
    return false;
}

static void cell_text(struct ctl_table *table, const struct ctl_open_conn *c)
{
    char text[CTL_VIEW_SHORT_BYTES(STATEMENT_WIDTH)];
    ctl_view_short(text, STATEMENT_WIDTH, text_of(c));
    ctl_table_cell(table, CTL_QUIET, text);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void print_statements(const struct ctl_open_conn *conn, size_t count,
                             const struct ctl_run *run)
{
    static const struct ctl_column columns[] = {
        {.title = "STATEMENT", .elastic = true},
        {.title = "ELAPSED", .right = true},
        {.title = "WAITS FOR"},
        {.title = "REQUEST", .rank = 1},
        {.title = "DATABASE", .rank = 3},
        {.title = "BACKEND", .right = true},
        {.title = "PID/TID", .rank = 4},
        {.title = "TEXT", .rank = 5}, /* the last: left out where nothing is in it */
    };
    bool texts = any_text(conn, count);
    struct ctl_table *table =
        ctl_table_new(columns, sizeof(columns) / sizeof(columns[0]) - (texts ? 0 : 1));
    for (size_t i = 0; i < count; i++) {
        const struct ctl_open_conn *c = &conn[i];
        ctl_table_cell(table, CTL_PLAIN, c->operation);
        cell_elapsed(table, &c->place, c->place.elapsed_ns);
        ctl_table_cell(table, CTL_PLAIN, ctl_waits_name(c->waits));
        cell_name(table, c->request);
        cell_database(table, c);
        cell_backend(table, c->backend_pid);
        cell_place(table, &c->place);
        if (texts)
            cell_text(table, c);
    }
    ctl_table_print(table, run->out, &run->term);
    ctl_table_free(table);
}

static void print_transactions(const struct ctl_open_conn *conn, size_t count,
                               const struct ctl_run *run)
{
    static const struct ctl_column columns[] = {
        {.title = "IDLE IN TRANSACTION", .elastic = true},
        {.title = "OPEN FOR", .right = true},
        {.title = "IDLE FOR", .right = true},
        {.title = "LAST STATEMENT", .rank = 1},
        {.title = "DATABASE", .rank = 3},
        {.title = "BACKEND", .right = true},
        {.title = "PID/TID", .rank = 4},
        {.title = "TEXT", .rank = 5}, /* the last: left out where nothing is in it */
    };
    bool texts = any_text(conn, count);
    struct ctl_table *table =
        ctl_table_new(columns, sizeof(columns) / sizeof(columns[0]) - (texts ? 0 : 1));
    for (size_t i = 0; i < count; i++) {
        const struct ctl_open_conn *c = &conn[i];
        cell_name(table, c->opened_by);
        cell_elapsed(table, &c->place, c->place.elapsed_ns);
        cell_elapsed(table, &c->place, c->idle_ns);
        ctl_table_cell(table, CTL_PLAIN, c->operation);
        cell_name(table, c->database);
        cell_backend(table, c->backend_pid);
        cell_place(table, &c->place);
        if (texts)
            cell_text(table, c);
    }
    ctl_table_print(table, run->out, &run->term);
    ctl_table_free(table);
}

/* What a responder types next, ready to be pasted into psql; and at which server. */
static void print_ends(const struct ctl_open_conn *conn, size_t count, const struct ctl_run *run)
{
    for (size_t i = 0; i < count; i++) {
        char address[SPY_ENDPOINT_ADDRESS_BYTES];
        const struct ctl_open_conn *c = &conn[i];
        bool ends = c->idle || c->waits == CTL_WAITS_SERVER || c->waits == CTL_WAITS_ROWS;
        if (!ends || c->place.dead || c->backend_pid <= 0)
            continue;
        spy_endpoint_address(address, c->host, c->port);
        fprintf(run->out, "SELECT %s(%d); -- %s%s%s\n",
                c->idle ? "pg_terminate_backend" : "pg_cancel_backend", c->backend_pid,
                c->operation, *address != '\0' ? ", at " : "", address);
    }
}

static void print_more(size_t shown, size_t count, const char *what, const struct ctl_run *run)
{
    if (shown < count)
        fprintf(run->out, "%zu of %zu %s; --limit N shows more\n", shown, count, what);
}

static bool any_dead(const struct ctl_inflight *in)
{
    for (size_t i = 0; i < in->requests; i++)
        if (in->request[i].place.dead)
            return true;
    for (size_t i = 0; i < in->conns; i++)
        if (in->conn[i].place.dead)
            return true;
    return false;
}

void ctl_inflight_print(const struct ctl_inflight *in, size_t limit, const struct ctl_run *run)
{
    char unlisted[CTL_NUMBER_BYTES];
    const struct ctl_open_conn *idle = in->conn + in->statements;
    size_t requests = least(limit, in->requests), statements = least(limit, in->statements);
    size_t transactions = least(limit, in->conns - in->statements);
    print_requests(in, requests, run);
    print_statements(in->conn, statements, run);
    print_transactions(idle, transactions, run);
    print_ends(in->conn, statements, run);
    print_ends(idle, transactions, run);
    if (in->requests + in->conns == 0)
        fputs("nothing is under way\n", run->out);
    if (any_dead(in))
        fputs("dead: what was under way when the process died\n", run->out);
    print_more(requests, in->requests, "requests", run);
    print_more(statements, in->statements, "statements", run);
    print_more(transactions, in->conns - in->statements, "idle transactions", run);
    if (in->unlisted > 0)
        fprintf(run->out, "%s requests and connections were not listed so far: too many at once\n",
                ctl_format_count(unlisted, in->unlisted));
}

enum ctl_exit ctl_cmd_inflight(const struct ctl_run *run)
{
    struct ctl_source source;
    struct ctl_inflight in = {0};
    enum ctl_exit result = ctl_source_open(&source, run, CTL_WANT_TOTALS);
    if (result != CTL_OK)
        return result;
    if (!ctl_inflight_load(&in, &source, run))
        result = CTL_NOTHING;
    ctl_inflight_sort(&in);
    if (result == CTL_OK && run->args->json)
        ctl_json_print(run, ctl_json_inflight(&in, run->args->limit));
    else if (result == CTL_OK)
        ctl_inflight_print(&in, run->args->limit > 0 ? run->args->limit : LIMIT_DEFAULT, run);
    ctl_inflight_free(&in);
    ctl_source_free(&source);
    return result;
}
