/* SPDX-License-Identifier: MIT */
/*
 * COPY in and out, by libpq's calls of today and by those before PostgreSQL 7.4: all of it, given
 * up by the program, refused by the server, left in the middle. Keeps its own account (wants.h).
 *
 * usage: copy DSN [unseen]
 *
 * Unseen: with a libpq that calls itself unseen, nothing is known of results that it discards, or
 * fetches in PQendcopy.
 */
#include "wants.h"

#define LINES 5

static bool unseen;

/* Begins a copy, which is no result yet. */
static struct want *begin(PGconn *conn, const char *what, const char *text)
{
    show(text, PQexec(conn, text));
    return want_calls(what, 1);
}

/* The result of a copy: the tag has the rows, and what it takes in memory does not count. */
static void end(PGconn *conn, struct want *w, unsigned long long rows, bool in)
{
    PGresult *result = PQgetResult(conn);
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (PQresultStatus(result) == PGRES_FATAL_ERROR)
        want_errors(w, state != NULL ? state : "XP001", 1);
    w->rows += rows;
    w->affected += in ? rows : 0;
    show(w->what, result);
    printf("no more: %d\n", PQgetResult(conn) == NULL);
}

static void put(PGconn *conn, struct want *w, const char *line)
{
    printf("put: %d\n", PQputCopyData(conn, line, (int)strlen(line)));
    w->bytes_out += strlen(line);
}

/* ---- in ------------------------------------------------------------------------------------- */

#define IN  "copy t(id) from stdin"
#define OUT "copy (select generate_series(?, ?)) to stdout"

static void in(PGconn *conn)
{
    struct want *w = begin(conn, IN, "COPY t(id) FROM STDIN");
    for (int i = 0; i < LINES; i++)
        put(conn, w, "123\n");
    printf("end: %d\n", PQputCopyEnd(conn, NULL));
    end(conn, w, LINES, true);

    /* Given up by the program. */
    w = begin(conn, IN, "COPY t(id) FROM STDIN");
    put(conn, w, "123\n");
    printf("end: %d\n", PQputCopyEnd(conn, "I changed my mind"));
    end(conn, w, 0, true);

    /* Refused by the server. */
    w = begin(conn, IN, "COPY t(id) FROM STDIN");
    put(conn, w, "123\n");
    put(conn, w, "not a number\n");
    put(conn, w, "456\n");
    printf("end: %d\n", PQputCopyEnd(conn, NULL));
    end(conn, w, 0, true);

    /* Never begun. */
    PGresult *none = PQexec(conn, "COPY nothing FROM STDIN");
    want_result(want_calls("copy nothing from stdin", 1), none);
    show("none", none);
    printf("put: %d\n", PQputCopyData(conn, "1\n", 2));
}

/* With parameters, asynchronously, and timed: from the sending to the program's last word. */
static void in_time(PGconn *conn)
{
    struct moments t = {.server_ms = 0};
    struct want *w = want_calls("copy t(id) from stdin with (freeze false)", 1);
    PGresult *result;
    AROUND(t.sent, PQsendQueryParams(conn, "COPY t(id) FROM STDIN WITH (FREEZE false)", 0, NULL,
                                     NULL, NULL, NULL, 0));
    pause_ms(20);
    AROUND(t.first, result = PQgetResult(conn));
    show("in time", result);
    show("it says so again", PQgetResult(conn));
    for (int i = 0; i < LINES; i++) {
        put(conn, w, "7\n");
        pause_ms(10);
    }
    printf("end: %d\n", PQputCopyEnd(conn, NULL));
    result = PQgetResult(conn);
    w->rows += LINES;
    w->affected += LINES;
    show("in time", result);
    pause_ms(10);
    AROUND(t.over, result = PQgetResult(conn));
    show("in time", result);
    want_times(w, &t);
}

/* By other means than its result the program knows when it may begin. */
static void in_unannounced(PGconn *conn)
{
    struct want *w = want_calls(IN, 1);
    printf("sent: %d\n", PQsendQuery(conn, "COPY t(id) FROM STDIN"));
    while (PQisBusy(conn))
        PQconsumeInput(conn);
    put(conn, w, "1\n");
    printf("end: %d\n", PQputCopyEnd(conn, NULL));
    end(conn, w, 1, true);
}

static void in_abandoned(PGconn *conn)
{
    struct want *w = begin(conn, IN, "COPY t(id) FROM STDIN");
    put(conn, w, "123\n");
    if (!unseen)
        want_errors(w, "57014", 1); /* libpq tells the server that it gave up */
    run(conn, "select ? as after_in", "SELECT 1 AS after_in");
}

static void in_old(PGconn *conn)
{
    struct want *w = begin(conn, IN, "COPY t(id) FROM STDIN");
    printf("%d\n", PQputline(conn, "11\n"));
    printf("%d\n", PQputnbytes(conn, "12\n13\n", 6));
    w->bytes_out += 3 + 6;
    w->rows += unseen ? 0 : 3;
    w->affected += unseen ? 0 : 3;
    pause_ms(10);
    printf("end: %d\n", PQendcopy(conn));
    printf("no more: %d\n", PQgetResult(conn) == NULL);

    w = begin(conn, IN, "COPY t(id) FROM STDIN");
    printf("%d\n", PQputline(conn, "not a number\n"));
    w->bytes_out += 13;
    if (!unseen)
        want_errors(w, "22P02", 1);
    printf("end: %d\n", PQendcopy(conn));
    run(conn, "select ? as after_old", "SELECT 1 AS after_old");
}

