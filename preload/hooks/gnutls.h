/* SPDX-License-Identifier: MIT */
/*
 * GnuTLS' functions, as far as they are interposed or asked: declared here, so that the build needs
 * none of its headers. All have had these types since GnuTLS 3.6 (gnutls_record_send_file: 3.7.4).
 * tests/unit/hooks/test_tls.c includes both this and GnuTLS' own header, so that a difference does
 * not compile.
 */
#ifndef SPY_HOOKS_GNUTLS_H
#define SPY_HOOKS_GNUTLS_H

#include <stddef.h>
#include <sys/types.h>

#define SPY_GNUTLS_SERVER          1u    /* GNUTLS_SERVER */
#define SPY_GNUTLS_AGAIN           (-28) /* GNUTLS_E_AGAIN */
#define SPY_GNUTLS_INVALID_REQUEST (-50) /* GNUTLS_E_INVALID_REQUEST */

typedef struct gnutls_session_int *gnutls_session_t;
typedef struct mbuffer_st *gnutls_packet_t;
struct gnutls_range_st;

#ifndef GNUTLS_GNUTLS_H /* an anonymous struct: it cannot be declared twice */
typedef struct {
    unsigned char *data;
    unsigned int size;
} gnutls_datum_t;
typedef struct gnutls_range_st gnutls_range_st;
#endif

int gnutls_init(gnutls_session_t *session, unsigned flags);
void gnutls_deinit(gnutls_session_t session);
ssize_t gnutls_record_recv(gnutls_session_t session, void *data, size_t n);
ssize_t gnutls_record_recv_seq(gnutls_session_t session, void *data, size_t n,
                               unsigned char *sequence);
ssize_t gnutls_record_recv_packet(gnutls_session_t session, gnutls_packet_t *packet);
ssize_t gnutls_record_recv_early_data(gnutls_session_t session, void *data, size_t n);
ssize_t gnutls_record_send(gnutls_session_t session, const void *data, size_t n);
ssize_t gnutls_record_send2(gnutls_session_t session, const void *data, size_t n, size_t pad,
                            unsigned flags);
ssize_t gnutls_record_send_range(gnutls_session_t session, const void *data, size_t n,
                                 const gnutls_range_st *range);
ssize_t gnutls_record_send_file(gnutls_session_t session, int fd, off_t *offset, size_t n);

/* Asked only. */
void gnutls_packet_get(gnutls_packet_t packet, gnutls_datum_t *data, unsigned char *sequence);

#endif
