/* SPDX-License-Identifier: MIT */
/*
 * A program for libpq 17, run on the stand-in for it (standin17.c): the functions that are newer
 * than libpq 15, a known number of times each; errno before and after every function; and what
 * functions do where there is no connection.
 *
 * usage: modern calls|errno|null
 */
#include "standin17.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static PGconn *conn;

static void show(const char *what, PGresult *result)
{
    printf("%s: %d, %d rows\n", what, (int)PQresultStatus(result),
           result != NULL ? PQntuples(result) : -1);
    PQclear(result);
}

static void show_all(const char *what)
{
    for (PGresult *result; (result = PQgetResult(conn)) != NULL;)
        show(what, result);
}

/* ---- calls ---------------------------------------------------------------------------------- */

static void closes(void)
{
    for (int i = 0; i < 3; i++)
        show("close prepared", PQclosePrepared(conn, "p"));
    show("close prepared", PQclosePrepared(conn, "wrong"));
    for (int i = 0; i < 2; i++)
        show("close portal", PQclosePortal(conn, "p"));
    printf("sent %d\n", PQsendClosePrepared(conn, "p"));
    show_all("close prepared");
    printf("sent %d\n", PQsendClosePortal(conn, "wrong"));
    show_all("close portal");
}

static void pipeline(void)
{
    PQenterPipelineMode(conn);
    PQsendQuery(conn, "rows 4");
    PQsendQuery(conn, "error 22012");
    PQsendQuery(conn, "rows 5");
    PQsendPipelineSync(conn);
    PQsendQuery(conn, "rows 6");
    PQpipelineSync(conn);
    for (int nulls = 0; nulls < 2;) {
        PGresult *result = PQgetResult(conn);
        nulls = result == NULL ? nulls + 1 : 0;
        if (result != NULL)
            show("pipeline", result);
    }
    printf("left %d\n", PQexitPipelineMode(conn));
}

static void chunks(void)
{
    PQsendQuery(conn, "rows 10 in chunks");
    printf("chunked %d\n", PQsetChunkedRowsMode(conn, 4));
    show_all("chunk");
}

static PostgresPollingStatusType start_and_poll(PGcancelConn *cancel)
{
    PostgresPollingStatusType status = PGRES_POLLING_FAILED;
    if (PQcancelStart(cancel))
        do
            status = PQcancelPoll(cancel);
        while (status == PGRES_POLLING_READING);
    return status;
}

static void cancels(void)
{
    char error[64] = "";
    PGcancel *old = PQgetCancel(conn);
    printf("cancel %d, request %d\n", PQcancel(old, error, sizeof(error)), PQrequestCancel(conn));
    PQfreeCancel(old);
    PGcancelConn *cancel = PQcancelCreate(conn);
    printf("blocking %d\n", PQcancelBlocking(cancel));
    PQcancelReset(cancel);
    printf("by polling %d\n", start_and_poll(cancel));
    printf("again %d\n", PQcancelStart(cancel));
    PQcancelReset(cancel);
    printf("once more %d\n", PQcancelStart(cancel));
    PQcancelFinish(cancel); /* in the middle of it */
    cancel = PQcancelCreate(NULL);
    printf("of nothing: %d\n", PQcancelBlocking(cancel));
    PQcancelFinish(cancel);
    standin_refuse(conn);
    cancel = PQcancelCreate(conn);
    printf("refused: %d\n", start_and_poll(cancel));
    PQcancelFinish(cancel);
}

static void run_calls(void)
{
    conn = PQconnectdb("x");
    closes();
    pipeline();
    chunks();
    show("password", PQchangePassword(conn, "joe", "correct-horse-battery"));
    show("after all", PQexec(conn, "rows 1"));
    cancels();
    PQfinish(conn);
    conn = PQconnectStart("refused");
    PostgresPollingStatusType status;
    do
        status = PQconnectPoll(conn);
    while (status == PGRES_POLLING_READING);
    printf("refused: %d\n", status);
    printf("reset %d\n", PQresetStart(conn));
    do
        status = PQresetPoll(conn);
    while (status == PGRES_POLLING_READING);
    while (getchar() != EOF) /* the test may want to look at the living process */
        ;
}

/* ---- errno ---------------------------------------------------------------------------------- */

static int wrong;

