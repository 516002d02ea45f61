/* SPDX-License-Identifier: MIT */
/*
 * Slots for the originals of interposed functions, generated from hooks.def.
 */
#ifndef SPY_HOOKS_HOOKS_H
#define SPY_HOOKS_HOOKS_H

#include "runtime/libpq.h"

#include <stddef.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* What libc exports and declares only under _FORTIFY_SOURCE. */
ssize_t __read_chk(int fd, void *buffer, size_t n, size_t room);
ssize_t __recv_chk(int fd, void *buffer, size_t n, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *buffer, size_t n, size_t room, int flags,
                       struct sockaddr *address, socklen_t *address_len);

/* libc's originals: one typed slot each, its type taken from libc's own prototype. */
struct spy_libc {
#define LIBC(name) __typeof__(&name) name;
#define LIBPQ(name)
#include "hooks/hooks.def"
#undef LIBC
#undef LIBPQ
};
extern struct spy_libc spy_libc;

/* Places of libpq's originals in struct spy_libpq, hook[]. */
enum spy_pq_hook {
#define LIBC(name)
#define LIBPQ(name) SPY_PQ_##name,
#include "hooks/hooks.def"
#undef LIBC
#undef LIBPQ
    SPY_PQ_COUNT
};

/* Resolves libc's originals. The constructor calls it; a
 * wrapper does where it is reached before. */
void spy_hooks_init(void);

#define SPY_EXPORT __attribute__((visibility("default")))

/* The original of libc function NAME; never NULL. */
#define SPY_LIBC(name) \
    (__builtin_expect(spy_libc.name == NULL, 0) ? (spy_hooks_init(), spy_libc.name) : spy_libc.name)

/* The original of libpq function NAME in the copy PQ. */
#define SPY_REAL(pq, name) ((__typeof__(&name))(pq)->hook[SPY_PQ_##name])

/* Where the wrapper was called from, and the wrapper's place on the stack. */
#define SPY_CALLER() __builtin_return_address(0)

#endif
