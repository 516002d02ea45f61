/* SPDX-License-Identifier: MIT */
/*
 * Every synchronous way of running a statement, a known number of times each, with what can go
 * wrong: errors, a refused connection, a reset, a notice processor that queries another connection,
 * one that longjmps out. Prints what it got, so that runs can be compared.
 *
 * usage: queries DSN
 */
#include <errno.h>
#include <libpq-fe.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void show(const char *what, PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    printf("%s: %s, %d rows, tag '%s', sqlstate %s\n", what, PQresStatus(PQresultStatus(result)),
           PQntuples(result), PQcmdStatus(result), state != NULL ? state : "-");
    PQclear(result);
}

static PGconn *connect_to(const char *dsn)
{
    PGconn *conn = PQconnectdb(dsn);
    if (PQstatus(conn) != CONNECTION_OK) {
        fprintf(stderr, "%s", PQerrorMessage(conn));
        exit(1);
    }
    return conn;
}

static void texts(PGconn *conn)
{
    show("create", PQexec(conn, "CREATE TEMPORARY TABLE t (id int PRIMARY KEY, v text)"));
    for (int i = 0; i < 5; i++) {
        char sql[100];
        snprintf(sql, sizeof(sql), "INSERT INTO t VALUES (%d, 'v%d')", i, i);
        show("insert", PQexec(conn, sql));
    }
    show("duplicate", PQexec(conn, "INSERT INTO t VALUES (3, 'again')"));
    show("update", PQexec(conn, "UPDATE t SET v = 'x' WHERE id > 1"));
    show("select", PQexec(conn, "SELECT * FROM t"));
    show("syntax", PQexec(conn, "SELEC * FROM t"));
    show("empty", PQexec(conn, ""));
    show("two", PQexec(conn, "SELECT 1; SELECT id FROM t WHERE id < 2"));
}

static void params(PGconn *conn)
{
    for (int i = 0; i < 7; i++) {
        char id[12];
        const char *values[] = {id};
        snprintf(id, sizeof(id), "%d", i);
        show("params", PQexecParams(conn, "SELECT v FROM t WHERE id = $1::int", 1, NULL, values,
                                    NULL, NULL, 0));
    }
}

static void prepared(PGconn *conn)
{
    const char *values[] = {"2"};
    show("prepare", PQprepare(conn, "by_id", "SELECT id FROM t WHERE id >= $1::int", 0, NULL));
    for (int i = 0; i < 9; i++)
        show("execute", PQexecPrepared(conn, "by_id", 1, values, NULL, NULL, 0));
    show("unknown", PQexecPrepared(conn, "never_prepared", 0, NULL, NULL, NULL, 0));
}

static void query_other(void *arg, const char *message)
{
    printf("notice: %s", message);
    show("in notice", PQexec(arg, "SELECT 'inside a notice'"));
}

static jmp_buf out;

static void jump_out(void *arg, const char *message)
{
    (void)arg, (void)message;
    longjmp(out, 1);
}

static void callbacks(const char *dsn, PGconn *conn)
{
    PGconn *other = connect_to(dsn);
    PQsetNoticeProcessor(conn, query_other, other);
    show("notice", PQexec(conn, "DO $$ BEGIN RAISE NOTICE 'hello'; END $$"));
    PQsetNoticeProcessor(conn, jump_out, NULL);
    if (setjmp(out) == 0)
        show("not shown", PQexec(conn, "DO $$ BEGIN RAISE NOTICE 'jump'; END $$"));
    /* libpq throws away what is left of the query that was jumped out of, and goes on. */
    PQsetNoticeProcessor(conn, query_other, other);
    show("same connection after the jump", PQexec(conn, "SELECT 'same connection'"));
    for (int i = 0; i < 3; i++)
        show("after the jump", PQexec(other, "SELECT 'after the jump'"));
    PQfinish(other);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: queries DSN\n");
        return 64;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    PGconn *bad = PQconnectdb("host=/nonexistent connect_timeout=2");
    printf("bad connection: %d\n", PQstatus(bad));
    show("on a bad connection", PQexec(bad, "SELECT 'nobody hears this'"));
    PQfinish(bad);

    PGconn *conn = connect_to(argv[1]);
    texts(conn);
    params(conn);
    prepared(conn);
    PQreset(conn);
    show("after reset", PQexecPrepared(conn, "by_id", 0, NULL, NULL, NULL, 0));
    show("killed", PQexec(conn, "SELECT pg_terminate_backend(pg_backend_pid())"));
    PQfinish(conn);

    conn = connect_to(argv[1]);
    callbacks(argv[1], conn);
    PQfinish(conn);
    printf("null connection: %d\n", PQexec(NULL, "SELECT 1") == NULL);
    return 0;
}
