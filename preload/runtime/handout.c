/* SPDX-License-Identifier: MIT */
/*
 * Answering dlsym for functions of libpq. See handout.h for the contract. Cold path, but for
 * spy_handout_of_call().
 *
 * The real dlsym knows by its return address in whose name it is called. What depends on that
 * (RTLD_DEFAULT, RTLD_NEXT) can be asked for here in our own name only, and the program's answer is
 * worked out from that: the search goes through the global symbols first, in which we stand behind
 * the program and in front of all that is no preload.
 */
#include "runtime/handout.h"

#include "runtime/config.h"
#include "runtime/loader.h"
#include "runtime/scope.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>

__thread struct spy_handout_call spy_handout_call;
_Static_assert(offsetof(struct spy_handout_call, copy) == 8 &&
                   offsetof(struct spy_handout_call, handle) == 16,
               "hooks/loader_*.S have them there");

/* Only ever filled, from the front. */
static _Atomic(const struct spy_libpq *) copies[SPY_HANDOUT_COPIES];
static _Atomic(const struct spy_libpq *) last;

/* The place of COPY, which it gets now if it has none; -1 where all are taken. */
static int place_of(const struct spy_libpq *copy)
{
    for (int i = 0; i < SPY_HANDOUT_COPIES; i++) {
        const struct spy_libpq *there = NULL;
        if (atomic_compare_exchange_strong_explicit(&copies[i], &there, copy, memory_order_release,
                                                    memory_order_acquire) ||
            there->base == copy->base)
            return i;
    }
    return -1;
}

/* The program was about to get FOUND. */
static bool give(void *found, size_t number, void **answer)
{
    const struct spy_handout_entry *entry = &spy_handout_entries[number];
    if (entry->stub == NULL || spy_config.untouched)
        return false;
    if (spy_loader_sym(RTLD_NEXT, entry->name) == found) {
        *answer = entry->wrapper;
        return true;
    }
    const struct spy_libpq *copy = spy_libpq_of_function(found, number);
    int place = copy != NULL ? place_of(copy) : -1;
    if (place < 0)
        return false;
    atomic_store_explicit(&last, copy, memory_order_relaxed);
    *answer = (void *)(uintptr_t)(entry->stub + place * SPY_HANDOUT_STUB_BYTES);
    return true;
}

/* Asked of one object and those that it needs. */
static bool in_object(void *handle, size_t number, void **answer)
{
    void *found = spy_loader_sym(handle, spy_handout_entries[number].name);
    return found != NULL && give(found, number, answer);
}

/* Not there: dlerror() is to name the object that asked. */
static void fail(const void *caller, const char *name)
{
    void *handle = spy_loader_handle_of(caller);
    if (handle == NULL) {
        spy_loader_fail_in_main(name);
        return;
    }
    dlclose(handle); /* the object that calls us stays, and the error has to come last */
    (void)spy_loader_sym_for_program(handle, name);
}

/* Asked of the scope of the object that calls, which the global symbols precede: and those have
 * nothing but our own wrapper. */
static bool in_scope_of(const void *caller, size_t number, void **answer)
{
    void *found = spy_scope_sym(caller, spy_handout_entries[number].name);
    if (found == NULL)
        fail(caller, spy_handout_entries[number].name);
    if (found == NULL || !give(found, number, answer))
        *answer = found;
    return true;
}

/* Asked of all global symbols, where the real dlsym would find our own wrapper if nothing else. */
static bool among_globals(const void *scope, size_t number, void **answer)
{
    if (spy_loader_sym(RTLD_NEXT, spy_handout_entries[number].name) != NULL)
        return false; /* rightly */
    return in_scope_of(scope, number, answer);
}

/* Does the search of all global symbols come to us before it comes to another PQ function? */
static bool we_are_first(size_t number)
{
    void *first = spy_loader_sym(RTLD_DEFAULT, spy_handout_entries[number].name);
    return first != NULL && spy_loader_base_of(first) == spy_loader_own_base();
}

static bool answer_for(void *handle, size_t number, const void *caller, void **answer)
{
    if (handle == RTLD_DEFAULT)
        return we_are_first(number) && among_globals(caller, number, answer);
    if (handle == spy_loader_main_map())
        return we_are_first(number) && among_globals(NULL, number, answer);
    if (handle != RTLD_NEXT)
        return in_object(handle, number, answer);
    struct link_map *map = spy_loader_map_of(caller);
    return map != NULL && spy_loader_precedes_us(map) && among_globals(caller, number, answer);
}

/* Where we are in nobody's search: what the real dlsym gives, whose errors are the program's. */
static bool answer_attached(void *handle, size_t number, const void *caller, void **answer)
{
    const char *name = spy_handout_entries[number].name;
    if (handle == RTLD_NEXT)
        return false;
    void *found = spy_loader_sym(handle == RTLD_DEFAULT ? RTLD_NEXT : handle, name);
    if (found == NULL && handle == RTLD_DEFAULT)
        found = spy_scope_sym(caller, name);
    return found != NULL && give(found, number, answer);
}

bool spy_handout(void *handle, size_t number, const void *caller, void **answer)
{
    int saved_errno = errno;
    bool answered = spy_loader_attached ? answer_attached(handle, number, caller, answer)
                                        : answer_for(handle, number, caller, answer);
    errno = saved_errno;
    return answered;
}

void *spy_handout_instead(void *function, size_t number)
{
    void *answer = NULL;
    int saved_errno = errno;
    bool other = give(function, number, &answer);
    errno = saved_errno;
    return other ? answer : NULL;
}

const struct spy_libpq *spy_handout_of_handle(const void *handle)
{
    uintptr_t copy = spy_handout_call.handle - (uintptr_t)handle;
    if (handle == NULL || copy >= SPY_HANDOUT_COPIES)
        return NULL;
    return atomic_load_explicit(&copies[copy], memory_order_acquire);
}

const struct spy_libpq *spy_handout_of_call(const void *caller)
{
    struct spy_handout_call *call = &spy_handout_call;
    if (caller == NULL || call->caller != caller)
        return NULL;
    call->caller = NULL;
    return atomic_load_explicit(&copies[call->copy], memory_order_acquire);
}

const struct spy_libpq *spy_handout_last(void)
{
    return atomic_load_explicit(&last, memory_order_relaxed);
}
