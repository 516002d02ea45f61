/* SPDX-License-Identifier: MIT */
/*
 * Deadlines of connections; see serve_clients.h. A list, as there are a hundred at most.
 */
#include "ctl/serve_clients.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

struct ctl_client *ctl_client_add(struct ctl_clients *clients, int fd)
{
    struct ctl_client *client = ctl_alloc(sizeof(*client));
    client->fd = fd;
    client->deadline_ns = ctl_clock_ns(CLOCK_MONOTONIC) + CTL_CLIENT_FIRST_NS;
    client->next = clients->first;
    clients->first = client;
    return client;
}

void ctl_client_remove(struct ctl_clients *clients, struct ctl_client *client)
{
    struct ctl_client **at = &clients->first;
    while (*at != NULL && *at != client)
        at = &(*at)->next;
    if (*at != NULL)
        *at = client->next;
    free(client);
}

void ctl_client_done(struct ctl_client *client)
{
    client->deadline_ns = ctl_clock_ns(CLOCK_MONOTONIC) + CTL_CLIENT_NEXT_NS;
}

void ctl_clients_cut(struct ctl_clients *clients)
{
    uint64_t now = ctl_clock_ns(CLOCK_MONOTONIC);
    for (struct ctl_client *c = clients->first; c != NULL; c = c->next)
        if (now >= c->deadline_ns)
            shutdown(c->fd, SHUT_RDWR);
}
