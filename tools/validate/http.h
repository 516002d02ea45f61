/* SPDX-License-Identifier: MIT */
/*
 * One HTTP connection to the service, kept alive over its requests, by libcurl. No proxy and no
 * redirects: what is timed is the service itself.
 *
 * Threads: one connection belongs to one thread at a time.
 */
#ifndef VALIDATE_HTTP_H
#define VALIDATE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct val_http;

struct val_request {
    const char *method;
    const char *path; /* with its query, percent-encoded */
    const char *body; /* NULL: none */
    const char *type; /* of the body */
    const char *etag; /* sent as If-None-Match; NULL: none */
};

struct val_response {
    bool answered; /* a whole response came */
    bool sent;     /* the service may have got the request: a connection was there */
    long status;   /* 0 unless answered */
    char *text;    /* body, NUL-terminated; the connection's, until its next request */
    size_t len;
    char etag[128];
    char location[256];
    uint64_t dur_ns;    /* from the call to the last byte of the response */
    uint64_t wait_ns;   /* to its first byte */
    uint64_t bytes_in;  /* as the service sees it: of the request */
    uint64_t bytes_out; /* of the response, with its head */
    char problem[256];  /* why there is no answer, as libcurl says it */
};

/* Once, before the first connection, while there is one thread only. */
bool val_http_global_init(void);
void val_http_global_end(void);

/* A connection to the service at URL, without a slash at its end, which must outlive it. NULL when
 * out of memory. */
struct val_http *val_http_open(const char *url);
void val_http_close(struct val_http *http);

/* From now on every request carries TOKEN. False when out of memory. */
bool val_http_authorise(struct val_http *http, const char *token);

/* Sends REQUEST and waits for the response, LIMIT_NS at most. */
void val_http_send(struct val_http *http, const struct val_request *request, uint64_t limit_ns,
                   struct val_response *out);

/* Connects to the service at URL, sends nothing and hangs up: the addresses, as text, of the
 * service's and of our own end. False where there is no connection. */
bool val_http_peer(const char *url, char peer[64], char local[64], unsigned *port);

/* TEXT percent-encoded for a query. Returns OUT; what does not fit is left out. */
char *val_http_escape(char *out, size_t cap, const char *text);

#endif
