/* SPDX-License-Identifier: MIT */
/*
 * OpenSSL's functions, as far as they are interposed or asked: declared here, so that the build
 * needs none of its headers. All have had these types since OpenSSL 1.1.1 (SSL_sendfile: 3.0), and
 * have them in LibreSSL and BoringSSL where those have them. tests/unit/hooks/test_tls.c
 * includes both this and OpenSSL's own header, so that a difference does not compile.
 */
#ifndef SPY_HOOKS_OPENSSL_H
#define SPY_HOOKS_OPENSSL_H

#include <stddef.h>
#include <sys/types.h>

#define SPY_SSL_WRITING 2 /* SSL_WRITING */

typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;

SSL *SSL_new(SSL_CTX *ctx);
int SSL_clear(SSL *ssl);
void SSL_free(SSL *ssl);
int SSL_read(SSL *ssl, void *buffer, int n);
int SSL_read_ex(SSL *ssl, void *buffer, size_t n, size_t *got);
int SSL_read_early_data(SSL *ssl, void *buffer, size_t n, size_t *got);
int SSL_write(SSL *ssl, const void *buffer, int n);
int SSL_write_ex(SSL *ssl, const void *buffer, size_t n, size_t *sent);
int SSL_write_early_data(SSL *ssl, const void *buffer, size_t n, size_t *sent);
ssize_t SSL_sendfile(SSL *ssl, int fd, off_t offset, size_t n, int flags);

/* Asked only. Pure reads of the session. */
int SSL_is_server(const SSL *ssl);
int SSL_get_fd(const SSL *ssl);
int SSL_want(const SSL *ssl);

#endif
