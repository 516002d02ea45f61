/* SPDX-License-Identifier: MIT */
/*
 * Storage behind the region, made as it is needed. Where the region's file is in memory (tmpfs, as
 * /run is) allocating all of it would take the machine's memory for what most processes never use;
 * not allocating it would make a write to it a SIGBUS when that memory has run out. So there the
 * file has holes, and whoever wants to use a part for the first time asks for it here: a block of
 * SPY_BLOCK_BYTES at a time, by madvise(MADV_POPULATE_WRITE), which allocates the pages and maps
 * them, or says that it cannot.
 *
 * Asked for so: the arena, the texts, the held slots and the rings of history. The other sections
 * are allocated when the region is made. A block that is not there must not be read by the process
 * either: reading a hole allocates it, or is a SIGBUS, too.
 *
 * Any thread, also in a signal handler; no lock; errno is not touched. A system call for each
 * block, once; none any more when the program confines itself (spy_storage_settle()).
 */
#ifndef SPY_SHARED_STORAGE_H
#define SPY_SHARED_STORAGE_H

#include "shared/region.h"

#include <sys/mman.h>

/* Linux 5.14; older C libraries do not name it. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* Is every block of the BYTES bytes at AT, somewhere in REGION, there? */
static inline bool spy_storage_has(const struct spy_region *region, const void *at, uint64_t bytes)
{
    if (!region->sparse)
        return true;
    uint64_t offset = (uint64_t)((const char *)at - (const char *)region);
    uint64_t last = (offset + bytes - 1) / SPY_BLOCK_BYTES;
    for (uint64_t block = offset / SPY_BLOCK_BYTES; block <= last; block++)
        /* Relaxed: what the bit tells of is the kernel's doing, and true for every thread. */
        if ((atomic_load_explicit(&region->stored[block / 64], memory_order_relaxed) >> block % 64 &
             1) == 0)
            return false;
    return true;
}

/* Makes them be there. False where there is no room: not to be asked for again before the helper
 * thread has called spy_storage_retry(), so that a full disk does not cost a system call a query.
 */
bool spy_storage_extend(struct spy_region *region, const void *at, uint64_t bytes);

static inline bool spy_storage_reach(struct spy_region *region, const void *at, uint64_t bytes)
{
    return spy_storage_has(region, at, bytes) || spy_storage_extend(region, at, bytes);
}

/* Gives what was denied another chance. */
void spy_storage_retry(struct spy_region *region);

/* Allocates what is left, as far as there is room, and makes no system call ever after. */
void spy_storage_settle(struct spy_region *region);

#endif
