/* SPDX-License-Identifier: MIT */
/*
 * Wrappers of the calls that move bytes on sockets. On a descriptor that is no watched connection
 * each is one load and a jump to the original.
 */
#include "hooks/hooks.h"
#include "observe/stream.h"

#include <errno.h>

SPY_EXPORT ssize_t read(int fd, void *buffer, size_t n)
{
    if (!spy_stream_watched(fd))
        return SPY_LIBC(read)(fd, buffer, n);
    struct spy_io io = spy_io_in(fd);
    ssize_t got = SPY_LIBC(read)(fd, buffer, n);
    spy_stream_in(&io, buffer, got);
    return got;
}

SPY_EXPORT ssize_t __read_chk(int fd, void *buffer, size_t n, size_t room)
{
    if (!spy_stream_watched(fd))
        return SPY_LIBC(__read_chk)(fd, buffer, n, room);
    struct spy_io io = spy_io_in(fd);
    ssize_t got = SPY_LIBC(__read_chk)(fd, buffer, n, room);
    spy_stream_in(&io, buffer, got);
    return got;
}

SPY_EXPORT ssize_t readv(int fd, const struct iovec *iov, int count)
{
    if (!spy_stream_watched(fd))
        return SPY_LIBC(readv)(fd, iov, count);
    struct spy_io io = spy_io_in(fd);
    ssize_t got = SPY_LIBC(readv)(fd, iov, count);
    spy_stream_inv(&io, iov, (size_t)count, got);
    return got;
}

/* Flags with which a call takes nothing from the stream: peeked bytes come again, and the urgent
 * byte and the queue of errors are no part of it. */
#define ASIDE (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE)

/* With MSG_TRUNC the kernel has dropped the bytes, and may tell of more than there was room for. */
static void received(const struct spy_io *io, const void *buffer, ssize_t got, int flags)
{
    if ((flags & ASIDE) == 0)
        spy_stream_in(io, flags & MSG_TRUNC ? NULL : buffer, got);
}

SPY_EXPORT ssize_t recv(int fd, void *buffer, size_t n, int flags)
{
    if (!spy_stream_watched(fd))
        return SPY_LIBC(recv)(fd, buffer, n, flags);
    struct spy_io io = spy_io_in(fd);
    ssize_t got = SPY_LIBC(recv)(fd, buffer, n, flags);
    received(&io, buffer, got, flags);
    return got;
}

SPY_EXPORT ssize_t __recv_chk(int fd, void *buffer, size_t n, size_t room, int flags)
{
    if (!spy_stream_watched(fd))
        return SPY_LIBC(__recv_chk)(fd, buffer, n, room, flags);
    struct spy_io io = spy_io_in(fd);
    ssize_t got = SPY_LIBC(__recv_chk)(fd, buffer, n, room, flags);
    received(&io, buffer, got, flags);
    return got;
}

SPY_EXPORT ssize_t recvfrom(int fd, void *buffer, size_t n, int flags, struct sockaddr *address,
                            socklen_t *address_len)
{
    if (!spy_stream_watched(fd))
        return SPY_LIBC(recvfrom)(fd, buffer, n, flags, address, address_len);
    struct spy_io io = spy_io_in(fd);
    ssize_t got = SPY_LIBC(recvfrom)(fd, buffer, n, flags, address, address_len);
    received(&io, buffer, got, flags);
    return got;
}

SPY_EXPORT ssize_t __recvfrom_chk(int fd, void *buffer, size_t n, size_t room, int flags,
                                  struct sockaddr *address, socklen_t *address_len)
{
    if (!spy_stream_watched(fd))
        return SPY_LIBC(__recvfrom_chk)(fd, buffer, n, room, flags, address, address_len);
    struct spy_io io = spy_io_in(fd);
    ssize_t got = SPY_LIBC(__recvfrom_chk)(fd, buffer, n, room, flags, address, address_len);
    received(&io, buffer, got, flags);
    return got;
}

SPY_EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    if (!spy_stream_watched(fd))
        return SPY_LIBC(recvmsg)(fd, message, flags);
    struct spy_io io = spy_io_in(fd);
    ssize_t got = SPY_LIBC(recvmsg)(fd, message, flags);
    if (got <= 0 || flags & (ASIDE | MSG_TRUNC)) /* MESSAGE may be no address */
        received(&io, NULL, got, flags);
    else
        spy_stream_inv(&io, message->msg_iov, message->msg_iovlen, got);
    return got;
}

SPY_EXPORT ssize_t write(int fd, const void *buffer, size_t n)
{
    if (!spy_stream_watched(fd))
        return SPY_LIBC(write)(fd, buffer, n);
    struct spy_io io = spy_io_out(fd);
    ssize_t sent = SPY_LIBC(write)(fd, buffer, n);
    spy_stream_out(&io, buffer, n, sent);
    return sent;
}

SPY_EXPORT ssize_t writev(int fd, const struct iovec *iov, int count)
{
    if (!spy_stream_watched(fd))
        return SPY_LIBC(writev)(fd, iov, count);
    struct spy_io io = spy_io_out(fd);
    ssize_t sent = SPY_LIBC(writev)(fd, iov, count);
    spy_stream_outv(&io, iov, (size_t)count, sent);
    return sent;
}

SPY_EXPORT ssize_t send(int fd, const void *buffer, size_t n, int flags)
{
    if (!spy_stream_watched(fd))
        return SPY_LIBC(send)(fd, buffer, n, flags);
    struct spy_io io = spy_io_out(fd);
    ssize_t sent = SPY_LIBC(send)(fd, buffer, n, flags);
    spy_stream_out(&io, buffer, n, sent);
    return sent;
}

SPY_EXPORT ssize_t sendto(int fd, const void *buffer, size_t n, int flags,
                          const struct sockaddr *address, socklen_t address_len)
{
    if (!spy_stream_watched(fd))
        return SPY_LIBC(sendto)(fd, buffer, n, flags, address, address_len);
    struct spy_io io = spy_io_out(fd);
    ssize_t sent = SPY_LIBC(sendto)(fd, buffer, n, flags, address, address_len);
    spy_stream_out(&io, buffer, n, sent);
    return sent;
}

SPY_EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    if (!spy_stream_watched(fd))
        return SPY_LIBC(sendmsg)(fd, message, flags);
    struct spy_io io = spy_io_out(fd);
    ssize_t sent = SPY_LIBC(sendmsg)(fd, message, flags);
    if (sent >= 0 || errno == EAGAIN) /* MESSAGE was read */
        spy_stream_outv(&io, message->msg_iov, message->msg_iovlen, sent);
    return sent;
}

SPY_EXPORT ssize_t sendfile(int out, int in, off_t *offset, size_t n)
{
    if (!spy_stream_watched(out))
        return SPY_LIBC(sendfile)(out, in, offset, n);
    struct spy_io io = spy_io_out(out);
    ssize_t sent = SPY_LIBC(sendfile)(out, in, offset, n);
    spy_stream_out(&io, NULL, n, sent);
    return sent;
}

SPY_EXPORT ssize_t sendfile64(int out, int in, off64_t *offset, size_t n)
{
    if (!spy_stream_watched(out))
        return SPY_LIBC(sendfile64)(out, in, offset, n);
    struct spy_io io = spy_io_out(out);
    ssize_t sent = SPY_LIBC(sendfile64)(out, in, offset, n);
    spy_stream_out(&io, NULL, n, sent);
    return sent;
}
