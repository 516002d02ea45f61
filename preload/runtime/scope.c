/* SPDX-License-Identifier: MIT */
/*
 * Looking in an object's local scope. The loader keeps that scope to itself. It is worked out here
 * from which object needs which, as their dynamic sections say. Cold path.
 */
#include "runtime/scope.h"

#include "runtime/loader.h"

#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>

/* Objects that need the one in question, directly or not. A driver has a few. */
#define NEEDERS_MAX 16
#define NAME_BYTES  128

typedef ElfW(Dyn) dyn;

struct object {
    const void *dynamic;   /* its identity, and an address in it */
    char name[NAME_BYTES]; /* by which others need it */
};

struct needers {
    struct object at[NEEDERS_MAX]; /* the object itself first */
    unsigned count;
    unsigned looking; /* whose needers are looked for */
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static const dyn *dynamic_of(const struct dl_phdr_info *info)
{
    for (unsigned i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
            return (const void *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
    return NULL;
}

/* The loader has put the address in place of the offset in all but read-only dynamic sections. */
static const char *strings_of(const struct dl_phdr_info *info, const dyn *dynamic)
{
    for (; dynamic->d_tag != DT_NULL; dynamic++)
        if (dynamic->d_tag == DT_STRTAB)
            return (const char *)(dynamic->d_un.d_ptr +
                                  (dynamic->d_un.d_ptr < info->dlpi_addr ? info->dlpi_addr : 0));
    return NULL;
}

static bool needs(const dyn *dynamic, const char *strings, const char *name)
{
    for (; dynamic->d_tag != DT_NULL; dynamic++)
        if (dynamic->d_tag == DT_NEEDED &&
            strcmp(base_name(strings + dynamic->d_un.d_val), name) == 0)
            return true;
    return false;
}

static void add(struct needers *needers, const dyn *dynamic, const char *strings, const char *path)
{
    const char *name = base_name(path);
    for (const dyn *at = dynamic; strings != NULL && at->d_tag != DT_NULL; at++)
        if (at->d_tag == DT_SONAME)
            name = strings + at->d_un.d_val;
    if (needers->count == NEEDERS_MAX || strlen(name) >= NAME_BYTES)
        return;
    needers->at[needers->count].dynamic = dynamic;
    strcpy(needers->at[needers->count++].name, name);
}

/* Runs under one of the loader's locks: nothing is opened or looked up here. */
static int visit(struct dl_phdr_info *info, size_t size, void *data)
{
    struct needers *needers = data;
    const dyn *dynamic = dynamic_of(info);
    const char *strings = dynamic != NULL ? strings_of(info, dynamic) : NULL;
    (void)size;
    if (strings == NULL || !needs(dynamic, strings, needers->at[needers->looking].name))
        return 0;
    for (unsigned i = 0; i < needers->count; i++)
        if (needers->at[i].dynamic == dynamic)
            return 0;
    add(needers, dynamic, strings, info->dlpi_name);
    return 0;
}

static void find_needers(struct needers *needers, const struct link_map *map)
{
    const struct dl_phdr_info info = {.dlpi_addr = map->l_addr};
    needers->count = 0;
    add(needers, map->l_ld, strings_of(&info, map->l_ld), map->l_name);
    for (needers->looking = 0; needers->looking < needers->count; needers->looking++)
        dl_iterate_phdr(visit, needers);
}

static void *sym_at(const void *address, const char *name)
{
    void *handle = spy_loader_handle_of(address);
    if (handle == NULL)
        return NULL;
    void *found = spy_loader_sym(handle, name);
    dlclose(handle);
    return found;
}

void *spy_scope_sym(const void *address, const char *name)
{
    struct needers needers;
    const struct link_map *map = spy_loader_map_of(address);
    void *found = sym_at(address, name);
    if (found != NULL || map == NULL || map->l_name[0] == '\0')
        return found;
    find_needers(&needers, map);
    for (unsigned i = 1; found == NULL && i < needers.count; i++)
        found = sym_at(needers.at[i].dynamic, name);
    return found;
}
