/* SPDX-License-Identifier: MIT */
/*
 * Edit distance (Damerau-Levenshtein, restricted) and the choice of near words; see nearest.h.
 */
#include "ctl/nearest.h"

#include <stdbool.h>
#include <string.h>

#define WORD_MAX 63u

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t ctl_edits(const char *a, const char *b)
{
    size_t m = strnlen(a, WORD_MAX), n = strnlen(b, WORD_MAX);
    size_t rows[3][WORD_MAX + 1]; /* the row before last, the last one and this one */
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= n; j++)
        last[j] = j;
    for (size_t i = 1; i <= m; i++) {
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            row[j] = least(least(last[j], row[j - 1]) + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
        size_t *free_row = before;
        before = last;
        last = row;
        row = free_row;
    }
    return last[n];
}

/* How far NAME is from WORD; a word that is part of the name is near. */
static size_t distance(const char *word, const char *name)
{
    size_t edits = ctl_edits(word, name);
    const char *dot = strrchr(name, '.');
    if (dot != NULL)
        edits = least(edits, ctl_edits(word, dot + 1));
    return strlen(word) >= 3 && strstr(name, word) != NULL ? least(edits, 1) : edits;
}

size_t ctl_nearest(const char *word, const char *const *names, size_t count, size_t *out,
                   size_t max)
{
    size_t limit = strlen(word) < 4 ? 1 : strlen(word) / 4 + 1;
    size_t found = 0;
    for (size_t wanted = 0; wanted <= limit; wanted++)
        for (size_t i = 0; i < count && found < max; i++)
            if (distance(word, names[i]) == wanted)
                out[found++] = i;
    return found;
}
