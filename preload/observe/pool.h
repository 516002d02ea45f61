/* SPDX-License-Identifier: MIT */
/*
 * The pool of streams, and the life of each: taken with one holder, held by the descriptors that
 * lead to it, finished when the last is gone or when it is retired.
 *
 * A stream's `state` is one word: its generation, how many hold it, a bit for each side in use and
 * one for "closed". Whoever clears the last side bit of a closed stream finishes it; so a close
 * never waits, and nothing is freed under a call that still looks at it. The generation tells a
 * stream from its successor in the same place: a handle of the former does nothing to the latter.
 *
 * Memory is mapped as connections come and touched as they are used. Any
 * thread, no lock, no allocation.
 */
#ifndef SPY_OBSERVE_POOL_H
#define SPY_OBSERVE_POOL_H

#include "observe/protocol.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Connections watched at one time: as many as the kernel lets a process have descriptors, unless
 * fs.nr_open was raised. */
#define SPY_STREAMS_MAX (1u << 20)

enum spy_side { SPY_SIDE_IN = 1, SPY_SIDE_OUT = 2 };

/* What a silent connection costs. Its protocol's state is elsewhere, and touched when it speaks. */
struct spy_stream {
    _Atomic uint64_t state;
    _Atomic uint32_t next; /* in the free list: index + 1 */
    uint32_t index;        /* its place in the pool */
    /* NULL until the first bytes came. Written by the read side, read by the write side. */
    _Atomic(const struct spy_protocol *) protocol;
};

/* Maps memory for the first of the streams now, if it can be. */
void spy_pool_reserve(void);

/* Takes a stream. Its handle, greater than 1 and less than 1 << 63, or 0: the pool is full, or
 * there is no memory. */
uint64_t spy_pool_take(void);

/* Claims SIDE of the stream HANDLE. NULL: it is gone, or two threads use one side at once, which
 * cannot be followed and ends it. Ended by spy_pool_leave(). */
struct spy_stream *spy_pool_enter(uint64_t handle, enum spy_side side);
void spy_pool_leave(struct spy_stream *stream, enum spy_side side);

/* One more descriptor leads to HANDLE; false where it is gone. */
bool spy_pool_hold(uint64_t handle);

/* One descriptor less; the last one ends the stream. */
void spy_pool_release(uint64_t handle);

/* Ends the stream, whoever holds it. */
void spy_pool_retire(uint64_t handle);

/* Ends all of them, without a word to their protocols: recording is off. */
void spy_pool_retire_all(void);

/* The memory of its protocol. */
struct spy_protocol_memory spy_pool_memory(const struct spy_stream *stream);

#endif
