/* SPDX-License-Identifier: MIT */
/*
 * The model of random.c: what can be asked, what is in the queue of a connection, and what becomes
 * of it. Included by random.c alone.
 */
#ifndef VICTIMS_RANDOM_MODEL_H
#define VICTIMS_RANDOM_MODEL_H

#include "wants.h"

#include <stdint.h>

#define QUEUE 64
#define NAMES 2

/* ---- what can be asked ---------------------------------------------------------------------- */

struct kind {
    const char *text, *what;
    int rows; /* that it gives, or changes */
    bool changes;
    const char *fails; /* how; NULL: it works */
    int rows_before;   /* the failure, row by row */
};

enum { ONE, THREE, CHANGE, FAIL, LATE, SIMPLE };

static const struct kind kinds[] = {
    [ONE] = {"SELECT 1 AS r_one", "select ? as r_one", 1, false, NULL, 0},
    [THREE] = {"SELECT generate_series(1, 3) AS r_three", "select generate_series(?, ?) as r_three",
               3, false, NULL, 0},
    [CHANGE] = {"INSERT INTO r_t VALUES (1)", "insert into r_t values (?)", 1, true, NULL, 0},
    [FAIL] = {"SELECT 1 / 0 AS r_fail", "select ? / ? as r_fail", 0, false, "22012", 0},
    [LATE] = {"SELECT 1 / (3 - g) AS r_late FROM generate_series(1, 5) AS g",
              "select ? / (? - g) as r_late from generate_series(?, ?) as g", 0, false, "22012", 2},
};

/* What names can stand for. */
#define MEANINGS 3
static const struct kind meanings[MEANINGS] = {
    {"SELECT $1::int AS r_name_0", "select ?::int as r_name_0", 1, false, NULL, 0},
    {"SELECT generate_series(1, 1 + $1::int) AS r_name_1",
     "select generate_series(?, ? + ?::int) as r_name_1", 2, false, NULL, 0},
    {"SELECT $1::int / 0 AS r_name_2", "select ?::int / ? as r_name_2", 0, false, "22012", 0},
};

static const struct kind prepare = {"", "libpq.prepare", 0, false, NULL, 0};
static const struct kind prepare_again = {"", "libpq.prepare", 0, false, "42P05", 0};
static const struct kind forget[NAMES] = {
    {"DEALLOCATE n0", "deallocate n0", 0, false, NULL, 0},
    {"DEALLOCATE n1", "deallocate n1", 0, false, NULL, 0},
};
static const char *const names[NAMES] = {"n0", "n1"};

/* ---- the model ------------------------------------------------------------------------------ */

enum fate { WORKS, FAILS, ABORTED };

struct item {
    const struct kind *kind[3]; /* one, or the statements of a text */
    int kinds, part;
    enum fate fate;
    bool sync, single;
    bool seen; /* a result since the last NULL */
    int rows;  /* of the one under way */
    int params;
    int name; /* that it prepares, or -1 */
    unsigned id;
};

struct model {
    PGconn *conn;
    bool pipeline, failed; /* the segment that is being queued has failed */
    struct item item[QUEUE];
    int count, answered; /* of the queue, so many will be answered: the server has been asked to */
    int open;            /* so many were queued in this segment */
    int meaning[NAMES];  /* on the server, when it has come to the end of the queue */
    /* What a name was last prepared as in this segment, in vain or not, or -1: a statement that is
     * aborted is taken for that. By which item: it is forgotten when that is known to have failed.
     */
    int queued[NAMES];
    unsigned by[NAMES];
};

static struct model models[2];
static uint64_t state;
static bool tracing;

static unsigned pick(unsigned n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 33) % n;
}

#define trace(...)               \
    do {                         \
        if (tracing)             \
            printf(__VA_ARGS__); \
    } while (0)

static void model_is_wrong(const char *why, const PGresult *result)
{
    printf("the model is wrong: %s; %s %s\n", why, PQresStatus(PQresultStatus(result)),
           PQresultErrorMessage(result));
    exit(4);
}

/* One statement is over. */
static void over(const struct kind *kind, enum fate fate, bool single, int params)
{
    struct want *w = want(kind->what);
    if (fate == ABORTED) {
        w->aborted++;
        return;
    }
    w->calls++;
    w->params += (unsigned)params;
    if (fate == FAILS) {
        want_errors(w, kind->fails, 1);
        w->rows += single ? (unsigned)kind->rows_before : 0;
        return;
    }
    w->rows += (unsigned)kind->rows;
    w->affected += kind->changes ? (unsigned)kind->rows : 0;
}

