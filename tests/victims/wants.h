/* SPDX-License-Identifier: MIT */
/*
 * What a victim knows of its own statements: how often each ran, failed or was aborted, what it
 * delivered, and between which bounds its times must lie. The victim keeps account in its own way,
 * from what libpq tells it and from its own clock, and writes it where the environment variable
 * WANTS says; lib/wants.sh holds what is reported against it.
 *
 * A time's bounds are exact, however busy the machine is: each moment that is measured lies inside
 * one call of libpq, between a reading of the clock before it and one after it.
 */
#ifndef VICTIMS_WANTS_H
#define VICTIMS_WANTS_H

#include <libpq-fe.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct bounds {
    double low, high; /* milliseconds, over all calls */
};

struct want {
    const char *what; /* a normalised statement, or an operation of libpq's own */
    unsigned long long calls, errors, aborted, rows, affected, params, bytes_in, bytes_out;
    char states[100]; /* " 22012 23505" */
    bool timed;
    struct bounds queue, wait, consume, total;
};

/* When a statement was sent, flushed, first answered and over: before and after the call. */
struct moment {
    double before, after;
};
struct moments {
    struct moment sent, flushed, first, over;
    double server_ms; /* the server sleeps so long before it answers */
};

/* Makes CALL and notes when, in the moment M. */
#define AROUND(m, call)          \
    do {                         \
        (m).before = clock_ms(); \
        call;                    \
        (m).after = clock_ms();  \
    } while (0)

static struct want wants[400];
static int wants_count;

__attribute__((unused)) static double clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

__attribute__((unused)) static void pause_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static struct want *want(const char *what)
{
    for (int i = 0; i < wants_count; i++)
        if (strcmp(wants[i].what, what) == 0)
            return &wants[i];
    if (wants_count == (int)(sizeof(wants) / sizeof(wants[0]))) {
        fprintf(stderr, "too many statements\n");
        exit(3);
    }
    wants[wants_count].what = what;
    return &wants[wants_count++];
}

__attribute__((unused)) static struct want *want_calls(const char *what, unsigned long long n)
{
    struct want *w = want(what);
    w->calls += n;
    return w;
}

/* N calls that failed so. */
static void want_errors(struct want *w, const char *state, unsigned long long n)
{
    w->errors += n;
    if (strstr(w->states, state) == NULL) {
        strcat(w->states, " ");
        strcat(w->states, state);
    }
}

/* What RESULT says of the statement that it is of. */
static void want_result(struct want *w, PGresult *result)
{
    const char *tag = PQcmdStatus(result);
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    ExecStatusType status = PQresultStatus(result);
    w->bytes_in += PQresultMemorySize(result);
    w->rows += (unsigned long long)PQntuples(result);
    if (status == PGRES_FATAL_ERROR)
        want_errors(w, state != NULL ? state : "XP001", 1);
    if (strncmp(tag, "INSERT", 6) == 0 || strncmp(tag, "UPDATE", 6) == 0 ||
        strncmp(tag, "DELETE", 6) == 0) {
        w->affected += strtoull(PQcmdTuples(result), NULL, 10);
        if (status == PGRES_COMMAND_OK)
            w->rows += strtoull(PQcmdTuples(result), NULL, 10);
    }
}

static void add_bounds(struct bounds *b, const struct moment *from, const struct moment *to)
{
    b->low += to->before - from->after;
    b->high += to->after - from->before;
}

/* A statement went from its sending to its end as T says. */
__attribute__((unused)) static void want_times(struct want *w, const struct moments *t)
{
    w->timed = true;
    if (t->flushed.after != 0)
        add_bounds(&w->queue, &t->sent, &t->flushed);
    add_bounds(&w->wait, &t->sent, &t->first);
    if (t->server_ms > t->first.before - t->sent.after)
        w->wait.low += t->server_ms - (t->first.before - t->sent.after);
    add_bounds(&w->consume, &t->first, &t->over);
    add_bounds(&w->total, &t->sent, &t->over);
}

__attribute__((unused)) static void show(const char *what, PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (result == NULL) {
        printf("%s: none\n", what);
        return;
    }
    printf("%s: %s, %d rows, tag '%s', sqlstate %s\n", what, PQresStatus(PQresultStatus(result)),
           PQntuples(result), PQcmdStatus(result), state != NULL ? state : "-");
    PQclear(result);
}

__attribute__((unused)) static PGconn *connect_to(const char *dsn)
{
    PGconn *conn = PQconnectdb(dsn);
    if (PQstatus(conn) != CONNECTION_OK) {
        fprintf(stderr, "%s", PQerrorMessage(conn));
        exit(1);
    }
    want_calls("libpq.connect", 1);
    return conn;
}

/* Fetches what is to come of a statement W, one PQgetResult each PAUSE milliseconds, and notes in T
 * when the first came and when there was no more. */
__attribute__((unused)) static void fetch(PGconn *conn, struct want *w, struct moments *t,
                                          long pause)
{
    PGresult *result;
    struct moment m;
    for (bool first = true;; first = false) {
        AROUND(m, result = PQgetResult(conn));
        if (first)
            t->first = m;
        if (result == NULL)
            break;
        want_result(w, result);
        show(w->what, result);
        pause_ms(pause);
    }
    t->over = m;
}

/* A statement that is only a means, and runs synchronously: counted as what it is. */
__attribute__((unused)) static void run(PGconn *conn, const char *what, const char *text)
{
    PGresult *result = PQexec(conn, text);
    struct want *w = want_calls(what, 1);
    want_result(w, result);
    show(what, result);
}

static void write_bounds(FILE *out, const struct want *w, const char *name, const struct bounds *b)
{
    fprintf(out, "time\t%s\t%s\t%.6f\t%.6f\n", w->what, name, b->low, b->high);
}

/* SUFFIX tells a process that the victim forked. */
static void write_wants(const char *suffix)
{
    char path[4096];
    if (getenv("WANTS") == NULL)
        return;
    snprintf(path, sizeof(path), "%s%s", getenv("WANTS"), suffix);
    FILE *out = fopen(path, "w");
    if (out == NULL) {
        perror(path);
        exit(3);
    }
    fprintf(out, "pid\t%d\n", getpid());
    for (const struct want *w = wants; w < wants + wants_count; w++) {
        fprintf(out, "counts\t%s\t%llu %llu %llu %llu %llu %llu %llu %llu%s\n", w->what, w->calls,
                w->errors, w->aborted, w->rows, w->affected, w->params, w->bytes_in, w->bytes_out,
                w->states);
        if (w->timed) {
            write_bounds(out, w, "queue", &w->queue);
            write_bounds(out, w, "wait", &w->wait);
            write_bounds(out, w, "consume", &w->consume);
            write_bounds(out, w, "mean", &w->total);
        }
    }
    if (fclose(out) != 0)
        exit(3);
}

#endif
