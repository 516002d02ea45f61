/* SPDX-License-Identifier: MIT */
/*
 * Counting the parts of requests into their histograms (shared/parts.h). Contract as record.h: any
 * thread, no lock, no allocation. A request is counted in all of its parts, where a thread's own
 * cell has no room for one of them in those of the shared shard; or, where there is none there
 * either, in none, and the region's self counter says so.
 */
#ifndef SPY_RECORD_PARTS_H
#define SPY_RECORD_PARTS_H

#include "record/shard.h"
#include "shared/totals.h"

/* Counts one request in CELL, which is WRITER's. */
void spy_parts_add(const struct spy_writer *writer, struct spy_cell *cell,
                   const struct spy_sample *sample);

/* Makes the chunks that DELTA needs in CELL; false where the arena has no room. */
bool spy_parts_reserve(const struct spy_writer *writer, struct spy_cell *cell,
                       const struct spy_totals *delta);

/* Adds DELTA's parts to CELL, for which they were reserved. For the helper thread. */
void spy_parts_add_totals(const struct spy_writer *writer, struct spy_cell *cell,
                          const struct spy_totals *delta);

#endif
