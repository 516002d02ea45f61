/* SPDX-License-Identifier: MIT */
/*
 * Pointers to libpq's functions that the program got before this library came: by dlsym, or as
 * copies of an address. Those in static data (.data, .bss, .data.rel.ro of any loaded object) are
 * found, and get what dlsym gives for that function now (runtime/handout.h), so that both still
 * compare equal. A word there that holds exactly the address where a function begins is such a
 * pointer.
 *
 * Only libpq's functions: those are the ones that dlsym hands out. Of a TLS library's the program
 * gets the library's own from dlsym, watched from its start or not; and libc's stand in many places
 * where they are to stay (in other interposers, allocators, sanitizers).
 *
 * Left alone are this library, the loader, libc, what has functions of libpq itself (what it keeps
 * are its own originals), and everything where an object has some of libpq's functions but not all:
 * somebody else's wrapper, whose originals may lie anywhere. Not found is what lies on the heap, on
 * stacks, in registers and in threads' own data.
 *
 * Memory is read by the kernel's leave (process_vm_readv): what the program unmaps or closes
 * meanwhile is no harm. Pages that were never written to are not read, so that they cost nothing;
 * of the others no more than SPY_POINTERS_BYTES.
 *
 * Cold path, one thread at a time, not under the loader's lock, which it takes. Maps memory while
 * it searches. A millisecond in most processes, and 0.4 ms for each MiB of such pages.
 */
#ifndef SPY_RUNTIME_POINTERS_H
#define SPY_RUNTIME_POINTERS_H

#include <stdint.h>

#define SPY_POINTERS_BYTES (128ull << 20)

/* Searches once, and changes what it finds. */
void spy_pointers_patch(void);

/* They were put back. */
void spy_pointers_forget(void);

/* What has come of it. */
struct spy_pointers {
    unsigned patched; /* since the last spy_pointers_forget() */
    uint64_t
        unsearched;   /* bytes that were left out in the last search: too many, or not readable */
    unsigned between; /* objects that have some of libpq's functions: nothing was searched */
};
struct spy_pointers spy_pointers_tell(void);

#endif
