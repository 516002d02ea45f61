/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1.0 and 1.1, server side: bytes read and written on one accepted connection in, finished
 * exchanges out. One of the protocols behind observe/protocol.h.
 *
 * Heads are parsed by llhttp (observe/http1_head.h); bodies are only counted (observe/framing.h),
 * so that a body that is sent by sendfile, whose bytes nobody sees, is followed exactly.
 *
 * Threads: the read side (spy_http1_in) and the write side (spy_http1_out) may be used by two
 * threads at once, one each; requests pass from the one to the other through a single-producer
 * single-consumer ring. Allocates nothing, locks nothing, calls nothing of libc but memory and
 * string functions. A connection may be moved in memory between two calls while nobody uses it.
 *
 * Every head() of the sink is followed by exactly one done(), at the latest in spy_http1_close().
 */
#ifndef SPY_OBSERVE_HTTP1_H
#define SPY_OBSERVE_HTTP1_H

#include "observe/framing.h"
#include "observe/http1_head.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Pipelined requests that may be under way on one connection, a power of two. Beyond, further
 * requests are lost: no server seen answers more at a time (nginx reads them one by one), and the
 * load generators that pipeline send 16. */
#define SPY_HTTP1_PIPELINE 16u

/* How much of a request target is looked at; a longer one is cut (its operation is found by its
 * beginning). Cut also where the whole is at hand, so that an operation never depends on how the
 * bytes happened to arrive. */
#define SPY_HTTP1_TARGET_MAX 2048u

/* One request and its final response. Times are CLOCK_MONOTONIC nanoseconds. */
struct spy_http1_exchange {
    uint32_t op;
    uint32_t status;         /* of the final response; 0: none came (aborted or lost) */
    bool aborted;            /* the connection was closed before the response was complete */
    bool lost;               /* it could not be followed to its end: not a call to count, only
                              * the counterpart of its head() */
    uint64_t begin_ns;       /* first byte of the request head was read */
    uint64_t request_end_ns; /* last byte of the request was read; 0: not before the end */
    uint64_t first_byte_ns;  /* first byte of the final response was accepted; 0: never */
    uint64_t end_ns;         /* last byte was accepted; aborted: the connection was closed */
    uint64_t blocked_ns;     /* time in which response bytes waited for the socket: inside the
                              * calls that wrote it, and from a short write or EAGAIN to the end of
                              * the next call that got on */
    uint64_t bytes_in;       /* head and body as on the wire, as far as read when it ended: what
                              * is read of the body after an early response is not counted */
    uint64_t bytes_out;      /* the same, of all responses to this request (1xx included) */
};

/* Where events go. head() is called when a request's head is complete and returns its operation;
 * it is not called while target or method are still arriving. done() is called in the order of
 * the requests. CTX is the caller's. */
struct spy_http1_sink {
    uint32_t (*head)(void *ctx, const char *method, size_t method_len, const char *target,
                     size_t target_len);
    void (*done)(void *ctx, const struct spy_http1_exchange *exchange);
    void *ctx;
};

/* Why a connection is none of our business any more. */
enum spy_http1_lost {
    SPY_HTTP1_FOLLOWED = 0,
    SPY_HTTP1_NOT_HTTP,    /* it never was HTTP/1: the first bytes were something else */
    SPY_HTTP1_LOST,        /* it was, but could not be followed (malformed, joined half-way) */
    SPY_HTTP1_HANDED_OVER, /* it went on to another protocol: 101, or CONNECT answered by 2xx */
};

/* A request in the ring. */
struct spy_http1_request {
    uint64_t begin_ns;
    /* The body may still be arriving while the response is under way, or after it. Written by the
     * read side only, read by the write side; single numbers, so relaxed. */
    _Atomic uint64_t bytes_in;
    _Atomic uint64_t end_ns; /* 0: incomplete */
    uint32_t op;
    uint8_t method; /* llhttp_method_t */
};

/* Touched by the read side only. */
struct spy_http1_in {
    struct spy_http1_head head;
    struct spy_framing body; /* of the last request in the ring; done: a head is next */
    uint64_t begin_ns;
    uint32_t target_len; /* of `target`; 0: the target has not been split so far */
    char *target;        /* the caller's, of SPY_HTTP1_TARGET_MAX bytes */
};

