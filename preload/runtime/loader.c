/* SPDX-License-Identifier: MIT */
/*
 * Calling the dynamic loader past our own hooks. See loader.h for the contract.
 */
#include "runtime/loader.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Since 2.34 these are libc's own; the library does not load with an older one. */
#define VERSION "GLIBC_2.34"

/* A version that no library has. */
#define NO_VERSION "perfspy"

typedef void *sym_fn(void *, const char *);
typedef void *open_fn(const char *, int);
typedef char *error_fn(void);

bool spy_loader_attached;
static struct link_map *main_map; /* where attached: the list then changes under a walk */

/* Where it was not preloaded RTLD_NEXT is not used: glibc expects whoever asks for it in the list
 * that it then searches. */
SPY_NO_SANITIZE static void *behind_us(void)
{
    return spy_loader_attached ? (void *)main_map : RTLD_NEXT;
}

/* dlvsym is not interposed, which makes it the way in. The slots are filled at the first call;
 * doing it twice is harmless. It never finds a preloaded library's own hook of dlsym: those have no
 * version. */
SPY_NO_SANITIZE static void *libc_own(_Atomic(void *) *slot, const char *name)
{
    void *found = atomic_load_explicit(slot, memory_order_relaxed);
    if (found == NULL) {
        found = dlvsym(behind_us(), name, VERSION);
        atomic_store_explicit(slot, found, memory_order_relaxed);
    }
    return found;
}

SPY_NO_SANITIZE static sym_fn *real_sym(void)
{
    static _Atomic(void *) slot;
    return (sym_fn *)libc_own(&slot, "dlsym");
}

static void forget_error(void)
{
    static _Atomic(void *) slot;
    ((error_fn *)libc_own(&slot, "dlerror"))();
}

void *spy_loader_sym_for_program(void *handle, const char *name)
{
    return real_sym()(handle, name);
}

void *spy_loader_sym(void *handle, const char *name)
{
    void *found = real_sym()(handle == RTLD_NEXT ? behind_us() : handle, name);
    if (found == NULL)
        forget_error();
    return found;
}

void *spy_loader_libc(const char *name)
{
    void *libc = spy_loader_handle_of((const void *)dladdr1);
    void *found = libc != NULL ? spy_loader_sym(libc, name) : NULL;
    if (libc != NULL)
        dlclose(libc);
    return found;
}

SPY_NO_SANITIZE void *spy_loader_next(const char *name)
{
    return real_sym()(behind_us(), name);
}

void *spy_loader_open_loaded(const char *path)
{
    static _Atomic(void *) slot;
    void *handle = ((open_fn *)libc_own(&slot, "dlopen"))(path, RTLD_LAZY | RTLD_NOLOAD);
    if (handle == NULL)
        forget_error();
    return handle;
}

/* ---- objects -------------------------------------------------------------------------------- */

struct object {
    struct link_map *map; /* NULL: none */
    const void *base;
};

/* dladdr searches the symbols of the object, too: some 300 ns, under the loader's lock. */
static struct object object_by_symbol(const void *address)
{
    Dl_info info;
    struct object object = {NULL, NULL};
    if (dladdr1(address, &info, (void **)&object.map, RTLD_DL_LINKMAP) != 0)
        object.base = info.dli_fbase;
    return object;
}

#ifdef DLFO_STRUCT_HAS_EH_DBASE

typedef int find_fn(void *, struct dl_find_object *);

/* What tells the object alone, without a lock: _dl_find_object, which the loader has since 2.35.
 * NULL: it has not. Looked up by hand, so that 2.34 will do. */
static find_fn *loaders_find(void)
{
    static const char none;
    static _Atomic(void *) slot;
    void *found = atomic_load_explicit(&slot, memory_order_relaxed);
    if (found == NULL) {
        found = dlvsym(RTLD_DEFAULT, "_dl_find_object", "GLIBC_2.35");
        if (found == NULL) {
            forget_error();
            found = (void *)(uintptr_t)&none;
        }
        atomic_store_explicit(&slot, found, memory_order_relaxed);
    }
    return found != &none ? (find_fn *)found : NULL;
}

static struct object object_of(const void *address)
{
    struct dl_find_object found;
    find_fn *find = loaders_find();
    if (find == NULL)
        return object_by_symbol(address);
    if (find((void *)(uintptr_t)address, &found) != 0)
        return (struct object){NULL, NULL};
    return (struct object){found.dlfo_link_map, found.dlfo_map_start};
}

#else

static struct object object_of(const void *address)
{
    return object_by_symbol(address);
}

#endif

struct link_map *spy_loader_map_of(const void *address)
{
    return object_of(address).map;
}

const void *spy_loader_base_of(const void *address)
{
    return object_of(address).base;
}

void *spy_loader_handle_of(const void *address)
{
    struct link_map *map = spy_loader_map_of(address);
    Lmid_t space;
    void *handle = NULL;
    if (map == NULL || map->l_name[0] == '\0')
        return NULL;
    if (dlinfo(map, RTLD_DI_LMID, &space) == 0)
        handle = dlmopen(space, map->l_name, RTLD_LAZY | RTLD_NOLOAD);
    if (handle == NULL)
        forget_error();
    return handle;
}

const void *spy_loader_own_base(void)
{
    extern const char __ehdr_start; /* the linker's name for it */
    return &__ehdr_start;
}

/* What stands before us in the loader's list has been there since the start of the program, and is
 * never taken out: it can be read without the loader's lock. */
struct link_map *spy_loader_main_map(void)
{
    struct link_map *map = spy_loader_map_of((const void *)spy_loader_own_base);
    if (main_map != NULL)
        return main_map;
    while (map != NULL && map->l_prev != NULL)
        map = map->l_prev;
    return map;
}

bool spy_loader_precedes_us(const struct link_map *map)
{
    const struct link_map *at = spy_loader_map_of((const void *)spy_loader_own_base);
    while (at != NULL && at != map)
        at = at->l_prev;
    return at != NULL && map != spy_loader_map_of((const void *)spy_loader_own_base);
}

/* Loaded later it comes behind libc in the loader's list; linked to a program it may do so, too,
 * but then what only we export is found among the global symbols. */
void spy_loader_init(void)
{
    const struct link_map *at = spy_loader_map_of((const void *)spy_loader_own_base);
    const struct link_map *libc = spy_loader_map_of((const void *)dladdr1);
    if (at == NULL || libc == NULL)
        return;
    while (at != libc && at->l_prev != NULL)
        at = at->l_prev;
    if (at != libc)
        return;
    main_map = spy_loader_main_map();
    spy_loader_attached = true;
    void *global = spy_loader_sym(main_map, "gnutls_record_send_range");
    if (global != NULL && spy_loader_base_of(global) == spy_loader_own_base()) {
        spy_loader_attached = false;
        main_map = NULL;
    }
}

/* ---- errors --------------------------------------------------------------------------------- */

/* A symbol that only we have cannot be looked up in the main program's scope without being found;
 * asked for in a version it is not, since ours have none. */
void spy_loader_fail_in_main(const char *name)
{
    (void)dlvsym(spy_loader_main_map(), name, NO_VERSION);
}

void spy_loader_reword(char *error)
{
    static const char tail[] = ", version " NO_VERSION;
    size_t length = strlen(error);
    if (length >= sizeof(tail) && strcmp(error + length - (sizeof(tail) - 1), tail) == 0)
        error[length - (sizeof(tail) - 1)] = '\0';
}
