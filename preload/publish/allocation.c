/* SPDX-License-Identifier: MIT */
/*
 * Allocating and mapping a region's file. See allocation.h.
 */
#include "publish/allocation.h"

#include "shared/storage.h"
#include "shared/sys.h"

#include <errno.h>
#include <linux/magic.h>
#include <string.h>

static long write_zeros(int fd, uint64_t bytes)
{
    static const char zeros[4096];
    while (bytes > 0) {
        long n = spy_sys_write(fd, zeros, sizeof(zeros));
        if (n <= 0)
            return n < 0 ? n : -EIO;
        bytes -= (uint64_t)n;
    }
    return 0;
}

static long allocate_all(int fd, uint64_t bytes)
{
    long error = spy_sys_fallocate(fd, 0, bytes);
    return error == -EOPNOTSUPP || error == -ENOSYS ? write_zeros(fd, bytes) : error;
}

static bool is_in_memory(int fd)
{
    struct statfs fs;
    return spy_sys_fstatfs(fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
}

static void want(struct spy_region *layout, uint64_t begin, uint64_t end)
{
    for (uint64_t block = begin / SPY_BLOCK_BYTES; block * SPY_BLOCK_BYTES < end; block++)
        layout->stored[block / 64] |= 1ull << block % 64;
}

/* The blocks that are used without being asked for. */
static void want_fixed(struct spy_region *layout)
{
    want(layout, 0, sizeof(*layout));
    for (int i = 0; i < SPY_SECTION_COUNT; i++) {
        const struct spy_section_place *place = &layout->section[i];
        if (i != SPY_SECTION_ARENA && i != SPY_SECTION_TEXT && i != SPY_SECTION_HELD &&
            i != SPY_SECTION_HISTORY)
            want(layout, place->offset, place->offset + place->bytes);
    }
}

static long allocate_wanted(int fd, const struct spy_region *layout)
{
    long error = spy_sys_ftruncate(fd, layout->total_bytes);
    for (uint64_t at = 0; at < layout->total_bytes && error == 0; at += SPY_BLOCK_BYTES) {
        uint64_t left = layout->total_bytes - at;
        if (spy_storage_has(layout, (const char *)layout + at, 1))
            error = spy_sys_fallocate(fd, at, left < SPY_BLOCK_BYTES ? left : SPY_BLOCK_BYTES);
    }
    return error;
}

static void *map(int fd, uint64_t bytes, long error)
{
    if (error != 0)
        return (void *)error;
    return spy_sys_mmap(bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
}

/* NULL where the kernel cannot fill holes on demand. */
static void *map_with_holes(int fd, struct spy_region_sizes sizes)
{
    struct spy_region layout;
    memset(&layout, 0, sizeof(layout));
    layout.history_bytes = sizes.history_bytes;
    layout.arena_bytes = sizes.arena_bytes;
    uint64_t bytes = spy_region_layout(&layout);
    layout.sparse = 1;
    want_fixed(&layout);
    struct spy_region *region = map(fd, bytes, allocate_wanted(fd, &layout));
    if (spy_sys_failed(region))
        return region;
    if (spy_sys_madvise(region, SPY_BLOCK_BYTES, MADV_POPULATE_WRITE) != 0) {
        spy_sys_munmap(region, bytes);
        return NULL;
    }
    region->sparse = 1;
    memcpy((void *)region->stored, (const void *)layout.stored, sizeof(region->stored));
    return region;
}

void *spy_allocation_map(int fd, struct spy_region_sizes sizes)
{
    uint64_t bytes = spy_region_bytes(sizes);
    struct rlimit limit;
    /* A file beyond the process' size limit would be a SIGXFSZ, so it is not even tried. */
    if (spy_sys_getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < bytes)
        return (void *)(long)-EFBIG;
    void *memory = is_in_memory(fd) ? map_with_holes(fd, sizes) : NULL;
    return memory != NULL ? memory : map(fd, bytes, allocate_all(fd, bytes));
}
