/* SPDX-License-Identifier: MIT */
/*
 * The local scope of an object: where the loader looks after all global symbols, that is, in what
 * the object needs, and in whatever was opened together with it because something else needed it.
 */
#ifndef SPY_RUNTIME_SCOPE_H
#define SPY_RUNTIME_SCOPE_H

/* Finds NAME in the local scope of the object that holds ADDRESS; NULL if it is not there, and for
 * an address in no object and in the main program, whose scope is all global. Without traces in
 * dlerror(). Takes the loader's locks; errno may change. */
void *spy_scope_sym(const void *address, const char *name);

#endif
