/* SPDX-License-Identifier: MIT */
/*
 * Originals of interposed libc functions: what the program would have called without us.
 *
 * Resolved by the constructor with RTLD_NEXT, all at once. A call that arrives before (another
 * library's constructor may run first) resolves them then. A function that this libc does not have
 * gets a stand-in that fails with ENOSYS, as a kernel would: a slot is never NULL.
 */
#ifndef SPY_RUNTIME_ORIGINALS_H
#define SPY_RUNTIME_ORIGINALS_H

#include <stddef.h>

struct spy_original {
    const char *name;
    void **slot;
};

/* Fills every slot of TABLE. Any thread, any number of times: the result is the same. */
void spy_originals_resolve(const struct spy_original *table, size_t count);

#endif
