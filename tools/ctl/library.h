/* SPDX-License-Identifier: MIT */
/*
 * The library that belongs to this tool.
 */
#ifndef CTL_LIBRARY_H
#define CTL_LIBRARY_H

#include <limits.h>

/* Its path: beside the tool (a build tree), or where `make install` puts it; else just the name,
 * which the dynamic loader looks for. */
void ctl_library_find(char out[PATH_MAX]);

#endif
