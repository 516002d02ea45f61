/* SPDX-License-Identifier: MIT */
/*
 * The socket: answers tools' commands (protocol: shared/paths.h). Runs in the helper thread only;
 * never blocks, so that a slow or silent client costs the program nothing. Peers other than the
 * same user and root are told that they are refused.
 */
#ifndef SPY_PUBLISH_SERVER_H
#define SPY_PUBLISH_SERVER_H

#include "publish/regionfile.h"

#include <poll.h>

/* Clients served at one time; more wait in the socket's backlog. */
#define SPY_CLIENTS 8
#define SPY_BACKLOG 64

/* How a region tells that; behind what it says of the socket. */
#define SPY_NO_HELPER "no helper thread: "

/* A client that has not been served after this long is closed. */
#define SPY_CLIENT_DEADLINE_NS 5000000000ull

/* Opens the socket beside the region; where there is no directory, or its path is too long, in the
 * abstract namespace. Called in the program's thread. False, with region->problem set, where no
 * socket can be had. */
bool spy_server_open(struct spy_publication *publication);

/* Fills FDS (SPY_CLIENTS + 2 entries) with what to wait for; returns how many. */
unsigned spy_server_prepare(struct pollfd *fds);

/* Serves what FDS says is ready, and closes clients past their deadline. */
void spy_server_serve(const struct spy_publication *publication, const struct pollfd *fds,
                      unsigned count, uint64_t now_ns);

/* A command was the last (publish/control.h), and all clients are gone. */
bool spy_server_ended(void);

/* Is any client connected? Is any being sent an answer? */
bool spy_server_busy(void);
bool spy_server_answering(void);

/* Somebody waits to be let in, but the program has used up all descriptors: to be tried again in a
 * while, not to be waited for. */
bool spy_server_deaf(void);

/* Wakes who waits for what spy_server_prepare() says, by connecting to the socket; is there one? In
 * the program's thread. */
void spy_server_wake(void);
bool spy_server_wakes(void);

/* Closes all descriptors and forgets the clients: in a fork's child, and at the helper's end. */
void spy_server_reset(void);

#endif
