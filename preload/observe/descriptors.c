/* SPDX-License-Identifier: MIT */
/*
 * The words of descriptor numbers. See descriptors.h.
 */
#include "observe/descriptors.h"

#include "runtime/table.h"

#include <limits.h>

#define CHUNKS (((unsigned)INT_MAX + 1u) / SPY_FD_DIRECT) /* the first is the static array */

_Atomic uint64_t spy_fd_direct[SPY_FD_DIRECT];
static _Atomic(void *) chunk[CHUNKS];

/* The highest number that was ever made: where a walk may end. */
static _Atomic int highest;

_Atomic uint64_t *spy_fd_find(int fd)
{
    if (fd < 0)
        return NULL;
    if ((unsigned)fd < SPY_FD_DIRECT)
        return &spy_fd_direct[fd];
    _Atomic uint64_t *words = spy_table(&chunk[(unsigned)fd / SPY_FD_DIRECT]);
    return words != NULL ? &words[(unsigned)fd % SPY_FD_DIRECT] : NULL;
}

static void note_highest(int fd)
{
    int seen = atomic_load_explicit(&highest, memory_order_relaxed);
    while (fd > seen && !atomic_compare_exchange_weak_explicit(
                            &highest, &seen, fd, memory_order_relaxed, memory_order_relaxed))
        ;
}

_Atomic uint64_t *spy_fd_make(int fd)
{
    if (fd < 0 || ((unsigned)fd >= SPY_FD_DIRECT &&
                   spy_table_map(&chunk[(unsigned)fd / SPY_FD_DIRECT],
                                 SPY_FD_DIRECT * sizeof(_Atomic uint64_t)) == NULL))
        return NULL;
    note_highest(fd);
    return spy_fd_find(fd);
}

int spy_fd_next_used(unsigned first, unsigned last)
{
    unsigned end = (unsigned)atomic_load_explicit(&highest, memory_order_relaxed);
    if (last < end)
        end = last;
    for (uint64_t fd = first; fd <= end; fd++) {
        _Atomic uint64_t *word = spy_fd_find((int)fd);
        if (word == NULL)
            fd |= SPY_FD_DIRECT - 1u; /* to the end of the chunk that is not there */
        else if (atomic_load_explicit(word, memory_order_relaxed) != SPY_FD_UNKNOWN)
            return (int)fd;
    }
    return -1;
}
