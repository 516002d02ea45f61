/* SPDX-License-Identifier: MIT */
/*
 * A brake on guessing: each client address may fail CTL_THROTTLE_BURST times at once and then once
 * in CTL_THROTTLE_STEP_NS. A client that has used that up is refused before its token is looked
 * at, so that a guess is worth nothing; it gets the next chance a step later, so that a neighbour
 * at the same address is locked out no longer than the guessing lasts.
 *
 * The table is fixed. A new address takes the place of the one that failed longest ago: who can
 * come from many addresses gains a burst with each.
 */
#ifndef CTL_THROTTLE_H
#define CTL_THROTTLE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define CTL_THROTTLE_BURST   10u
#define CTL_THROTTLE_STEP_NS 1000000000ull
#define CTL_THROTTLE_CLIENTS 256u

struct ctl_throttle_client {
    uint8_t key[9];    /* family; then an IPv4 address, or the network half of an IPv6 one */
    uint64_t spent_ns; /* when all failures will be forgiven, CLOCK_MONOTONIC; 0: a free place */
};

/* All zero is empty. */
struct ctl_throttle {
    struct ctl_throttle_client client[CTL_THROTTLE_CLIENTS];
};

/* Nanoseconds until CLIENT may try again; 0: it may. CLIENT may be NULL: nobody in particular. */
uint64_t ctl_throttle_wait_ns(const struct ctl_throttle *throttle, const struct sockaddr *client,
                              uint64_t now_ns);

/* CLIENT failed. */
void ctl_throttle_fail(struct ctl_throttle *throttle, const struct sockaddr *client,
                       uint64_t now_ns);

#endif
