/* SPDX-License-Identifier: MIT */
/*
 * Statistics begin anew. Threads go on counting in their shards meanwhile, of which each has one
 * writer, so nothing is cleared: what was counted so far is kept aside, and readers take it off
 * (struct spy_region, `resets`). It ends exactly with a step of history, so that windows and whole
 * lives begin with the same call, and each call is counted before or after, never both.
 *
 * Of a call that a thread is recording at that very moment, the count may be on one side and the
 * bucket on the other, as with any step of history; and a slow or failed one that ends within the
 * reset may be listed on one side and counted on the other: lists go by when a call ended.
 */
#ifndef SPY_RECORD_RESET_H
#define SPY_RECORD_RESET_H

#include "shared/history.h"

/* Begins statistics anew at NOW_NS. False, with nothing changed, where there is no room for what
 * was counted so far. Helper thread only; a step of history (record/roll.h) and its costs. */
bool spy_record_reset(struct spy_region *region, uint64_t now_ns, const struct spy_use *use);

#endif
