/* SPDX-License-Identifier: MIT */
/*
 * Held slots: what a connection has run and may yet become part of a sequence, published as it
 * would be credited if nothing followed, so that readers, also of a killed process, miss nothing.
 * A slot has one writer at a time: whoever owns the connection's sequence.
 */
#ifndef SPY_RECORD_HELD_H
#define SPY_RECORD_HELD_H

#include "shared/region.h"

#include <stdbool.h>

/* Takes a free slot; SPY_HELD_NONE where all are taken (counted). */
#define SPY_HELD_NONE UINT32_MAX
uint32_t spy_held_take(struct spy_region *region);
void spy_held_release(struct spy_region *region, uint32_t slot);

/* Publishes N credits (0 .. SPY_HELD_CREDITS), replacing those before. */
void spy_held_set(struct spy_region *region, uint32_t slot, const struct spy_sample *credit,
                  uint32_t n);

#endif
