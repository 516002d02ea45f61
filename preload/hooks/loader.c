/* SPDX-License-Identifier: MIT */
/*
 * Wrappers of the dynamic loader's functions. dlsym and dlopen are exported from loader_*.S: they
 * ask here what to do and, mostly, jump on to libc's own with the program's return address in
 * place, by which that knows whose RTLD_NEXT, RTLD_DEFAULT or RUNPATH is meant.
 *
 * dlvsym needs no hook: our definitions have no version, so that it never finds them, and what it
 * finds is the program's own. Nor do dlmopen, where RTLD_DEEPBIND has nothing of ours to get past,
 * and dlclose.
 */
#include "runtime/loader.h"
#include "hooks/hooks.h"
#include "runtime/config.h"
#include "runtime/handout.h"
#include "runtime/slots.h"

#include <string.h>

/* What dlsym or dlopen does next: where ONWARD is NULL it returns VALUE; else it jumps there with
 * the program's arguments, dlopen with VALUE as its mode. Comes in two registers. */
struct spy_detour {
    uintptr_t value;
    void *onward;
};

struct spy_detour spy_loader_dlsym(void *handle, const char *name, const void *caller);
struct spy_detour spy_loader_dlopen(const char *path, int mode);

/* In loader_*.S. */
#define LIBC(name)
#define LIBPQ(name) extern const char spy_stub_##name[];
#define OPENSSL(name)
#define GNUTLS(name)
#include "hooks/hooks.def"
#undef LIBPQ
#undef OPENSSL
#undef GNUTLS

const struct spy_handout_entry spy_handout_entries[] = {
#define LIBPQ(name) {#name, (void *)name, spy_stub_##name},
#define OPENSSL(name)
#define GNUTLS(name)
#include "hooks/hooks.def"
#undef LIBPQ
#undef OPENSSL
#undef GNUTLS
#define LIBPQ(name)
#define OPENSSL(name) {#name, NULL, NULL},
#define GNUTLS(name)  {#name, NULL, NULL},
#include "hooks/hooks.def"
#undef LIBC
#undef LIBPQ
#undef OPENSSL
#undef GNUTLS
};
#define ENTRIES (sizeof(spy_handout_entries) / sizeof(spy_handout_entries[0]))

/* May be the first function of all that runs here: another library's constructor, or a sanitizer
 * that is about to set itself up, looks for a function of libc. */
SPY_NO_SANITIZE static void *onward(void **slot, const char *name)
{
    if (*slot == NULL)
        *slot = spy_loader_next(name);
    return *slot;
}

static struct spy_detour answer(void *handle, const char *name, const void *caller)
{
    struct spy_detour on = {0, (void *)spy_libc.dlsym};
    void *value;
    for (size_t i = 0; i < ENTRIES; i++)
        if (strcmp(name, spy_handout_entries[i].name) == 0)
            return spy_handout(handle, i, caller, &value)
                       ? (struct spy_detour){(uintptr_t)value, NULL}
                       : on;
    return on;
}

/* Can NAME be one of those that we export beside libc's? A look at how it begins. */
SPY_NO_SANITIZE static inline bool may_be_ours(const char *name)
{
    switch (name[0]) {
    case 'P':
        return name[1] == 'Q';
    case 'l':
        return name[1] == 'o' && name[2] == '_';
    case 'S':
        return name[1] == 'S' && name[2] == 'L' && name[3] == '_';
    case 'g':
        return name[1] == 'n' && name[2] == 'u';
    default:
        return false;
    }
}

SPY_NO_SANITIZE struct spy_detour spy_loader_dlsym(void *handle, const char *name,
                                                   const void *caller)
{
    void *real = onward((void **)&spy_libc.dlsym, "dlsym");
    spy_slots_catch_up(); /* with what dlopen has brought, where we came into a running program */
    if (name == NULL || !may_be_ours(name))
        return (struct spy_detour){0, real};
    return answer(handle, name, caller);
}

SPY_NO_SANITIZE struct spy_detour spy_loader_dlopen(const char *path, int mode)
{
    (void)path;
    spy_slots_expect();
    if (spy_config.clear_deepbind)
        mode &= ~RTLD_DEEPBIND;
    return (struct spy_detour){(unsigned)mode, onward((void **)&spy_libc.dlopen, "dlopen")};
}

SPY_EXPORT char *dlerror(void)
{
    char *error = SPY_LIBC(dlerror)();
    if (error != NULL)
        spy_loader_reword(error);
    return error;
}
