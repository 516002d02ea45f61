/* SPDX-License-Identifier: MIT */
/*
 * Wrappers of GnuTLS' calls that move plain text. Each makes the real call of the right copy of
 * libgnutls and hands over what it saw. Where there is no libgnutls to call at all it fails as
 * GnuTLS does in a wrong state.
 */
#include "hooks/gnutls.h"

#include "hooks/hooks.h"
#include "observe/tls.h"

enum {
#define LIBC(name)
#define LIBPQ(name)
#define OPENSSL(name)
#define GNUTLS(name) AT_##name,
#include "hooks/hooks.def"
    AT_gnutls_packet_get,
};
#undef GNUTLS

static const char *const names[] = {
#define GNUTLS(name) #name,
#include "hooks/hooks.def"
    "gnutls_packet_get",
};
#undef LIBC
#undef LIBPQ
#undef OPENSSL
#undef GNUTLS
#define NAMES (sizeof(names) / sizeof(names[0]))
static void *room[NAMES];

/* The original of NAME in COPY; NULL where that copy is too old for it. */
#define REAL(copy, name) ((__typeof__(&name))(copy)->function[AT_##name])
#define CAN(copy, name)  ((copy) != NULL && REAL(copy, name) != NULL)

/* Only gnutls_init() knows. One that was not seen is not guessed at. */
static bool is_server(const struct spy_copy *copy, const void *session)
{
    (void)copy;
    (void)session;
    return false;
}

/* Programs keep pointers of their own where a descriptor may be: it cannot be asked for. */
static int descriptor(const struct spy_copy *copy, const void *session)
{
    (void)copy;
    (void)session;
    return -1;
}

static struct spy_tls_library gnutls = {
    .library = {.file = "libgnutls", .names = names, .count = NAMES, .room = room},
    .is_server = is_server,
    .descriptor = descriptor,
};

/* Begins a CALL that goes IN or OUT. */
#define BEGIN(call, way, session) spy_tls_begin_##way(call, &gnutls, session, SPY_CALLER())

/* ---- sessions ---------------------------------------------------------------------------------
 */

SPY_EXPORT int gnutls_init(gnutls_session_t *session, unsigned flags)
{
    const struct spy_copy *copy = spy_tls_making(&gnutls, SPY_CALLER());
    if (!CAN(copy, gnutls_init))
        return SPY_GNUTLS_INVALID_REQUEST;
    int result = REAL(copy, gnutls_init)(session, flags);
    if (result == 0) {
        spy_tls_made(copy, *session);
        spy_tls_side(*session, (flags & SPY_GNUTLS_SERVER) != 0);
    }
    return result;
}

SPY_EXPORT void gnutls_deinit(gnutls_session_t session)
{
    const struct spy_copy *copy = spy_tls_freed(&gnutls, session, SPY_CALLER());
    if (CAN(copy, gnutls_deinit))
        REAL(copy, gnutls_deinit)(session);
}

/* ---- reading ----------------------------------------------------------------------------------
 */

SPY_EXPORT ssize_t gnutls_record_recv(gnutls_session_t session, void *data, size_t n)
{
    struct spy_tls call;
    const struct spy_copy *copy = BEGIN(&call, in, session);
    ssize_t got = CAN(copy, gnutls_record_recv) ? REAL(copy, gnutls_record_recv)(session, data, n)
                                                : SPY_GNUTLS_INVALID_REQUEST;
    spy_tls_in(&call, data, got);
    return got;
}

SPY_EXPORT ssize_t gnutls_record_recv_seq(gnutls_session_t session, void *data, size_t n,
                                          unsigned char *sequence)
{
    struct spy_tls call;
    const struct spy_copy *copy = BEGIN(&call, in, session);
    ssize_t got = CAN(copy, gnutls_record_recv_seq)
                      ? REAL(copy, gnutls_record_recv_seq)(session, data, n, sequence)
                      : SPY_GNUTLS_INVALID_REQUEST;
    spy_tls_in(&call, data, got);
    return got;
}

