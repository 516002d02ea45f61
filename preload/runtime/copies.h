/* SPDX-License-Identifier: MIT */
/*
 * The copies of a library in this process, and their functions.
 *
 * A library may be linked, dlopened RTLD_LOCAL by a plugin (then RTLD_NEXT finds nothing), bundled
 * under another name, or present twice; and what one copy made must never meet another's functions.
 * So a call is resolved in the order in which the program would have bound it without us:
 * RTLD_NEXT, else the scope of the calling object, else any loaded copy. A copy found is kept for
 * ever, pinned in memory: its functions' addresses are in the tables of what it made.
 */
#ifndef SPY_RUNTIME_COPIES_H
#define SPY_RUNTIME_COPIES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct spy_copy {
    const struct spy_copy *next;
    const void *base; /* where the copy is mapped: its identity */
    const void *end;
    void **function; /* in the order of the library's names; NULL: this copy does not have it */
};

/* A library, as far as we interpose it. */
struct spy_library {
    const char *file;         /* how its file's name begins, up to the version: "libssl" */
    const char *const *names; /* its functions; the first is one that every copy has */
    size_t count;
    void **room; /* for the functions of the first copy: mostly there is one */
    struct spy_copy first;
    _Atomic bool first_taken;
    /* Copies found so far, newest first; only ever pushed. */
    _Atomic(const struct spy_copy *) copies;
};

/*
 * The copy of LIBRARY that a call of its first function returning to CALLER would have reached.
 * NULL when there is none (a program that calls it without having it) or no memory. Takes the
 * loader's lock: for calls that make an object, and the first call on an object not seen before.
 * Keeps errno; leaves nothing to the program's dlerror().
 */
const struct spy_copy *spy_copy_of_caller(struct spy_library *library, const void *caller);

/* Where the copies are mapped that were found so far, of any library but libpq: up to CAP of them,
 * the first ones found; returns how many. */
#define SPY_COPIES_NOTED 16u
size_t spy_copies_found(const void **base, size_t cap);

/* Is a wrapper that returns to CALLER called by COPY itself? Where that made a tail call, CALLER is
 * in the wrapper that called it. */
static inline bool spy_copy_calls(const struct spy_copy *copy, const void *caller)
{
    extern const char __ehdr_start, etext; /* the linker's names for where this library lies */
    return (caller >= copy->base && caller < copy->end) ||
           (caller >= (const void *)&__ehdr_start && caller < (const void *)&etext);
}

#endif
