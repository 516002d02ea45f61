/* SPDX-License-Identifier: MIT */
/*
 * Creating this process' region: a file in PERFSPY_DIR, mapped shared, or memory only where no
 * file can be made. Cold path, in the program's thread: once for each watched process.
 */
#ifndef SPY_PUBLISH_REGIONFILE_H
#define SPY_PUBLISH_REGIONFILE_H

#include "runtime/config.h"
#include "shared/paths.h"
#include "shared/region.h"

struct spy_publication {
    struct spy_region *region;
    struct spy_process_id id;
    char dir[SPY_PATH_BYTES]; /* "" where the region is memory only */
};

/*
 * Makes the region and fills in what describes the process. The directory is made 0700 if it is
 * missing; it must be a real directory, ours, and closed to others. The file's space is allocated
 * at once, so that a disk that fills up later cannot fault the program. What went wrong stands in
 * region->problem. Returns false only where there is no memory at all.
 */
bool spy_regionfile_create(struct spy_publication *publication, const struct spy_config *config);

/* Until then the file's name ends in this. */
#define SPY_UNREVEALED ".new"

/* Gives the file its final name: from here tools find it. */
void spy_regionfile_reveal(const struct spy_publication *publication);

/* Instead: the file and the mapping go. */
void spy_regionfile_discard(const struct spy_publication *publication);

/* Removes old regions of dead processes from DIR: all but the newest that CONFIG keeps, those older
 * than it says, and those never revealed. Without /proc, which tells who is alive, it removes
 * nothing. Cold path; allocates. */
void spy_regionfile_prune(const char *dir, const struct spy_config *config);

#endif