static void check(const char *call, int before, int left)
{
    int after = errno;
    if (standin_errno_seen == before && after == left)
        return;
    wrong++;
    printf("%s: libpq found errno %d and not %d, the program %d and not %d\n", call,
           standin_errno_seen, before, after, left);
}

/* Each call finds errno as the program left it, and the program as the call left it. */
#define TRY(call)                   \
    do {                            \
        standin_errno_left = left;  \
        standin_errno_seen = -1;    \
        errno = before;             \
        call;                       \
        check(#call, before, left); \
        standin_errno_left = -1;    \
    } while (0)

static void try_connects(int before, int left)
{
    static const char *const keys[] = {"conninfo", NULL}, *const values[] = {"x", NULL};
    PGconn *other = NULL;
    TRY(other = PQconnectdb("refused"));
    TRY(PQfinish(other));
    TRY(other = PQconnectdbParams(keys, values, 0));
    TRY(PQfinish(other));
    TRY(other = PQsetdbLogin(NULL, NULL, NULL, NULL, "x", NULL, NULL));
    TRY(PQfinish(other));
    TRY(other = PQconnectStartParams(keys, values, 0));
    TRY(PQfinish(other));
    TRY(other = PQconnectStart("x"));
    for (int i = 0; i < 5; i++)
        TRY(PQconnectPoll(other));
    TRY(PQreset(other));
    TRY(PQresetStart(other));
    for (int i = 0; i < 5; i++)
        TRY(PQresetPoll(other));
    TRY(PQfinish(other));
    TRY(PQping("x"));
    TRY(PQping("refused"));
    TRY(PQpingParams(keys, values, 0));
}

static void try_sync(int before, int left)
{
    PGresult *result;
    TRY(result = PQexec(conn, "rows 1"));
    PQclear(result);
    TRY(result = PQexec(conn, "error 22012"));
    PQclear(result);
    TRY(result = PQexecParams(conn, "rows 1", 0, NULL, NULL, NULL, NULL, 0));
    PQclear(result);
    TRY(result = PQprepare(conn, "p", "rows 1", 0, NULL));
    PQclear(result);
    TRY(result = PQexecPrepared(conn, "p", 0, NULL, NULL, NULL, 0));
    PQclear(result);
    TRY(result = PQdescribePrepared(conn, "p"));
    PQclear(result);
    TRY(result = PQdescribePortal(conn, "p"));
    PQclear(result);
    TRY(result = PQclosePrepared(conn, "p"));
    PQclear(result);
    TRY(result = PQclosePortal(conn, "p"));
    PQclear(result);
    TRY(result = PQfn(conn, 1, NULL, NULL, 0, NULL, 0));
    PQclear(result);
    TRY(result = PQchangePassword(conn, "joe", "x"));
    PQclear(result);
}

static void fetch(int before, int left)
{
    PGresult *result;
    do {
        TRY(result = PQgetResult(conn));
        PQclear(result);
    } while (result != NULL);
}

static void try_async(int before, int left)
{
    TRY(PQsendQuery(conn, "rows 1"));
    fetch(before, left);
    TRY(PQsendQueryParams(conn, "rows 1", 0, NULL, NULL, NULL, NULL, 0));
    fetch(before, left);
    TRY(PQsendPrepare(conn, "p", "rows 1", 0, NULL));
    fetch(before, left);
    TRY(PQsendQueryPrepared(conn, "p", 0, NULL, NULL, NULL, 0));
    fetch(before, left);
    TRY(PQsendDescribePrepared(conn, "p"));
    fetch(before, left);
    TRY(PQsendDescribePortal(conn, "p"));
    fetch(before, left);
    TRY(PQsendClosePrepared(conn, "p"));
    fetch(before, left);
    TRY(PQsendClosePortal(conn, "p"));
    fetch(before, left);
    PQenterPipelineMode(conn);
    TRY(PQsendQuery(conn, "rows 1"));
    TRY(PQsendPipelineSync(conn));
    TRY(PQpipelineSync(conn));
    TRY(PQflush(conn));
    TRY(PQconsumeInput(conn));
    fetch(before, left);
    fetch(before, left);
    PQexitPipelineMode(conn);
    PGnotify *notify;
    TRY(notify = PQnotifies(conn));
    free(notify);
}

static void try_copy(int before, int left)
{
    char *buffer, line[8] = "";
    TRY(PQputCopyData(conn, "x", 1));
    TRY(PQputCopyEnd(conn, NULL));
    TRY(PQgetCopyData(conn, &buffer, 0));
    TRY(PQputline(conn, "x"));
    TRY(PQputnbytes(conn, "x", 1));
    TRY(PQgetline(conn, line, sizeof(line)));
    TRY(PQgetlineAsync(conn, line, sizeof(line)));
    TRY(PQendcopy(conn));
}

static void try_large_objects(int before, int left)
{
    char buffer[8];
    TRY(lo_open(conn, 1, INV_READ));
    TRY(lo_close(conn, 1));
    TRY(lo_read(conn, 1, buffer, sizeof(buffer)));
    TRY(lo_write(conn, 1, buffer, sizeof(buffer)));
    TRY(lo_lseek(conn, 1, 0, 0));
    TRY(lo_lseek64(conn, 1, 0, 0));
    TRY(lo_tell(conn, 1));
    TRY(lo_tell64(conn, 1));
    TRY(lo_truncate(conn, 1, 0));
    TRY(lo_truncate64(conn, 1, 0));
    TRY(lo_creat(conn, INV_READ));
    TRY(lo_create(conn, 1));
    TRY(lo_unlink(conn, 1));
    TRY(lo_import(conn, "x"));
    TRY(lo_import_with_oid(conn, "x", 1));
    TRY(lo_export(conn, 1, "x"));
}

static void try_cancels(int before, int left)
{
    char error[64];
    PGcancel *old = NULL;
    PGcancelConn *cancel = NULL;
    TRY(old = PQgetCancel(conn));
    TRY(PQcancel(old, error, sizeof(error)));
    TRY(PQcancel(NULL, error, sizeof(error)));
    TRY(PQfreeCancel(old));
    TRY(PQrequestCancel(conn));
    TRY(cancel = PQcancelCreate(conn));
    TRY(PQcancelBlocking(cancel));
    PQcancelReset(cancel);
    TRY(PQcancelStart(cancel));
    for (int i = 0; i < 5; i++)
        TRY(PQcancelPoll(cancel));
    TRY(PQcancelFinish(cancel));
}

static void run_errno(void)
{
    static const int values[] = {0, EINTR, EAGAIN, ENOSYS, 4242};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        for (size_t j = 0; j < sizeof(values) / sizeof(values[0]); j++) {
            try_connects(values[i], values[j]); /* the first of all begins the watch */
            if (conn == NULL)
                conn = PQconnectdb("x");
            try_sync(values[i], values[j]);
            try_async(values[i], values[j]);
            try_copy(values[i], values[j]);
            try_large_objects(values[i], values[j]);
            try_cancels(values[i], values[j]);
        }
    printf("wrong: %d\n", wrong);
}

/* ---- no connection -------------------------------------------------------------------------- */

static void run_null(void)
{
    char *data = (char *)1, line[8] = "old", error[64] = "";
    int got = PQgetCopyData(NULL, &data, 0);
    printf("copy data %d, %s\n", got, data == NULL ? "NULL" : "untouched");
    got = PQgetline(NULL, line, sizeof(line));
    printf("line %d, '%s'\n", got, line);
    printf("endcopy %d, flush %d, poll %d\n", PQendcopy(NULL), PQflush(NULL), PQconnectPoll(NULL));
    got = PQcancel(NULL, error, sizeof(error));
    printf("cancel %d, '%s'\n", got, error);
    printf("exec %d, send %d, reset %d\n", PQexec(NULL, "x") == NULL, PQsendQuery(NULL, "x"),
           PQresetStart(NULL));
    PGcancelConn *cancel = PQcancelCreate(NULL);
    printf("cancel of nothing: %s\n", cancel != NULL ? "made" : "none");
    PQcancelFinish(cancel);
    PQreset(NULL);
    PQfinish(NULL);
}

int main(int argc, char **argv)
{
    const char *what = argc == 2 ? argv[1] : "";
    void (*run)(void) = strcmp(what, "calls") == 0   ? run_calls
                        : strcmp(what, "errno") == 0 ? run_errno
                        : strcmp(what, "null") == 0  ? run_null
                                                     : NULL;
    if (run == NULL) {
        fprintf(stderr, "usage: modern calls|errno|null\n");
        return 64;
    }
    run();
    if (conn != NULL)
        PQfinish(conn);
    return 0;
}
