/* SPDX-License-Identifier: MIT */
/*
 * Wrappers of the calls that take bytes from sockets. On a descriptor that is no watched connection
 * each is one load, the original, and a look at the first byte that came; the two that everybody
 * calls jump to the original where it is known that there is nothing to look for.
 */
#include "hooks/hooks.h"
#include "observe/stream.h"

#include <string.h>

/* Flags with which a call takes nothing from the stream: peeked bytes come again, and the urgent
 * byte and the queue of errors are no part of it. */
#define ASIDE (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE)

/* ---- read -------------------------------------------------------------------------------------
 */

SPY_REST ssize_t read_any(int fd, void *buffer, size_t n)
{
    if (!spy_stream_watched(fd)) {
        ssize_t got = SPY_LIBC(read)(fd, buffer, n);
        spy_stream_stranger(fd, buffer, got);
        return got;
    }
    struct spy_io io = spy_io_in(fd);
    ssize_t got = SPY_LIBC(read)(fd, buffer, n);
    spy_stream_in(&io, buffer, got);
    return got;
}

SPY_EXPORT ssize_t read(int fd, void *buffer, size_t n)
{
    if (spy_stream_passes_in(fd))
        SPY_GO_ON(read, fd, buffer, n);
    return read_any(fd, buffer, n);
}

SPY_EXPORT ssize_t __read(int fd, void *buffer, size_t n)
{
    if (!spy_stream_watched(fd)) {
        ssize_t got = SPY_LIBC(__read)(fd, buffer, n);
        spy_stream_stranger(fd, buffer, got);
        return got;
    }
    struct spy_io io = spy_io_in(fd);
    ssize_t got = SPY_LIBC(__read)(fd, buffer, n);
    spy_stream_in(&io, buffer, got);
    return got;
}

SPY_EXPORT ssize_t __read_chk(int fd, void *buffer, size_t n, size_t room)
{
    if (!spy_stream_watched(fd)) {
        ssize_t got = SPY_LIBC(__read_chk)(fd, buffer, n, room);
        spy_stream_stranger(fd, buffer, got);
        return got;
    }
    struct spy_io io = spy_io_in(fd);
    ssize_t got = SPY_LIBC(__read_chk)(fd, buffer, n, room);
    spy_stream_in(&io, buffer, got);
    return got;
}

/* The same look at what came into several buffers. */
static void strange_vector(int fd, const struct iovec *iov, size_t count, ssize_t got)
{
    while (got > 0 && count > 1 && iov->iov_len == 0) {
        iov++;
        count--;
    }
    if (got > 0)
        spy_stream_stranger(fd, iov->iov_base,
                            (size_t)got < iov->iov_len ? got : (ssize_t)iov->iov_len);
}

SPY_EXPORT ssize_t readv(int fd, const struct iovec *iov, int count)
{
    if (!spy_stream_watched(fd)) {
        ssize_t got = SPY_LIBC(readv)(fd, iov, count);
        strange_vector(fd, iov, (size_t)count, got);
        return got;
    }
    struct spy_io io = spy_io_in(fd);
    ssize_t got = SPY_LIBC(readv)(fd, iov, count);
    spy_stream_inv(&io, iov, (size_t)count, got);
    return got;
}

/* ---- recv -------------------------------------------------------------------------------------
 */

/* With MSG_TRUNC the kernel has dropped the bytes, and may tell of more than there was room for. */
static void received(const struct spy_io *io, const void *buffer, ssize_t got, int flags)
{
    if ((flags & ASIDE) == 0)
        spy_stream_in(io, flags & MSG_TRUNC ? NULL : buffer, got);
}

static void strange(int fd, const void *buffer, ssize_t got, int flags)
{
    if ((flags & (ASIDE | MSG_TRUNC)) == 0)
        spy_stream_stranger(fd, buffer, got);
}

