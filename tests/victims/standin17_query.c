/* SPDX-License-Identifier: MIT */
/*
 * The stand-in's statements, pipelines and COPY.
 */
#include "standin17_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- statements ----------------------------------------------------------------------------- */

static int push(PGconn *conn, const char *text)
{
    if (conn == NULL || conn->status != CONNECTION_OK || conn->entries == ENTRIES)
        return 0;
    struct entry *entry = &conn->entry[conn->entries++];
    memset(entry, 0, sizeof(*entry));
    snprintf(entry->text, sizeof(entry->text), "%s", text);
    return 1;
}

static void pop(PGconn *conn)
{
    conn->entries--;
    memmove(conn->entry, conn->entry + 1, (size_t)conn->entries * sizeof(conn->entry[0]));
}

static PGresult *result(ExecStatusType status, int rows, const char *tag)
{
    PGresult *made = calloc(1, sizeof(*made));
    made->status = status;
    made->rows = rows;
    snprintf(made->tag, sizeof(made->tag), "%s", tag);
    return made;
}

static PGresult *rows_of(struct entry *entry, int rows)
{
    char tag[24];
    snprintf(tag, sizeof(tag), "SELECT %d", rows);
    if (entry->chunk > 0 && entry->given < rows) {
        int some = rows - entry->given < entry->chunk ? rows - entry->given : entry->chunk;
        entry->given += some;
        return result((ExecStatusType)TUPLES_CHUNK, some, "");
    }
    entry->over = true;
    return result(PGRES_TUPLES_OK, rows - entry->given, tag);
}

static PGresult *answer(PGconn *conn, struct entry *entry)
{
    PGresult *made;
    int rows;
    if (conn->aborted) {
        entry->over = true;
        return result(PGRES_PIPELINE_ABORTED, 0, "");
    }
    if (sscanf(entry->text, "rows %d", &rows) == 1)
        return rows_of(entry, rows);
    entry->over = true;
    if (strncmp(entry->text, "error ", 6) != 0)
        return result(PGRES_COMMAND_OK, 0, "OK");
    conn->aborted = conn->pipeline != PQ_PIPELINE_OFF;
    made = result(PGRES_FATAL_ERROR, 0, "");
    snprintf(made->sqlstate, sizeof(made->sqlstate), "%.5s", entry->text + 6);
    return made;
}

static PGresult *next(PGconn *conn)
{
    if (conn == NULL || conn->entries == 0)
        return NULL;
    struct entry *head = &conn->entry[0];
    if (strcmp(head->text, "sync") == 0) {
        pop(conn);
        conn->aborted = false;
        return result(PGRES_PIPELINE_SYNC, 0, "");
    }
    if (!head->over)
        return answer(conn, head);
    pop(conn);
    return NULL;
}

PGresult *PQgetResult(PGconn *conn)
{
    RETURN(next(conn));
}

/* As PQexec does: drops what was not fetched, sends, fetches all and keeps the last. */
static PGresult *last_result(PGconn *conn, int sent)
{
    PGresult *last = NULL, *more;
    while (sent && (more = PQgetResult(conn)) != NULL) {
        PQclear(last);
        last = more;
    }
    return last;
}

static bool ready(PGconn *conn)
{
    while (conn != NULL && conn->entries > 0)
        PQclear(PQgetResult(conn));
    return conn != NULL && conn->pipeline == PQ_PIPELINE_OFF;
}

int PQsendQuery(PGconn *conn, const char *query)
{
    RETURN(push(conn, query));
}

int PQsendQueryParams(PGconn *conn, const char *command, int n, const Oid *types,
                      const char *const *values, const int *lengths, const int *formats, int format)
{
    (void)n, (void)types, (void)values, (void)lengths, (void)formats, (void)format;
    RETURN(push(conn, command));
}

int PQsendPrepare(PGconn *conn, const char *name, const char *query, int n, const Oid *types)
{
    (void)name, (void)query, (void)n, (void)types;
    RETURN(push(conn, "prepare"));
}

int PQsendQueryPrepared(PGconn *conn, const char *name, int n, const char *const *values,
                        const int *lengths, const int *formats, int format)
{
    (void)n, (void)values, (void)lengths, (void)formats, (void)format;
    RETURN(push(conn, name));
}

int PQsendDescribePrepared(PGconn *conn, const char *name)
{
    (void)name;
    RETURN(push(conn, "describe"));
}

int PQsendDescribePortal(PGconn *conn, const char *name)
{
    (void)name;
    RETURN(push(conn, "describe"));
}

int PQsendClosePrepared(PGconn *conn, const char *name)
{
    RETURN(push(conn, strcmp(name, "wrong") == 0 ? "error 26000" : "close"));
}

int PQsendClosePortal(PGconn *conn, const char *name)
{
    RETURN(push(conn, strcmp(name, "wrong") == 0 ? "error 34000" : "close"));
}

PGresult *PQexec(PGconn *conn, const char *query)
{
    RETURN(ready(conn) ? last_result(conn, PQsendQuery(conn, query)) : NULL);
}

