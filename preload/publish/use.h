/* SPDX-License-Identifier: MIT */
/*
 * What the process uses of its machine, looked at once a step of history. Through two descriptors
 * of our own (runtime/ownfd.h) that stay open: a descriptor opened in passing would for a moment
 * have a low number, which a program that closes 0 and opens its log expects to get.
 */
#ifndef SPY_PUBLISH_USE_H
#define SPY_PUBLISH_USE_H

#include "shared/history.h"

/* In the program's thread, before the helper starts. What cannot be had is then not known. */
void spy_use_open(void);

/* In the helper. A few system calls; descriptors are counted up to SPY_USE_FDS_MAX. */
#define SPY_USE_FDS_MAX 16384u
struct spy_use spy_use_read(void);

#endif
