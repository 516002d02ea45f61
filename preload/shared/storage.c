/* SPDX-License-Identifier: MIT */
/*
 * Filling the holes of a region's file. See storage.h.
 */
#include "shared/storage.h"

#include "shared/sys.h"

#include <errno.h>

/* How often a call is repeated that a signal interrupted. */
#define TRIES 16

static bool populate(struct spy_region *region, uint64_t block)
{
    uint64_t begin = block * SPY_BLOCK_BYTES;
    uint64_t end = begin + SPY_BLOCK_BYTES;
    if (end > region->total_bytes)
        end = region->total_bytes;
    int error = -EINTR;
    for (int i = 0; i < TRIES && (error == -EINTR || error == -EAGAIN); i++)
        error = spy_sys_madvise((char *)region + begin, end - begin, MADV_POPULATE_WRITE);
    if (error != 0)
        return false;
    atomic_fetch_or_explicit(&region->stored[block / 64], 1ull << block % 64, memory_order_relaxed);
    return true;
}

bool spy_storage_extend(struct spy_region *region, const void *at, uint64_t bytes)
{
    uint64_t offset = (uint64_t)((const char *)at - (const char *)region);
    uint64_t last = (offset + bytes - 1) / SPY_BLOCK_BYTES;
    for (uint64_t block = offset / SPY_BLOCK_BYTES; block <= last; block++) {
        const void *begin = (const char *)region + block * SPY_BLOCK_BYTES;
        if (spy_storage_has(region, begin, 1))
            continue;
        uint32_t state = atomic_load_explicit(&region->storage_state, memory_order_relaxed);
        if (state != SPY_STORAGE_OPEN)
            return false;
        if (!populate(region, block)) {
            atomic_compare_exchange_strong_explicit(&region->storage_state, &state,
                                                    SPY_STORAGE_DENIED, memory_order_relaxed,
                                                    memory_order_relaxed);
            atomic_fetch_add_explicit(&region->self[SPY_SELF_STORAGE_DENIED], 1,
                                      memory_order_relaxed);
            return false;
        }
    }
    return true;
}

void spy_storage_retry(struct spy_region *region)
{
    uint32_t state = SPY_STORAGE_DENIED;
    atomic_compare_exchange_strong_explicit(&region->storage_state, &state, SPY_STORAGE_OPEN,
                                            memory_order_relaxed, memory_order_relaxed);
}

void spy_storage_settle(struct spy_region *region)
{
    uint32_t before =
        atomic_exchange_explicit(&region->storage_state, SPY_STORAGE_CLOSED, memory_order_relaxed);
    if (!region->sparse || before == SPY_STORAGE_CLOSED)
        return;
    for (uint64_t at = 0; at < region->total_bytes; at += SPY_BLOCK_BYTES)
        if (!spy_storage_has(region, (const char *)region + at, 1) &&
            !populate(region, at / SPY_BLOCK_BYTES))
            return;
}
