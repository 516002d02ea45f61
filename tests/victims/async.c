/* SPDX-License-Identifier: MIT */
/*
 * Statements sent asynchronously, one at a time on a connection, in every way that libpq has; and
 * what can become of them: errors, refusals, results that are never fetched, a lost connection, a
 * connection that goes to another thread or into a forked child, callbacks that use libpq or jump
 * out of it. Prints what it got, so that runs can be compared, and keeps its own account (wants.h).
 *
 * usage: async DSN [unseen]
 *
 * Unseen: with a libpq that calls itself unseen, nothing is known of results that it discards.
 */
#include "callbacks.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/wait.h>

static bool unseen;

static const char *const values[] = {"3", "4"};

/* ---- each way of sending -------------------------------------------------------------------- */

static void ways(PGconn *conn)
{
    struct moments t = {.server_ms = 150};
    struct want *w = want_calls("select pg_sleep(?) as plain", 1);
    AROUND(t.sent, PQsendQuery(conn, "SELECT pg_sleep(0.15) AS plain"));
    pause_ms(40);
    fetch(conn, w, &t, 60);
    want_times(w, &t);

    w = want_calls("select ?::int + ?::int as with_params", 1);
    w->params += 2;
    t.server_ms = 0;
    AROUND(t.sent, PQsendQueryParams(conn, "SELECT $1::int + $2::int AS with_params", 2, NULL,
                                     values, NULL, NULL, 0));
    fetch(conn, w, &t, 20);
    want_times(w, &t);

    w = want_calls("libpq.prepare", 1);
    AROUND(t.sent, PQsendPrepare(conn, "nap", "SELECT pg_sleep($1::float / 100) AS nap", 0, NULL));
    pause_ms(20);
    fetch(conn, w, &t, 0);
    want_times(w, &t);

    for (int i = 0; i < 3; i++) {
        t.server_ms = 30;
        w = want_calls("select pg_sleep(?::float / ?) as nap", 1);
        w->params += 1;
        AROUND(t.sent, PQsendQueryPrepared(conn, "nap", 1, values, NULL, NULL, 0));
        fetch(conn, w, &t, 10);
        want_times(w, &t);
    }
    t.server_ms = 0;
    run(conn, "begin", "BEGIN");
    run(conn, "declare c cursor for select ?", "DECLARE c CURSOR FOR SELECT 1");
    w = want_calls("libpq.describe", 2);
    AROUND(t.sent, PQsendDescribePrepared(conn, "nap"));
    fetch(conn, w, &t, 10);
    want_times(w, &t);
    AROUND(t.sent, PQsendDescribePortal(conn, "c"));
    fetch(conn, w, &t, 10);
    want_times(w, &t);
    run(conn, "rollback", "ROLLBACK");
}

static void poll_for(PGconn *conn, short events)
{
    struct pollfd p = {.fd = PQsocket(conn), .events = events};
    while (poll(&p, 1, -1) < 0 && errno == EINTR)
        ;
}

/* More than the socket takes at once: it leaves bit by bit. */
static void non_blocking(PGconn *conn)
{
    enum { SIZE = 3000000 };
    struct moments t = {0};
    struct want *w = want_calls("select length(?) as long_text", 1);
    char *text = malloc(SIZE + 100);
    int at = sprintf(text, "SELECT length('");
    memset(text + at, 'x', SIZE);
    strcpy(text + at + SIZE, "') AS long_text");
    PQsetnonblocking(conn, 1);
    AROUND(t.sent, PQsendQuery(conn, text));
    while (PQflush(conn) == 1) {
        poll_for(conn, POLLIN | POLLOUT);
        PQconsumeInput(conn);
    }
    while (PQisBusy(conn)) {
        poll_for(conn, POLLIN);
        PQconsumeInput(conn);
    }
    pause_ms(30);
    fetch(conn, w, &t, 0);
    want_times(w, &t);
    PQsetnonblocking(conn, 0);
    free(text);
}

