/* SPDX-License-Identifier: MIT */
/*
 * Streams: accepted connections, found by descriptor. The wrappers of socket calls tell what moved;
 * a stream finds the protocol and passes it on.
 *
 * A descriptor that is none of our business costs one load: spy_stream_watched(). State is in
 * fixed memory; a stream is freed when its descriptor is closed, reused, or turned out to speak
 * nothing we know. No lock: each side of a stream (in, out) is claimed by an atomic bit while it
 * is used, and a side found taken (two threads reading one socket) drops the stream.
 */
#ifndef SPY_OBSERVE_STREAM_H
#define SPY_OBSERVE_STREAM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Descriptors that can be watched; a higher one is counted (FD_TOO_HIGH) and left alone. The table
 * is 4 MiB of zero pages, of which a process touches what it uses. */
#define SPY_STREAM_FDS (1u << 20)

/* Connections watched at one time. */
#define SPY_STREAMS_MAX 16384u

/* Stream number and generation of each descriptor; 0: none. */
extern _Atomic uint32_t spy_stream_of_fd[SPY_STREAM_FDS];

static inline bool spy_stream_watched(int fd)
{
    return (unsigned)fd < SPY_STREAM_FDS &&
           atomic_load_explicit(&spy_stream_of_fd[fd], memory_order_relaxed) != 0;
}

/* A call on a watched descriptor: noted before the real call, so that what it returns is never
 * counted for another connection that got the number meanwhile. */
struct spy_io {
    uint32_t handle;
    uint64_t begin_ns; /* of a write; a read's time is when it returned */
};
struct spy_io spy_io_in(int fd);
struct spy_io spy_io_out(int fd);

/* The process listens or accepts: starts its watch if it is the first time. */
void spy_stream_listen(void);

/* FD was accepted (negative: nothing was). */
void spy_stream_open(int fd);

/* GOT bytes were read into DATA, or an array of COUNT buffers. GOT <= 0: nothing came. */
void spy_stream_in(const struct spy_io *io, const void *data, ssize_t got);
void spy_stream_inv(const struct spy_io *io, const struct iovec *iov, size_t count, ssize_t got);

/* SENT of WANTED bytes of DATA (NULL: not in memory) were accepted; negative: errno tells why. */
void spy_stream_out(const struct spy_io *io, const void *data, size_t wanted, ssize_t sent);
void spy_stream_outv(const struct spy_io *io, const struct iovec *iov, size_t count, ssize_t sent);

/* FD is about to be closed or replaced; every descriptor from FIRST to LAST is. */
void spy_stream_close(int fd);
void spy_stream_close_range(unsigned first, unsigned last);

#endif
