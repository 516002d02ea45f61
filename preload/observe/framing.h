/* SPDX-License-Identifier: MIT */
/*
 * Where an HTTP/1 body ends (RFC 9112, section 6). Bodies are counted, not read: payload may be
 * opaque (sendfile, splice: the bytes are never in memory), and costs the same however long it is.
 *
 * Pure state: no allocation, no clock, no lock; one body belongs to one thread at a time.
 */
#ifndef SPY_OBSERVE_FRAMING_H
#define SPY_OBSERVE_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum spy_framing_state {
    SPY_FRAMING_DONE,   /* the body is complete (or there is none) */
    SPY_FRAMING_BROKEN, /* not a chunked body, or opaque bytes where its syntax stands */
    SPY_FRAMING_LENGTH, /* `left` bytes of a body of known length */
    SPY_FRAMING_CLOSE,  /* everything until the connection is closed */
    SPY_FRAMING_SIZE,   /* chunked: in the digits of a chunk size */
    SPY_FRAMING_EXT,    /* in the rest of that line */
    SPY_FRAMING_DATA,   /* `left` bytes of chunk data */
    SPY_FRAMING_DATA_CR,
    SPY_FRAMING_DATA_LF,
    SPY_FRAMING_LINE,    /* at the start of a trailer line */
    SPY_FRAMING_TRAILER, /* in a trailer line */
    SPY_FRAMING_END_LF,  /* after the CR of the empty line that ends the trailers */
};

struct spy_framing {
    uint64_t left;
    uint8_t state; /* enum spy_framing_state */
    bool digit;    /* the chunk size has at least one digit */
};

/* Begin a body: none at all, of LENGTH bytes, chunked, or ended by closing the connection. */
void spy_framing_none(struct spy_framing *body);
void spy_framing_length(struct spy_framing *body, uint64_t length);
void spy_framing_chunked(struct spy_framing *body);
void spy_framing_close(struct spy_framing *body);

/*
 * N (at least 1) more bytes of the connection, at DATA; DATA is NULL when they are opaque. Returns
 * how many belong to the body: fewer than N only if it is now complete (what follows is the next
 * message) or broken. Bare LF is accepted for CRLF, as servers and clients do.
 */
size_t spy_framing_take(struct spy_framing *body, const char *data, size_t n);

static inline bool spy_framing_done(const struct spy_framing *body)
{
    return body->state == SPY_FRAMING_DONE;
}

static inline bool spy_framing_broken(const struct spy_framing *body)
{
    return body->state == SPY_FRAMING_BROKEN;
}

static inline bool spy_framing_until_close(const struct spy_framing *body)
{
    return body->state == SPY_FRAMING_CLOSE;
}

#endif
