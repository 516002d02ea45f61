/* SPDX-License-Identifier: MIT */
/*
 * Writing the rings of history. The helper thread only. Private to record/roll.c and
 * record/compact.c.
 */
#ifndef SPY_RECORD_RING_H
#define SPY_RECORD_RING_H

#include "shared/history.h"

#include <stdbool.h>

/* A step being written at the head of a level's ring, not to be seen before it is committed. */
struct spy_step_writer {
    struct spy_region *region;
    uint32_t level;
    uint64_t begin; /* position of its header */
    uint64_t at;
    uint64_t sum;
    uint32_t records;
    bool denied; /* the region's file could not grow: nothing of it is written */
};

/* N bytes at position AT of LEVEL's ring: there, or where they go round its end copied to SCRATCH.
 */
const void *spy_ring_view(const struct spy_region *region, uint32_t level, uint64_t at, size_t n,
                          void *scratch);

/* Begins a step. */
struct spy_step_writer spy_step_begin(struct spy_region *region, uint32_t level);

/* Adds a record. False, with nothing written, where the whole ring is too small for the step or the
 * file system has no room for it. */
bool spy_step_put(struct spy_step_writer *w, const void *record, size_t bytes);

/* Writes the header, whose records, bytes and checksum it fills in, and publishes the step. False,
 * with nothing published, where the file system had no room. */
bool spy_step_commit(struct spy_step_writer *w, struct spy_history_step *step);

/* Moves the oldest steps of LEVEL on, to the next level and from the last into nothing, until its
 * ring has room up to position UPTO. Never moves what begins at or behind position KEEP. */
void spy_compact_room(struct spy_region *region, uint32_t level, uint64_t upto, uint64_t keep);

/* Moves on what is older than its level keeps. */
void spy_compact_old(struct spy_region *region, uint64_t now_ns);

#endif
