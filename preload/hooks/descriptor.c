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
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <stdarg.h>
#include <sys/syscall.h>

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

/* A client's end is no server's, even where the connection takes its time. */
static int connected(int fd, int result)
{
    if (result == 0 || errno == EINPROGRESS || errno == EINTR)
        spy_stream_connected(fd);
    return result;
}

SPY_EXPORT int connect(int fd, const struct sockaddr *address, socklen_t address_len)
{
    return connected(fd, SPY_LIBC(connect)(fd, address, address_len));
}

SPY_EXPORT int __connect(int fd, const struct sockaddr *address, socklen_t address_len)
{
    return connected(fd, SPY_LIBC(__connect)(fd, address, address_len));
}

/* After the peer was told the end there is nothing more to follow but the close. */
SPY_EXPORT int shutdown(int fd, int how)
{
    int result = SPY_LIBC(shutdown)(fd, how);
    if (result == 0 && how == SHUT_RDWR)
        spy_stream_end(fd);
    return result;
}

/* ---- close ------------------------------------------------------------------------------------
 */

/* May the program close FD? Then what it meant is forgotten. */
static bool about_to_close(int fd)
{
    if (spy_own_fd_is(fd)) {
        errno = EBADF;
        return false;
    }
    spy_stream_close(fd);
    return true;
}

SPY_EXPORT int close(int fd)
{
    return about_to_close(fd) ? SPY_LIBC(close)(fd) : -1;
}

SPY_EXPORT int __close(int fd)
{
    return about_to_close(fd) ? SPY_LIBC(__close)(fd) : -1;
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

static int close_range_of(unsigned first, unsigned last, int flags)
{
    /* Where nothing can be closed (flags unknown, system call not allowed) nothing is forgotten. */
    if (first > last || SPY_LIBC(close_range)(UINT_MAX, UINT_MAX, flags) != 0)
        return SPY_LIBC(close_range)(first, last, flags);
    if ((flags & CLOSE_RANGE_CLOEXEC) == 0)
        spy_stream_close_range(first, last);
    return close_around_ours(first, last, flags);
}

SPY_EXPORT int close_range(unsigned first, unsigned last, int flags)
{
    return close_range_of(first, last, flags);
}

/* Ours are closed with the rest: the program takes all these numbers for its own from here on. */
SPY_EXPORT void closefrom(int first)
{
    spy_stream_close_range(first > 0 ? (unsigned)first : 0, UINT_MAX);
    SPY_LIBC(closefrom)(first);
}

/* libuv, and so node, closes by syscall(). */
bool spy_closed_by_syscall(long number, const long a[6], long *result)
{
    if (number == SYS_close_range) {
        *result = close_range_of((unsigned)a[0], (unsigned)a[1], (int)a[2]);
        return true;
    }
    *result = -1;
    return number == SYS_close && !about_to_close((int)a[0]);
}

/* ---- dup --------------------------------------------------------------------------------------
 */

/* A failed dup2 leaves TO as it was, so its stream ends only afterwards. */
static int replaced(int result, int from, int to)
{
    if (result >= 0 && from != to) {
        spy_stream_close(to);
        spy_stream_dup(from, to);
    }
    return result;
}

SPY_EXPORT int dup2(int from, int to)
{
    spy_own_fd_yield(to);
    return replaced(SPY_LIBC(dup2)(from, to), from, to);
}

SPY_EXPORT int __dup2(int from, int to)
{
    spy_own_fd_yield(to);
    return replaced(SPY_LIBC(__dup2)(from, to), from, to);
}

SPY_EXPORT int dup3(int from, int to, int flags)
{
    spy_own_fd_yield(to);
    return replaced(SPY_LIBC(dup3)(from, to, flags), from, to);
}

/* TO is a number that was free: what it meant was closed by a way that we did not see. */
static int duplicated(int from, int to)
{
    spy_stream_forget(to);
    spy_stream_dup(from, to);
    return to;
}

SPY_EXPORT int dup(int fd)
{
    return duplicated(fd, SPY_LIBC(dup)(fd));
}

static int after_fcntl(int fd, int command, int result)
{
    bool duplicates = command == F_DUPFD || command == F_DUPFD_CLOEXEC;
    return duplicates ? duplicated(fd, result) : result;
}

/* Three names of one function. Its argument, if there is one, is passed on as a word. */
#define FCNTL(name)                                                             \
    SPY_EXPORT int name(int fd, int command, ...)                               \
    {                                                                           \
        va_list arguments;                                                      \
        va_start(arguments, command);                                           \
        long argument = va_arg(arguments, long);                                \
        va_end(arguments);                                                      \
        return after_fcntl(fd, command, SPY_LIBC(name)(fd, command, argument)); \
    }
FCNTL(fcntl)
FCNTL(fcntl64)
FCNTL(__fcntl)
