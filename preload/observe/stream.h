/* SPDX-License-Identifier: MIT */
/*
 * Streams: connections that this process serves, found by descriptor. The wrappers of socket calls
 * tell what moved; a stream finds the protocol and passes it on.
 *
 * A descriptor that is none of our business costs one load: spy_stream_watched(). A stream begins
 * with accept(), or with the first request that is read from a socket of unknown origin (inherited,
 * or passed by another process), and ends when the last descriptor of it is closed or reused, or
 * when it turned out to speak nothing we know.
 *
 * No lock: each side of a stream (in, out) is claimed by an atomic bit while it is used, and a
 * side found taken (two threads reading one socket) drops the stream. errno is kept by all of it.
 */
#ifndef SPY_OBSERVE_STREAM_H
#define SPY_OBSERVE_STREAM_H

#include "observe/descriptors.h"
#include "runtime/process.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

static inline bool spy_stream_watched(int fd)
{
    _Atomic uint64_t *word = spy_fd_word(fd);
    return word != NULL &&
           (int64_t)atomic_load_explicit(word, memory_order_relaxed) > (int64_t)SPY_FD_FOREIGN;
}

/* At a glance: what is read from FD is no request to us. FD is known to be another's, as libpq's
 * connections are, or the library is dormant. */
static inline bool spy_stream_passes_in(int fd)
{
    return atomic_load_explicit(&spy_process_dormant, memory_order_relaxed) ||
           ((unsigned)fd < SPY_FD_DIRECT &&
            atomic_load_explicit(&spy_fd_direct[fd], memory_order_relaxed) == SPY_FD_FOREIGN);
}

/* The same of what is written to FD: it is not watched. */
static inline bool spy_stream_passes_out(int fd)
{
    return (unsigned)fd < SPY_FD_DIRECT &&
           (int64_t)atomic_load_explicit(&spy_fd_direct[fd], memory_order_relaxed) <=
               (int64_t)SPY_FD_FOREIGN;
}

/* A call on a watched descriptor: noted before the real call, so that what it returns is never
 * counted for another connection that got the number meanwhile. */
struct spy_io {
    uint64_t handle;
    uint64_t begin_ns; /* of a write; a read's time is when it returned */
    int fd;            /* negative: the stream was not found by a descriptor */
};
struct spy_io spy_io_in(int fd);
struct spy_io spy_io_out(int fd);

/* The same for a stream whose handle the caller keeps. */
struct spy_io spy_io_in_of(uint64_t handle);
struct spy_io spy_io_out_of(uint64_t handle, uint64_t begin_ns);

/* Maps what streams need now, if it can be, and for a while. */
void spy_streams_reserve(void);

/* The process listens or accepts: starts its watch if it is the first time. */
void spy_stream_listen(void);

/* FD was accepted (negative: nothing was). */
void spy_stream_open(int fd);

/* GOT bytes were read into DATA, or an array of COUNT buffers. GOT <= 0: nothing came. DATA NULL:
 * they are not in memory. */
void spy_stream_in(const struct spy_io *io, const void *data, ssize_t got);
void spy_stream_inv(const struct spy_io *io, const struct iovec *iov, size_t count, ssize_t got);

/* SENT of WANTED bytes of DATA (NULL: not in memory) were accepted; negative: errno tells why. */
void spy_stream_out(const struct spy_io *io, const void *data, size_t wanted, ssize_t sent);
void spy_stream_outv(const struct spy_io *io, const struct iovec *iov, size_t count, ssize_t sent);

/* ---- joining: a socket whose beginning was not seen -------------------------------------------
 */

/* "GET / HTTP/1.0" and a line end: no request is shorter. */
#define SPY_REQUEST_LEAST 16

void spy_stream_join(int fd, const char *data, size_t n);

/* GOT bytes at DATA were read from FD, which is not watched. If they begin with a whole request
 * and FD is a connection that this process did not make itself, it is followed from here on. Costs
 * a look at the first byte. */
static inline void spy_stream_stranger(int fd, const void *data, ssize_t got)
{
    if (got >= SPY_REQUEST_LEAST && (unsigned)*(const unsigned char *)data - 'A' <= 'Z' - 'A' &&
        !atomic_load_explicit(&spy_process_dormant, memory_order_relaxed))
        spy_stream_join(fd, data, (size_t)got);
}

/* ---- descriptors ------------------------------------------------------------------------------
 */

/* TO is now another descriptor of what FROM is. */
void spy_stream_dup(int from, int to);

/* FD is connected to a server: what it reads is no request, whatever it looks like. */
void spy_stream_connected(int fd);

/* FD is a new descriptor, of which nothing is known: what its number meant before is over. */
void spy_stream_forget(int fd);

/* The connection of FD is over, with all its descriptors. */
void spy_stream_end(int fd);

/* FD is about to be closed or replaced; every descriptor from FIRST to LAST is. */
void spy_stream_close(int fd);
void spy_stream_close_range(unsigned first, unsigned last);

/* ---- streams that are not found by what a descriptor reads ------------------------------------
 */

/* Takes a stream for a connection whose bytes are ciphertext in the socket calls; 0: none is free.
 * FD is its descriptor: when that is closed the stream ends. Negative: not known, the caller ends
 * it. */
uint64_t spy_stream_cipher(int fd);
void spy_stream_cipher_end(uint64_t handle);

#endif
