/* SPDX-License-Identifier: MIT */
/*
 * Several statements in one synchronous call: the program is given the last result only, and all of
 * them count. Some fail, some copy, some follow results that were never fetched or a call that was
 * jumped out of. Keeps its own account (wants.h): of a result that it is not given it knows what it
 * must be from a run of that statement alone.
 *
 * usage: batch DSN [unseen]
 *
 * Unseen: with a libpq that calls itself unseen, only what the program sees is known.
 */
#include "wants.h"

#include <setjmp.h>

static bool unseen;

/* TEXT runs alone, and once more where its result is not seen. */
static void twice(PGconn *conn, const char *what, const char *text)
{
    PGresult *result = PQexec(conn, text);
    want_result(want_calls(what, 1), result);
    if (!unseen)
        want_result(want_calls(what, 1), result);
    PQclear(result);
}

/* Runs TEXT, whose last statement is LAST and which is ALL of its statements. */
static void batch(PGconn *conn, const char *last, const char *all, const char *text)
{
    struct want *w = want_calls(unseen ? all : last, 1);
    PGresult *result = PQexec(conn, text);
    want_result(w, result);
    show(text, result);
}

static void plain(PGconn *conn)
{
    run(conn, "create temporary table t(id int)", "CREATE TEMPORARY TABLE t (id int)");
    twice(conn, "select ? as plain_1", "SELECT 1 AS plain_1");
    twice(conn, "insert into t values (?)", "INSERT INTO t VALUES (1), (2)");
    batch(conn, "select ? as plain_3",
          "select ? as plain_1; insert into t values (?); select ? as plain_3",
          "SELECT 1 AS plain_1; INSERT INTO t VALUES (3), (4); SELECT 3 AS plain_3");
    twice(conn, "begin", "BEGIN");
    twice(conn, "update t set id = id + ?", "UPDATE t SET id = id + 1");
    run(conn, "rollback", "ROLLBACK");
    batch(conn, "commit", "begin; update t set id = id + ?; commit",
          "BEGIN; UPDATE t SET id = id + 1; COMMIT;");
}

static void fails(PGconn *conn)
{
    twice(conn, "select ? as fails_1", "SELECT 1 AS fails_1");
    batch(conn, "select ? / ? as fails_2",
          "select ? as fails_1; select ? / ? as fails_2; select ? as never_run",
          "SELECT 1 AS fails_1; SELECT 1 / 0 AS fails_2; SELECT 3 AS never_run");
    /* A text that the server cannot read fails as its first statement. */
    batch(conn, "select ? as unread_1", "select ? as unread_1; selec ?",
          "SELECT 1 AS unread_1; SELEC 2");
}

/* What nobody fetched is over when libpq has fetched it, before it sends what is asked. */
static void behind_unread(PGconn *conn)
{
    unseen = false; /* these are known anyway */
    twice(conn, "select ? as unread", "SELECT 1 AS unread");
    twice(conn, "select ? / ? as unread_error", "SELECT 1 / 0 AS unread_error");
    twice(conn, "select ? as first_of_two", "SELECT 1 AS first_of_two");
    printf("sent: %d\n", PQsendQuery(conn, "SELECT 1 AS unread"));
    batch(conn, "select ? as second_of_two", "",
          "SELECT 1 AS first_of_two; SELECT 2 AS second_of_two");
    printf("sent: %d\n", PQsendQuery(conn, "SELECT 1 / 0 AS unread_error"));
    batch(conn, "select ? as behind_error", "", "SELECT 2 AS behind_error");
    twice(conn, "select ? as unread_a", "SELECT 1 AS unread_a");
    twice(conn, "select ? as unread_b", "SELECT 1 AS unread_b");
    printf("sent: %d\n", PQsendQuery(conn, "SELECT 1 AS unread_a; SELECT 1 AS unread_b"));
    PGresult *result = PQexecParams(conn, "SELECT 1 AS one", 0, NULL, NULL, NULL, NULL, 0);
    want_result(want_calls("select ? as one", 1), result);
    show("one", result);
}

/* COPY in the middle: the call returns there, and the program fetches the rest. */
static void copies(PGconn *conn)
{
    char *row;
    int n;
    twice(conn, "select ? as before_copy", "SELECT 1 AS before_copy");
    PGresult *result = PQexec(conn, "SELECT 1 AS before_copy; COPY (SELECT generate_series(1, 3)) "
                                    "TO STDOUT; SELECT 2 AS behind_copy");
    show("copies", result);
    struct want *w = want_calls("copy (select generate_series(?, ?)) to stdout", 1);
    while ((n = PQgetCopyData(conn, &row, 0)) > 0) {
        w->rows++;
        w->bytes_in += (unsigned)n;
        PQfreemem(row);
    }
    show("copied", PQgetResult(conn));
    want_result(want_calls("select ? as behind_copy", 1), result = PQgetResult(conn));
    show("behind", result);
    printf("no more: %d\n", PQgetResult(conn) == NULL);
}

static jmp_buf out;

static void jump_out(void *arg, const char *message)
{
    (void)arg, (void)message;
    longjmp(out, 1);
}

static void ignore(void *arg, const char *message)
{
    (void)arg, (void)message;
}

/* A call that is jumped out of is not over, and does not count; what libpq still has of it is not
 * the next one's. */
static void after_a_jump(PGconn *conn)
{
    PQsetNoticeProcessor(conn, jump_out, NULL);
    if (setjmp(out) == 0)
        show("not reached", PQexec(conn, "DO $$ BEGIN RAISE NOTICE 'jump'; END $$"));
    PQsetNoticeProcessor(conn, ignore, NULL);
    printf("jumped\n");
    batch(conn, "select ? as second_after", "select ? as first_after; select ? as second_after",
          "SELECT 1 AS first_after; SELECT 2 AS second_after");
    twice(conn, "select ? as first_after", "SELECT 1 AS first_after");
    if (setjmp(out) == 0) {
        PQsetNoticeProcessor(conn, jump_out, NULL);
        show("not reached", PQexec(conn, "DO $$ BEGIN RAISE NOTICE 'jump'; END $$"));
    }
    PQsetNoticeProcessor(conn, ignore, NULL);
    printf("drained: %d\n", PQgetResult(conn) != NULL);
    while (PQisBusy(conn)) /* then it has ended, and a NULL is not needed */
        PQconsumeInput(conn);
    PGresult *result;
    struct want *w = want_calls("select ? as in_order", 1);
    printf("sent: %d\n", PQsendQuery(conn, "SELECT 1 AS in_order"));
    want_result(w, result = PQgetResult(conn));
    show("in order", result);
    printf("no more: %d\n", PQgetResult(conn) == NULL);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: batch DSN [unseen]\n");
        return 64;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    unseen = argc > 2;
    PGconn *conn = connect_to(argv[1]);
    plain(conn);
    fails(conn);
    after_a_jump(conn);
    if (!unseen) {
        behind_unread(conn);
        copies(conn);
    }
    PQfinish(conn);
    write_wants("");
    return 0;
}