SPY_REST ssize_t recv_any(int fd, void *buffer, size_t n, int flags)
{
    if (!spy_stream_watched(fd)) {
        ssize_t got = SPY_LIBC(recv)(fd, buffer, n, flags);
        strange(fd, buffer, got, flags);
        return got;
    }
    struct spy_io io = spy_io_in(fd);
    ssize_t got = SPY_LIBC(recv)(fd, buffer, n, flags);
    received(&io, buffer, got, flags);
    return got;
}

SPY_EXPORT ssize_t recv(int fd, void *buffer, size_t n, int flags)
{
    if (spy_stream_passes_in(fd))
        SPY_GO_ON(recv, fd, buffer, n, flags);
    return recv_any(fd, buffer, n, flags);
}

SPY_EXPORT ssize_t __recv_chk(int fd, void *buffer, size_t n, size_t room, int flags)
{
    if (!spy_stream_watched(fd)) {
        ssize_t got = SPY_LIBC(__recv_chk)(fd, buffer, n, room, flags);
        strange(fd, buffer, got, flags);
        return got;
    }
    struct spy_io io = spy_io_in(fd);
    ssize_t got = SPY_LIBC(__recv_chk)(fd, buffer, n, room, flags);
    received(&io, buffer, got, flags);
    return got;
}

SPY_EXPORT ssize_t recvfrom(int fd, void *buffer, size_t n, int flags, struct sockaddr *address,
                            socklen_t *address_len)
{
    if (!spy_stream_watched(fd)) {
        ssize_t got = SPY_LIBC(recvfrom)(fd, buffer, n, flags, address, address_len);
        strange(fd, buffer, got, flags);
        return got;
    }
    struct spy_io io = spy_io_in(fd);
    ssize_t got = SPY_LIBC(recvfrom)(fd, buffer, n, flags, address, address_len);
    received(&io, buffer, got, flags);
    return got;
}

SPY_EXPORT ssize_t __recvfrom_chk(int fd, void *buffer, size_t n, size_t room, int flags,
                                  struct sockaddr *address, socklen_t *address_len)
{
    if (!spy_stream_watched(fd)) {
        ssize_t got = SPY_LIBC(__recvfrom_chk)(fd, buffer, n, room, flags, address, address_len);
        strange(fd, buffer, got, flags);
        return got;
    }
    struct spy_io io = spy_io_in(fd);
    ssize_t got = SPY_LIBC(__recvfrom_chk)(fd, buffer, n, room, flags, address, address_len);
    received(&io, buffer, got, flags);
    return got;
}

/* Descriptors that another process passed: whatever their numbers meant before, is over. */
static void note_passed(struct msghdr *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || c->cmsg_len < CMSG_LEN(0))
            continue;
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
            spy_stream_forget(fd);
        }
    }
}

/* One message of which GOT bytes came. Where none came, MESSAGE may be no address. */
static void message_in(const struct spy_io *io, struct msghdr *message, ssize_t got, int flags)
{
    if (got >= 0 && message->msg_controllen > 0 && (flags & (MSG_PEEK | MSG_ERRQUEUE)) == 0)
        note_passed(message);
    if (got <= 0 || flags & ASIDE)
        return;
    if (io->handle == 0 && (flags & MSG_TRUNC) == 0)
        strange_vector(io->fd, message->msg_iov, message->msg_iovlen, got);
    else if (flags & MSG_TRUNC)
        spy_stream_in(io, NULL, got);
    else
        spy_stream_inv(io, message->msg_iov, message->msg_iovlen, got);
}

/* A call on FD, watched or not. */
static struct spy_io io_of(int fd)
{
    return spy_stream_watched(fd) ? spy_io_in(fd) : (struct spy_io){.fd = fd};
}

SPY_EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    struct spy_io io = io_of(fd);
    ssize_t got = SPY_LIBC(recvmsg)(fd, message, flags);
    message_in(&io, message, got, flags);
    return got;
}

SPY_EXPORT int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
                        struct timespec *timeout)
{
    struct spy_io io = io_of(fd);
    int got = SPY_LIBC(recvmmsg)(fd, messages, count, flags, timeout);
    for (int i = 0; i < got; i++)
        message_in(&io, &messages[i].msg_hdr, messages[i].msg_len, flags);
    return got;
}
