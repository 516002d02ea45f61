/* SPDX-License-Identifier: MIT */
/*
 * Putting the wrappers in place in a program that runs: by the words in loaded objects that lead
 * their calls to other objects (JUMP_SLOT, GLOB_DAT and address relocations). No code is changed.
 *
 * A word is changed only where it holds what the loader put there: the function that the wrapper
 * stands for, or the way to the loader's lazy binding. That tells an object that is being loaded,
 * whose words are not ready, from one that is; and it leaves alone what the program, or another
 * library between it and libc, has made of its own functions. Words in pages that the loader has
 * made read-only are written with the protection taken off and put back; where such a page is
 * writable the loader is still at work on it, and the object has to wait.
 *
 * libc, the loader and this library itself are left alone, and so are words of an object that has
 * the function itself: what libpq calls in libpq is its own business.
 *
 * Cold path: takes the loader's lock, maps memory. errno may change. A fork() in another thread
 * waits until that is done, since its child would find the lock taken for good.
 */
#ifndef SPY_RUNTIME_SLOTS_H
#define SPY_RUNTIME_SLOTS_H

#include "runtime/confine.h"
#include "runtime/loader.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One that stands for a function. */
struct spy_slot_hook {
    const char *name;
    void *wrapper;
    bool libc; /* only libc's function is meant; else that of any object */
};

/* All of them. Defined by hooks/patch.c, constant. */
extern const struct spy_slot_hook spy_slot_hooks[];
extern const size_t spy_slot_hook_count;

/* Patches every object that is ready, and pointers in static data (runtime/pointers.h). False where
 * memory is short, or there is no /proc. From here on the wrappers are in place, until
 * spy_slots_restore(). */
bool spy_slots_patch(void);

/* The same once more, for what has come since, and for words that the loader wrote to after we had:
 * it was binding a call just then. Nothing where the wrappers are not in place, or another thread
 * is at it. */
void spy_slots_patch_again(void);

/* Puts back what was there. False as above; some places may have been restored. *COUNT: how many.
 */
bool spy_slots_restore(unsigned *count);

/* Places that are patched now. */
unsigned spy_slots_count(void);

/* Are the wrappers in place, and may objects have come since? Not where the program has confined
 * itself: then only the helper may look. */
extern _Atomic bool spy_slots_watching;
void spy_slots_catch_up_slow(void);
SPY_NO_SANITIZE static inline void spy_slots_catch_up(void)
{
    if (atomic_load_explicit(&spy_slots_watching, memory_order_relaxed) && !spy_confined())
        spy_slots_catch_up_slow();
}

/* Objects of which nobody asks for a symbol by dlsym: the program is about to load something, and
 * the helper looks for it at so many of its wakes, once a second. */
#define SPY_SLOTS_LOOKS 60u
extern _Atomic uint32_t spy_slots_looks;
SPY_NO_SANITIZE static inline void spy_slots_expect(void)
{
    if (atomic_load_explicit(&spy_slots_watching, memory_order_relaxed))
        atomic_store_explicit(&spy_slots_looks, SPY_SLOTS_LOOKS, memory_order_relaxed);
}
void spy_slots_look(void);

#endif
