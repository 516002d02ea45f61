/* SPDX-License-Identifier: MIT */
/*
 * init.h: `parts_server --init`: schema, seed data, first user.
 */
#ifndef PARTS_INIT_H
#define PARTS_INIT_H

#include "options.h"

/* Does all of it, or nothing. Returns the exit code, having said on standard error what was done
 * or why not. */
int parts_init_run(const struct parts_options *options);

#endif
