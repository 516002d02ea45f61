/* SPDX-License-Identifier: MIT */
/*
 * The dynamic loader, past our own hooks.
 *
 * The library interposes dlsym, dlopen and dlerror, so what it looks up for itself goes to libc's
 * own functions, found here by their version. No allocation of ours; glibc takes its loader's lock
 * in all of them. Works before the library's constructor has run, where another library's
 * constructor calls dlsym first. errno may change.
 */
#ifndef SPY_RUNTIME_LOADER_H
#define SPY_RUNTIME_LOADER_H

#include <link.h>
#include <stdbool.h>

/* What runs before a sanitizer has set itself up: its own start calls dlsym. */
#define SPY_NO_SANITIZE __attribute__((no_sanitize("address", "thread", "undefined")))

/* Was this library loaded into a program that ran already? Then it stands in nobody's search for
 * symbols, and "behind it" means all global ones. Constant after spy_loader_init(). */
extern bool spy_loader_attached;

/* The constructor's first act; calls that come before it are those of a preloaded library. */
void spy_loader_init(void);

/* libc's own NAME, whoever else has one. */
void *spy_loader_libc(const char *name);

/* dlsym, as called by this library: RTLD_NEXT means behind it. Without traces: after a failure
 * the program's dlerror() has nothing to tell. */
void *spy_loader_sym(void *handle, const char *name);

/* The same, but a failure is left to the program's dlerror(), since it asked for it. */
void *spy_loader_sym_for_program(void *handle, const char *name);

/* dlopen; never loads anything, so no initialiser runs by us. NULL where PATH is not loaded. */
void *spy_loader_open_loaded(const char *path);

/* What the program would have got from the linker as NAME, one of libc's: of the next object that
 * has it. The hooks of the loader need it first, before all others. */
void *spy_loader_next(const char *name);

/* The object that holds ADDRESS; NULL for none, such as code made at run time. */
struct link_map *spy_loader_map_of(const void *address);

/* Where the object that holds ADDRESS begins: its identity; NULL for none. */
const void *spy_loader_base_of(const void *address);

/* The object that holds ADDRESS as a handle, which pins it until dlclose(), in whichever namespace
 * it is; NULL for none, and for the main program, which cannot be opened by name. */
void *spy_loader_handle_of(const void *address);

/* Is CODE this library's? Without asking the loader. */
static inline bool spy_loader_is_own(const void *code)
{
    extern const char __ehdr_start, etext; /* the linker's names for where this library lies */
    return code >= (const void *)&__ehdr_start && code < (const void *)&etext;
}

/* This library, and the main program. glibc's handles are its link maps: this one is what
 * dlopen(NULL) returns. */
const void *spy_loader_own_base(void);
struct link_map *spy_loader_main_map(void);

/* Is MAP one of those that were loaded before this library, and so come first in the search of all
 * global symbols? */
bool spy_loader_precedes_us(const struct link_map *map);

/* Leaves to dlerror() that the main program has no NAME, although this library exports it. */
void spy_loader_fail_in_main(const char *name);

/* Puts right what dlerror() then says. */
void spy_loader_reword(char *error);

#endif
