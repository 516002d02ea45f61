/* SPDX-License-Identifier: MIT */
/*
 * Finding the copies of a library. Cold path. Objects are opened RTLD_NOLOAD only, so nothing is
 * ever loaded by us, and no initialiser runs twice.
 */
#include "runtime/copies.h"

#include "runtime/confine.h"
#include "runtime/loader.h"
#include "runtime/scope.h"
#include "shared/sys.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>

#define NAME_BYTES 512

/* FOUND, unless that is our own wrapper. */
static void *foreign(void *found)
{
    bool ours = found != NULL && spy_loader_base_of(found) == spy_loader_own_base();
    return ours ? NULL : found;
}

/* ---- any loaded copy ------------------------------------------------------------------------- */

struct search {
    const char *file;
    char name[NAME_BYTES];
};

static int compare_name(struct dl_phdr_info *info, size_t size, void *data)
{
    struct search *search = data;
    (void)size;
    const char *slash = strrchr(info->dlpi_name, '/');
    const char *base = slash != NULL ? slash + 1 : info->dlpi_name;
    size_t len = strlen(search->file);
    if (strncmp(base, search->file, len) != 0 || (base[len] != '.' && base[len] != '-') ||
        strlen(info->dlpi_name) >= NAME_BYTES)
        return 0;
    strcpy(search->name, info->dlpi_name);
    return 1;
}

/* Not opened inside the walk, which holds one of the loader's locks. */
static void *any_copy(const struct spy_library *library)
{
    struct search search = {.file = library->file};
    if (dl_iterate_phdr(compare_name, &search) == 0)
        return NULL;
    void *handle = spy_loader_open_loaded(search.name);
    if (handle == NULL)
        return NULL;
    void *found = foreign(spy_loader_sym(handle, library->names[0]));
    dlclose(handle);
    return found;
}

/* ---- copies -----------------------------------------------------------------------------------
 */

static void *probe(const struct spy_library *library, const void *caller)
{
    void *found = foreign(spy_loader_sym(RTLD_NEXT, library->names[0]));
    if (found == NULL)
        found = foreign(spy_scope_sym(caller, library->names[0]));
    return found != NULL ? found : any_copy(library);
}

/* The end of the object that is mapped at BASE. */
static const void *end_of(const void *base)
{
    const ElfW(Ehdr) *head = base;
    const ElfW(Phdr) *part = (const ElfW(Phdr) *)((const char *)base + head->e_phoff);
    const char *end = base;
    for (int i = 0; i < head->e_phnum; i++)
        if (part[i].p_type == PT_LOAD && (const char *)base + part[i].p_vaddr > end)
            end = (const char *)base + part[i].p_vaddr + part[i].p_memsz;
    return end;
}

/* Room for one more copy: that of the first needs no memory from anybody. */
static struct spy_copy *new_copy(struct spy_library *library)
{
    if (!atomic_exchange_explicit(&library->first_taken, true, memory_order_relaxed)) {
        library->first.function = library->room;
        return &library->first;
    }
    struct spy_copy *copy = NULL;
    if (spy_confined())
        return NULL;
    copy = spy_sys_mmap(sizeof(*copy) + library->count * sizeof(void *), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1);
    if (spy_sys_failed(copy))
        return NULL;
    copy->function = (void **)(copy + 1);
    return copy;
}

static struct spy_copy *make_copy(struct spy_library *library, void *found)
{
    struct spy_copy *copy = new_copy(library);
    if (copy == NULL)
        return NULL;
    void *handle = spy_loader_handle_of(found);        /* kept: pins the copy */
    void *scope = handle != NULL ? handle : RTLD_NEXT; /* never RTLD_DEFAULT: that is our wrapper */
    copy->base = spy_loader_base_of(found);
    copy->end = end_of(copy->base);
    for (size_t i = 0; i < library->count; i++)
        copy->function[i] = spy_loader_sym(scope, library->names[i]);
    return copy;
}

/* For `doctor` only: what finds no place here works all the same. */
static _Atomic(const void *) noted[SPY_COPIES_NOTED];

static void note(const void *base)
{
    for (size_t i = 0; i < SPY_COPIES_NOTED; i++) {
        const void *none = NULL;
        if (atomic_compare_exchange_strong_explicit(&noted[i], &none, base, memory_order_relaxed,
                                                    memory_order_relaxed) ||
            none == base)
            return;
    }
}

size_t spy_copies_found(const void **base, size_t cap)
{
    size_t n = 0;
    for (; n < cap && n < SPY_COPIES_NOTED; n++) {
        base[n] = atomic_load_explicit(&noted[n], memory_order_relaxed);
        if (base[n] == NULL)
            break;
    }
    return n;
}

static const struct spy_copy *find_copy(struct spy_library *library, const void *base)
{
    const struct spy_copy *copy = atomic_load_explicit(&library->copies, memory_order_acquire);
    while (copy != NULL && copy->base != base)
        copy = copy->next;
    return copy;
}

const struct spy_copy *spy_copy_of_caller(struct spy_library *library, const void *caller)
{
    int saved_errno = errno;
    void *found = probe(library, caller);
    const struct spy_copy *known =
        found != NULL ? find_copy(library, spy_loader_base_of(found)) : NULL;
    struct spy_copy *made = found != NULL && known == NULL ? make_copy(library, found) : NULL;
    if (made != NULL) {
        /* Two threads may push the same copy: both rows are right, the newer one is found. */
        const struct spy_copy *head = atomic_load_explicit(&library->copies, memory_order_relaxed);
        do
            made->next = head;
        while (!atomic_compare_exchange_weak_explicit(&library->copies, &head, made,
                                                      memory_order_release, memory_order_relaxed));
        known = made;
        note(made->base);
    }
    errno = saved_errno;
    return known;
}
