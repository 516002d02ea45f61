/* SPDX-License-Identifier: MIT */
/*
 * Slots for the originals of interposed functions, generated from hooks.def.
 */
#ifndef SPY_HOOKS_HOOKS_H
#define SPY_HOOKS_HOOKS_H

#include "runtime/libpq.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
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

/* Second names that libc exports and few programs use. */
ssize_t __read(int fd, void *buffer, size_t n);
ssize_t __write(int fd, const void *buffer, size_t n);
ssize_t __send(int fd, const void *buffer, size_t n, int flags);
int __connect(int fd, const struct sockaddr *address, socklen_t address_len);
int __close(int fd);
int __dup2(int from, int to);
int __fcntl(int fd, int command, ...);

/* What libpq 17 exports and the headers of older ones do not declare. */
typedef struct pg_cancel_conn PGcancelConn;
PGresult *PQclosePrepared(PGconn *conn, const char *name);
PGresult *PQclosePortal(PGconn *conn, const char *name);
PGresult *PQchangePassword(PGconn *conn, const char *user, const char *password);
int PQsendClosePrepared(PGconn *conn, const char *name);
int PQsendClosePortal(PGconn *conn, const char *name);
int PQsendPipelineSync(PGconn *conn);
PGcancelConn *PQcancelCreate(PGconn *conn);
int PQcancelBlocking(PGcancelConn *cancel);
int PQcancelStart(PGcancelConn *cancel);
PostgresPollingStatusType PQcancelPoll(PGcancelConn *cancel);
void PQcancelFinish(PGcancelConn *cancel);

/* libc's originals: one typed slot each, its type taken from libc's own prototype. */
struct spy_libc {
#define LIBC(name) __typeof__(&name) name;
#define LIBPQ(name)
#define OPENSSL(name)
#define GNUTLS(name)
#include "hooks/hooks.def"
#undef LIBC
#undef LIBPQ
#undef OPENSSL
#undef GNUTLS
};
extern struct spy_libc spy_libc;

/* Places of libpq's originals in struct spy_libpq, hook[]. */
enum spy_pq_hook {
#define LIBC(name)
#define LIBPQ(name) SPY_PQ_##name,
#define OPENSSL(name)
#define GNUTLS(name)
#include "hooks/hooks.def"
#undef LIBC
#undef LIBPQ
#undef OPENSSL
#undef GNUTLS
    SPY_PQ_COUNT
};

/* Resolves libc's originals. The constructor calls it; a
 * wrapper does where it is reached before. */
void spy_hooks_init(void);

/* Is syscall(NUMBER, A...) a close() or close_range() by another name, which was done here or may
 * not be done? Then *RESULT is what it returns. Otherwise the call has to be made. */
bool spy_closed_by_syscall(long number, const long a[6], long *result);

#define SPY_EXPORT __attribute__((visibility("default")))

/* The original of libc function NAME; never NULL. */
#define SPY_LIBC(name) \
    (__builtin_expect(spy_libc.name == NULL, 0) ? (spy_hooks_init(), spy_libc.name) : spy_libc.name)

/* Jumps to the original of libc function NAME from a wrapper that has nothing else to do. The rest
 * of such a wrapper is a function of its own (SPY_REST), so that this saves no register. */
#define SPY_GO_ON(name, ...)                   \
    do {                                       \
        if (spy_libc.name != NULL)             \
            return spy_libc.name(__VA_ARGS__); \
    } while (0)
#define SPY_REST __attribute__((noinline)) static

/* The original of libpq function NAME in the copy PQ. NULL where the copy is too old for it: a
 * program cannot ask for it then, but by finding our wrapper, which answers as a failed call. */
#define SPY_REAL(pq, name) ((__typeof__(&name))(pq)->hook[SPY_PQ_##name])

/* The wrapper of libpq function NAME has nothing to do but to go on to the original. */
#define SPY_PASS(name, conn, ...)                                                             \
    do {                                                                                      \
        const struct spy_libpq *passes = spy_query_passes((conn), SPY_CALLER(), SPY_FRAME()); \
        if (passes != NULL && SPY_REAL(passes, name) != NULL)                                 \
            return SPY_REAL(passes, name)(__VA_ARGS__);                                       \
    } while (0)

/* Where the wrapper was called from, and the wrapper's place on the stack. */
#define SPY_CALLER() __builtin_return_address(0)

#endif
