/* SPDX-License-Identifier: MIT */
/*
 * Finding the copies of libpq. Cold path: runs at connects. Objects are opened RTLD_NOLOAD only,
 * so nothing is ever loaded by us, and no initialiser runs twice.
 */
#include "runtime/libpq.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES 512

/* Copies found so far, newest first; only ever pushed. */
static _Atomic(struct spy_libpq *) copies;

/* dlsym without traces: a failure is not left to the program's dlerror(). */
static void *lookup(void *handle, const char *name)
{
    void *found = dlsym(handle, name);
    if (found == NULL)
        dlerror();
    return found;
}

static const void *base_of(const void *address)
{
    Dl_info info;
    return dladdr(address, &info) != 0 ? info.dli_fbase : NULL;
}

/* The object that holds ADDRESS, opened (and so pinned); NULL for the main program, which cannot
 * be opened by name and need not be pinned. */
static void *open_object(const void *address)
{
    Dl_info info;
    struct link_map *map = NULL;
    if (dladdr1(address, &info, (void **)&map, RTLD_DL_LINKMAP) == 0 || map == NULL ||
        map->l_name[0] == '\0')
        return NULL;
    void *handle = dlopen(map->l_name, RTLD_LAZY | RTLD_NOLOAD);
    if (handle == NULL)
        dlerror();
    return handle;
}

/* PQexec as HANDLE's scope has it, unless that is our own wrapper. */
static void *foreign_pqexec(void *handle)
{
    void *found = lookup(handle, "PQexec");
    return found != NULL && base_of(found) != base_of((const void *)spy_libpq_of_caller) ? found
                                                                                         : NULL;
}

/* ---- any loaded libpq ----------------------------------------------------------------------- */

static int name_of_libpq(struct dl_phdr_info *info, size_t size, void *data)
{
    (void)size;
    const char *slash = strrchr(info->dlpi_name, '/');
    const char *base = slash != NULL ? slash + 1 : info->dlpi_name;
    if (strncmp(base, "libpq", 5) != 0 || (base[5] != '.' && base[5] != '-') ||
        strlen(info->dlpi_name) >= NAME_BYTES)
        return 0;
    strcpy(data, info->dlpi_name);
    return 1;
}

/* Not opened inside the walk, which holds one of the loader's locks. */
static void *any_libpq(void)
{
    char name[NAME_BYTES] = "";
    if (dl_iterate_phdr(name_of_libpq, name) == 0)
        return NULL;
    void *handle = dlopen(name, RTLD_LAZY | RTLD_NOLOAD);
    if (handle == NULL) {
        dlerror();
        return NULL;
    }
    void *found = foreign_pqexec(handle);
    dlclose(handle);
    return found;
}

/* ---- copies --------------------------------------------------------------------------------- */

static void *pqexec_for(const void *caller)
{
    void *found = foreign_pqexec(RTLD_NEXT);
    if (found != NULL)
        return found;
    void *handle = open_object(caller);
    if (handle != NULL) {
        found = foreign_pqexec(handle);
        dlclose(handle);
    }
    return found != NULL ? found : any_libpq();
}

/* Every function from the one object that PQexec came from. RTLD_NEXT would do for a linked libpq,
 * but an object's own handle is right for all. */
static struct spy_libpq *make_copy(void *pqexec)
{
    struct spy_libpq *copy = calloc(1, sizeof(*copy) + spy_libpq_hook_count * sizeof(void *));
    if (copy == NULL)
        return NULL;
    void *handle = open_object(pqexec);                /* kept: pins the copy */
    void *scope = handle != NULL ? handle : RTLD_NEXT; /* never RTLD_DEFAULT: that is our wrapper */
    copy->base = base_of(pqexec);
    copy->hook = (void **)(copy + 1);
    for (size_t i = 0; i < spy_libpq_hook_count; i++)
        copy->hook[i] = lookup(scope, spy_libpq_hooks[i]);
#define X(name) *(void **)&copy->name = lookup(scope, #name);
    SPY_LIBPQ_ACCESSORS(X)
#undef X
    return copy;
}

static const struct spy_libpq *find_copy(const void *base)
{
    const struct spy_libpq *copy = atomic_load_explicit(&copies, memory_order_acquire);
    while (copy != NULL && copy->base != base)
        copy = copy->next;
    return copy;
}

const struct spy_libpq *spy_libpq_of_caller(const void *caller)
{
    int saved_errno = errno;
    void *pqexec = pqexec_for(caller);
    const struct spy_libpq *known = pqexec != NULL ? find_copy(base_of(pqexec)) : NULL;
    if (pqexec != NULL && known == NULL) {
        struct spy_libpq *made = make_copy(pqexec);
        if (made != NULL) {
            /* Two threads may push the same copy: both rows are right, the newer one is found. */
            struct spy_libpq *head = atomic_load_explicit(&copies, memory_order_relaxed);
            do
                made->next = head;
            while (!atomic_compare_exchange_weak_explicit(
                &copies, &head, made, memory_order_release, memory_order_relaxed));
            known = made;
        }
    }
    errno = saved_errno;
    return known;
}
