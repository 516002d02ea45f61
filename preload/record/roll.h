/* SPDX-License-Identifier: MIT */
/*
 * Rolling history: what was counted since the last roll becomes a step of the finest ring of
 * history (format: shared/history.h), and steps too old for their level move on. Called by the
 * helper thread only; no system call, no allocation.
 */
#ifndef SPY_RECORD_ROLL_H
#define SPY_RECORD_ROLL_H

#include "shared/history.h"

/* Writes a step that ends at NOW_NS; without a call it only says what the process USEs. Needs about
 * 100 KiB of stack. The work is bounded by the operations that were called and by the bytes of
 * history. False where something found no room, and is for a later step. */
bool spy_history_roll(struct spy_region *region, uint64_t now_ns, const struct spy_use *use);

/* Says in REGION what the process uses, without a step. */
void spy_history_note_use(struct spy_region *region, const struct spy_use *use);

#endif
