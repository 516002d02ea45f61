/* SPDX-License-Identifier: MIT */
/*
 * Words in loaded objects that were changed, to be put back one day; and the walk over the objects
 * in which they are.
 *
 * The walk is one under the loader's lock: no object that it visits goes away, and none comes,
 * before it ends. Memory's protection is read in it, so that it is that of the objects visited;
 * what the loader has sealed by then it does not change any more.
 *
 * Cold path, one thread at a time. Maps memory.
 */
#ifndef SPY_RUNTIME_PLACES_H
#define SPY_RUNTIME_PLACES_H

#include "runtime/mappings.h"
#include "runtime/object.h"

struct spy_walk {
    struct spy_mappings mappings; /* in the walk only */
    void *open;                   /* a page that has its protection taken off; NULL: none */
    int closed;                   /* what it is protected by else */
    unsigned long long adds;      /* objects ever loaded, */
    unsigned long long subs;      /* and unloaded again */
    bool incomplete;              /* something could not be changed, or not yet */
};

typedef void spy_walk_fn(struct spy_walk *walk, const struct dl_phdr_info *info, void *data);

/* Calls VISIT for each object. False, and no object was visited, where memory is short, or there is
 * no /proc. */
bool spy_walk(struct spy_walk *walk, spy_walk_fn *visit, void *data);

/* Puts VALUE into SLOT of OBJECT, where BEFORE is, at once for all threads, and keeps a note of it.
 * Where that is not so, or it cannot be written or noted, nothing is done, and the walk is
 * incomplete. A page that the loader, or the program, has made read-only is writable until the
 * object's visit ends. */
bool spy_place_change(struct spy_walk *walk, const struct spy_object *object, void **slot,
                      void *before, void *value);

/* Puts back what was there, where it holds what it was given. False where memory is short, there is
 * no /proc, or some could not be: they stay noted. *COUNT: how many were. */
bool spy_places_restore(unsigned *count);

/* Where the notes are: they hold what was there before. Changed by spy_place_change(). */
void spy_places_area(uintptr_t *begin, uintptr_t *end);

/* Places that are changed now. */
unsigned spy_places_count(void);

#endif
