/* SPDX-License-Identifier: MIT */
/*
 * The copies of libpq in this process, and their functions.
 *
 * libpq may be linked, dlopened RTLD_LOCAL by a driver (then RTLD_NEXT finds nothing), bundled
 * under another name, or present twice; and a PGconn made by one copy must never meet another's
 * functions. So a call is resolved in the order in which the program would have bound it without
 * us: RTLD_NEXT, else the scope of the calling object, else any loaded libpq. A copy found is kept
 * for ever, pinned in memory: its functions' addresses are in the connection table.
 */
#ifndef SPY_RUNTIME_LIBPQ_H
#define SPY_RUNTIME_LIBPQ_H

#include <libpq-fe.h>
#include <stddef.h>

/* Functions called for our own information: pure reads of the program's objects (notes in libpq's
 * source: no input is parsed, no callback run). All exist in every libpq since 9.3, except those
 * that may be NULL, which say so. */
#define SPY_LIBPQ_ACCESSORS(X)                       \
    X(PQresultStatus)                                \
    X(PQntuples)                                     \
    X(PQcmdStatus)                                   \
    X(PQresultErrorField)                            \
    X(PQresultMemorySize) /* NULL before libpq 12 */ \
    X(PQstatus)

struct spy_libpq {
    const struct spy_libpq *next;
    const void *base; /* where the copy is mapped: its identity */
    void **hook;      /* originals of the interposed functions, in the order of the hook list */
#define X(name) __typeof__(&name) name;
    SPY_LIBPQ_ACCESSORS(X)
#undef X
};

/* The names of the interposed functions, in order. Defined by hooks/hooks.c, and constant: another
 * library's constructor may connect before ours has run. */
extern const char *const spy_libpq_hooks[];
extern const size_t spy_libpq_hook_count;

/*
 * The copy that a call returning to CALLER would have reached. NULL when there is none (a program
 * that calls libpq without having it) or no memory: the wrapper then fails as libpq does when it
 * cannot send. Takes the loader's lock, may allocate: for calls that make a connection, and the
 * first call on a connection not seen before.
 */
const struct spy_libpq *spy_libpq_of_caller(const void *caller);

#endif
