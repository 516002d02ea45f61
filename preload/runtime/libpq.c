/* SPDX-License-Identifier: MIT */
/*
 * Finding the copies of libpq. Cold path: runs at connects. Objects are opened RTLD_NOLOAD only,
 * so nothing is ever loaded by us, and no initialiser runs twice.
 */
#include "runtime/libpq.h"

#include "runtime/handout.h"
#include "runtime/loader.h"
#include "runtime/scope.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES 512

/* Copies found so far, newest first; only ever pushed. */
static _Atomic(struct spy_libpq *) copies;

/* Stands in for an accessor that a copy lacks. Extra arguments are harmless in the C calling
 * conventions of x86-64 and arm64. */
static void *lacking(void)
{
    return NULL;
}

/* ---- which ---------------------------------------------------------------------------------- */

/* FOUND, unless that is our own wrapper. */
static void *foreign(void *found)
{
    bool ours = found != NULL && spy_loader_base_of(found) == spy_loader_own_base();
    return ours ? NULL : found;
}

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

/* Of any loaded libpq. Not opened inside the walk, which holds one of the loader's locks. */
static void *any_pqexec(void)
{
    char name[NAME_BYTES] = "";
    if (dl_iterate_phdr(name_of_libpq, name) == 0)
        return NULL;
    void *handle = spy_loader_open_loaded(name);
    if (handle == NULL)
        return NULL;
    void *found = foreign(spy_loader_sym(handle, "PQexec"));
    dlclose(handle);
    return found;
}

/* ---- copies --------------------------------------------------------------------------------- */

static void *accessor(void *scope, const char *name)
{
    void *found = spy_loader_sym(scope, name);
    return found != NULL ? found : (void *)lacking;
}

/* How much is mapped at BASE, from the object's first byte to its last. */
static size_t bytes_at(const void *base)
{
    const ElfW(Ehdr) *head = base;
    const ElfW(Phdr) *part = (const ElfW(Phdr) *)((const char *)base + head->e_phoff);
    const char *end = base;
    for (int i = 0; i < head->e_phnum; i++)
        if (part[i].p_type == PT_LOAD && (const char *)base + part[i].p_vaddr > end)
            end = (const char *)base + part[i].p_vaddr + part[i].p_memsz;
    return (size_t)(end - (const char *)base);
}

static bool all_in_one(const struct spy_libpq *copy)
{
    for (size_t i = 0; i < spy_libpq_hook_count; i++)
        if (copy->hook[i] != NULL && spy_loader_base_of(copy->hook[i]) != copy->base)
            return false;
    return true;
}

/* What the program is bound to is looked up as the linker would have done; else every function
 * comes from the object that PQexec came from, or from one that it needs. */
static struct spy_libpq *make_copy(const void *pqexec, bool bound)
{
    struct spy_libpq *copy = calloc(1, sizeof(*copy) + spy_libpq_hook_count * sizeof(void *));
    if (copy == NULL)
        return NULL;
    void *handle = spy_loader_handle_of(pqexec); /* kept: pins the copy */
    void *scope = bound ? RTLD_NEXT : handle;
    if (scope == NULL) {
        free(copy);
        return NULL;
    }
    copy->base = spy_loader_base_of(pqexec);
    copy->bytes = bytes_at(copy->base);
    copy->bound = bound;
    for (size_t i = 0; i < spy_libpq_hook_count; i++)
        copy->hook[i] = spy_loader_sym(scope, spy_libpq_hooks[i]);
    copy->whole = all_in_one(copy);
#define X(name) *(void **)&copy->name = accessor(scope, #name);
    SPY_LIBPQ_ACCESSORS(X)
#undef X
    return copy;
}

static const struct spy_libpq *find_copy(const void *base, bool bound)
{
    const struct spy_libpq *copy = atomic_load_explicit(&copies, memory_order_acquire);
    while (copy != NULL && (copy->base != base || copy->bound != bound))
        copy = copy->next;
    return copy;
}

static const struct spy_libpq *copy_with(const void *pqexec, bool bound)
{
    const struct spy_libpq *known = find_copy(spy_loader_base_of(pqexec), bound);
    if (known != NULL)
        return known;
    struct spy_libpq *made = make_copy(pqexec, bound);
    if (made == NULL)
        return NULL;
    /* Two threads may push the same copy: both rows are right, the newer one is found. */
    struct spy_libpq *head = atomic_load_explicit(&copies, memory_order_relaxed);
    do
        made->next = head;
    while (!atomic_compare_exchange_weak_explicit(&copies, &head, made, memory_order_release,
                                                  memory_order_relaxed));
    return made;
}

const struct spy_libpq *spy_libpq_known(void)
{
    return atomic_load_explicit(&copies, memory_order_acquire);
}

/* What the program is bound to, once that was found. It stays so: what is loaded later comes behind
 * it in RTLD_NEXT's search, and a copy is pinned. */
static _Atomic(const struct spy_libpq *) bound_copy;

static const struct spy_libpq *bind_to(const void *pqexec)
{
    const struct spy_libpq *copy = copy_with(pqexec, true);
    atomic_store_explicit(&bound_copy, copy, memory_order_release);
    return copy;
}

/* What this thread's last call was resolved to. */
static __thread const struct spy_libpq *latest;

static const struct spy_libpq *resolve(const void *caller)
{
    const struct spy_libpq *copy = spy_handout_of_call(caller);
    if (copy != NULL)
        return copy;
    if (spy_loader_is_own(caller)) /* libpq ends by calling itself */
        return latest;
    copy = atomic_load_explicit(&bound_copy, memory_order_acquire);
    if (copy != NULL)
        return copy;
    void *pqexec = foreign(spy_loader_sym(RTLD_NEXT, "PQexec"));
    if (pqexec != NULL)
        return bind_to(pqexec);
    pqexec = foreign(spy_scope_sym(caller, "PQexec"));
    if (pqexec != NULL)
        return copy_with(pqexec, false);
    copy = spy_handout_last();
    if (copy != NULL)
        return copy;
    pqexec = any_pqexec();
    return pqexec != NULL ? copy_with(pqexec, false) : NULL;
}

const struct spy_libpq *spy_libpq_of_caller(const void *caller)
{
    int saved_errno = errno;
    const struct spy_libpq *copy = resolve(caller);
    latest = copy;
    errno = saved_errno;
    return copy;
}

const struct spy_libpq *spy_libpq_of_handle(const void *handle, const void *caller)
{
    const struct spy_libpq *copy = spy_handout_of_handle(handle);
    if (copy == NULL)
        return spy_libpq_of_caller(caller);
    latest = copy;
    return copy;
}

const struct spy_libpq *spy_libpq_of_function(const void *function, size_t hook)
{
    const void *base = spy_loader_base_of(function);
    if (base == NULL || base == spy_loader_own_base())
        return NULL;
    const struct spy_libpq *copy = copy_with(function, false);
    return copy != NULL && copy->whole && copy->hook[hook] == function ? copy : NULL;
}
