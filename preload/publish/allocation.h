/* SPDX-License-Identifier: MIT */
/*
 * Storage for a region's file, before anything is written to it: a write to a hole of a full disk
 * would be a SIGBUS.
 */
#ifndef SPY_PUBLISH_ALLOCATION_H
#define SPY_PUBLISH_ALLOCATION_H

#include <stdint.h>

/*
 * Gives the new file FD the size of a region with so many bytes of history, and maps it. On a disk
 * all of it is allocated; in memory (tmpfs) only what every process uses: the region's header then
 * says which blocks that is, and the rest follows as it is needed (shared/storage.h). A kernel that
 * cannot do that gets all at once as well. Returns the mapping, or a negated errno. Raw system
 * calls only.
 */
void *spy_allocation_map(int fd, uint32_t history_bytes);

#endif
