/* SPDX-License-Identifier: MIT */
/*
 * Pipelines: statements that are queued, sent, answered and fetched at different times, each known.
 * Several segments, errors in the middle and at the end of one, prepared statements defined and
 * used in the same pipeline. Keeps its own account (wants.h).
 *
 * usage: pipeline DSN
 */
#include "pipeline.h"

#include <poll.h>

#define VALUES ((const char *const[]){"1", "2"})

/* ---- times ---------------------------------------------------------------------------------- */

#define STAGES 4

/* Each statement of a segment waits in the queue for as long as the program takes to send it, for
 * the server to come to it, and for the program to fetch those before it. */
static void stages(PGconn *conn)
{
    static const char *const what[STAGES] = {"select ? as stage_0", "select pg_sleep(?) as stage_1",
                                             "select ? as stage_2",
                                             "select generate_series(?, ?) as stage_3"};
    static const char *const text[STAGES] = {
        "SELECT 0 AS stage_0", "SELECT pg_sleep(0.08) AS stage_1", "SELECT 2 AS stage_2",
        "SELECT generate_series(1, 100) AS stage_3"};
    struct moments t[STAGES] = {
        {.server_ms = 0}, {.server_ms = 80}, {.server_ms = 80}, {.server_ms = 80}};
    struct moment flushed;
    enter(conn);
    for (int i = 0; i < STAGES; i++) {
        AROUND(t[i].sent, queue(conn, text[i]));
        pause_ms(25);
    }
    AROUND(flushed, PQpipelineSync(conn));
    for (int i = 0; i < STAGES; i++) {
        struct want *w = want_calls(what[i], 1);
        t[i].flushed = flushed;
        pause_ms(10);
        fetch(conn, w, &t[i], 15);
        want_times(w, &t[i]);
    }
    synced(conn);
    leave(conn);
}

/* The server is made to answer without the end of a segment: by a request to flush, which leaves
 * with PQflush; or by it, and by turning the connection to and from non-blocking. */
static void flushes(PGconn *conn)
{
    struct moments t[3] = {{.server_ms = 0}};
    struct want *w = want_calls("select ? as flushed", 3);
    enter(conn);
    for (int i = 0; i < 3; i++) {
        AROUND(t[i].sent, queue(conn, "SELECT 1 AS flushed"));
        pause_ms(20);
        PQsendFlushRequest(conn);
        pause_ms(20);
        if (i < 2)
            AROUND(t[i].flushed, PQflush(conn));
        else
            AROUND(t[i].flushed, PQsetnonblocking(conn, 1));
        fetch(conn, w, &t[i], 10);
        want_times(w, &t[i]);
    }
    PQsetnonblocking(conn, 0);
    PQpipelineSync(conn);
    synced(conn);
    leave(conn);
}

/* What is more than libpq's buffer leaves at once, what is less with it. */
static void overflows(PGconn *conn)
{
    enum { SIZE = 70000 };
    static char text[SIZE + 100];
    struct moments t[3] = {{.server_ms = 0}};
    struct moment flushed;
    int at = sprintf(text, "SELECT length('");
    memset(text + at, 'x', SIZE);
    strcpy(text + at + SIZE, "') AS overflow");
    enter(conn);
    AROUND(t[0].sent, queue(conn, text));
    t[0].flushed = t[0].sent;
    pause_ms(20);
    AROUND(t[1].sent, queue(conn, "SELECT 1 AS before_overflow"));
    pause_ms(20);
    AROUND(t[2].sent, queue(conn, text));
    t[1].flushed = t[2].flushed = t[2].sent;
    pause_ms(20);
    AROUND(flushed, PQpipelineSync(conn));
    struct want *big = want_calls("select length(?) as overflow", 2);
    struct want *small = want_calls("select ? as before_overflow", 1);
    fetch(conn, big, &t[0], 0);
    fetch(conn, small, &t[1], 0);
    fetch(conn, big, &t[2], 0);
    want_times(big, &t[0]);
    want_times(small, &t[1]);
    want_times(big, &t[2]);
    synced(conn);
    leave(conn);
    (void)flushed;
}

