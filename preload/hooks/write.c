/* SPDX-License-Identifier: MIT */
/*
 * Wrappers of the calls that give bytes to sockets. On a descriptor that is no watched connection
 * each is one load and a jump to the original.
 */
#include "hooks/hooks.h"
#include "observe/query.h"
#include "observe/stream.h"

#include <errno.h>

SPY_REST ssize_t write_any(int fd, const void *buffer, size_t n)
{
    if (!spy_stream_watched(fd))
        return SPY_LIBC(write)(fd, buffer, n);
    struct spy_io io = spy_io_out(fd);
    ssize_t sent = SPY_LIBC(write)(fd, buffer, n);
    spy_stream_out(&io, buffer, n, sent);
    return sent;
}

SPY_EXPORT ssize_t write(int fd, const void *buffer, size_t n)
{
    if (spy_stream_passes_out(fd))
        SPY_GO_ON(write, fd, buffer, n);
    return write_any(fd, buffer, n);
}

SPY_EXPORT ssize_t __write(int fd, const void *buffer, size_t n)
{
    if (!spy_stream_watched(fd))
        return SPY_LIBC(__write)(fd, buffer, n);
    struct spy_io io = spy_io_out(fd);
    ssize_t sent = SPY_LIBC(__write)(fd, buffer, n);
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

/* libpq writes to its server with send(). */
static ssize_t send_unwatched(int fd, const void *buffer, size_t n, int flags)
{
    ssize_t sent = SPY_LIBC(send)(fd, buffer, n, flags);
    if (spy_thread.sending != NULL && sent > 0)
        spy_query_bytes_left(spy_thread.sending);
    return sent;
}

SPY_REST ssize_t send_any(int fd, const void *buffer, size_t n, int flags)
{
    if (!spy_stream_watched(fd))
        return send_unwatched(fd, buffer, n, flags);
    struct spy_io io = spy_io_out(fd);
    ssize_t sent = SPY_LIBC(send)(fd, buffer, n, flags);
    spy_stream_out(&io, buffer, n, sent);
    return sent;
}

SPY_EXPORT ssize_t send(int fd, const void *buffer, size_t n, int flags)
{
    if (spy_stream_passes_out(fd) && spy_thread.sending == NULL)
        SPY_GO_ON(send, fd, buffer, n, flags);
    return send_any(fd, buffer, n, flags);
}

SPY_EXPORT ssize_t __send(int fd, const void *buffer, size_t n, int flags)
{
    if (!spy_stream_watched(fd))
        return SPY_LIBC(__send)(fd, buffer, n, flags);
    struct spy_io io = spy_io_out(fd);
    ssize_t sent = SPY_LIBC(__send)(fd, buffer, n, flags);
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

/* The first SENT of COUNT messages were taken, the last of them perhaps in part. */
SPY_EXPORT int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    if (!spy_stream_watched(fd))
        return SPY_LIBC(sendmmsg)(fd, messages, count, flags);
    struct spy_io io = spy_io_out(fd);
    int sent = SPY_LIBC(sendmmsg)(fd, messages, count, flags);
    for (int i = 0; i < sent; i++)
        spy_stream_outv(&io, messages[i].msg_hdr.msg_iov, messages[i].msg_hdr.msg_iovlen,
                        messages[i].msg_len);
    if (sent < 0 && errno == EAGAIN && count > 0) /* MESSAGES was read */
        spy_stream_outv(&io, messages[0].msg_hdr.msg_iov, messages[0].msg_hdr.msg_iovlen, sent);
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

/* Bytes pass unseen, by way of a pipe. How many wait in the pipe is not known, so that fewer than
 * asked for does not mean that the socket was full. */
SPY_EXPORT ssize_t splice(int in, off64_t *in_offset, int out, off64_t *out_offset, size_t n,
                          unsigned flags)
{
    bool from = spy_stream_watched(in);
    bool to = spy_stream_watched(out);
    if (!from && !to)
        return SPY_LIBC(splice)(in, in_offset, out, out_offset, n, flags);
    struct spy_io io = from ? spy_io_in(in) : spy_io_out(out);
    ssize_t moved = SPY_LIBC(splice)(in, in_offset, out, out_offset, n, flags);
    if (from)
        spy_stream_in(&io, NULL, moved);
    else
        spy_stream_out(&io, NULL, moved > 0 ? (size_t)moved : n, moved);
    return moved;
}
