/* SPDX-License-Identifier: MIT */
/*
 * What perfspy costs, looked at by the helper at each roll; and backing off where its part of the
 * program's calls takes more than PERFSPY_COST_LIMIT of the process' CPU time (shared/cost.h says
 * what is left out then, and that counts, sums and histograms never are).
 *
 * Above the limit a capture that is under way is ended first, and the next look decides what it
 * brought; else, and then, the detail is left out. All of it comes back after SPY_BACKOFF_CALM
 * looks in a row below half of the limit. No verdict on fewer than SPY_BACKOFF_SAMPLES samples
 * since the look before, nor on a cost of less than a ten-thousandth of a processor, which nobody
 * can feel: in a process that does next to nothing any share is a large one; both count as calm.
 */
#ifndef SPY_PUBLISH_BACKOFF_H
#define SPY_PUBLISH_BACKOFF_H

#include "shared/region.h"

#define SPY_BACKOFF_CALM     3u
#define SPY_BACKOFF_SAMPLES  64u
#define SPY_BACKOFF_PER_WALL 10000u

/* What passed between two looks. */
struct spy_backoff_sight {
    uint64_t calls_ns;
    uint64_t process_ns;
    uint64_t wall_ns;
    uint64_t samples;
    bool capturing;
};

/* Given what is left out now, and for how many looks it has been calm in *CALM: what is to be. */
enum spy_backoff spy_backoff_next(enum spy_backoff now, uint32_t *calm, uint32_t limit_ppm,
                                  const struct spy_backoff_sight *sight);

/* The helper thread: when it starts, and at each roll. System calls. */
void spy_backoff_begin(struct spy_region *region, uint64_t now_ns);
void spy_backoff_look(struct spy_region *region, uint64_t now_ns);

#endif
