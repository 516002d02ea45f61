/* SPDX-License-Identifier: MIT */
/*
 * A capture: the next calls of one operation, with what the program gave to them, as the library
 * sends them to the tool that asked.
 *
 * The command is "capture CALLS MS SLOW_MS OPERATION": at most CALLS calls, for at most MS
 * milliseconds, only those of SLOW_MS or more (0: all); OPERATION is the rest of the line. The
 * reply begins as every reply does (shared/paths.h): "ok 0", or an error. Behind "ok 0" come
 * frames, each a line "WORD N" and then N bytes: "call" is a struct spy_capture_head and its items,
 * one statement of a call or a request; "end", the last, is the text "calls=N missed=N", and
 * " stopped=cost" where perfspy backed off (shared/cost.h). Numbers are native-endian: both ends
 * are on one machine. The capture ends with its connection.
 */
#ifndef SPY_SHARED_CAPTURE_H
#define SPY_SHARED_CAPTURE_H

#include "shared/region.h"

#include <stdint.h>

#define SPY_CAPTURE_CALLS_MAX 1000u
#define SPY_CAPTURE_MS_MAX    600000u

/* What is kept of the text of a statement, of each value, of a request's target, and of one
 * statement or request in all. */
#define SPY_CAPTURE_TEXT_MAX  4096u
#define SPY_CAPTURE_VALUE_MAX 1024u
#define SPY_CAPTURE_ITEMS_MAX 15872u

enum spy_capture_kind {
    SPY_CAPTURE_STATEMENT = 1, /* normalised text */
    SPY_CAPTURE_TEXT,          /* the text as the program sent it */
    SPY_CAPTURE_NAME,          /* it was prepared under; may be empty */
    SPY_CAPTURE_VALUE,         /* the next bind value, in text format */
    SPY_CAPTURE_BINARY,        /* the same in binary format */
    SPY_CAPTURE_NULL,          /* the same, being NULL */
    SPY_CAPTURE_METHOD,        /* of a request */
    SPY_CAPTURE_TARGET,        /* of a request, as on the wire */
};

/* One thing that was kept; LEN bytes follow, with no padding. */
struct spy_capture_item {
    uint32_t kind; /* enum spy_capture_kind */
    uint32_t type; /* of a value: the type's OID; 0: the program left it to the server */
    uint32_t len;
    uint32_t full; /* length before it was cut */
};

/* A statement of a call, or a request. */
struct spy_capture_head {
    uint32_t bytes;         /* of the items behind it */
    uint32_t tid;           /* thread in which it ended */
    uint16_t part;          /* of a sequence: which of its statements, from 0 */
    uint16_t parts;         /* statements of the call; 1 of a request */
    uint32_t values;        /* bind values that there were, perhaps more than are among the items */
    uint32_t withheld;      /* 1: text and values are not there, since they may hold a password */
    uint32_t last;          /* 1: the call has no further statements among the frames */
    struct spy_sample call; /* the operation's call: all statements together */
    struct spy_sample statement; /* this statement alone; `op` says nothing */
};

#endif