/* A program that is woken by the socket, and sends and receives as it goes. */
static void non_blocking(PGconn *conn)
{
    enum { COUNT = 500 };
    struct want *w = want_calls("select ?::int + ?::int as polled", COUNT);
    int sent = 0, over = 0, synced_at = 0;
    PQsetnonblocking(conn, 1);
    enter(conn);
    while (over < COUNT || synced_at == 0) {
        struct pollfd p = {PQsocket(conn), POLLIN, 0};
        for (int i = 0; i < 7 && sent < COUNT; i++, sent++)
            PQsendQueryParams(conn, "SELECT $1::int + $2::int AS polled", 2, NULL, VALUES, NULL,
                              NULL, 0);
        if (sent == COUNT && synced_at == 0) {
            PQpipelineSync(conn);
            synced_at = 1;
        } else if (sent < COUNT) {
            PQsendFlushRequest(conn);
        }
        if (PQflush(conn) == 1)
            p.events |= POLLOUT;
        poll(&p, 1, -1);
        PQconsumeInput(conn);
        while (over < sent && !PQisBusy(conn)) {
            PGresult *result = PQgetResult(conn);
            over += result == NULL;
            if (result != NULL)
                want_result(w, result);
            PQclear(result);
        }
    }
    w->params += 2 * COUNT;
    printf("polled: %d\n", over);
    synced(conn);
    PQsetnonblocking(conn, 0);
    leave(conn);
}

/* ---- errors --------------------------------------------------------------------------------- */

static void errors(PGconn *conn)
{
    struct moments t[2] = {{.server_ms = 0}};
    struct want *good = want_calls("select ? as good", 3);
    struct want *bad = want_calls("select ? / ? as bad", 1);
    struct want *late = want("select ? as late");
    enter(conn);
    AROUND(t[0].sent, queue(conn, "SELECT 1 AS good"));
    AROUND(t[1].sent, queue(conn, "SELECT 1 / 0 AS bad"));
    queue(conn, "SELECT 1 AS late");
    queue(conn, "SELECT 2 AS late");
    AROUND(t[1].flushed, PQpipelineSync(conn));
    queue(conn, "SELECT 2 AS good");
    PQpipelineSync(conn);
    PQpipelineSync(conn);
    queue(conn, "SELECT 3 AS good");
    PQpipelineSync(conn);
    pause_ms(20);
    fetch(conn, good, &t[0], 10);
    fetch(conn, bad, &t[1], 10);
    want_times(bad, &t[1]);
    aborted(conn, late);
    aborted(conn, late);
    synced(conn);
    fetch(conn, good, &t[0], 0);
    synced(conn);
    synced(conn);
    fetch(conn, good, &t[0], 0);
    synced(conn);
    leave(conn);
}

/* What fails where a segment ends: the commit. */
static void commit_fails(PGconn *conn)
{
    PGresult *result;
    struct moments t = {.server_ms = 0};
    run(conn, "create temporary table parent(id int primary key)",
        "CREATE TEMPORARY TABLE parent (id int PRIMARY KEY)");
    run(conn,
        "create temporary table child(id int references parent deferrable initially deferred)",
        "CREATE TEMPORARY TABLE child (id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)");
    struct want *orphan = want_calls("insert into child values (?)", 1);
    struct want *after = want_calls("select ? as after", 1);
    enter(conn);
    queue(conn, "INSERT INTO child VALUES (7)");
    PQpipelineSync(conn);
    queue(conn, "SELECT 1 AS after");
    PQpipelineSync(conn);
    fetch(conn, orphan, &t, 0);
    struct want *w = want_calls("libpq.pipeline_sync", 1);
    want_result(w, result = PQgetResult(conn));
    show("commit", result);
    printf("then: %d\n", PQgetResult(conn) == NULL);
    synced(conn);
    fetch(conn, after, &t, 0);
    synced(conn);
    leave(conn);
}

