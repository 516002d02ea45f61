/* SPDX-License-Identifier: MIT */
/*
 * The descriptor table, the pool of streams, and the life of a stream. See stream.h.
 *
 * A stream's `state` word holds a bit for each side in use and one for "closed". Whoever clears the
 * last side bit of a closed stream finishes it; so a close never waits, and nothing is freed under
 * a call that still looks at it. The generation in the handle tells a stream from its successor.
 */
#include "observe/stream.h"

#include "observe/protocol.h"
#include "record/shard.h"
#include "runtime/clock.h"
#include "runtime/process.h"
#include "runtime/table.h"

#include <errno.h>

#define INDEX_BITS 15u /* handle: index + 1 below, generation above */
#define INDEX_MASK ((1u << INDEX_BITS) - 1)
_Static_assert(SPY_STREAMS_MAX < 1u << INDEX_BITS, "an index fits its bits");

enum { BUSY_IN = 1, BUSY_OUT = 2, CLOSED = 4 };
#define BUSY (BUSY_IN | BUSY_OUT)

struct stream {
    _Atomic uint32_t state;
    _Atomic uint32_t handle; /* 0: free */
    _Atomic uint32_t next;   /* in the free list: index + 1 */
    int fd;
    /* NULL until the first bytes came. Written by the read side, read by the write side. */
    _Atomic(const struct spy_protocol *) protocol;
    union spy_protocol_state of;
};

_Atomic uint32_t spy_stream_of_fd[SPY_STREAM_FDS];
static _Atomic(void *) pool; /* struct stream[SPY_STREAMS_MAX], once a connection was accepted */

/* Stream INDEX. Only for indices that the pool has given out: then it is there. */
static struct stream *stream_at(uint32_t index)
{
    return (struct stream *)spy_table(&pool) + index;
}

static uint32_t index_of(const struct stream *s)
{
    return (uint32_t)(s - stream_at(0));
}

/* ---- the pool: a stack of free streams, its head with a tag against ABA, and what was never used
 */

static _Atomic uint64_t free_head; /* tag << 32 | index + 1 */
static _Atomic uint32_t never_used;
static _Atomic uint32_t generations;

static struct stream *pool_take(void)
{
    uint64_t head = atomic_load_explicit(&free_head, memory_order_acquire);
    while ((uint32_t)head != 0) {
        struct stream *s = stream_at((uint32_t)head - 1);
        uint64_t next =
            ((head >> 32) + 1) << 32 | atomic_load_explicit(&s->next, memory_order_relaxed);
        if (atomic_compare_exchange_weak_explicit(&free_head, &head, next, memory_order_acquire,
                                                  memory_order_acquire))
            return s;
    }
    if (atomic_load_explicit(&never_used, memory_order_relaxed) >= SPY_STREAMS_MAX ||
        spy_table_map(&pool, SPY_STREAMS_MAX * sizeof(struct stream)) == NULL)
        return NULL;
    uint32_t index = atomic_fetch_add_explicit(&never_used, 1, memory_order_relaxed);
    return index < SPY_STREAMS_MAX ? stream_at(index) : NULL;
}

static void pool_give(struct stream *s)
{
    uint32_t link = index_of(s) + 1;
    uint64_t head = atomic_load_explicit(&free_head, memory_order_relaxed);
    uint64_t mine;
    do {
        atomic_store_explicit(&s->next, (uint32_t)head, memory_order_relaxed);
        mine = ((head >> 32) + 1) << 32 | link;
    } while (!atomic_compare_exchange_weak_explicit(&free_head, &head, mine, memory_order_release,
                                                    memory_order_relaxed));
}

static uint32_t new_handle(const struct stream *s)
{
    uint32_t generation = atomic_fetch_add_explicit(&generations, 1, memory_order_relaxed) + 1;
    return generation << INDEX_BITS | (index_of(s) + 1);
}

/* ---- sides ---------------------------------------------------------------------------------- */

/* Forgets the descriptor, if it still is this stream's. */
static void unmap(const struct stream *s)
{
    uint32_t handle = atomic_load_explicit(&s->handle, memory_order_relaxed);
    atomic_compare_exchange_strong_explicit(&spy_stream_of_fd[s->fd], &handle, 0,
                                            memory_order_relaxed, memory_order_relaxed);
}

