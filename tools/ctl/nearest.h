/* SPDX-License-Identifier: MIT */
/*
 * "Did you mean": the known word nearest to a mistyped one.
 */
#ifndef CTL_NEAREST_H
#define CTL_NEAREST_H

#include <stddef.h>

/* Edits (insert, delete, replace, swap neighbours) from A to B; words are compared up to 63
 * bytes. */
size_t ctl_edits(const char *a, const char *b);

/* The NAMES nearest to WORD that are near enough to be meant, best first: up to MAX indices in
 * OUT. Returns how many. */
size_t ctl_nearest(const char *word, const char *const *names, size_t count, size_t *out,
                   size_t max);

#endif
