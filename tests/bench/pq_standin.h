/* SPDX-License-Identifier: MIT */
/*
 * What the files of the stand-in for libpq share.
 */
#ifndef PQ_STANDIN_H
#define PQ_STANDIN_H

struct pg_conn {
    int results; /* to be fetched */
};

/* A result is a text that begins with its kind. */
#define STANDIN_ROWS     'S'
#define STANDIN_COPY_IN  '<'
#define STANDIN_COPY_OUT '>'

#endif
