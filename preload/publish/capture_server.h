/* SPDX-License-Identifier: MIT */
/*
 * The socket's part of a capture (protocol: shared/capture.h): one client at a time, for as long as
 * it listens. It has its calls, its time is up, it closes the connection, it sends another word or
 * does not take what it is sent: then the capture ends, and what it kept is wiped.
 *
 * Helper thread only; never blocks.
 */
#ifndef SPY_PUBLISH_CAPTURE_SERVER_H
#define SPY_PUBLISH_CAPTURE_SERVER_H

#include "shared/region.h"

#include <poll.h>

/* While a capture is under way: how often to look for calls. The threads that make them wake
 * nobody. */
#define SPY_CAPTURE_LOOK_NS 50000000ull

/* Begins the capture that REQUEST, the command without its first word, asks for. On success the
 * client in own descriptor SLOT is the capture's, which closes it; returns NULL. Else what to tell
 * the client. */
const char *spy_capture_server_begin(const struct spy_region *region, int slot, const char *request,
                                     uint64_t now_ns);

/* Is a capture under way, or not wiped yet? */
bool spy_capture_server_busy(void);

/* Fills in FD; 0: there is nothing to wait for, else 1. */
unsigned spy_capture_server_prepare(struct pollfd *fd);

/* Sends what is there and ends what is over. */
void spy_capture_server_serve(uint64_t now_ns);

/* Ends the capture, if one is under way, and tells its client that it is for the cost of it. */
void spy_capture_server_stop(void);

/* Ends the capture: at the helper's end, and in a fork's child, whose it is not. */
void spy_capture_server_reset(void);

#endif
