/* SPDX-License-Identifier: MIT */
/*
 * Resolving libc's functions. dlsym takes the loader's lock, which is why this runs in the
 * constructor and not at a first call.
 */
#include "runtime/originals.h"

#include "runtime/loader.h"

#include <dlfcn.h>
#include <errno.h>

/* Stands in for a function this libc lacks. Extra arguments are harmless in the C calling
 * conventions of x86-64 and arm64. */
static long missing(void)
{
    errno = ENOSYS;
    return -1;
}

void spy_originals_resolve(const struct spy_original *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        void *found = spy_loader_attached ? spy_loader_libc(table[i].name)
                                          : spy_loader_sym(RTLD_NEXT, table[i].name);
        *table[i].slot = found != NULL ? found : (void *)missing;
    }
}
