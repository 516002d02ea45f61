/* SPDX-License-Identifier: MIT */
/*
 * Tables that only some processes need: mapped when first asked for, zeroed, never given back. So
 * that the library can be preloaded everywhere, /bin/ls included, it has no large static ones.
 */
#ifndef SPY_RUNTIME_TABLE_H
#define SPY_RUNTIME_TABLE_H

#include <stdatomic.h>
#include <stddef.h>

/* The table at SLOT (NULL until now), of BYTES bytes; NULL where there is no memory, and once the
 * program has confined itself (runtime/confine.h). Any thread: of several that ask first, one
 * mapping stays. A system call the first time, one load afterwards. */
void *spy_table_map(_Atomic(void *) *slot, size_t bytes);

static inline void *spy_table(_Atomic(void *) *slot)
{
    return atomic_load_explicit(slot, memory_order_acquire);
}

#endif