static void single_rows(PGconn *conn)
{
    struct moments t = {0};
    struct want *w = want_calls("select generate_series(?, ?) as single", 1);
    AROUND(t.sent, PQsendQuery(conn, "SELECT generate_series(1, 5) AS single"));
    printf("single row mode: %d\n", PQsetSingleRowMode(conn));
    pause_ms(20);
    fetch(conn, w, &t, 15);
    want_times(w, &t);

    w = want_calls("select ? / (? - g) as single from generate_series(?, ?) as g", 1);
    AROUND(t.sent,
           PQsendQuery(conn, "SELECT 1 / (3 - g) AS single FROM generate_series(1, 5) AS g"));
    PQsetSingleRowMode(conn);
    fetch(conn, w, &t, 15);
    want_times(w, &t);
}

static void several(PGconn *conn)
{
    struct moments t[2] = {{.server_ms = 0}, {.server_ms = 50}};
    struct want *first = want_calls("select ? as several", 1);
    struct want *second = want_calls("select pg_sleep(?) as several", 1);
    PGresult *result;
    AROUND(t[0].sent, PQsendQuery(conn, "SELECT 1 AS several; SELECT pg_sleep(0.05) AS several"));
    pause_ms(20);
    AROUND(t[0].first, result = PQgetResult(conn));
    want_result(first, result);
    show("several", result);
    t[0].over = t[1].sent = t[0].first; /* the one is over and the next begins */
    first->timed = true;
    add_bounds(&first->total, &t[0].sent, &t[0].over);
    AROUND(t[1].first, result = PQgetResult(conn));
    want_result(second, result);
    show("several", result);
    t[1].over = t[1].first;
    second->timed = true;
    add_bounds(&second->total, &t[1].sent, &t[1].over);
    first->wait = first->total;
    second->wait = second->total;
    printf("no more: %d\n", PQgetResult(conn) == NULL);

    /* The one in the middle fails, the last is never run. */
    PQsendQuery(conn, "SELECT 2 AS several_2; SELECT 2 / 0 AS several_3; SELECT 4 AS several_4");
    want_result(want_calls("select ? as several_2", 1), result = PQgetResult(conn));
    show("several", result);
    want_result(want_calls("select ? / ? as several_3", 1), result = PQgetResult(conn));
    show("several", result);
    printf("no more: %d\n", PQgetResult(conn) == NULL);

    /* Where a bind parameter may be there must be one statement. */
    struct want *w = want_calls("select ?; select ?", 1);
    PQsendQueryParams(conn, "SELECT 1; SELECT 2", 0, NULL, NULL, NULL, NULL, 0);
    fetch(conn, w, &t[0], 0);
}

/* ---- refusals, and what nobody fetches ------------------------------------------------------ */

static void refused(PGconn *conn)
{
    struct moments t = {.server_ms = 60};
    struct want *w = want_calls("select pg_sleep(?) as undisturbed", 1);
    AROUND(t.sent, PQsendQuery(conn, "SELECT pg_sleep(0.06) AS undisturbed"));
    for (int i = 0; i < 3; i++) {
        printf("in between: %d\n", PQsendQuery(conn, "SELECT 'refused'"));
        want_errors(want_calls("select ?", 1), "XP002", 1);
    }
    printf("in between: %d\n", PQsendPrepare(conn, "nap", "SELECT 'refused'", 0, NULL));
    want_errors(want_calls("libpq.prepare", 1), "XP002", 1);
    int length;
    printf("in between: %d\n", PQfn(conn, 1, NULL, &length, 0, NULL, 0) == NULL);
    want_errors(want_calls("libpq.function", 1), "XP002", 1);
    fetch(conn, w, &t, 20);
    want_times(w, &t);
    printf("nothing: %d\n", PQgetResult(conn) == NULL);
    printf("null: %d\n", PQsendQuery(conn, NULL));
    want_errors(want_calls("other (sql)", 1), "XP002", 1);

    w = want_calls("select pg_sleep(?::float / ?) as nap", 1); /* still what it was */
    w->params += 1;
    t.server_ms = 30;
    AROUND(t.sent, PQsendQueryPrepared(conn, "nap", 1, values, NULL, NULL, 0));
    fetch(conn, w, &t, 0);
    want_times(w, &t);
}

/* libpq fetches what is left itself before the next synchronous call. MEMORY is what the result
 * takes that the program never sees. */
