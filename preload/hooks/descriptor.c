/* SPDX-License-Identifier: MIT */
/*
 * Wrappers of the calls by which descriptors come, go and change their meaning. They keep the
 * stream table right, and the library's own descriptors out of the program's way: closing one of
 * ours fails with EBADF, as it would without us.
 */
#include "hooks/hooks.h"
#include "observe/stream.h"
#include "runtime/ownfd.h"

#include <errno.h>
#include <limits.h>
#include <linux/close_range.h>

SPY_EXPORT int listen(int fd, int backlog)
{
    int result = SPY_LIBC(listen)(fd, backlog);
    if (result == 0)
        spy_stream_listen();
    return result;
}

SPY_EXPORT int accept(int fd, struct sockaddr *address, socklen_t *address_len)
{
    spy_stream_listen(); /* the listening socket may have been inherited */
    int accepted = SPY_LIBC(accept)(fd, address, address_len);
    spy_stream_open(accepted);
    return accepted;
}

SPY_EXPORT int accept4(int fd, struct sockaddr *address, socklen_t *address_len, int flags)
{
    spy_stream_listen();
    int accepted = SPY_LIBC(accept4)(fd, address, address_len, flags);
    spy_stream_open(accepted);
    return accepted;
}

/* After the peer was told the end there is nothing more to follow but the close. */
SPY_EXPORT int shutdown(int fd, int how)
{
    int result = SPY_LIBC(shutdown)(fd, how);
    if (result == 0 && how == SHUT_RDWR)
        spy_stream_close(fd);
    return result;
}

SPY_EXPORT int close(int fd)
{
    if (spy_own_fd_is(fd)) {
        errno = EBADF;
        return -1;
    }
    spy_stream_close(fd);
    return SPY_LIBC(close)(fd);
}

/* Closes [FIRST, LAST] in the pieces that are not ours. Wide arithmetic: LAST may be UINT_MAX. */
static int close_around_ours(unsigned first, unsigned last, int flags)
{
    for (uint64_t at = first; at <= last;) {
        uint64_t ours = spy_own_fd_next((unsigned)at);
        uint64_t end = ours <= last ? ours : (uint64_t)last + 1;
        if (at < end && SPY_LIBC(close_range)((unsigned)at, (unsigned)(end - 1), flags) != 0)
            return -1;
        at = end + 1;
    }
    return 0;
}

SPY_EXPORT int close_range(unsigned first, unsigned last, int flags)
{
    /* Where nothing can be closed (flags unknown, system call not allowed) nothing is forgotten. */
    if (first > last || SPY_LIBC(close_range)(UINT_MAX, UINT_MAX, flags) != 0)
        return SPY_LIBC(close_range)(first, last, flags);
    if ((flags & CLOSE_RANGE_CLOEXEC) == 0)
        spy_stream_close_range(first, last);
    return close_around_ours(first, last, flags);
}

/* A failed dup2 leaves TO as it was, so its stream ends only afterwards. */
static int replaced(int result, int from, int to)
{
    if (result >= 0 && from != to)
        spy_stream_close(to);
    return result;
}

SPY_EXPORT int dup2(int from, int to)
{
    spy_own_fd_yield(to);
    return replaced(SPY_LIBC(dup2)(from, to), from, to);
}

SPY_EXPORT int dup3(int from, int to, int flags)
{
    spy_own_fd_yield(to);
    return replaced(SPY_LIBC(dup3)(from, to, flags), from, to);
}
