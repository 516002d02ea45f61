/* SPDX-License-Identifier: MIT */
/*
 * The stand-in's objects, and how each of its functions begins and ends.
 */
#ifndef VICTIMS_STANDIN17_STATE_H
#define VICTIMS_STANDIN17_STATE_H

#include "standin17.h"

#define ENTRIES      64
#define TUPLES_CHUNK 12

struct entry {
    char text[64]; /* "sync": the end of a segment of a pipeline */
    int chunk;     /* rows of a result at most; 0: all in one */
    int given;     /* rows handed over */
    bool over;     /* the last result was handed over: NULL comes next */
};

struct pg_conn {
    ConnStatusType status;
    int polls; /* until an asynchronous connect is over */
    bool refused;
    PGpipelineStatus pipeline;
    bool aborted; /* by an error, until the end of the segment */
    int entries;
    struct entry entry[ENTRIES];
};

struct pg_result {
    ExecStatusType status;
    int rows;
    char tag[24];
    char sqlstate[6];
};

struct pg_cancel {
    int unused;
};

struct pg_cancel_conn {
    PGconn conn;
};

/* The program's call begins: notes errno. It ends: leaves errno as told. Inner calls do neither. */
void standin_enter(void);
void standin_leave(void);

/* RETURN(what a function of libpq gives): evaluated inside, so that nothing comes after
 * standin_leave(). */
#define RETURN(value)                       \
    do {                                    \
        standin_enter();                    \
        __typeof__(value) returned = value; \
        standin_leave();                    \
        return returned;                    \
    } while (0)

/* Makes CONN begin to connect; 0 where it is NULL. */
int standin_restart(PGconn *conn);

#endif