static void abandoned(const char *dsn, PGconn *conn)
{
    PGresult *result = PQexec(conn, "SELECT 'like it' AS abandoned");
    size_t memory = PQresultMemorySize(result);
    want_result(want_calls("select ? as abandoned", 1), result);
    PQclear(result);
    struct want *w = want_calls("select ? as abandoned", 1);
    PQsendQuery(conn, "SELECT 'unread!' AS abandoned");
    w->rows += unseen ? 0 : 1;
    w->bytes_in += unseen ? 0 : memory;
    run(conn, "select ? as next_1", "SELECT 1 AS next_1");

    /* One that was fetched but for its NULL: it was over then. */
    struct moments t = {0};
    w = want_calls("select ? as half", 1);
    AROUND(t.sent, PQsendQuery(conn, "SELECT 1 AS half"));
    AROUND(t.first, result = PQgetResult(conn));
    t.over = t.first;
    want_result(w, result);
    show("half", result);
    w->timed = true;
    add_bounds(&w->wait, &t.sent, &t.first);
    add_bounds(&w->total, &t.sent, &t.first);
    pause_ms(30);
    run(conn, "select ? as next_2", "SELECT 1 AS next_2");

    /* By a call that is refused, but only after that. */
    w = want_calls("select pg_sleep(?) as discarded", 1);
    AROUND(t.sent, PQsendQuery(conn, "SELECT pg_sleep(0.05) AS discarded"));
    AROUND(t.over, result = PQexec(conn, NULL));
    printf("refused: %d\n", result == NULL);
    want_errors(want_calls("other (sql)", 1), "XP002", 1);
    w->rows += unseen ? 0 : 1;
    w->bytes_in += unseen ? 0 : memory;
    pause_ms(30);
    w->timed = true;
    w->total.high += t.over.after - t.sent.before;
    w->wait = w->total;
    run(conn, "select ? as next_3", "SELECT 1 AS next_3");

    /* By the end of the connection, or its reset. */
    PGconn *other = connect_to(dsn);
    PQsendQuery(other, "SELECT pg_sleep(10) AS cut");
    PQreset(other);
    want_calls("libpq.connect", 1);
    PQsendQuery(other, "SELECT pg_sleep(10) AS cut");
    want_errors(want_calls("select pg_sleep(?) as cut", 2), "XP003", 2);
    PQfinish(other);
}

/* ---- a lost connection ---------------------------------------------------------------------- */

static void terminate(PGconn *by, PGconn *conn)
{
    char text[100];
    snprintf(text, sizeof(text), "SELECT pg_terminate_backend(%d) AS killed", PQbackendPID(conn));
    run(by, "select pg_terminate_backend(?) as killed", text);
}

static void lost(const char *dsn, PGconn *conn)
{
    PGconn *victim = connect_to(dsn);
    struct want *w = want_calls("select pg_sleep(?) as lost", 1);
    PQsendQuery(victim, "SELECT pg_sleep(10) AS lost");
    terminate(conn, victim);
    PGresult *result = PQgetResult(victim);
    want_result(w, result);
    show("lost", result);
    /* The end of the connection is told by a result of its own. */
    while ((result = PQgetResult(victim)) != NULL)
        show("lost", result);
    printf("status: %d\n", PQstatus(victim));
    printf("refused: %d\n", PQsendQuery(victim, "SELECT 'refused'"));
    want_errors(want_calls("select ?", 1), "XP002", 1);
    PQfinish(victim);

    /* By the second of three statements in one text. */
    victim = connect_to(dsn);
    PQsendQuery(victim, "SELECT 1 AS suicide_1; SELECT pg_terminate_backend(pg_backend_pid()) AS "
                        "suicide_2; SELECT 3 AS suicide_3");
    want_result(want_calls("select ? as suicide_1", 1), result = PQgetResult(victim));
    show("suicide", result);
    w = want_calls("select pg_terminate_backend(pg_backend_pid()) as suicide_2", 1);
    want_result(w, result = PQgetResult(victim));
    show("suicide", result);
    while ((result = PQgetResult(victim)) != NULL)
        show("suicide", result);
    PQfinish(victim);
}

/* ---- connections, threads, processes -------------------------------------------------------- */

