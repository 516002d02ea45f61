/* SPDX-License-Identifier: MIT */
/*
 * reply.h: the answer to a request, as data, and its way to the client.
 */
#ifndef PARTS_REPLY_H
#define PARTS_REPLY_H

#include <jansson.h>
#include <microhttpd.h>

#include "db_pool.h"
#include "error.h"

struct parts_reply {
    unsigned status;
    json_t *body;           /* owned; NULL = none */
    unsigned max_age_s;     /* > 0: cacheable by its user so long, with an ETag; 0: no-store */
    unsigned retry_after_s; /* > 0: Retry-After */
    const char *allow;      /* of a 405 */
    bool challenge;         /* of a 401: WWW-Authenticate */
    char location[64];      /* of a 201; "" = none */
};

/* Turns ERROR into the reply. */
void parts_reply_error(struct parts_reply *reply, const struct parts_error *error);

/* A JSON body with STATUS; takes over BODY, whose NULL means out of memory and becomes a 500. */
void parts_reply_json(struct parts_reply *reply, unsigned status, json_t *body);

/* 503 for a pool that has no connection to lend. */
void parts_reply_no_database(struct parts_reply *reply, enum parts_pool_outcome outcome);

/*
 * Queues REPLY on CONNECTION and releases its body. A cacheable reply whose ETag the client has
 * already goes out as 304. CLOSING asks the client to open a new connection next time.
 */
enum MHD_Result parts_reply_send(struct parts_reply *reply, struct MHD_Connection *connection,
                                 bool closing);

#endif
