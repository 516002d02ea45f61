/* SPDX-License-Identifier: MIT */
/*
 * listener.h: the listening socket.
 */
#ifndef PARTS_LISTENER_H
#define PARTS_LISTENER_H

#include <stddef.h>

/*
 * Listens on ADDRESS, "HOST:PORT" or "[HOST]:PORT". Writes what it really bound, the port it got
 * for port 0 included, to BOUND. Returns the descriptor, -1 after logging why a socket cannot be
 * had, or -2 after logging what is malformed in ADDRESS.
 */
int parts_listener_open(const char *address, char *bound, size_t size);

#endif
