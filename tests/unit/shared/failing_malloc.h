/* SPDX-License-Identifier: MIT */
/*
 * An allocator that fails at the n-th call, and counts what is still allocated. Included by the
 * one source file of a test program: it defines malloc and its family for that program. Not with
 * the address and thread sanitizers, which have allocators of their own.
 */
#ifndef SPY_TEST_FAILING_MALLOC_H
#define SPY_TEST_FAILING_MALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FAILING_MALLOC 0
#else
#define FAILING_MALLOC 1

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void __libc_free(void *block);

static long fail_after = -1; /* calls that still succeed; -1: all do */
static bool failed;
static long live; /* blocks */

static bool refuse(void)
{
    if (fail_after != 0) {
        fail_after -= fail_after > 0;
        return false;
    }
    failed = true;
    return true;
}

void *malloc(size_t size)
{
    void *block = refuse() ? NULL : __libc_malloc(size);
    live += block != NULL;
    return block;
}

void *calloc(size_t count, size_t size)
{
    void *block = refuse() ? NULL : __libc_calloc(count, size);
    live += block != NULL;
    return block;
}

void *realloc(void *old, size_t size)
{
    void *block = refuse() ? NULL : __libc_realloc(old, size);
    live += old == NULL && block != NULL;
    return block;
}

void free(void *block)
{
    live -= block != NULL;
    __libc_free(block);
}

#endif
#endif
