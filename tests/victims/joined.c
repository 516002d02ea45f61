/* SPDX-License-Identifier: MIT */
/*
 * A program that does with libpq what it is told, line by line, so that somebody can attach to it
 * between one step and the next. Built in several ways, that differ in how a call finds its
 * function. Says "done" after each line, and what it got.
 *
 *   exec N       N statements, one by one
 *   send, get    a statement is sent; its results are fetched
 *   pipe, sync   three statements go into a pipeline; they are ended and fetched
 *   copy, end    a COPY is begun, with some rows; it gets more and is ended
 *   out, rest    the first rows of a COPY are fetched; the others are
 *   single, all  the first of a statement's rows is fetched alone; the others are
 *   begin, end-it a transaction is begun; it is ended after a statement
 *   prepare, run a statement is prepared; it is run
 *   change       another statement is prepared under the same name
 *   start, poll  a connection is begun; it is completed, used and closed
 *   open, close  a second connection
 *   load, late   the library LATE_LIBRARY is loaded; a statement is run by it
 *   fork, leave  a child goes on with what it is told, with a connection of its own; it ends, for
 *                which the program has waited, and goes on
 *
 * usage: joined DSN
 */
#include <dlfcn.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* By addresses in data, as a driver with a table of functions calls them. */
#ifdef TABLE
static struct {
    PGresult *(*exec)(PGconn *, const char *);
    PGresult *(*get)(PGconn *);
    int (*send)(PGconn *, const char *);
} volatile table = {PQexec, PQgetResult, PQsendQuery};
#define PQexec      table.exec
#define PQgetResult table.get
#define PQsendQuery table.send
#endif

static long rows, failures;

static void take(PGresult *result)
{
    switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
    case PGRES_SINGLE_TUPLE:
        rows += PQntuples(result);
        break;
    case PGRES_COMMAND_OK:
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_PIPELINE_SYNC:
        break;
    default:
        failures++;
    }
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

static void exec_times(PGconn *conn, long n)
{
    for (long i = 0; i < n; i++)
        take(PQexec(conn, "SELECT 'one by one', generate_series(1, 3)"));
}

static void take_all(PGconn *conn)
{
    for (PGresult *result; (result = PQgetResult(conn)) != NULL;)
        take(result);
}

static void pipe_in(PGconn *conn)
{
    PQenterPipelineMode(conn);
    for (int i = 0; i < 3; i++)
        if (!PQsendQueryParams(conn, "SELECT 'in a pipeline'", 0, NULL, NULL, NULL, NULL, 0))
            failures++;
}

static void pipe_out(PGconn *conn)
{
    PQpipelineSync(conn);
    for (int i = 0; i < 3; i++)
        take_all(conn);
    take(PQgetResult(conn)); /* the end of the pipeline */
    PQexitPipelineMode(conn);
}

static void copy_rows(PGconn *conn)
{
    for (int i = 0; i < 10; i++)
        if (PQputCopyData(conn, "1\n", 2) != 1)
            failures++;
}

static void copy_begin(PGconn *conn)
{
    take(PQexec(conn, "CREATE TEMPORARY TABLE IF NOT EXISTS copied (n int)"));
    take(PQexec(conn, "COPY copied FROM STDIN"));
    copy_rows(conn);
}

static void copy_end(PGconn *conn)
{
    copy_rows(conn);
    PQputCopyEnd(conn, NULL);
    take_all(conn);
}

static void prepare_another(PGconn *conn)
{
    take(PQexec(conn, "DEALLOCATE kept"));
    take(PQprepare(conn, "kept", "SELECT 'another', 2", 0, NULL));
}

/* By the way that late.so has left, and no dlsym. */
static void late(PGconn *conn)
{
    const char *where = getenv("LATE_FUNCTION");
    void *address = NULL;
    if (where == NULL || sscanf(where, "%p", &address) != 1)
        exit(1);
    take(((PGresult * (*)(PGconn *)) address)(conn));
}

static void out_begin(PGconn *conn)
{
    char *row = NULL;
    take(PQexec(conn, "COPY (SELECT generate_series(1, 1000)) TO STDOUT"));
    for (int i = 0; i < 10 && PQgetCopyData(conn, &row, 0) > 0; i++, rows++)
        PQfreemem(row);
}

static void out_rest(PGconn *conn)
{
    char *row = NULL;
    for (; PQgetCopyData(conn, &row, 0) > 0; rows++)
        PQfreemem(row);
    take_all(conn);
}

