/* SPDX-License-Identifier: MIT */
/*
 * A shared object as it lies in a process' memory: its symbols and notes, without its file, which
 * may have been replaced, or be in a place that we cannot see.
 *
 * What is read is another process' memory: every address and length is bounded before use, and what
 * does not make sense is not found.
 */
#ifndef CTL_INJECT_ELF_H
#define CTL_INJECT_ELF_H

#include "shared/attach.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ctl_elf {
    int memory; /* descriptor: addresses are offsets in it */
    uint64_t base;
    uint64_t symbols, strings, hash; /* addresses; 0: it has none */
};

/* The object that is mapped at BASE. False where there is none that we can read. */
bool ctl_elf_open(struct ctl_elf *elf, int memory, uint64_t base);

/* The address of function NAME, or 0. */
uint64_t ctl_elf_function(const struct ctl_elf *elf, const char *name);

/* The attach note; *ENTRY is where the entry is, from the object's base. */
bool ctl_elf_note(const struct ctl_elf *elf, struct spy_attach_note *note, uint64_t *entry);

/* BYTES at ADDRESS; false where not all of them can be read. */
bool ctl_elf_read(int memory, uint64_t address, void *out, size_t bytes);

#endif
