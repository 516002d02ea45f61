/* SPDX-License-Identifier: MIT */
/*
 * A token bucket an address, kept as one time: when it will be full again. See throttle.h.
 */
#include "ctl/throttle.h"

#include <netinet/in.h>
#include <string.h>

#define FULL_NS (CTL_THROTTLE_BURST * CTL_THROTTLE_STEP_NS)

/* Whoever has one IPv6 address has all of its network, hence half of it. */
static void key_of(uint8_t key[9], const struct sockaddr *client)
{
    memset(key, 0, 9);
    if (client == NULL)
        return;
    key[0] = (uint8_t)client->sa_family;
    if (client->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, client, sizeof(in));
        memcpy(key + 1, &in.sin_addr, sizeof(in.sin_addr));
    } else if (client->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, client, sizeof(in6));
        memcpy(key + 1, &in6.sin6_addr, 8);
    }
}

static size_t find(const struct ctl_throttle *throttle, const struct sockaddr *client)
{
    uint8_t key[9];
    size_t i = 0;
    key_of(key, client);
    while (i < CTL_THROTTLE_CLIENTS && (throttle->client[i].spent_ns == 0 ||
                                        memcmp(throttle->client[i].key, key, sizeof(key)) != 0))
        i++;
    return i;
}

uint64_t ctl_throttle_wait_ns(const struct ctl_throttle *throttle, const struct sockaddr *client,
                              uint64_t now_ns)
{
    size_t i = find(throttle, client);
    if (i == CTL_THROTTLE_CLIENTS)
        return 0;
    /* The next failure costs one step more, and must not reach beyond a whole bucket. */
    uint64_t spent = throttle->client[i].spent_ns + CTL_THROTTLE_STEP_NS;
    return spent > now_ns + FULL_NS ? spent - now_ns - FULL_NS : 0;
}

void ctl_throttle_fail(struct ctl_throttle *throttle, const struct sockaddr *client,
                       uint64_t now_ns)
{
    size_t i = find(throttle, client);
    if (i == CTL_THROTTLE_CLIENTS) {
        i = 0;
        for (size_t k = 1; k < CTL_THROTTLE_CLIENTS; k++)
            if (throttle->client[k].spent_ns < throttle->client[i].spent_ns)
                i = k;
        key_of(throttle->client[i].key, client);
        throttle->client[i].spent_ns = 0;
    }
    struct ctl_throttle_client *c = &throttle->client[i];
    if (c->spent_ns < now_ns)
        c->spent_ns = now_ns;
    c->spent_ns += CTL_THROTTLE_STEP_NS;
}
