/* SPDX-License-Identifier: MIT */
/*
 * `serve`: what its files ask of each other. A request goes
 *
 *   serve_http.c      bytes of HTTP (libmicrohttpd) to struct ctl_request and back
 *   serve_routes.c    which endpoint, by which method
 *   serve_auth.c      may this client (tokens.h, throttle.h)
 *   serve_query.c     parameters of the URL to what a command line would say
 *   serve_body.c      the body of a POST to limits
 *   serve_answers.c   the same functions as the commands' --json; metrics.h
 *   serve_reply.c     to text
 *
 * The contract towards clients is tools/openapi.yaml.
 *
 * Single-threaded: one loop, in cmd_serve.c. Nothing outlives a request but the tokens, the table
 * of failed attempts and the sums of processes that are gone, all of them bounded.
 */
#ifndef CTL_SERVE_H
#define CTL_SERVE_H

#include "ctl/limits.h"
#include "ctl/metrics.h"
#include "ctl/throttle.h"
#include "ctl/tokens.h"

#include <jansson.h>
#include <sys/socket.h>

#define CTL_BODY_MAX   65536u /* of a request; some hundred limits need a tenth of it */
#define CTL_PARAMS_MAX 16u    /* of a URL; more are an error, as there are not so many names */

struct ctl_serve {
    const struct ctl_run *run; /* the command's: -p, ERR */
    struct ctl_tokens tokens;
    struct ctl_throttle throttle;
    struct ctl_ledger ledger;
};

struct ctl_param {
    const char *name;
    const char *value; /* "" where there was none */
};

/* A request, decoded: all texts are clean UTF-8 but AUTHORIZATION. */
struct ctl_request {
    const char *method;
    const char *path;
    struct ctl_param param[CTL_PARAMS_MAX];
    size_t params;
    const char *authorization; /* NULL: none */
    const struct sockaddr *client;
    const char *body; /* not NUL-terminated */
    size_t body_len;
};

/* All zero is none yet: status 0. */
struct ctl_reply {
    unsigned status;
    const char *type; /* Content-Type */
    char *body;       /* malloc'ed */
    size_t len;
    const char *allow;      /* Allow, or NULL */
    const char *challenge;  /* WWW-Authenticate, or NULL */
    unsigned retry_after_s; /* Retry-After; 0: none */
};

/* What a path leads to. */
enum ctl_access {
    CTL_FOR_SUPER_ADMINS,
    CTL_OPENABLE, /* for super admins too, but for everybody with --open-metrics */
};

struct ctl_answer;

struct ctl_route {
    const char *path;   /* ends in '/': the rest is the name of an operation */
    const char *method; /* GET answers HEAD, too */
    enum ctl_access access;
    unsigned params; /* CTL_PARAM_*, added up */
    /* Fills answer->reply. */
    void (*answer)(struct ctl_answer *answer);
};

/* ---- serve_routes.c ---------------------------------------------------------------------------
 */

/* The endpoint of METHOD and PATH. NULL after an error in REPLY: 404 or 405. */
const struct ctl_route *ctl_route_find(const char *method, const char *path,
                                       struct ctl_reply *reply);

/* ---- serve_auth.c -----------------------------------------------------------------------------
 */

/* Whether the client may have what ROUTE gives; else REPLY is an error: 401, 403 or 429. */
bool ctl_serve_admit(struct ctl_serve *serve, const struct ctl_route *route,
                     const struct ctl_request *request, struct ctl_reply *reply);

/* ---- serve_query.c ----------------------------------------------------------------------------
 */

#define CTL_PARAM_PID       1u
#define CTL_PARAM_LAST      2u
#define CTL_PARAM_LIMIT     4u
#define CTL_PARAM_SORT      8u
#define CTL_PARAM_MIN_CALLS 16u
#define CTL_PARAM_WORST     32u
#define CTL_PARAM_STEP      64u
#define CTL_PARAM_OPERATION 128u

/* Adds the parameters of REQUEST, which may only be those of ALLOWED, to ARGS; *PID is set to the
 * process asked for, or left alone. False after an error in REPLY: 422. Texts point into
 * REQUEST. */
bool ctl_serve_query(const struct ctl_request *request, unsigned allowed, struct ctl_args *args,
                     const char **pid, struct ctl_reply *reply);

/* Decodes %XX in place. False for what is no such code, for NUL, control characters and what is
 * not UTF-8. */
bool ctl_percent_decode(char *text);

/* ---- serve_body.c -----------------------------------------------------------------------------
 */

/* The limits in the body, none where it is empty. False after an error in REPLY: 400 or 422. Free
 * LIMITS in either case. */
bool ctl_serve_limits(const struct ctl_request *request, struct ctl_limits *limits,
                      struct ctl_reply *reply);

/* ---- serve_answers.c --------------------------------------------------------------------------
 */

/* Answers an admitted request, whatever happens. */
void ctl_serve_answer(struct ctl_serve *serve, const struct ctl_route *route,
                      const struct ctl_request *request, struct ctl_reply *reply);

void ctl_answer_operations(struct ctl_answer *answer);
void ctl_answer_operation(struct ctl_answer *answer);
void ctl_answer_slow(struct ctl_answer *answer);
void ctl_answer_requests(struct ctl_answer *answer);
void ctl_answer_history(struct ctl_answer *answer);
void ctl_answer_inflight(struct ctl_answer *answer);
void ctl_answer_benchmarks(struct ctl_answer *answer);
void ctl_answer_validate(struct ctl_answer *answer);
void ctl_answer_health(struct ctl_answer *answer);
void ctl_answer_metrics(struct ctl_answer *answer);

/* ---- serve_reply.c ----------------------------------------------------------------------------
 */

/* {"error": {"code", "message", "field"}}; CODE is one word for programs, FIELD the parameter or
 * key that is to blame, or NULL. The message is cleaned. */
void ctl_reply_error(struct ctl_reply *reply, unsigned status, const char *code, const char *field,
                     const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Frees the body and makes REPLY none. */
void ctl_reply_free(struct ctl_reply *reply);

/* ---- serve_listen.c ---------------------------------------------------------------------------
 */

/* Listens on HOST:PORT or [HOST]:PORT; port 0 takes a free one. The descriptor, non-blocking, or
 * -1 after a sentence on ERR; *USAGE tells whether ADDRESS was to blame. BOUND is where it
 * listens, *LOOPBACK whether only this machine can come in. */
#define CTL_BOUND_BYTES 80u
int ctl_serve_listen(const char *address, char bound[CTL_BOUND_BYTES], bool *loopback, bool *usage,
                     FILE *err);

/* ---- serve_http.c -----------------------------------------------------------------------------
 */

struct ctl_http;

/* Takes FD. NULL, after a sentence on ERR, where it cannot start. */
struct ctl_http *ctl_http_start(struct ctl_serve *serve, int fd, FILE *err);
void ctl_http_stop(struct ctl_http *http);

/* To be polled for reading, for as long as ctl_http_run() says. */
int ctl_http_fd(const struct ctl_http *http);

/* Does what there is to do. Returns milliseconds after which it must be called again at the
 * latest. */
int ctl_http_run(struct ctl_http *http);

#endif
