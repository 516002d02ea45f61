/* SPDX-License-Identifier: MIT */
/*
 * A stream in memory, for what others would say on standard error and the caller wants to say in
 * its own words.
 */
#ifndef CTL_ASIDE_H
#define CTL_ASIDE_H

#include <stddef.h>
#include <stdio.h>

struct ctl_aside {
    FILE *file; /* to write to, until ctl_aside_close() */
    char *text; /* from then on; the caller frees it */
    size_t len;
};

void ctl_aside_open(struct ctl_aside *aside);

/* Returns the first line, without the tool's name; it ends with the text. */
const char *ctl_aside_close(struct ctl_aside *aside);

#endif
