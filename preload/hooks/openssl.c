/* SPDX-License-Identifier: MIT */
/*
 * Wrappers of OpenSSL's calls that move plain text. Each makes the real call of the right copy of
 * libssl and hands over what it saw. Where there is no libssl to call at all it fails, without an
 * error in OpenSSL's queue.
 */
#include "hooks/openssl.h"

#include "hooks/hooks.h"
#include "observe/tls.h"

enum {
#define LIBC(name)
#define LIBPQ(name)
#define OPENSSL(name) AT_##name,
#define GNUTLS(name)
#include "hooks/hooks.def"
    AT_SSL_is_server,
    AT_SSL_get_fd,
    AT_SSL_want,
};
#undef OPENSSL

static const char *const names[] = {
#define OPENSSL(name) #name,
#include "hooks/hooks.def"
    "SSL_is_server",
    "SSL_get_fd",
    "SSL_want",
};
#undef LIBC
#undef LIBPQ
#undef OPENSSL
#undef GNUTLS
#define NAMES (sizeof(names) / sizeof(names[0]))
static void *room[NAMES];

/* The original of NAME in COPY; NULL where that copy is too old for it. */
#define REAL(copy, name) ((__typeof__(&name))(copy)->function[AT_##name])

/* A call of NAME on SSL can be made. */
#define CAN(copy, name) ((copy) != NULL && REAL(copy, name) != NULL)

static bool is_server(const struct spy_copy *copy, const void *session)
{
    return CAN(copy, SSL_is_server) && REAL(copy, SSL_is_server)(session) == 1;
}

static int descriptor(const struct spy_copy *copy, const void *session)
{
    return CAN(copy, SSL_get_fd) ? REAL(copy, SSL_get_fd)(session) : -1;
}

static struct spy_tls_library openssl = {
    .library = {.file = "libssl", .names = names, .count = NAMES, .room = room},
    .is_server = is_server,
    .descriptor = descriptor,
};

/* A write that took nothing: 0 because the connection was full, -1 for another reason. */
static ssize_t why_none(const struct spy_copy *copy, const SSL *ssl)
{
    return CAN(copy, SSL_want) && REAL(copy, SSL_want)(ssl) == SPY_SSL_WRITING ? 0 : -1;
}

/* Begins a CALL that goes IN or OUT. */
#define BEGIN(call, way, session) spy_tls_begin_##way(call, &openssl, session, SPY_CALLER())

/* ---- sessions ---------------------------------------------------------------------------------
 */

SPY_EXPORT SSL *SSL_new(SSL_CTX *ctx)
{
    const struct spy_copy *copy = spy_tls_making(&openssl, SPY_CALLER());
    if (!CAN(copy, SSL_new))
        return NULL;
    SSL *ssl = REAL(copy, SSL_new)(ctx);
    spy_tls_made(copy, ssl);
    return ssl;
}

SPY_EXPORT int SSL_clear(SSL *ssl)
{
    const struct spy_copy *copy = spy_tls_cleared(&openssl, ssl, SPY_CALLER());
    return CAN(copy, SSL_clear) ? REAL(copy, SSL_clear)(ssl) : 0;
}

SPY_EXPORT void SSL_free(SSL *ssl)
{
    const struct spy_copy *copy = spy_tls_freed(&openssl, ssl, SPY_CALLER());
    if (CAN(copy, SSL_free))
        REAL(copy, SSL_free)(ssl);
}

/* ---- reading ----------------------------------------------------------------------------------
 */

SPY_EXPORT int SSL_read(SSL *ssl, void *buffer, int n)
{
    struct spy_tls call;
    const struct spy_copy *copy = BEGIN(&call, in, ssl);
    int got = CAN(copy, SSL_read) ? REAL(copy, SSL_read)(ssl, buffer, n) : -1;
    spy_tls_in(&call, buffer, got);
    return got;
}

SPY_EXPORT int SSL_read_ex(SSL *ssl, void *buffer, size_t n, size_t *got)
{
    struct spy_tls call;
    const struct spy_copy *copy = BEGIN(&call, in, ssl);
    int result = CAN(copy, SSL_read_ex) ? REAL(copy, SSL_read_ex)(ssl, buffer, n, got) : 0;
    spy_tls_in(&call, buffer, result == 1 ? (ssize_t)*got : 0);
    return result;
}

/* Of its results only "error", 0, does not come with a length. */
SPY_EXPORT int SSL_read_early_data(SSL *ssl, void *buffer, size_t n, size_t *got)
{
    struct spy_tls call;
    const struct spy_copy *copy = BEGIN(&call, in, ssl);
    int result =
        CAN(copy, SSL_read_early_data) ? REAL(copy, SSL_read_early_data)(ssl, buffer, n, got) : 0;
    spy_tls_in(&call, buffer, result != 0 ? (ssize_t)*got : 0);
    return result;
}

/* ---- writing ----------------------------------------------------------------------------------
 */

SPY_EXPORT int SSL_write(SSL *ssl, const void *buffer, int n)
{
    struct spy_tls call;
    const struct spy_copy *copy = BEGIN(&call, out, ssl);
    int sent = CAN(copy, SSL_write) ? REAL(copy, SSL_write)(ssl, buffer, n) : -1;
    spy_tls_out(&call, buffer, n > 0 ? (size_t)n : 0, sent > 0 ? sent : why_none(copy, ssl));
    return sent;
}

/* What SSL_write_ex and SSL_write_early_data say alike. */
static int written(struct spy_tls *call, const SSL *ssl, const void *buffer, size_t n, int result,
                   const size_t *sent)
{
    spy_tls_out(call, buffer, n, result == 1 ? (ssize_t)*sent : why_none(call->copy, ssl));
    return result;
}

SPY_EXPORT int SSL_write_ex(SSL *ssl, const void *buffer, size_t n, size_t *sent)
{
    struct spy_tls call;
    const struct spy_copy *copy = BEGIN(&call, out, ssl);
    int result = CAN(copy, SSL_write_ex) ? REAL(copy, SSL_write_ex)(ssl, buffer, n, sent) : 0;
    return written(&call, ssl, buffer, n, result, sent);
}

SPY_EXPORT int SSL_write_early_data(SSL *ssl, const void *buffer, size_t n, size_t *sent)
{
    struct spy_tls call;
    const struct spy_copy *copy = BEGIN(&call, out, ssl);
    int result = CAN(copy, SSL_write_early_data)
                     ? REAL(copy, SSL_write_early_data)(ssl, buffer, n, sent)
                     : 0;
    return written(&call, ssl, buffer, n, result, sent);
}

SPY_EXPORT ssize_t SSL_sendfile(SSL *ssl, int fd, off_t offset, size_t n, int flags)
{
    struct spy_tls call;
    const struct spy_copy *copy = BEGIN(&call, out, ssl);
    ssize_t sent =
        CAN(copy, SSL_sendfile) ? REAL(copy, SSL_sendfile)(ssl, fd, offset, n, flags) : -1;
    spy_tls_out(&call, NULL, n, sent > 0 ? sent : why_none(copy, ssl));
    return sent;
}
