/* SPDX-License-Identifier: MIT */
/*
 * What the program's dlsym gets when it asks for a function of libpq: our wrapper, where it would
 * have got libpq's.
 *
 * Nothing is invented: what the program would not have found without us it does not find with us,
 * and dlerror() says what it would have said. And nothing is mixed up: a connection belongs to the
 * copy of libpq whose function made it, whoever calls that. For this there is a stub for each copy
 * and function (hooks/loader_*.S) in front of the wrapper, whose address the program gets: those of
 * the functions that make a connection note for the wrapper which copy is meant, the others whose
 * connection it is, in case that it was made where we did not see it. Only where the
 * copy is the one that the program itself is bound to the pointer is the exported wrapper, so that
 * it equals the function's address in C, as it would without us.
 */
#ifndef SPY_RUNTIME_HANDOUT_H
#define SPY_RUNTIME_HANDOUT_H

/* Copies that have stubs. Of any further ones the program gets libpq's own functions, whose calls
 * are not seen. A process has one or two. */
#define SPY_HANDOUT_COPIES 8

#define SPY_HANDOUT_STUB_BYTES 16

#ifndef __ASSEMBLER__

#include "runtime/libpq.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a stub notes: the call that goes on to a wrapper now. Written by stubs only. */
struct spy_handout_call {
    const void *caller; /* where it returns to; NULL: none */
    uintptr_t copy;     /* 0 .. SPY_HANDOUT_COPIES - 1 */
    uintptr_t handle; /* the last connection that a stub was given, plus the number of its copy: in
                       * one word, which a signal handler cannot tear */
};
_Static_assert(SPY_HANDOUT_COPIES <= _Alignof(max_align_t), "so that they can be told apart");
extern __thread struct spy_handout_call spy_handout_call;

/* The functions that this library exports in other libraries' stead: first those of libpq, in the
 * order of the hook list, then others, which are not handed out. Defined by hooks/loader.c,
 * constant. */
struct spy_handout_entry {
    const char *name;
    void *wrapper;    /* the exported one */
    const char *stub; /* of copy 0; those of the others are behind it. NULL: not handed out */
};
extern const struct spy_handout_entry spy_handout_entries[];

/*
 * Is there something to say about the program's dlsym(HANDLE, name of entry number ENTRY), called
 * from CALLER? True: it has to return *ANSWER, which may be NULL (dlerror() is set then). False:
 * the real function has to be called, in the program's name. Takes the loader's lock, may allocate.
 * Keeps errno.
 */
bool spy_handout(void *handle, size_t entry, const void *caller, void **answer);

/* The copy that the stub was for which led to a wrapper that returns to CALLER; NULL where it was
 * not reached through a stub. Forgets it: asked once a call. Signal-safe. */
const struct spy_libpq *spy_handout_of_call(const void *caller);

/* The copy to whose stub this thread gave HANDLE last; NULL where another one, or none, was given
 * since. Signal-safe. */
const struct spy_libpq *spy_handout_of_handle(const void *handle);

/* What dlsym gives for FUNCTION, which is entry number ENTRY of a copy of libpq; NULL: itself.
 * Costs as above. */
void *spy_handout_instead(void *function, size_t entry);

/* The copy that was handed out last; NULL for none. */
const struct spy_libpq *spy_handout_last(void);

#endif
#endif