static enum fate fate_of(const struct kind *kind)
{
    return kind->fails != NULL ? FAILS : WORKS;
}

/* All that is left of an item, which libpq fetches itself. */
static void finish(const struct item *item)
{
    if (item->sync || item->fate == ABORTED) {
        if (!item->sync && !item->seen)
            over(item->kind[0], ABORTED, false, 0);
        return;
    }
    for (int i = item->part; i < item->kinds; i++) {
        over(item->kind[i], fate_of(item->kind[i]), item->single, item->params);
        if (item->kind[i]->fails != NULL)
            return;
    }
}

static void pop(struct model *m)
{
    m->count--;
    m->answered -= m->answered > 0;
    memmove(&m->item[0], &m->item[1], (size_t)m->count * sizeof(m->item[0]));
}

static void new_segment(struct model *m)
{
    m->failed = false;
    m->open = 0;
    for (int i = 0; i < NAMES; i++)
        m->queued[i] = -1;
}

static void push(struct model *m, struct item item)
{
    if (!m->pipeline) {
        item.fate = fate_of(item.kind[0]);
    } else if (!item.sync) {
        item.fate = m->failed ? ABORTED : fate_of(item.kind[0]);
        m->failed = m->failed || item.fate == FAILS;
        m->open++;
    }
    m->item[m->count++] = item;
}

/* What the connection still has of what it was asked is fetched by libpq. */
static void drained(struct model *m)
{
    for (; m->count > 0; pop(m))
        finish(&m->item[0]);
}

/* ---- results -------------------------------------------------------------------------------- */

/* What the name of ITEM stands for is known to be what it was. */
static void in_vain(struct model *m, const struct item *item)
{
    if (item->name >= 0 && item->id == m->by[item->name] && item->fate != WORKS)
        m->queued[item->name] = -1;
}

static void answer(struct model *m, const PGresult *result)
{
    struct item *item = &m->item[0];
    ExecStatusType status = PQresultStatus(result);
    if (m->count == 0)
        model_is_wrong("nothing was asked", result);
    if (status == PGRES_PIPELINE_ABORTED) {
        if (item->seen) /* libpq owes a NULL: something was queued before it gave that */
            pop(m);
        item->seen = true;
        in_vain(m, item);
        if (item->fate != ABORTED)
            model_is_wrong("this is executed", result);
        over(item->kind[0], ABORTED, false, 0);
        return;
    }
    item->seen = true;
    if (status == PGRES_SINGLE_TUPLE) {
        item->single =
            true; /* what was set for a statement before a pipeline is for its first, too */
        item->rows++;
        return;
    }
    if (item->part >= item->kinds || item->fate == ABORTED)
        model_is_wrong("this has been answered", result);
    const struct kind *kind = item->kind[item->part];
    if ((status == PGRES_FATAL_ERROR) != (kind->fails != NULL) ||
        (kind->fails != NULL &&
         strcmp(kind->fails, PQresultErrorField(result, PG_DIAG_SQLSTATE)) != 0))
        model_is_wrong(kind->what, result);
    over(kind, fate_of(kind), item->single, item->params);
    in_vain(m, item);
    item->rows = 0;
    item->part = kind->fails != NULL ? item->kinds : item->part + 1;
}

static void get_result(struct model *m)
{
    PGresult *result;
    if (m->pipeline && m->count > 0 && !m->item[0].seen && m->answered == 0)
        return; /* it would wait for ever */
    result = PQgetResult(m->conn);
    trace("getResult %s\n", result != NULL ? PQresStatus(PQresultStatus(result)) : "NULL");
    if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
        if (m->count > 1 && m->item[0].seen) /* as in answer() */
            pop(m);
        if (m->count == 0 || !m->item[0].sync)
            model_is_wrong("no segment ends here", result);
        pop(m);
    } else if (result != NULL) {
        answer(m, result);
    } else if (m->count > 0) {
        if (m->pipeline && !m->item[0].seen)
            model_is_wrong("this was not answered", result);
        pop(m);
    }
    PQclear(result);
}

#endif