/* No side is in use and none will be: tells the protocol and frees the stream. */
static void finish(struct stream *s)
{
    const struct spy_protocol *protocol = atomic_load_explicit(&s->protocol, memory_order_relaxed);
    struct spy_region *region = spy_process_region();
    if (protocol != NULL && region != NULL)
        protocol->close(&s->of, region, spy_now());
    atomic_store_explicit(&s->handle, 0, memory_order_relaxed);
    pool_give(s);
}

/* Marks the stream closed, once; finishes it if nobody is at it. */
static void retire(struct stream *s)
{
    unmap(s);
    uint32_t before = atomic_fetch_or_explicit(&s->state, CLOSED, memory_order_acq_rel);
    if ((before & (CLOSED | BUSY)) == 0)
        finish(s);
}

static void leave(struct stream *s, uint32_t side)
{
    uint32_t before = atomic_fetch_and_explicit(&s->state, ~side, memory_order_acq_rel);
    if ((before & ~side & (CLOSED | BUSY)) == CLOSED)
        finish(s);
}

/* Claims SIDE of the stream HANDLE. NULL: it is gone, or two threads use one side at once, which
 * cannot be followed. */
static struct stream *enter(uint32_t handle, uint32_t side)
{
    if (handle == 0)
        return NULL;
    struct stream *s = stream_at((handle & INDEX_MASK) - 1);
    uint32_t before = atomic_load_explicit(&s->state, memory_order_relaxed);
    do {
        if (before & CLOSED || atomic_load_explicit(&s->handle, memory_order_relaxed) != handle)
            return NULL;
        if (before & side) {
            retire(s);
            return NULL;
        }
    } while (!atomic_compare_exchange_weak_explicit(&s->state, &before, before | side,
                                                    memory_order_acq_rel, memory_order_relaxed));
    if (atomic_load_explicit(&s->handle, memory_order_relaxed) == handle)
        return s;
    leave(s, side); /* its successor moved in between the look and the claim */
    return NULL;
}

/* Leaves, and drops a stream that speaks nothing we follow. */
static void leave_followed(struct stream *s, struct spy_region *region, uint32_t side, bool known)
{
    bool fault = false;
    const struct spy_protocol *protocol = atomic_load_explicit(&s->protocol, memory_order_relaxed);
    bool lost = !known || protocol->lost(&s->of, &fault);
    if (fault)
        spy_self_count(region, SPY_SELF_STREAMS_LOST);
    if (lost)
        retire(s);
    leave(s, side);
}

/* ---- bytes ---------------------------------------------------------------------------------- */

/* A fork's child that serves a connection of its parent begins a watch of its own. */
static void start_in_child(void)
{
    if (spy_process_region() == NULL)
        spy_process_start();
}

struct spy_io spy_io_in(int fd)
{
    start_in_child();
    return (struct spy_io){atomic_load_explicit(&spy_stream_of_fd[fd], memory_order_acquire), 0};
}

struct spy_io spy_io_out(int fd)
{
    struct spy_io io = spy_io_in(fd);
    io.begin_ns = spy_now();
    return io;
}

/* Splits N bytes over the buffers of IOV and passes each to MOVE. For writes `wanted` goes to
 * every buffer, up to and with the first that was not moved whole. */
static void each_buffer(struct stream *s, struct spy_region *region, struct spy_bytes *b,
                        const struct iovec *iov, size_t count, size_t n,
                        void (*move)(union spy_protocol_state *, struct spy_region *,
                                     const struct spy_bytes *))
{
    for (size_t i = 0; i < count; i++) {
        b->data = iov[i].iov_base;
        b->wanted = iov[i].iov_len;
        b->n = n < b->wanted ? n : b->wanted;
        if (b->wanted == 0)
            continue;
        move(&s->of, region, b);
        n -= b->n;
        if (b->n < b->wanted)
            return;
    }
}

/* The protocol of S, chosen by its first bytes. */
static const struct spy_protocol *protocol_for(struct stream *s, const struct iovec *iov, size_t n)
{
    const struct spy_protocol *protocol = atomic_load_explicit(&s->protocol, memory_order_relaxed);
    if (protocol != NULL || iov->iov_base == NULL)
        return protocol;
    protocol = spy_protocol_of(iov->iov_base, n < iov->iov_len ? n : iov->iov_len);
    if (protocol != NULL) {
        protocol->open(&s->of);
        /* Release: the write side finds the state open. */
        atomic_store_explicit(&s->protocol, protocol, memory_order_release);
    }
    return protocol;
}

