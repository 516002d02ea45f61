/* SPDX-License-Identifier: MIT */
/*
 * Interning: which row of a fixed table belongs to a key, given once and for ever, by any thread.
 *
 * A row is filled before it can be found: take a free row, fill it, publish it under its key. Of
 * several threads that publish one key the first wins, the others get the winner's row and their
 * own goes back to be taken again. So nobody waits for anybody, nobody sees a half-filled row, and
 * one key never has two rows.
 *
 * The index is an open-addressing table of words, each the upper 48 bits of the key and the 16-bit
 * row. Slots only ever go from free to taken, so every thread that looks for a key walks the same
 * slots. Keys are taken for equal when those 48 bits are and the lower bits led to the same run of
 * slots: for the thousand or so keys here a false match has a chance of about 2^-39.
 *
 * Wait-free, no allocation after spy_intern_open(), no system call; any thread, signal-safe.
 */
#ifndef SPY_CLASSIFY_INTERN_H
#define SPY_CLASSIFY_INTERN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Rows on their way back; more than this many lost races at one instant would leak a row each. */
#define SPY_INTERN_SPARES 16u

struct spy_intern {
    _Atomic uint64_t *slot;
    uint32_t mask;
    _Atomic uint32_t *used; /* the next row never taken; may run past max by a few */
    uint32_t max;
    _Atomic uint32_t spare[SPY_INTERN_SPARES]; /* 0: none */
};

/* Rows from *USED, which must be at least 1, up to and without MAX (<= 65536). USED must outlive
 * it. False when out of memory. */
bool spy_intern_open(struct spy_intern *intern, _Atomic uint32_t *used, uint32_t max);
void spy_intern_close(struct spy_intern *intern);

/* INTERN gives the rows of OTHER, from the same index; it is not to be closed, and OTHER not before
 * its last use. Rows on their way back stay with whom they were given back to. */
void spy_intern_share(struct spy_intern *intern, const struct spy_intern *other);

/* The row of KEY, or 0. Acquires: the row is complete. */
uint32_t spy_intern_find(const struct spy_intern *intern, uint64_t key);

/* A row to fill, or 0 when the table is full. */
uint32_t spy_intern_take(struct spy_intern *intern);

/* Makes ROW, complete, the row of KEY, unless another thread was first. Returns KEY's row. */
uint32_t spy_intern_publish(struct spy_intern *intern, uint64_t key, uint32_t row);

#endif
