/* SPDX-License-Identifier: MIT */
/*
 * What the process uses of its machine, looked at once a step of history. Through two descriptors
 * of our own (runtime/ownfd.h) that stay open: a descriptor opened in passing would for a moment
 * have a low number, which a program that closes 0 and opens its log expects to get.
 */
#ifndef SPY_PUBLISH_USE_H
#define SPY_PUBLISH_USE_H

#include "shared/history.h"

#include <stdbool.h>

/* In the program's thread, before the helper starts. What cannot be had is then not known. */
void spy_use_open(void);

/* Was there no descriptor left for that? */
bool spy_use_starved(void);

/* In the helper: closes both until the next look, where the program has used up all that it may
 * have and a client is at the door. False where there is nothing to be had by that. */
bool spy_use_lend(void);

/* In the helper. A few system calls; descriptors are counted up to SPY_USE_FDS_MAX. */
#define SPY_USE_FDS_MAX 16384u
struct spy_use spy_use_read(void);

#endif