SPY_EXPORT ssize_t gnutls_record_recv_early_data(gnutls_session_t session, void *data, size_t n)
{
    struct spy_tls call;
    const struct spy_copy *copy = BEGIN(&call, in, session);
    ssize_t got = CAN(copy, gnutls_record_recv_early_data)
                      ? REAL(copy, gnutls_record_recv_early_data)(session, data, n)
                      : SPY_GNUTLS_INVALID_REQUEST;
    spy_tls_in(&call, data, got);
    return got;
}

/* The bytes stay in GnuTLS' own buffer, which the packet stands for. */
SPY_EXPORT ssize_t gnutls_record_recv_packet(gnutls_session_t session, gnutls_packet_t *packet)
{
    struct spy_tls call;
    gnutls_datum_t datum = {NULL, 0};
    const struct spy_copy *copy = BEGIN(&call, in, session);
    ssize_t got = CAN(copy, gnutls_record_recv_packet)
                      ? REAL(copy, gnutls_record_recv_packet)(session, packet)
                      : SPY_GNUTLS_INVALID_REQUEST;
    if (got > 0 && CAN(copy, gnutls_packet_get))
        REAL(copy, gnutls_packet_get)(*packet, &datum, NULL);
    spy_tls_in(&call, datum.data, datum.data != NULL ? (ssize_t)datum.size : got);
    return got;
}

/* ---- writing ----------------------------------------------------------------------------------
 */

/* A write that took SENT bytes or failed with that code. One that goes on where an earlier one was
 * blocked may be asked for without the bytes, which GnuTLS has kept. */
static ssize_t sent_by(struct spy_tls *call, const void *data, size_t n, ssize_t sent)
{
    if (data == NULL && sent > 0)
        n = (size_t)sent;
    spy_tls_out(call, data, n, sent == SPY_GNUTLS_AGAIN ? 0 : sent);
    return sent;
}

SPY_EXPORT ssize_t gnutls_record_send(gnutls_session_t session, const void *data, size_t n)
{
    struct spy_tls call;
    const struct spy_copy *copy = BEGIN(&call, out, session);
    ssize_t sent = CAN(copy, gnutls_record_send) ? REAL(copy, gnutls_record_send)(session, data, n)
                                                 : SPY_GNUTLS_INVALID_REQUEST;
    return sent_by(&call, data, n, sent);
}

SPY_EXPORT ssize_t gnutls_record_send2(gnutls_session_t session, const void *data, size_t n,
                                       size_t pad, unsigned flags)
{
    struct spy_tls call;
    const struct spy_copy *copy = BEGIN(&call, out, session);
    ssize_t sent = CAN(copy, gnutls_record_send2)
                       ? REAL(copy, gnutls_record_send2)(session, data, n, pad, flags)
                       : SPY_GNUTLS_INVALID_REQUEST;
    return sent_by(&call, data, n, sent);
}

SPY_EXPORT ssize_t gnutls_record_send_range(gnutls_session_t session, const void *data, size_t n,
                                            const gnutls_range_st *range)
{
    struct spy_tls call;
    const struct spy_copy *copy = BEGIN(&call, out, session);
    ssize_t sent = CAN(copy, gnutls_record_send_range)
                       ? REAL(copy, gnutls_record_send_range)(session, data, n, range)
                       : SPY_GNUTLS_INVALID_REQUEST;
    return sent_by(&call, data, n, sent);
}

SPY_EXPORT ssize_t gnutls_record_send_file(gnutls_session_t session, int fd, off_t *offset,
                                           size_t n)
{
    struct spy_tls call;
    const struct spy_copy *copy = BEGIN(&call, out, session);
    ssize_t sent = CAN(copy, gnutls_record_send_file)
                       ? REAL(copy, gnutls_record_send_file)(session, fd, offset, n)
                       : SPY_GNUTLS_INVALID_REQUEST;
    return sent_by(&call, NULL, n, sent);
}