static void interleaved(const char *dsn)
{
    struct moments t[2] = {{.server_ms = 100}, {.server_ms = 40}};
    PGconn *conn[2] = {connect_to(dsn), connect_to(dsn)};
    struct want *w[2] = {want_calls("select pg_sleep(?) as left_one", 1),
                         want_calls("select pg_sleep(?) as right_one", 1)};
    AROUND(t[0].sent, PQsendQuery(conn[0], "SELECT pg_sleep(0.1) AS left_one"));
    AROUND(t[1].sent, PQsendQuery(conn[1], "SELECT pg_sleep(0.04) AS right_one"));
    fetch(conn[1], w[1], &t[1], 10);
    fetch(conn[0], w[0], &t[0], 10);
    for (int i = 0; i < 2; i++) {
        want_times(w[i], &t[i]);
        PQfinish(conn[i]);
    }
}

struct migrant {
    PGconn *conn;
    struct want *w;
    struct moments t;
};

static void *fetch_elsewhere(void *arg)
{
    struct migrant *m = arg;
    fetch(m->conn, m->w, &m->t, 15);
    return NULL;
}

static void migrates(PGconn *conn)
{
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        struct migrant m = {.conn = conn, .t = {.server_ms = 30}};
        m.w = want_calls("select pg_sleep(?) as migrant", 1);
        AROUND(m.t.sent, PQsendQuery(conn, "SELECT pg_sleep(0.03) AS migrant"));
        pthread_create(&thread, NULL, fetch_elsewhere, &m);
        pthread_join(thread, NULL);
        want_times(m.w, &m.t);
    }
}

/* The child has the connection, too, and closes it; a connection of its own is its own. */
static void forked(const char *dsn)
{
    struct moments t = {.server_ms = 80};
    PGconn *conn = connect_to(dsn);
    struct want *w = want_calls("select pg_sleep(?) as forked", 1);
    AROUND(t.sent, PQsendQuery(conn, "SELECT pg_sleep(0.08) AS forked"));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        memset(wants, 0, sizeof(wants));
        wants_count = 0;
        PGconn *own = connect_to(dsn);
        PQfinish(conn);
        run(own, "select ? as in_child", "SELECT 1 AS in_child");
        PQfinish(own);
        write_wants(".child");
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    fetch(conn, w, &t, 10);
    want_times(w, &t);
    PQfinish(conn);
}

/* ---- callbacks ------------------------------------------------------------------------------ */

static void print_only(void *arg, const char *message)
{
    (void)arg;
    printf("notice: %s", message);
}

#define NOTICE "DO $$ BEGIN RAISE NOTICE 'hello'; PERFORM 'async'; END $$"

/* A call from further down the stack than the one that was jumped out of. */
__attribute__((noinline)) static void run_deeper(PGconn *conn, int depth)
{
    volatile char room[512];
    room[0] = (char)depth;
    if (depth > 0)
        run_deeper(conn, depth - 1);
    else
        run(conn, "select ? as deeper", "SELECT 1 AS deeper");
    room[1] = room[0];
}

static void callbacks(const char *dsn, PGconn *other)
{
    struct moments t = {0};
    PGconn *conn = connect_to(dsn);
    struct want *w = want_calls("do ?", 2);
    PQsetNoticeProcessor(conn, query_other, other);
    AROUND(t.sent, PQsendQuery(conn, NOTICE));
    fetch(conn, w, &t, 0);
    want_times(w, &t);

    PQsetNoticeProcessor(conn, jump_out, NULL);
    AROUND(t.sent, PQsendQuery(conn, NOTICE));
    if (setjmp(out) == 0)
        printf("not reached: %p\n", (void *)PQgetResult(conn));
    run_deeper(other, 20);
    PQsetNoticeProcessor(conn, print_only, NULL);
    fetch(conn, w, &t, 0);
    want_times(w, &t);
    run_deeper(conn, 20);
    PQfinish(conn);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: async DSN [unseen]\n");
        return 64;
    }
    unseen = argc > 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    PGconn *conn = connect_to(argv[1]);
    ways(conn);
    non_blocking(conn);
    single_rows(conn);
    several(conn);
    refused(conn);
    abandoned(argv[1], conn);
    lost(argv[1], conn);
    interleaved(argv[1]);
    migrates(conn);
    forked(argv[1]);
    callbacks(argv[1], conn);
    PQfinish(conn);
    write_wants("");
    return 0;
}
