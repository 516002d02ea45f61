/* SPDX-License-Identifier: MIT */
/*
 * Pipelines in trouble: far more statements than can be kept account of, lost connections,
 * callbacks. Keeps its own account (wants.h).
 *
 * usage: pipeline_ends DSN STATEMENTS KNOWN
 *
 * With STATEMENTS it queues so many, of which KNOWN find room, and then as many as do.
 */
#include "callbacks.h"
#include "pipeline.h"

#include <poll.h>

/* ---- more than can be kept account of ------------------------------------------------------- */

/* The server stops reading when nobody reads what it answers. */
static void flush_all(PGconn *conn)
{
    while (PQflush(conn) == 1) {
        struct pollfd p = {PQsocket(conn), POLLIN | POLLOUT, 0};
        poll(&p, 1, -1);
        PQconsumeInput(conn);
    }
}

/* Returns the size of a result. */
static unsigned long long drain(PGconn *conn, int count)
{
    unsigned long long bytes = 0;
    for (int i = 0; i < count; i++) {
        PGresult *result;
        while ((result = PQgetResult(conn)) != NULL) {
            bytes = PQresultMemorySize(result);
            PQclear(result);
        }
    }
    synced(conn);
    return bytes;
}

/* KNOWN of COUNT statements find room; those are the first. */
static void flood(PGconn *conn, int count, int known)
{
    struct want *w = want_calls("select ?::int as flood", (unsigned)known);
    const char *const value = "1";
    PQsetnonblocking(conn, 1);
    enter(conn);
    for (int i = 0; i < count; i++)
        if (!PQsendQueryParams(conn, "SELECT $1::int AS flood", 1, NULL, &value, NULL, NULL, 0))
            printf("not queued: %d\n", i);
    PQpipelineSync(conn);
    flush_all(conn);
    unsigned long long bytes = drain(conn, count);
    w->params += (unsigned)known;
    w->rows += (unsigned)known;
    w->bytes_in += bytes * (unsigned)known;
    PQsetnonblocking(conn, 0);
    leave(conn);
}

/* ---- the end of a connection ---------------------------------------------------------------- */

static void ends(const char *dsn, PGconn *conn)
{
    /* By the program, before anything was sent: nothing was executed. */
    PGconn *other = connect_to(dsn);
    enter(other);
    queue(other, "SELECT 1 AS never_sent");
    queue(other, "SELECT 2 AS never_sent");
    want("select ? as never_sent")->aborted += 2;
    PQfinish(other);

    /* Sent, and not fetched: the oldest may be at work. */
    other = connect_to(dsn);
    enter(other);
    queue(other, "SELECT pg_sleep(10) AS cut");
    queue(other, "SELECT 1 AS behind_cut");
    PQpipelineSync(other);
    want_errors(want_calls("select pg_sleep(?) as cut", 2), "XP003", 2);
    want("select ? as behind_cut")->aborted += 2;
    PQreset(other);
    want_calls("libpq.connect", 1);
    enter(other);
    queue(other, "SELECT pg_sleep(10) AS cut");
    queue(other, "SELECT 1 AS behind_cut");
    PQpipelineSync(other);
    PQfinish(other);

    /* By the server. */
    char text[100];
    struct moments t = {.server_ms = 0};
    other = connect_to(dsn);
    enter(other);
    queue(other, "SELECT 1 AS before_end");
    PQsendFlushRequest(other);
    queue(other, "SELECT pg_sleep(10) AS at_end");
    queue(other, "SELECT 1 AS behind_end");
    PQpipelineSync(other);
    queue(other, "SELECT 1 AS behind_end");
    PQpipelineSync(other);
    fetch(other, want_calls("select ? as before_end", 1), &t, 0);
    snprintf(text, sizeof(text), "SELECT pg_terminate_backend(%d) AS killed", PQbackendPID(other));
    run(conn, "select pg_terminate_backend(?) as killed", text);
    struct want *w = want_calls("select pg_sleep(?) as at_end", 1);
    fetch(other, w, &t, 0);
    aborted(other, want("select ? as behind_end"));
    w = want_calls("libpq.pipeline_sync", 1); /* the answer to this one never comes */
    PGresult *result = PQgetResult(other);
    want_result(w, result);
    show("end", result);
    printf("then: %d\n", PQgetResult(other) == NULL);
    want("select ? as behind_end")->aborted++;
    printf("status: %d\n", PQstatus(other)); /* it is never finished: all is over already */
}

/* ---- callbacks ------------------------------------------------------------------------------ */

#define NOTICE "DO $$ BEGIN RAISE NOTICE 'hello'; PERFORM 'pipeline'; END $$"

static void callbacks(const char *dsn, PGconn *other)
{
    struct moments t = {.server_ms = 0};
    PGconn *conn = connect_to(dsn);
    struct want *noisy = want_calls("do ?", 2), *quiet = want_calls("select ? as quiet", 2);
    enter(conn);
    PQsetNoticeProcessor(conn, query_other, other);
    queue(conn, NOTICE);
    queue(conn, "SELECT 1 AS quiet");
    queue(conn, NOTICE);
    queue(conn, "SELECT 2 AS quiet");
    PQpipelineSync(conn);
    fetch(conn, noisy, &t, 0);
    fetch(conn, quiet, &t, 0);
    PQsetNoticeProcessor(conn, jump_out, NULL);
    if (setjmp(out) == 0)
        printf("not reached: %p\n", (void *)PQgetResult(conn));
    PQsetNoticeProcessor(conn, query_other, other);
    fetch(conn, noisy, &t, 0);
    fetch(conn, quiet, &t, 0);
    synced(conn);
    leave(conn);
    PQfinish(conn);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: pipeline_ends DSN STATEMENTS KNOWN\n");
        return 64;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    PGconn *conn = connect_to(argv[1]);
    if (atoi(argv[2]) > 0) {
        flood(conn, atoi(argv[2]), atoi(argv[3]));
        flood(conn, 300, 300);
    } else {
        ends(argv[1], conn);
        callbacks(argv[1], conn);
    }
    PQfinish(conn);
    write_wants("");
    return 0;
}
