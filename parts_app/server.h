/* SPDX-License-Identifier: MIT */
/*
 * server.h: the life of the serving process.
 */
#ifndef PARTS_SERVER_H
#define PARTS_SERVER_H

#include "options.h"

/* Serves until SIGTERM or SIGINT, then drains. Returns the exit code. */
int parts_server_run(const struct parts_options *options);

#endif
