/* SPDX-License-Identifier: MIT */
/*
 * Changing words of loaded objects, and putting them back. See places.h.
 */
#include "runtime/places.h"

#include "shared/sys.h"

#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#define PLACES_FIRST 4096u

struct place {
    void **slot;
    void *value;
    void *before;
    uintptr_t object; /* where that begins */
};

static struct place *places;
static size_t place_bytes;
static size_t place_count;
static unsigned long long first_subs; /* objects ever unloaded, when the first place was changed */

/* ---- pages that are read-only ------------------------------------------------------------------
 */

/* The kernel changes the protection of whole pages only, and on some machines they are large. */
static uintptr_t page_of(const void *address)
{
    return (uintptr_t)address / getauxval(AT_PAGESZ) * getauxval(AT_PAGESZ);
}

static void close_page(struct spy_walk *w)
{
    if (w->open != NULL)
        spy_sys_mprotect(w->open, getauxval(AT_PAGESZ), w->closed);
    w->open = NULL;
}

/* One stays open until it is another's turn: the words of an object follow one upon the other, and
 * for each change of protection threads that map memory may have to be waited for. */
static bool open_page(struct spy_walk *w, void *page, int protection)
{
    if (w->open == page)
        return true;
    close_page(w);
    if (spy_sys_mprotect(page, getauxval(AT_PAGESZ), protection | PROT_WRITE) != 0)
        return false;
    w->open = page;
    w->closed = protection;
    return true;
}

/* ---- the walk ---------------------------------------------------------------------------------
 */

struct visit {
    struct spy_walk *walk;
    spy_walk_fn *visit;
    void *data;
    bool begun, read;
};

static int visit_object(struct dl_phdr_info *info, size_t size, void *data)
{
    struct visit *v = data;
    if (!v->begun)
        v->read = spy_mappings_read(&v->walk->mappings);
    v->begun = true;
    if (!v->read)
        return 1;
    if (size >= offsetof(struct dl_phdr_info, dlpi_subs) + sizeof(info->dlpi_subs)) {
        v->walk->adds = info->dlpi_adds;
        v->walk->subs = info->dlpi_subs;
    }
    v->visit(v->walk, info, v->data);
    close_page(v->walk);
    return 0;
}

bool spy_walk(struct spy_walk *walk, spy_walk_fn *visit, void *data)
{
    struct visit v = {walk, visit, data, false, false};
    *walk = (struct spy_walk){0};
    dl_iterate_phdr(visit_object, &v);
    spy_mappings_free(&walk->mappings);
    return v.read;
}

/* ---- writing ----------------------------------------------------------------------------------
 */

/* Puts VALUE into SLOT, in whose place BEFORE is. False where that is not so, or it cannot be. */
static bool put(struct spy_walk *w, void **slot, void *before, void *value)
{
    const struct spy_mapping *mapping = spy_mappings_find(&w->mappings, slot);
    void *page = (void *)page_of(slot);
    if (mapping == NULL ||
        ((mapping->protection & PROT_WRITE) == 0 && !open_page(w, page, mapping->protection)))
        return false;
    /* Release: what the value leads to was there before. */
    return __atomic_compare_exchange_n(slot, &before, value, false, __ATOMIC_RELEASE,
                                       __ATOMIC_RELAXED);
}

static bool room_for_place(void)
{
    if ((place_count + 1) * sizeof(*places) <= place_bytes)
        return true;
    size_t bytes = place_bytes > 0 ? 2 * place_bytes : PLACES_FIRST * sizeof(*places);
    void *more = spy_sys_mmap(bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    if (spy_sys_failed(more))
        return false;
    if (places != NULL) {
        memcpy(more, places, place_count * sizeof(*places));
        spy_sys_munmap(places, place_bytes);
    }
    places = more;
    place_bytes = bytes;
    return true;
}

/* Where a page that is to be sealed is not yet, the loader is still at work on the object. What is
 * on a page that is to be sealed in part only, the loader never seals. */
static bool is_ready(const struct spy_walk *w, const struct spy_object *o, void **slot)
{
    const struct spy_mapping *mapping = spy_mappings_find(&w->mappings, slot);
    uintptr_t last = page_of(slot) + getauxval(AT_PAGESZ) - 1;
    bool to_be_sealed = spy_object_has(o, last, PT_GNU_RELRO);
    return mapping != NULL && !(to_be_sealed && (mapping->protection & PROT_WRITE) != 0);
}

/* Where a note of SLOT goes. A program that loads and unloads the same all the while needs no more
 * room for it each time: where an object has gone, a note of the same word is of no use any more.
 */
static struct place *place_for(const struct spy_walk *w, void **slot)
{
    if (place_count == 0)
        first_subs = w->subs;
    for (size_t i = w->subs != first_subs ? place_count : 0; i > 0; i--)
        if (places[i - 1].slot == slot)
            return &places[i - 1];
    return &places[place_count++];
}

bool spy_place_change(struct spy_walk *w, const struct spy_object *o, void **slot, void *before,
                      void *value)
{
    if (!is_ready(w, o, slot) || !room_for_place() || !put(w, slot, before, value)) {
        w->incomplete = true;
        return false;
    }
    *place_for(w, slot) = (struct place){slot, value, before, o->base};
    return true;
}

/* ---- back -------------------------------------------------------------------------------------
 */

/* A program may do with its own data what it likes. */
static bool is_readable(const struct spy_walk *w, void **slot)
{
    const struct spy_mapping *mapping = spy_mappings_find(&w->mappings, slot);
    return mapping != NULL && (mapping->protection & PROT_READ) != 0;
}

/* The object may have gone, and another be where it was: then the word is not ours, or there is a
 * newer note of it, which comes first. */
static void restore_object(struct spy_walk *w, const struct dl_phdr_info *info, void *data)
{
    unsigned *count = data;
    const struct spy_object o = {
        .base = info->dlpi_addr, .part = info->dlpi_phdr, .parts = info->dlpi_phnum};
    for (size_t i = place_count; i > 0; i--) {
        const struct place *place = &places[i - 1];
        if (place->object != o.base || !spy_object_has(&o, (uintptr_t)place->slot, PT_LOAD) ||
            !is_readable(w, place->slot) ||
            __atomic_load_n(place->slot, __ATOMIC_RELAXED) != place->value)
            continue;
        if (put(w, place->slot, place->value, place->before))
            ++*count;
        else
            w->incomplete = true;
    }
}

bool spy_places_restore(unsigned *count)
{
    struct spy_walk walk;
    *count = 0;
    bool done = spy_walk(&walk, restore_object, count) && !walk.incomplete;
    if (done)
        place_count = 0;
    return done;
}

unsigned spy_places_count(void)
{
    return (unsigned)place_count;
}

void spy_places_area(uintptr_t *begin, uintptr_t *end)
{
    *begin = (uintptr_t)places;
    *end = *begin + place_bytes;
}
