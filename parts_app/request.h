/* SPDX-License-Identifier: MIT */
/*
 * request.h: a request as the handlers see it, free of the HTTP library.
 *
 * It belongs to one thread from its first to its last byte.
 */
#ifndef PARTS_REQUEST_H
#define PARTS_REQUEST_H

#include <stdatomic.h>

#include "args.h"
#include "db_pool.h"
#include "options.h"
#include "reply.h"
#include "token.h"

/* What all requests share; outlives them. */
struct parts_app {
    const struct parts_options *options;
    struct parts_pool *pool;
    struct parts_tokens *tokens;
    atomic_uint sign_ins; /* passwords being checked at present */
};

enum parts_method {
    PARTS_GET = 1, /* HEAD too: the HTTP library leaves the body out */
    PARTS_POST = 2,
    PARTS_PUT = 4,
    PARTS_DELETE = 8,
    PARTS_OTHER = 16,
};

struct parts_request {
    struct parts_app *app;
    enum parts_method method;
    const char *path; /* decoded, without the query */
    struct parts_args args;
    const char *authorization; /* header value, or NULL */
    const char *content_type;  /* header value, or NULL */
    const char *body;
    size_t body_length;
    char variable[64]; /* what the path has in the place of its variable segment */
    struct parts_reply reply;
};

/* Turns the error into the reply and returns false. */
bool parts_request_fail(struct parts_request *request, const struct parts_error *error);

/* A connection from the pool; NULL after having replied 503. Goes back by parts_pool_release. */
struct parts_db *parts_request_db(struct parts_request *request);

/* Replies to a data function that ended badly, as far as that is the same for all of them. */
void parts_request_status(struct parts_request *request, enum parts_status status);

#endif
