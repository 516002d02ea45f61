/* SPDX-License-Identifier: MIT */
/*
 * What speaks on an accepted connection: one file per protocol behind this interface. A new
 * protocol is a new file and a row in protocol.c.
 *
 * A protocol's state is memory in the stream (observe/stream.c). in() and out() may run at the
 * same time on two threads, one each; open() and close() run alone.
 */
#ifndef SPY_OBSERVE_PROTOCOL_H
#define SPY_OBSERVE_PROTOCOL_H

#include "observe/http1.h"
#include "shared/region.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that one call moved. Times are CLOCK_MONOTONIC nanoseconds. */
struct spy_bytes {
    const char *data; /* NULL: not in memory (sendfile, splice) */
    size_t n;         /* moved; 0: the call would have blocked */
    size_t wanted;    /* asked for */
    uint64_t begin_ns;
    uint64_t end_ns;
};

/* HTTP/1 and, since its state machine knows nothing of them, the allowed parameters of the newest
 * request. With several requests in flight (pipelining) only the newest has its parameters. */
struct spy_http1_state {
    struct spy_http1 machine;
    _Atomic uint32_t heads; /* requests begun: `params` is the heads-th's; stored with release */
    uint32_t dones;         /* requests ended; the write side's own */
    uint16_t row[SPY_HTTP1_PIPELINE]; /* of the n-th request at n modulo the size: the row where it
                                       * is listed as open, plus 1; 0: none */
    char params[SPY_PARAMS_BYTES];
};

/* Room for any protocol's state. */
union spy_protocol_state {
    struct spy_http1_state http1;
};

/* More memory of each stream, for what is rarely needed: only what is written is touched. */
#define SPY_PROTOCOL_ROOM 2048u
_Static_assert(SPY_HTTP1_TARGET_MAX <= SPY_PROTOCOL_ROOM, "a target fits the room");

struct spy_protocol_memory {
    union spy_protocol_state *state;
    char *room; /* of SPY_PROTOCOL_ROOM bytes */
};

struct spy_protocol {
    const char *name;
    /* May a connection whose first bytes are these speak it? */
    bool (*claims)(const char *data, size_t n);
    /* Do these bytes, read from a connection whose beginning was not seen, begin a message, beyond
     * doubt? */
    bool (*begins)(const char *data, size_t n);
    void (*open)(struct spy_protocol_memory memory);
    void (*in)(union spy_protocol_state *state, struct spy_region *region,
               const struct spy_bytes *bytes);
    void (*out)(union spy_protocol_state *state, struct spy_region *region,
                const struct spy_bytes *bytes);
    void (*close)(union spy_protocol_state *state, struct spy_region *region, uint64_t now_ns);
    /* Not followed any more: the connection may be forgotten. *FAULT: it should have been. */
    bool (*lost)(const union spy_protocol_state *state, bool *fault);
};

extern const struct spy_protocol spy_protocol_http1;

/* The protocol that claims these first bytes of a connection, or NULL. */
const struct spy_protocol *spy_protocol_of(const char *data, size_t n);

/* May a connection whose beginning was not seen be followed from these bytes on? */
bool spy_protocol_begins(const char *data, size_t n);

#endif
