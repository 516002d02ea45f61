/* SPDX-License-Identifier: MIT */
/*
 * How the memory of this process is protected, as the kernel tells at one moment.
 */
#ifndef SPY_RUNTIME_MAPPINGS_H
#define SPY_RUNTIME_MAPPINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spy_mapping {
    uintptr_t begin, end;
    int protection; /* PROT_* */
};

struct spy_mappings {
    struct spy_mapping *at; /* in order */
    size_t count;
    size_t bytes; /* of memory */
};

/* Maps memory for it; false where that is short, or there is no /proc. Free in either case. */
bool spy_mappings_read(struct spy_mappings *mappings);
void spy_mappings_free(struct spy_mappings *mappings);

/* The mapping that has ADDRESS, or NULL. */
const struct spy_mapping *spy_mappings_find(const struct spy_mappings *mappings,
                                            const void *address);

#endif
