/* SPDX-License-Identifier: MIT */
/*
 * The copies of libpq in this process, and their functions.
 *
 * libpq may be linked, dlopened RTLD_LOCAL by a driver (then RTLD_NEXT finds nothing), bundled
 * under another name, reached by dlsym, or present several times; and a PGconn made by one copy
 * must never meet another's functions. So a call is resolved to the copy that the program would
 * have reached without us: a pointer that dlsym gave leads to the copy it was asked of (runtime/
 * handout.h); any other call to RTLD_NEXT, else the scope of the calling object, else the copy that
 * dlsym was asked of last, else any loaded libpq. A copy found is kept for ever, pinned in memory:
 * its functions' addresses are in the connection table.
 */
#ifndef SPY_RUNTIME_LIBPQ_H
#define SPY_RUNTIME_LIBPQ_H

#include "runtime/loader.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Functions called for our own information: pure reads of the program's objects (notes in libpq's
 * source: no input is parsed, no callback run). All exist in every libpq since 9.3, except those
 * that say so; in a copy that lacks one it is a function that returns 0 or NULL. */
#define SPY_LIBPQ_ACCESSORS(X)                    \
    X(PQresultStatus)                             \
    X(PQntuples)                                  \
    X(PQcmdStatus)                                \
    X(PQresultErrorField)                         \
    X(PQresultMemorySize) /* 0 before libpq 12 */ \
    X(PQstatus)                                   \
    X(PQtransactionStatus)                        \
    X(PQpipelineStatus) /* 0 before libpq 14 */   \
    X(PQparameterStatus)                          \
    X(PQbackendPID)                               \
    X(PQhost)                                     \
    X(PQport)                                     \
    X(PQdb)                                       \
    X(PQuser)

struct spy_libpq {
    const struct spy_libpq *next;
    const void *base; /* where its PQexec is mapped: its identity, together with `bound` */
    size_t bytes;
    bool bound; /* what the program is bound to: each function as RTLD_NEXT gives it */
    bool whole; /* all of its functions are in that one object */
#define X(name) __typeof__(&name) name;
    SPY_LIBPQ_ACCESSORS(X)
#undef X
    void *hook[]; /* originals of the interposed functions, in the order of the hook list; NULL
                   * where the copy is too old for one */
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

/* The same for a call on HANDLE, which was not seen before: the copy that the pointer was of by
 * which it was called, if it was by one. */
const struct spy_libpq *spy_libpq_of_handle(const void *handle, const void *caller);

/* Any copy found so far, or NULL. Signal-safe. */
const struct spy_libpq *spy_libpq_known(void);

/* Is a wrapper that returns to CALLER called by PQ itself? Where that made a tail call, CALLER is
 * in the wrapper that called it. */
static inline bool spy_libpq_calls(const struct spy_libpq *pq, const void *caller)
{
    return (uintptr_t)caller - (uintptr_t)pq->base < pq->bytes || spy_loader_is_own(caller);
}

/* The copy that FUNCTION belongs to, which is to be the original of hook number HOOK there, and all
 * others to be in the same object (somebody else's wrappers may not be stepped over). NULL where
 * that is not so, where the object is ourselves, or no memory. Cost as above. */
const struct spy_libpq *spy_libpq_of_function(const void *function, size_t hook);

#endif