/* The response to the oldest request in the ring, all 0 before its first byte. Times as above. */
struct spy_http1_response {
    uint64_t first_ns;   /* first byte of the head under way, or of the final response */
    uint64_t last_ns;    /* last byte so far */
    uint64_t charged_ns; /* until when blocked time has been counted */
    uint64_t blocked_ns;
    uint64_t bytes;
    uint16_t status; /* 0: the final head is not complete */
    bool in_body;
    bool stalled; /* the socket was full; since charged_ns */
};

/* Touched by the write side only. */
struct spy_http1_out {
    struct spy_http1_head head;
    struct spy_framing body;
    struct spy_http1_response response;
};

struct spy_http1 {
    /* enum spy_http1_lost. Both sides set it, each tolerates to see it late. */
    _Atomic uint8_t lost;
    /* The read side gave up, with this reason; what is in the ring is still answered. */
    _Atomic uint8_t in_lost;
    /* The read side saw the beginning of a request: a response too many is a loss, where it would
     * otherwise mean that this is not HTTP. */
    _Atomic bool spoken;
    /* Free-running indices of the ring. The read side stores tail (release, after filling the
     * slot), the write side stores head (release, after its last look at the slot); each loads
     * the other's with acquire. */
    _Atomic uint32_t ring_head;
    _Atomic uint32_t ring_tail;
    struct spy_http1_in in;
    struct spy_http1_out out;
    struct spy_http1_request ring[SPY_HTTP1_PIPELINE];
};

/* There may be 100,000 of them. Two thirds are the ring. */
_Static_assert(sizeof(struct spy_http1) <= 1024, "a connection's state is kept small");

/* Begins a connection. TARGET has SPY_HTTP1_TARGET_MAX bytes, is used only for targets that arrive
 * in pieces, and outlives the connection. */
void spy_http1_open(struct spy_http1 *http, char *target);

/* N bytes were read by a call that returned at NOW_NS. DATA is NULL where they are not in memory
 * (splice). Peeked bytes (MSG_PEEK) must not be told. */
void spy_http1_in(struct spy_http1 *http, const struct spy_http1_sink *sink, const char *data,
                  size_t n, uint64_t now_ns);

/*
 * N bytes were accepted by the socket in a call that ran from BEGIN_NS to END_NS. DATA is NULL
 * where the bytes are not in memory (sendfile, splice). WANTED is how many bytes the call was
 * asked to write: fewer accepted means the socket is full, and the time until the next call that
 * makes progress is blocked time. A call that failed with EAGAIN is N = 0.
 * A write of several buffers is told as one call per buffer, each with its own N and WANTED and
 * all with the same times, up to and with the first buffer that was not accepted whole.
 */
void spy_http1_out(struct spy_http1 *http, const struct spy_http1_sink *sink, const char *data,
                   size_t n, size_t wanted, uint64_t begin_ns, uint64_t end_ns);

/* The connection was closed (or its descriptor reused): what is unfinished was aborted, except a
 * response that ends by closing: that one ended with its last byte. A request whose head is
 * incomplete has no operation and is not reported. Both sides must be idle. */
void spy_http1_close(struct spy_http1 *http, const struct spy_http1_sink *sink, uint64_t now_ns);

/* Requests read and not yet answered, 0 .. SPY_HTTP1_PIPELINE. Any thread; exact only for the
 * side that asks about its own doing. */
static inline uint32_t spy_http1_pending(const struct spy_http1 *http)
{
    /* The head first: seen later than the tail it could pass it. Pair with the releases in
     * push() and pop(). */
    uint32_t head = atomic_load_explicit(&http->ring_head, memory_order_acquire);
    return atomic_load_explicit(&http->ring_tail, memory_order_acquire) - head;
}

/* Why the connection is not followed any more, or SPY_HTTP1_FOLLOWED. Any thread. */
static inline enum spy_http1_lost spy_http1_why_lost(const struct spy_http1 *http)
{
    return (enum spy_http1_lost)atomic_load_explicit(&http->lost, memory_order_relaxed);
}

#endif
