/* SPDX-License-Identifier: MIT */
/*
 * Rolling history: what was counted since the last roll becomes a step of the history ring
 * (format: shared/history.h). Called by the helper thread only.
 */
#ifndef SPY_RECORD_ROLL_H
#define SPY_RECORD_ROLL_H

#include "shared/region.h"

/* Writes a step that ends at NOW_NS, if anything happened. Needs about 30 KiB of stack. */
void spy_history_roll(struct spy_region *region, uint64_t now_ns);

#endif
