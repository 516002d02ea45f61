/* SPDX-License-Identifier: MIT */
/*
 * The connections of `serve` and their deadlines. libmicrohttpd ends a connection on which nothing
 * happens; one on which a byte now and then trickles it would keep for ever.
 */
#ifndef CTL_SERVE_CLIENTS_H
#define CTL_SERVE_CLIENTS_H

#include "ctl/serve.h"

/* For a connection's first exchange; and for a further one, which may begin with a pause. */
#define CTL_CLIENT_FIRST_NS 30000000000ull
#define CTL_CLIENT_NEXT_NS  90000000000ull

struct ctl_client {
    struct ctl_client *next;
    int fd;
    uint64_t deadline_ns; /* CLOCK_MONOTONIC */
};

/* All zero is none. */
struct ctl_clients {
    struct ctl_client *first;
};

/* A connection began. Owned by CLIENTS until it is removed. */
struct ctl_client *ctl_client_add(struct ctl_clients *clients, int fd);
void ctl_client_remove(struct ctl_clients *clients, struct ctl_client *client);

/* An exchange on CLIENT is over. */
void ctl_client_done(struct ctl_client *client);

/* Shuts down the sockets of those that are late; closing them is left to their owner. */
void ctl_clients_cut(struct ctl_clients *clients);

#endif
