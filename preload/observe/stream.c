/* SPDX-License-Identifier: MIT */
/*
 * What moved on streams, and how their descriptors come and go. See stream.h; the life of a stream
 * is in pool.c, what a descriptor number means in descriptors.c.
 */
#include "observe/stream.h"

#include "observe/pool.h"
#include "record/cost.h"
#include "record/open.h"
#include "record/shard.h"
#include "runtime/clock.h"
#include "runtime/process.h"

#include <errno.h>

/* ---- bytes ------------------------------------------------------------------------------------
 */

/* A fork's child that serves a connection of its parent begins a watch of its own. */
static void start_in_child(void)
{
    if (spy_process_region() == NULL)
        spy_process_start();
}

struct spy_io spy_io_in(int fd)
{
    start_in_child();
    return (struct spy_io){.handle = spy_fd_load(fd), .fd = fd};
}

struct spy_io spy_io_out(int fd)
{
    struct spy_io io = spy_io_in(fd);
    struct spy_region *region = spy_process_region();
    if (region != NULL) { /* else the clock may be forbidden */
        io.begin_ns = spy_now();
        spy_open_writing(region, io.begin_ns);
    }
    return io;
}

struct spy_io spy_io_in_of(uint64_t handle)
{
    start_in_child();
    return (struct spy_io){.handle = handle, .fd = -1};
}

struct spy_io spy_io_out_of(uint64_t handle, uint64_t begin_ns)
{
    return (struct spy_io){.handle = handle, .begin_ns = begin_ns, .fd = -1};
}

/* Enters the stream of IO. A stream that is gone, which this descriptor does not know yet, makes
 * it a foreign one. */
static struct spy_stream *enter(const struct spy_io *io, enum spy_side side)
{
    struct spy_stream *s = spy_pool_enter(io->handle, side);
    if (s == NULL && io->fd >= 0)
        spy_fd_replace(io->fd, io->handle, SPY_FD_FOREIGN);
    return s;
}

/* Leaves, and drops a stream that speaks nothing we follow. */
static void leave(struct spy_stream *s, const struct spy_io *io, struct spy_region *region,
                  enum spy_side side, bool known)
{
    bool fault = false;
    const struct spy_protocol *protocol = atomic_load_explicit(&s->protocol, memory_order_relaxed);
    bool lost = !known || protocol->lost(spy_pool_memory(s).state, &fault);
    if (fault)
        spy_self_count(region, SPY_SELF_STREAMS_LOST);
    if (lost) {
        if (io->fd >= 0)
            spy_fd_replace(io->fd, io->handle, SPY_FD_FOREIGN);
        spy_pool_retire(io->handle);
    }
    spy_pool_leave(s, side);
}

/* Splits N bytes over the buffers of IOV and passes each to MOVE. For writes `wanted` goes to
 * every buffer, up to and with the first that was not moved whole. */
static void each_buffer(struct spy_stream *s, struct spy_region *region, struct spy_bytes *b,
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
        move(spy_pool_memory(s).state, region, b);
        n -= b->n;
        if (b->n < b->wanted)
            return;
    }
}

/* The protocol of S, chosen by its first bytes. */
static const struct spy_protocol *protocol_for(struct spy_stream *s, const struct iovec *iov,
                                               size_t n)
{
    const struct spy_protocol *protocol = atomic_load_explicit(&s->protocol, memory_order_relaxed);
    if (protocol != NULL || iov->iov_base == NULL)
        return protocol;
    protocol = spy_protocol_of(iov->iov_base, n < iov->iov_len ? n : iov->iov_len);
    if (protocol != NULL) {
        protocol->open(spy_pool_memory(s));
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
    struct spy_timing timing;
    bool timed = spy_cost_due();
    if (timed)
        spy_cost_begin(&timing);
    struct spy_stream *s = enter(io, SPY_SIDE_IN);
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
    leave(s, io, region, SPY_SIDE_IN, protocol != NULL);
    if (timed)
        spy_cost_end(&timing, region, SPY_KIND_HTTP);
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
    if (region == NULL)
        return;
    spy_open_writing(region, 0);
    if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
        return;
    struct spy_timing timing;
    bool timed = spy_cost_due();
    if (timed)
        spy_cost_begin(&timing);
    struct spy_stream *s = enter(io, SPY_SIDE_OUT);
    if (s == NULL)
        return;
    int saved_errno = errno;
    struct spy_bytes bytes = {.begin_ns = io->begin_ns, .end_ns = spy_now()};
    /* Acquire: pairs with the release in protocol_for(). A server that speaks first speaks nothing
     * we know. */
    const struct spy_protocol *protocol = atomic_load_explicit(&s->protocol, memory_order_acquire);
    if (protocol != NULL)
        each_buffer(s, region, &bytes, iov, count, sent > 0 ? (size_t)sent : 0, protocol->out);
    leave(s, io, region, SPY_SIDE_OUT, protocol != NULL);
    if (timed)
        spy_cost_end(&timing, region, SPY_KIND_HTTP);
    errno = saved_errno;
}

void spy_stream_out(const struct spy_io *io, const void *data, size_t wanted, ssize_t sent)
{
    struct iovec iov = {(void *)(uintptr_t)data, wanted};
    spy_stream_outv(io, &iov, 1, sent);
}