static void single_begin(PGconn *conn)
{
    if (!PQsendQuery(conn, "SELECT 'row by row', generate_series(1, 1000)") ||
        !PQsetSingleRowMode(conn))
        failures++;
    take(PQgetResult(conn));
}

static void transaction_end(PGconn *conn)
{
    take(PQexec(conn, "SELECT 'in a transaction'"));
    take(PQexec(conn, "COMMIT"));
}

/* One step, as an event loop does it, or all of them. */
static void connect_on(PGconn *conn, bool all)
{
    PostgresPollingStatusType want = PGRES_POLLING_WRITING;
    do {
        struct pollfd fd = {.fd = PQsocket(conn),
                            .events = want == PGRES_POLLING_READING ? POLLIN : POLLOUT};
        poll(&fd, 1, -1);
        want = PQconnectPoll(conn);
    } while (all && want != PGRES_POLLING_OK && want != PGRES_POLLING_FAILED);
    if (all && want != PGRES_POLLING_OK)
        failures++;
}

static void connect_end(PGconn *conn)
{
    connect_on(conn, true);
    take(PQexec(conn, "SELECT 'at last'"));
    PQfinish(conn);
}

/* More steps; false where it is none of them. */
static bool step_more(PGconn *conn, const char *line, const char *dsn)
{
    static PGconn *slow;
    if (strcmp(line, "out") == 0)
        out_begin(conn);
    else if (strcmp(line, "rest") == 0)
        out_rest(conn);
    else if (strcmp(line, "single") == 0)
        single_begin(conn);
    else if (strcmp(line, "all") == 0)
        take_all(conn);
    else if (strcmp(line, "begin") == 0)
        take(PQexec(conn, "BEGIN"));
    else if (strcmp(line, "end-it") == 0)
        transaction_end(conn);
    else if (strcmp(line, "start") == 0)
        connect_on(slow = PQconnectStart(dsn), false);
    else if (strcmp(line, "poll") == 0)
        connect_end(slow);
    else
        return false;
    return true;
}

static void step(PGconn *conn, const char *line, const char *dsn)
{
    static PGconn *second;
    if (strncmp(line, "exec ", 5) == 0)
        exec_times(conn, atol(line + 5));
    else if (strcmp(line, "send") == 0)
        failures += !PQsendQuery(conn, "SELECT 'sent before', generate_series(1, 5)");
    else if (strcmp(line, "get") == 0)
        take_all(conn);
    else if (strcmp(line, "pipe") == 0)
        pipe_in(conn);
    else if (strcmp(line, "sync") == 0)
        pipe_out(conn);
    else if (strcmp(line, "copy") == 0)
        copy_begin(conn);
    else if (strcmp(line, "end") == 0)
        copy_end(conn);
    else if (strcmp(line, "prepare") == 0)
        take(PQprepare(conn, "kept", "SELECT 'prepared before'", 0, NULL));
    else if (strcmp(line, "run") == 0)
        take(PQexecPrepared(conn, "kept", 0, NULL, NULL, NULL, 0));
    else if (strcmp(line, "change") == 0)
        prepare_another(conn);
    else if (strcmp(line, "load") == 0)
        failures += dlopen(getenv("LATE_LIBRARY"), RTLD_NOW) == NULL;
    else if (strcmp(line, "late") == 0)
        late(conn);
    else if (strcmp(line, "open") == 0)
        second = connect_to(dsn);
    else if (strcmp(line, "close") == 0)
        PQfinish(second);
    else if (!step_more(conn, line, dsn))
        exit(64);
}

/* Of the child, and when that has ended of the program, the connection. */
static PGconn *fork_on(PGconn *conn, const char *dsn)
{
    int status;
    pid_t child = fork();
    if (child == 0)
        return connect_to(dsn);
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        failures++;
    return conn;
}

int main(int argc, char **argv)
{
    char line[64];
    if (argc != 2)
        return 64;
    PGconn *conn = connect_to(argv[1]);
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strcmp(line, "leave") == 0)
            _exit(failures == 0 ? 0 : 1);
        if (strcmp(line, "fork") == 0)
            conn = fork_on(conn, argv[1]);
        else
            step(conn, line, argv[1]);
        printf("done %s: rows=%ld failures=%ld\n", line, rows, failures);
        fflush(stdout);
    }
    PQfinish(conn);
    return failures == 0 ? 0 : 1;
}