/* A pipeline is begun, and ended, when the last statement's NULL has not been asked for. */
static void in_a_hurry(PGconn *conn)
{
    struct moments t = {.server_ms = 0};
    PGresult *result;
    struct want *w = want_calls("select ? as before_pipeline", 1);
    printf("sent: %d\n", PQsendQuery(conn, "SELECT 1 AS before_pipeline"));
    want_result(w, result = PQgetResult(conn));
    show("before", result);
    while (PQisBusy(conn))
        PQconsumeInput(conn);
    enter(conn);
    queue(conn, "SELECT generate_series(1, 3) AS in_pipeline");
    PQpipelineSync(conn);
    fetch(conn, want_calls("select generate_series(?, ?) as in_pipeline", 1), &t, 0);
    synced(conn);
    w = want_calls("select ? as last_in_pipeline", 1);
    queue(conn, "SELECT 1 AS last_in_pipeline");
    PQsendFlushRequest(conn);
    want_result(w, result = PQgetResult(conn));
    show("last", result);
    leave(conn);
    run(conn, "select ? as behind_pipeline", "SELECT 1 AS behind_pipeline");
}

/* Not allowed there; what is queued is not disturbed. */
static void refused(PGconn *conn)
{
    struct moments t = {.server_ms = 0};
    struct want *w = want_calls("select ? as queued", 1);
    enter(conn);
    AROUND(t.sent, queue(conn, "SELECT 1 AS queued"));
    printf("exec: %d\n", PQexec(conn, "SELECT 'refused'") == NULL);
    printf("send: %d\n", PQsendQuery(conn, "SELECT 'refused'"));
    printf("execPrepared: %d\n", PQexecPrepared(conn, "p", 0, NULL, NULL, NULL, 0) == NULL);
    want_errors(want_calls("select ?", 2), "XP002", 2);
    want_errors(want_calls("prepared:p", 1), "XP002", 1);
    printf("leave: %d\n", PQexitPipelineMode(conn));
    AROUND(t.flushed, PQpipelineSync(conn));
    fetch(conn, w, &t, 0);
    want_times(w, &t);
    synced(conn);
    leave(conn);
}

/* ---- prepared statements -------------------------------------------------------------------- */

static void prepare(PGconn *conn, const char *name, const char *text)
{
    PQsendPrepare(conn, name, text, 0, NULL);
}

static void execute(PGconn *conn, const char *name)
{
    PQsendQueryPrepared(conn, name, 0, NULL, NULL, NULL, 0);
}

/* Defined and used in one segment; a second definition of a name fails, and it stands for what it
 * stood for. */
static void prepared(PGconn *conn)
{
    struct moments t = {.server_ms = 0};
    struct want *define = want_calls("libpq.prepare", 3);
    struct want *first = want_calls("select ? as first_meaning", 3);
    struct want *second = want("select ? as second_meaning");
    struct want *third = want_calls("select ? as third_meaning", 1);
    enter(conn);
    prepare(conn, "s", "SELECT 1 AS first_meaning");
    execute(conn, "s");
    PQpipelineSync(conn);
    prepare(conn, "s", "SELECT 2 AS second_meaning"); /* 42P05 */
    execute(conn, "s");
    prepare(conn, "s", "SELECT 2 AS second_meaning");
    PQpipelineSync(conn);
    execute(conn, "s");
    PQpipelineSync(conn);
    fetch(conn, define, &t, 0);
    fetch(conn, first, &t, 0);
    synced(conn);
    fetch(conn, define, &t, 0);
    aborted(conn, second);
    aborted(conn, define);
    synced(conn);
    fetch(conn, first, &t, 0); /* it was queued when the second definition had not failed yet */
    synced(conn);
    execute(conn, "s");
    prepare(conn, "r", "SELECT 3 AS third_meaning");
    execute(conn, "r");
    PQpipelineSync(conn);
    fetch(conn, first, &t, 0);
    fetch(conn, define, &t, 0);
    fetch(conn, third, &t, 0);
    synced(conn);
    leave(conn);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: pipeline DSN\n");
        return 64;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    PGconn *conn = connect_to(argv[1]);
    stages(conn);
    flushes(conn);
    overflows(conn);
    non_blocking(conn);
    errors(conn);
    commit_fails(conn);
    in_a_hurry(conn);
    refused(conn);
    prepared(conn);
    PQfinish(conn);
    write_wants("");
    return 0;
}
