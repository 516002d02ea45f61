/* SPDX-License-Identifier: MIT */
/*
 * The head of an HTTP/1 message, parsed by llhttp across any split of the bytes. llhttp is stopped
 * where the head ends and begins afresh for the next one; its own ideas of bodies, keep-alive and
 * upgrades are not used, because it wants to see every body byte.
 *
 * It is given the start line, the two fields that tell the body's length, and the empty line. The
 * other fields mean nothing to us and are skipped line by line, which makes a common head several
 * times cheaper; it does not matter to llhttp, which takes its input in any number of pieces. A
 * head that is whole and plain is not given to it at all (observe/http1_quick.h).
 *
 * All this is lenient: we watch what a server accepts, and are not the one to refuse. Malformed
 * fields, bare LF, Content-Length beside chunked are followed as servers do.
 *
 * Threads: one head belongs to one thread at a time. Allocates nothing, locks nothing.
 */
#ifndef SPY_OBSERVE_HTTP1_HEAD_H
#define SPY_OBSERVE_HTTP1_HEAD_H

#include "observe/framing.h"

#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest head that is followed. Servers stop at 8 to 64 KiB; llhttp itself has no limit. */
#define SPY_HTTP1_HEAD_MAX 65536u

enum spy_http1_fed {
    SPY_HTTP1_MORE,     /* everything used, the head goes on */
    SPY_HTTP1_COMPLETE, /* the head ended after the bytes used */
    SPY_HTTP1_REFUSED,  /* not an HTTP/1 head, too long, or opaque */
};

/* Where in a head's lines the next byte stands. */
enum spy_http1_line {
    SPY_HTTP1_START, /* in the start line */
    SPY_HTTP1_NAME,  /* in a field's name that may be one of the two, `matched` bytes are */
    SPY_HTTP1_FIELD, /* in a field that is parsed, behind its name */
    SPY_HTTP1_OTHER, /* in a field that is skipped */
    SPY_HTTP1_EMPTY, /* in the empty line */
};

struct spy_http1_head {
    llhttp_t parser;     /* first: its callbacks find the head by it */
    const char *target;  /* the part of the request target in the bytes last fed, NULL: none */
    uint32_t target_len; /* of that part */
    uint32_t bytes;      /* of this head so far; 0: not begun */
    uint8_t line;        /* enum spy_http1_line */
    uint8_t field;       /* which of the two fields `matched` counts */
    uint8_t matched;
    bool folds; /* the last field was parsed, and so must be its continuation lines */
    bool used;  /* the parser holds an earlier head */
};

/* Begins a connection's heads: HTTP_REQUEST or HTTP_RESPONSE. */
void spy_http1_head_open(struct spy_http1_head *head, llhttp_type_t type);

/* Begins the next head on the same connection. */
void spy_http1_head_again(struct spy_http1_head *head);

/* N (at least 1) more bytes at DATA (NULL: opaque); *USED of them belong to this head, unless it
 * is refused. After SPY_HTTP1_COMPLETE the parser's fields hold until the next head is begun. */
enum spy_http1_fed spy_http1_head_feed(struct spy_http1_head *head, const char *data, size_t n,
                                       size_t *used);

/* What body follows a complete head. BODYLESS: the request was HEAD, or the status says so. */
void spy_http1_request_body(const struct spy_http1_head *head, struct spy_framing *body);
void spy_http1_response_body(const struct spy_http1_head *head, bool bodyless,
                             struct spy_framing *body);

/* How many of the N bytes at DATA are line ends. They may stand before a message and are no part
 * of it (RFC 9112, section 2.2: some clients send one after a body). */
size_t spy_http1_blank(const char *data, size_t n);

/* Could these bytes, the first of a connection, begin an HTTP/1 request? False for TLS, for the
 * HTTP/2 preface, and for everything else that does not begin with a known method. */
bool spy_http1_plausible(const char *data, size_t n);

/* Do these bytes begin with a whole request line of HTTP/1? For a connection whose beginning was
 * not seen: stricter than what is followed. */
bool spy_http1_request_line(const char *data, size_t n);

#endif
