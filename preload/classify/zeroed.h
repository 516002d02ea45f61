/* SPDX-License-Identifier: MIT */
/*
 * Memory for tables that are sized for the worst and mostly stay empty: zeroed, from the system
 * itself, so that only the pages in use cost anything. calloc() would not do: after a program has
 * freed a large block it takes such tables out of used memory, and writes the zeros. Cold path.
 */
#ifndef SPY_CLASSIFY_ZEROED_H
#define SPY_CLASSIFY_ZEROED_H

#include "shared/sys.h"

#include <sys/mman.h>

/* BYTES at a page's beginning; NULL when out of memory. */
static inline void *spy_zeroed_open(size_t bytes)
{
    void *memory = spy_sys_mmap(bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    return spy_sys_failed(memory) ? NULL : memory;
}

/* NULL is fine. */
static inline void spy_zeroed_close(void *memory, size_t bytes)
{
    if (memory != NULL)
        spy_sys_munmap(memory, bytes);
}

#endif
