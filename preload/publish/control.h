/* SPDX-License-Identifier: MIT */
/*
 * Commands that change something in the process: what is done is not the server's business, which
 * only takes the line, waits until nobody is being sent an image (it must be of one state), runs
 * the command in the helper thread, and sends what it says.
 */
#ifndef SPY_PUBLISH_CONTROL_H
#define SPY_PUBLISH_CONTROL_H

#include "shared/region.h"

/* Room for the longest answer and its newline: a path, a place in it, and a sentence. */
#define SPY_CONTROL_BYTES 1024u

struct spy_control {
    const char *name;
    const char *help; /* one line */
    /* ARGUMENT is what followed the name, "" if nothing did. Puts a line for a person, without the
     * newline, at TEXT, of SPY_CONTROL_BYTES - 1; false: it was refused, and the line says why.
     * Helper thread only; may allocate. */
    bool (*run)(struct spy_region *region, const char *argument, char *text);
    bool last; /* where it was done the server, and the helper, end when all have their answers */
};

/* The commands, ended by one without a name; set before the helper starts. */
void spy_control_set(const struct spy_control *commands);

/* The command that LINE begins with, and its *ARGUMENT; NULL where it is none of them. */
const struct spy_control *spy_control_find(const char *line, const char **argument);

/* Appends the commands' help to TEXT, of CAP bytes. */
void spy_control_help(char *text, size_t cap);

#endif
