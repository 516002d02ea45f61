/* SPDX-License-Identifier: MIT */
/*
 * Mapping a table once. See table.h.
 */
#include "runtime/table.h"

#include "runtime/confine.h"
#include "shared/sys.h"

#include <sys/mman.h>

void *spy_table_map(_Atomic(void *) *slot, size_t bytes)
{
    void *table = spy_table(slot);
    if (table != NULL || spy_confined())
        return table;
    void *mine = spy_sys_mmap(bytes, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
    if (spy_sys_failed(mine))
        return NULL;
    /* Release: pairs with the acquire in spy_table(). */
    if (atomic_compare_exchange_strong_explicit(slot, &table, mine, memory_order_acq_rel,
                                                memory_order_acquire))
        return mine;
    spy_sys_munmap(mine, bytes);
    return table;
}
