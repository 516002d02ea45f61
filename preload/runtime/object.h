/* SPDX-License-Identifier: MIT */
/*
 * A loaded object, as its program headers and its dynamic section tell of it: its relocations and
 * the functions that it has. What lies there was checked by the loader when it loaded the object.
 *
 * For use in a walk by dl_iterate_phdr: reads memory only. Signal-safe.
 */
#ifndef SPY_RUNTIME_OBJECT_H
#define SPY_RUNTIME_OBJECT_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spy_object {
    uintptr_t base;
    const ElfW(Phdr) * part;
    unsigned parts;
    const ElfW(Sym) * symbol;
    const char *string;
    const uint32_t *hash, *gnu_hash; /* NULL: none of that kind */
    const ElfW(Rela) * table[2];     /* of data, of calls; NULL: none */
    size_t bytes[2];
};

/* False where it has no symbols. */
bool spy_object_open(struct spy_object *object, const struct dl_phdr_info *info);

/* Is ADDRESS in a part of that TYPE (PT_LOAD, PT_GNU_RELRO)? */
bool spy_object_has(const struct spy_object *object, uintptr_t address, ElfW(Word) type);

/* Is it the loader, or what the kernel maps? */
bool spy_object_is_loader(const struct spy_object *object);

/* The function that other objects find in it as NAME; NULL: none. */
void *spy_object_function(const struct spy_object *object, const char *name);

#endif
