/* SPDX-License-Identifier: MIT */
/*
 * Storage for a region's file, before anything is written to it: a write to a hole of a full disk
 * would be a SIGBUS.
 */
#ifndef SPY_PUBLISH_ALLOCATION_H
#define SPY_PUBLISH_ALLOCATION_H

#include "shared/region.h"

/*
 * Gives the new file FD the size of a region with these SIZES, and maps it. On a disk
 * all of it is allocated; in memory (tmpfs) only what every process uses: the region's header then
 * says which blocks that is, and the rest follows as it is needed (shared/storage.h). A kernel that
 * cannot do that gets all at once as well. Returns the mapping, or a negated errno. Raw system
 * calls only.
 */
void *spy_allocation_map(int fd, struct spy_region_sizes sizes);

#endif
