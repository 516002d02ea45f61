/* SPDX-License-Identifier: MIT */
/*
 * Which process of this machine listens at an address: by the sockets of /proc/net and the
 * descriptors of the processes that we may look into.
 */
#ifndef VALIDATE_LISTENER_H
#define VALIDATE_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VAL_LISTENERS 64u /* processes that share one socket, as those of a forking server do */

struct val_listeners {
    int32_t pid[VAL_LISTENERS];
    size_t count;
    bool bound; /* there is such a socket, whether or not its process could be found */
};

/* The processes that listen at ADDRESS (as text) and PORT: by that very address, else by any. */
void val_listeners_find(const char *address, unsigned port, struct val_listeners *out);

#endif
