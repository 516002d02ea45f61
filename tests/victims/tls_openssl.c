/* SPDX-License-Identifier: MIT */
/*
 * A TLS server and its client in one process, by OpenSSL and by every call of it that moves plain
 * text. Requests name what carries them, so that a watcher can be held against them.
 *
 * usage: tls_openssl KEY CERTIFICATE     says what each call returned; ends with standard input
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char response[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
#define RESPONSE ((int)sizeof(response) - 1)
#define LARGE    (4 << 20)

static SSL_CTX *server_ctx, *client_ctx;
static char room[65536];

/* A connection: both ends, and the server's descriptor where it has one. */
struct pair {
    SSL *server;
    SSL *client;
    int fd;
    int peer;
};

static void die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    ERR_print_errors_fp(stderr);
    exit(1);
}

static void shake_hands(struct pair *pair)
{
    int server = 0, client = 0;
    SSL_set_accept_state(pair->server);
    SSL_set_connect_state(pair->client);
    for (int i = 0; i < 100 && (server != 1 || client != 1); i++) {
        client = SSL_do_handshake(pair->client);
        server = SSL_do_handshake(pair->server);
    }
    if (server != 1 || client != 1)
        die("handshake");
}

static void on_sockets(struct pair *pair)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0)
        die("socketpair");
    pair->fd = ends[0];
    pair->peer = ends[1];
    if (SSL_set_fd(pair->server, ends[0]) != 1 || SSL_set_fd(pair->client, ends[1]) != 1)
        die("SSL_set_fd");
}

static struct pair connection(bool sockets)
{
    struct pair pair = {SSL_new(server_ctx), SSL_new(client_ctx), -1, -1};
    BIO *ours, *theirs;
    if (pair.server == NULL || pair.client == NULL)
        die("SSL_new");
    if (sockets) {
        on_sockets(&pair);
    } else {
        if (BIO_new_bio_pair(&ours, 0, &theirs, 0) != 1)
            die("BIO_new_bio_pair");
        SSL_set_bio(pair.server, ours, ours);
        SSL_set_bio(pair.client, theirs, theirs);
    }
    shake_hands(&pair);
    return pair;
}

static void end(struct pair *pair)
{
    SSL_free(pair->server);
    SSL_free(pair->client);
    if (pair->fd >= 0) {
        close(pair->fd);
        close(pair->peer);
    }
}

static void ask_at(struct pair *pair, const char *name)
{
    char text[200];
    int n = snprintf(text, sizeof(text), "GET /%s HTTP/1.1\r\nHost: h\r\n\r\n", name);
    if (SSL_write(pair->client, text, n) != n)
        die("ask");
}

static void show(struct pair *pair, const char *name)
{
    int got = SSL_read(pair->client, room, sizeof(room));
    printf("%s: %d %.*s\n", name, got, got > 0 ? 15 : 0, room);
}

/* ---- calls ----------------------------------------------------------------------------------- */

static int by_read(SSL *ssl)
{
    return SSL_read(ssl, room, sizeof(room));
}

static int by_read_ex(SSL *ssl)
{
    size_t got = 0;
    return SSL_read_ex(ssl, room, sizeof(room), &got) == 1 ? (int)got : -1;
}

/* With a look ahead at each. */
static int byte_by_byte(SSL *ssl)
{
    int n = 0;
    char next;
    while (SSL_peek(ssl, &next, 1) == 1)
        n += SSL_read(ssl, room + n, 1);
    return n;
}

static int by_write(SSL *ssl)
{
    return SSL_write(ssl, response, RESPONSE);
}

static int by_write_ex(SSL *ssl)
{
    size_t sent = 0;
    return SSL_write_ex(ssl, response, (size_t)RESPONSE, &sent) == 1 ? (int)sent : -1;
}

static void exchange(struct pair *pair, const char *name, int (*reader)(SSL *),
                     int (*writer)(SSL *))
{
    ask_at(pair, name);
    int got = reader(pair->server);
    int sent = writer(pair->server);
    printf("read %d, wrote %d, ", got, sent);
    show(pair, name);
}

/* ---- cases ----------------------------------------------------------------------------------- */