/* ---- out ------------------------------------------------------------------------------------ */

/* Fetches at most MOST rows. */
static int get(PGconn *conn, struct want *w, int most)
{
    char *row;
    int n, rows = 0;
    while (rows < most && (n = PQgetCopyData(conn, &row, 0)) > 0) {
        w->bytes_in += (unsigned)n;
        rows++;
        PQfreemem(row);
    }
    printf("rows: %d\n", rows);
    return rows;
}

static void out(PGconn *conn)
{
    struct want *w = begin(conn, OUT, "COPY (SELECT generate_series(1, 1000)) TO STDOUT");
    get(conn, w, 1001);
    end(conn, w, 1000, false);

    /* It fails in the middle. */
    w = begin(conn, "copy (select ? / (? - g) from generate_series(?, ?) as g) to stdout",
              "COPY (SELECT 1 / (5 - g) FROM generate_series(1, 9) AS g) TO STDOUT");
    end(conn, w, (unsigned)get(conn, w, 10), false);

    /* Left in the middle: what comes is thrown away, and it is over. */
    w = begin(conn, OUT, "COPY (SELECT generate_series(1, 20)) TO STDOUT");
    get(conn, w, 7);
    w->rows += unseen ? 7 : 20;
    run(conn, "select ? as after_out", "SELECT 1 AS after_out");

    /* All of it fetched, and then no more asked. */
    w = begin(conn, OUT, "COPY (SELECT generate_series(1, 30)) TO STDOUT");
    w->rows += (unsigned)get(conn, w, 31);
    run(conn, "select ? as after_out", "SELECT 1 AS after_out");
}

/* PQendcopy fails where the end has been read, and does nothing. */
static void finish(PGconn *conn)
{
    PGresult *result;
    printf("end: %d\n", PQendcopy(conn));
    while ((result = PQgetResult(conn)) != NULL)
        show("end", result);
}

static void out_old(PGconn *conn)
{
    char line[8];
    struct want *w = begin(conn, OUT, "COPY (SELECT generate_series(99998, 100002)) TO STDOUT");
    int result;
    while ((result = PQgetline(conn, line, sizeof(line))) != EOF && strcmp(line, "\\.") != 0) {
        w->rows += result == 0;
        w->bytes_in += strlen(line) + (result == 0);
    }
    finish(conn);

    /* Lines in parts. */
    w = begin(conn, OUT, "COPY (SELECT generate_series(1000001, 1000004)) TO STDOUT");
    while ((result = PQgetlineAsync(conn, line, 5)) >= 0) {
        w->bytes_in += (unsigned)result;
        if (result == 0)
            PQconsumeInput(conn);
    }
    w->rows += 4;
    finish(conn);
}

/* ---- the connection ends -------------------------------------------------------------------- */

static void cut(const char *dsn, PGconn *conn)
{
    PGconn *other = connect_to(dsn);
    run(other, "create temporary table t(id int)", "CREATE TEMPORARY TABLE t (id int)");
    struct want *w = begin(other, IN, "COPY t(id) FROM STDIN");
    put(other, w, "1\n");
    want_errors(w, "XP003", 1);
    PQreset(other);
    want_calls("libpq.connect", 1);
    w = begin(other, OUT, "COPY (SELECT generate_series(1, 100)) TO STDOUT");
    w->rows += (unsigned)get(other, w, 9);
    want_errors(w, "XP003", 1);
    PQfinish(other);

    char text[100];
    other = connect_to(dsn);
    run(other, "create temporary table t(id int)", "CREATE TEMPORARY TABLE t (id int)");
    w = begin(other, IN, "COPY t(id) FROM STDIN");
    put(other, w, "1\n");
    snprintf(text, sizeof(text), "SELECT pg_terminate_backend(%d, 10000) AS killed",
             PQbackendPID(other));
    run(conn, "select pg_terminate_backend(?, ?) as killed", text);
    printf("end: %d\n", PQputCopyEnd(other, NULL));
    show("killed", PQgetResult(other));
    while (PQgetResult(other) != NULL)
        printf("and again\n");
    want_errors(w, "57P01", 1);
    PQfinish(other);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: copy DSN [unseen]\n");
        return 64;
    }
    unseen = argc > 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    PGconn *conn = connect_to(argv[1]);
    run(conn, "create temporary table t(id int)", "CREATE TEMPORARY TABLE t (id int)");
    in(conn);
    in_time(conn);
    in_unannounced(conn);
    in_abandoned(conn);
    in_old(conn);
    out(conn);
    out_old(conn);
    cut(argv[1], conn);
    PQfinish(conn);
    write_wants("");
    return 0;
}
