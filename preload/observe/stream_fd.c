/* SPDX-License-Identifier: MIT */
/*
 * How the descriptors of streams come and go. See stream.h.
 *
 * The child of a vfork closes and duplicates its own copies of descriptors, in our memory: what
 * changes a watched one is done only in the process that it belongs to.
 */
#include "observe/pool.h"
#include "observe/session.h"
#include "observe/stream.h"
#include "record/shard.h"
#include "runtime/confine.h"
#include "runtime/process.h"
#include "shared/sys.h"

#include <errno.h>

static uint64_t handle_of(uint64_t word)
{
    return word & ~SPY_FD_CIPHER;
}

void spy_streams_reserve(void)
{
    spy_pool_reserve();
    spy_sessions_reserve();
}

void spy_stream_listen(void)
{
    spy_process_start();
}

/* Makes FD lead to a new stream, marked with BITS. Returns its handle, or 0. */
static uint64_t take_for(int fd, struct spy_region *region, uint64_t bits)
{
    _Atomic uint64_t *word = spy_fd_make(fd);
    if (word == NULL) {
        spy_self_count(region, SPY_SELF_FD_TOO_HIGH);
        return 0;
    }
    uint64_t handle = spy_pool_take();
    if (handle == 0)
        spy_self_count(region, SPY_SELF_STREAMS_FULL);
    else
        atomic_store_explicit(word, handle | bits, memory_order_release);
    return handle;
}

void spy_stream_open(int fd)
{
    struct spy_region *region = spy_process_region();
    if (fd < 0 || region == NULL)
        return;
    spy_stream_close(fd); /* closed by a way we did not see, and its number reused */
    take_for(fd, region, 0);
}

uint64_t spy_stream_cipher(int fd)
{
    struct spy_region *region = spy_process_region();
    if (region == NULL)
        return 0;
    if (fd >= 0) {
        spy_stream_close(fd); /* what was followed there was not the plain text */
        return take_for(fd, region, SPY_FD_CIPHER);
    }
    uint64_t handle = spy_pool_take();
    if (handle == 0)
        spy_self_count(region, SPY_SELF_STREAMS_FULL);
    return handle;
}

void spy_stream_cipher_end(uint64_t handle)
{
    int saved_errno = errno;
    if (handle != 0 && spy_process_is_mine())
        spy_pool_retire(handle);
    errno = saved_errno;
}

void spy_stream_close(int fd)
{
    uint64_t word = spy_fd_load(fd);
    if (word == SPY_FD_UNKNOWN)
        return;
    if (word == SPY_FD_FOREIGN) {
        spy_fd_replace(fd, word, SPY_FD_UNKNOWN);
        return;
    }
    if (!spy_process_is_mine())
        return;
    int saved_errno = errno;
    if (spy_fd_replace(fd, word, SPY_FD_UNKNOWN)) /* of two that close it, one does this */
        spy_pool_release(handle_of(word));
    errno = saved_errno;
}

void spy_stream_close_range(unsigned first, unsigned last)
{
    int fd = spy_fd_next_used(first, last);
    while (fd >= 0) {
        spy_stream_close(fd);
        fd = spy_fd_next_used((unsigned)fd + 1, last);
    }
}

void spy_stream_forget(int fd)
{
    if (fd >= 0)
        spy_stream_close(fd);
}

void spy_stream_end(int fd)
{
    uint64_t word = spy_fd_load(fd);
    if (word == SPY_FD_UNKNOWN || word == SPY_FD_FOREIGN || !spy_process_is_mine())
        return;
    int saved_errno = errno;
    spy_pool_retire(handle_of(word));
    spy_fd_replace(fd, word, SPY_FD_FOREIGN);
    errno = saved_errno;
}

void spy_stream_dup(int from, int to)
{
    uint64_t word = spy_fd_load(from);
    if (to < 0 || from == to || word == SPY_FD_UNKNOWN)
        return;
    if (word != SPY_FD_FOREIGN && (!spy_process_is_mine() || !spy_pool_hold(handle_of(word))))
        return;
    _Atomic uint64_t *copy = spy_fd_make(to);
    if (copy != NULL)
        atomic_store_explicit(copy, word, memory_order_release);
    else if (word != SPY_FD_FOREIGN)
        spy_pool_release(handle_of(word));
}

void spy_stream_connected(int fd)
{
    spy_stream_forget(fd);
    _Atomic uint64_t *word = spy_fd_make(fd);
    if (word != NULL)
        atomic_store_explicit(word, SPY_FD_FOREIGN, memory_order_relaxed);
}

/* ---- joining ----------------------------------------------------------------------------------
 */

static int option_of(int fd, int option)
{
    int value = -1;
    unsigned len = sizeof(value);
    return spy_sys_getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 ? value : -1;
}

static bool is_connection(int fd)
{
    int domain = option_of(fd, SO_DOMAIN);
    return (domain == AF_INET || domain == AF_INET6 || domain == AF_UNIX) &&
           option_of(fd, SO_TYPE) == SOCK_STREAM && option_of(fd, SO_ACCEPTCONN) == 0;
}

/* What is no connection is not looked at again until it is closed: a file may be full of requests.
 */
void spy_stream_join(int fd, const char *data, size_t n)
{
    if (atomic_load_explicit(&spy_process_dormant, memory_order_relaxed) ||
        spy_fd_load(fd) != SPY_FD_UNKNOWN || spy_confined() || !spy_protocol_begins(data, n))
        return;
    int saved_errno = errno;
    if (is_connection(fd)) {
        spy_process_start();
        spy_stream_open(fd);
        struct spy_io io = spy_io_in(fd);
        spy_stream_in(&io, data, (ssize_t)n);
    } else {
        spy_stream_connected(fd);
    }
    errno = saved_errno;
}
