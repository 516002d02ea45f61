/* SPDX-License-Identifier: MIT */
/*
 * The ring of slow and failed calls: the newest SPY_SLOW_EVENTS of them. Any thread; no lock.
 */
#ifndef SPY_RECORD_SLOW_H
#define SPY_RECORD_SLOW_H

#include "shared/region.h"

/* Adds an event; DETAIL is as in struct spy_slow_event, or NULL. Drops it, counted, where the slot
 * is still being written by a thread that was overtaken by a whole round of the ring. */
void spy_slow_add(struct spy_region *region, const struct spy_sample *sample, const char *detail);

#endif