PGresult *PQexecParams(PGconn *conn, const char *command, int n, const Oid *types,
                       const char *const *values, const int *lengths, const int *formats,
                       int format)
{
    RETURN(ready(conn) ? last_result(conn, PQsendQueryParams(conn, command, n, types, values,
                                                             lengths, formats, format))
                       : NULL);
}

PGresult *PQprepare(PGconn *conn, const char *name, const char *query, int n, const Oid *types)
{
    RETURN(ready(conn) ? last_result(conn, PQsendPrepare(conn, name, query, n, types)) : NULL);
}

PGresult *PQexecPrepared(PGconn *conn, const char *name, int n, const char *const *values,
                         const int *lengths, const int *formats, int format)
{
    RETURN(ready(conn) ? last_result(conn, PQsendQueryPrepared(conn, name, n, values, lengths,
                                                               formats, format))
                       : NULL);
}

PGresult *PQdescribePrepared(PGconn *conn, const char *name)
{
    RETURN(ready(conn) ? last_result(conn, PQsendDescribePrepared(conn, name)) : NULL);
}

PGresult *PQdescribePortal(PGconn *conn, const char *name)
{
    RETURN(ready(conn) ? last_result(conn, PQsendDescribePortal(conn, name)) : NULL);
}

PGresult *PQclosePrepared(PGconn *conn, const char *name)
{
    RETURN(ready(conn) ? last_result(conn, PQsendClosePrepared(conn, name)) : NULL);
}

PGresult *PQclosePortal(PGconn *conn, const char *name)
{
    RETURN(ready(conn) ? last_result(conn, PQsendClosePortal(conn, name)) : NULL);
}

PGresult *PQfn(PGconn *conn, int function, int *buffer, int *length, int is_int,
               const PQArgBlock *args, int n)
{
    (void)function, (void)buffer, (void)length, (void)is_int, (void)args, (void)n;
    RETURN(conn != NULL ? result(PGRES_COMMAND_OK, 0, "") : NULL);
}

/* The real one sends the encrypted password as ALTER USER, by PQexec. */
static PGresult *change_password(PGconn *conn, const char *user, const char *password)
{
    char sql[200];
    snprintf(sql, sizeof(sql), "ALTER USER %s PASSWORD 'SCRAM-SHA-256$%s'", user, password);
    return PQexec(conn, sql);
}

PGresult *PQchangePassword(PGconn *conn, const char *user, const char *password)
{
    RETURN(change_password(conn, user, password));
}

/* ---- pipelines ------------------------------------------------------------------------------ */

int PQenterPipelineMode(PGconn *conn)
{
    conn->pipeline = PQ_PIPELINE_ON;
    return 1;
}

int PQexitPipelineMode(PGconn *conn)
{
    if (conn->entries > 0)
        return 0;
    conn->pipeline = PQ_PIPELINE_OFF;
    return 1;
}

int PQpipelineSync(PGconn *conn)
{
    RETURN(push(conn, "sync"));
}

int PQsendPipelineSync(PGconn *conn)
{
    RETURN(push(conn, "sync"));
}

int PQsetChunkedRowsMode(PGconn *conn, int rows)
{
    if (conn->entries == 0)
        return 0;
    conn->entry[conn->entries - 1].chunk = rows;
    return 1;
}

int PQconsumeInput(PGconn *conn)
{
    RETURN(conn != NULL);
}

int PQflush(PGconn *conn)
{
    RETURN(conn != NULL ? 0 : -1);
}

PGnotify *PQnotifies(PGconn *conn)
{
    (void)conn;
    RETURN((PGnotify *)calloc(1, sizeof(PGnotify)));
}

/* ---- COPY: of nothing ------------------------------------------------------------------------ */

int PQputCopyData(PGconn *conn, const char *buffer, int n)
{
    (void)buffer, (void)n;
    RETURN(conn != NULL ? 1 : -1);
}

int PQputCopyEnd(PGconn *conn, const char *error)
{
    (void)error;
    RETURN(conn != NULL ? 1 : -1);
}

static int no_copy_data(const PGconn *conn, char **buffer)
{
    *buffer = NULL;
    return conn != NULL ? -1 : -2;
}

int PQgetCopyData(PGconn *conn, char **buffer, int async)
{
    (void)async;
    RETURN(no_copy_data(conn, buffer));
}

int PQputline(PGconn *conn, const char *line)
{
    (void)line;
    RETURN(conn != NULL ? 0 : EOF);
}

int PQputnbytes(PGconn *conn, const char *buffer, int n)
{
    (void)buffer, (void)n;
    RETURN(conn != NULL ? 0 : EOF);
}

static int no_line(char *buffer)
{
    buffer[0] = '\0';
    return EOF;
}

int PQgetline(PGconn *conn, char *buffer, int room)
{
    (void)conn, (void)room;
    RETURN(no_line(buffer));
}

int PQgetlineAsync(PGconn *conn, char *buffer, int room)
{
    (void)conn, (void)buffer, (void)room;
    RETURN(-1);
}

int PQendcopy(PGconn *conn)
{
    (void)conn;
    RETURN(0);
}