void spy_stream_inv(const struct spy_io *io, const struct iovec *iov, size_t count, ssize_t got)
{
    struct spy_region *region = spy_process_region();
    if (got <= 0 || region == NULL)
        return;
    struct stream *s = enter(io->handle, BUSY_IN);
    if (s == NULL)
        return;
    int saved_errno = errno;
    struct spy_bytes bytes = {.begin_ns = io->begin_ns, .end_ns = spy_now()};
    while (count > 1 && iov->iov_len == 0) {
        iov++;
        count--;
    }
    const struct spy_protocol *protocol = protocol_for(s, iov, (size_t)got);
    if (protocol != NULL)
        each_buffer(s, region, &bytes, iov, count, (size_t)got, protocol->in);
    leave_followed(s, region, BUSY_IN, protocol != NULL);
    errno = saved_errno;
}

void spy_stream_in(const struct spy_io *io, const void *data, ssize_t got)
{
    struct iovec iov = {(void *)(uintptr_t)data, got > 0 ? (size_t)got : 0};
    spy_stream_inv(io, &iov, 1, got);
}

void spy_stream_outv(const struct spy_io *io, const struct iovec *iov, size_t count, ssize_t sent)
{
    struct spy_region *region = spy_process_region();
    if (region == NULL || (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK))
        return;
    struct stream *s = enter(io->handle, BUSY_OUT);
    if (s == NULL)
        return;
    int saved_errno = errno;
    struct spy_bytes bytes = {.begin_ns = io->begin_ns, .end_ns = spy_now()};
    /* Acquire: pairs with the release in protocol_for(). A server that speaks first speaks nothing
     * we know. */
    const struct spy_protocol *protocol = atomic_load_explicit(&s->protocol, memory_order_acquire);
    if (protocol != NULL)
        each_buffer(s, region, &bytes, iov, count, sent > 0 ? (size_t)sent : 0, protocol->out);
    leave_followed(s, region, BUSY_OUT, protocol != NULL);
    errno = saved_errno;
}

void spy_stream_out(const struct spy_io *io, const void *data, size_t wanted, ssize_t sent)
{
    struct iovec iov = {(void *)(uintptr_t)data, wanted};
    spy_stream_outv(io, &iov, 1, sent);
}

/* ---- coming and going ----------------------------------------------------------------------- */

void spy_stream_listen(void)
{
    spy_process_start();
}

/* The highest descriptor ever watched: where a walk over the table may end. */
static _Atomic uint32_t highest_fd;

static void note_highest(uint32_t fd)
{
    uint32_t seen = atomic_load_explicit(&highest_fd, memory_order_relaxed);
    while (fd > seen && !atomic_compare_exchange_weak_explicit(
                            &highest_fd, &seen, fd, memory_order_relaxed, memory_order_relaxed))
        ;
}

void spy_stream_open(int fd)
{
    struct spy_region *region = spy_process_region();
    if (fd < 0 || region == NULL)
        return;
    if ((unsigned)fd >= SPY_STREAM_FDS) {
        spy_self_count(region, SPY_SELF_FD_TOO_HIGH);
        return;
    }
    spy_stream_close(fd); /* closed by a way we did not see, and its number reused */
    struct stream *s = pool_take();
    if (s == NULL) {
        spy_self_count(region, SPY_SELF_STREAMS_FULL);
        return;
    }
    s->fd = fd;
    note_highest((uint32_t)fd);
    atomic_store_explicit(&s->protocol, NULL, memory_order_relaxed);
    atomic_store_explicit(&s->state, 0, memory_order_relaxed);
    atomic_store_explicit(&s->handle, new_handle(s), memory_order_release);
    atomic_store_explicit(&spy_stream_of_fd[fd],
                          atomic_load_explicit(&s->handle, memory_order_relaxed),
                          memory_order_release);
}

void spy_stream_close(int fd)
{
    if (!spy_stream_watched(fd))
        return;
    uint32_t handle = atomic_load_explicit(&spy_stream_of_fd[fd], memory_order_acquire);
    /* A vfork child closes its own copy of the descriptor, in our memory. */
    if (handle == 0 || !spy_process_is_mine())
        return;
    int saved_errno = errno;
    retire(stream_at((handle & INDEX_MASK) - 1));
    errno = saved_errno;
}

void spy_stream_close_range(unsigned first, unsigned last)
{
    uint32_t used = atomic_load_explicit(&highest_fd, memory_order_relaxed);
    for (unsigned fd = first; fd <= last && fd <= used; fd++)
        spy_stream_close((int)fd);
}