static void calls(void)
{
    struct pair pair = connection(true);
    exchange(&pair, "read", by_read, by_write);
    exchange(&pair, "read_ex", by_read_ex, by_write);
    exchange(&pair, "byte_by_byte", byte_by_byte, by_write);
    exchange(&pair, "write_ex", by_read, by_write_ex);
    printf("nothing there: %d\n", SSL_read(pair.server, room, sizeof(room)));
    end(&pair);
}

static void in_memory(void)
{
    struct pair pair = connection(false);
    exchange(&pair, "memory", by_read, by_write);
    exchange(&pair, "memory", by_read_ex, by_write_ex);
    ask_at(&pair, "memory_left");
    by_read(pair.server);
    end(&pair);
}

/* The same object serves two connections, one after the other. */
static void cleared(void)
{
    struct pair pair = connection(true);
    exchange(&pair, "cleared", by_read, by_write);
    ask_at(&pair, "cleared_left");
    by_read(pair.server);
    close(pair.fd);
    close(pair.peer);
    printf("clear %d %d\n", SSL_clear(pair.server), SSL_clear(pair.client));
    on_sockets(&pair);
    shake_hands(&pair);
    exchange(&pair, "cleared", by_read, by_write);
    end(&pair);
}

/* The descriptor goes; the session is never freed. */
static void closed(void)
{
    struct pair pair = connection(true);
    ask_at(&pair, "closed_left");
    by_read(pair.server);
    close(pair.fd);
    close(pair.peer);
}

static void speaks_first(void)
{
    struct pair pair = connection(true);
    SSL_write(pair.server, "220 ready\r\n", 11);
    show(&pair, "greeting");
    ask_at(&pair, "after_a_greeting");
    by_read(pair.server);
    by_write(pair.server);
    show(&pair, "after_a_greeting");
    end(&pair);
}

/* A client that is asked: whatever that is, it is no server. */
static void asked_client(void)
{
    struct pair pair = connection(true);
    struct pair swapped = {pair.client, pair.server, pair.peer, pair.fd};
    exchange(&swapped, "to_a_client", by_read, by_write);
    end(&pair);
}

/* A response that fills the socket, and a client that reads it a while later. */
static void slow(void)
{
    struct pair pair = connection(true);
    static char body[LARGE];
    size_t read_back = 0;
    ask_at(&pair, "slow");
    by_read(pair.server);
    memset(body, 'x', sizeof(body));
    int n = snprintf(body, 100, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", LARGE - 100);
    memset(body + n, 'x', 100);
    int total = n + LARGE - 100, sent = -1;
    bool slept = false;
    while (sent != total) {
        sent = SSL_write(pair.server, body, total);
        usleep(slept || sent == total ? 0 : 300000);
        slept = true;
        for (int got = 1; got > 0; read_back += got > 0 ? (size_t)got : 0)
            got = SSL_read(pair.client, room, sizeof(room));
    }
    for (int got = 1; got > 0; read_back += got > 0 ? (size_t)got : 0)
        got = SSL_read(pair.client, room, sizeof(room));
    printf("all of it arrived: %d\n", (int)read_back == total);
    end(&pair);
}

/* Needs the kernel's help, which there mostly is not. */
static void by_sendfile(void)
{
    struct pair pair = connection(true);
    int file = open("/proc/self/exe", O_RDONLY);
    printf("sendfile: %zd\n", SSL_sendfile(pair.server, file, 0, 10, 0));
    close(file);
    end(&pair);
}

static SSL_CTX *context(const SSL_METHOD *method)
{
    SSL_CTX *ctx = SSL_CTX_new(method);
    if (ctx == NULL)
        die("SSL_CTX_new");
    SSL_CTX_set_mode(ctx, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_num_tickets(ctx, 0);
    return ctx;
}

int main(int argc, char **argv)
{
    char byte;
    if (argc != 3) {
        fprintf(stderr, "usage: tls_openssl KEY CERTIFICATE\n");
        return 64;
    }
    signal(SIGPIPE, SIG_IGN);
    server_ctx = context(TLS_method());
    client_ctx = context(TLS_method());
    if (SSL_CTX_use_PrivateKey_file(server_ctx, argv[1], SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_use_certificate_file(server_ctx, argv[2], SSL_FILETYPE_PEM) != 1)
        die("certificate");
    calls();
    in_memory();
    cleared();
    closed();
    speaks_first();
    asked_client();
    slow();
    by_sendfile();
    printf("ready\n");
    fflush(stdout);
    while (read(0, &byte, 1) > 0)
        ;
    return 0;
}
