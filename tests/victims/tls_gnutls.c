/* SPDX-License-Identifier: MIT */
/*
 * A TLS server and its client in one process, by GnuTLS and by every call of it that moves plain
 * text. Requests name what carries them, so that a watcher can be held against them.
 *
 * usage: tls_gnutls KEY CERTIFICATE     says what each call returned; ends with standard input
 */
#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char response[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
#define RESPONSE (sizeof(response) - 1)
#define LARGE    (4 << 20)

static gnutls_certificate_credentials_t server_cred, client_cred;
static char room[65536];

struct pair {
    gnutls_session_t server;
    gnutls_session_t client;
    int ends[2];
};

static void die(const char *what)
{
    fprintf(stderr, "%s failed: %s\n", what, strerror(errno));
    exit(1);
}

static gnutls_session_t session(unsigned flags, gnutls_certificate_credentials_t cred, int fd)
{
    gnutls_session_t session;
    if (gnutls_init(&session, flags | GNUTLS_NONBLOCK | GNUTLS_NO_TICKETS) != 0 ||
        gnutls_set_default_priority(session) != 0 ||
        gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, cred) != 0)
        die("gnutls_init");
    gnutls_transport_set_int(session, fd);
    gnutls_handshake_set_timeout(session, 0);
    return session;
}

static struct pair connection(void)
{
    struct pair pair;
    int server = -1, client = -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.ends) != 0)
        die("socketpair");
    pair.server = session(GNUTLS_SERVER, server_cred, pair.ends[0]);
    pair.client = session(GNUTLS_CLIENT, client_cred, pair.ends[1]);
    for (int i = 0; i < 100 && (server != 0 || client != 0); i++) {
        client = client != 0 ? gnutls_handshake(pair.client) : 0;
        server = server != 0 ? gnutls_handshake(pair.server) : 0;
    }
    if (server != 0 || client != 0)
        die("handshake");
    return pair;
}

static void end(struct pair *pair)
{
    gnutls_deinit(pair->server);
    gnutls_deinit(pair->client);
    close(pair->ends[0]);
    close(pair->ends[1]);
}

static void ask_at(struct pair *pair, const char *name)
{
    char text[200];
    int n = snprintf(text, sizeof(text), "GET /%s HTTP/1.1\r\nHost: h\r\n\r\n", name);
    if (gnutls_record_send(pair->client, text, (size_t)n) != n)
        die("ask");
}

/* What came to the client, in one record or in several. */
static void show(struct pair *pair, const char *name)
{
    ssize_t got, n = 0;
    while ((got = gnutls_record_recv(pair->client, room + n, sizeof(room) - (size_t)n)) > 0)
        n += got;
    printf("%s: %zd %.*s\n", name, n, n > 0 ? 15 : 0, room);
}

/* ---- calls ----------------------------------------------------------------------------------- */

static ssize_t by_recv(gnutls_session_t s)
{
    return gnutls_record_recv(s, room, sizeof(room));
}

static ssize_t by_recv_seq(gnutls_session_t s)
{
    unsigned char sequence[8];
    return gnutls_record_recv_seq(s, room, sizeof(room), sequence);
}

static ssize_t by_recv_packet(gnutls_session_t s)
{
    gnutls_packet_t packet;
    gnutls_datum_t data = {NULL, 0};
    ssize_t got = gnutls_record_recv_packet(s, &packet);
    if (got > 0) {
        gnutls_packet_get(packet, &data, NULL);
        printf("packet of %u, ", data.size);
        gnutls_packet_deinit(packet);
    }
    return got;
}

static ssize_t by_send(gnutls_session_t s)
{
    return gnutls_record_send(s, response, RESPONSE);
}

static ssize_t by_send2(gnutls_session_t s)
{
    return gnutls_record_send2(s, response, RESPONSE, 3, 0);
}

static ssize_t by_send_range(gnutls_session_t s)
{
    gnutls_range_st range = {.low = RESPONSE, .high = RESPONSE + 30};
    return gnutls_record_send_range(s, response, RESPONSE, &range);
}

static ssize_t by_send_file(gnutls_session_t s)
{
    char path[] = "/tmp/tls_gnutls.XXXXXX";
    int file = mkstemp(path);
    if (file < 0 || write(file, "ok", 2) != 2 || lseek(file, 0, SEEK_SET) != 0)
        die("mkstemp");
    unlink(path);
    ssize_t sent = gnutls_record_send(s, response, RESPONSE - 2);
    sent += gnutls_record_send_file(s, file, NULL, 2);
    close(file);
    return sent;
}

/* Kept back until all is there. */
static ssize_t corked(gnutls_session_t s)
{
    gnutls_record_cork(s);
    ssize_t sent = gnutls_record_send(s, response, 10);
    sent += gnutls_record_send(s, response + 10, RESPONSE - 10);
    gnutls_record_uncork(s, GNUTLS_RECORD_WAIT);
    return sent;
}

static void exchange(struct pair *pair, const char *name, ssize_t (*reader)(gnutls_session_t),
                     ssize_t (*writer)(gnutls_session_t))
{
    ask_at(pair, name);
    ssize_t got = reader(pair->server);
    ssize_t sent = writer(pair->server);
    printf("read %zd, wrote %zd, ", got, sent);
    show(pair, name);
}

/* ---- cases ----------------------------------------------------------------------------------- */

static void calls(void)
{
    struct pair pair = connection();
    exchange(&pair, "recv", by_recv, by_send);
    exchange(&pair, "recv_seq", by_recv_seq, by_send);
    exchange(&pair, "recv_packet", by_recv_packet, by_send);
    exchange(&pair, "send2", by_recv, by_send2);
    exchange(&pair, "send_range", by_recv, by_send_range);
    exchange(&pair, "send_file", by_recv, by_send_file);
    exchange(&pair, "corked", by_recv, corked);
    printf("nothing there: %zd\n", by_recv(pair.server));
    ask_at(&pair, "left");
    by_recv(pair.server);
    end(&pair);
}

static void asked_client(void)
{
    struct pair pair = connection();
    struct pair swapped = {pair.client, pair.server, {pair.ends[1], pair.ends[0]}};
    exchange(&swapped, "to_a_client", by_recv, by_send);
    end(&pair);
}

/* A response that fills the socket; a blocked write is taken up again without its bytes. */
static void slow(void)
{
    struct pair pair = connection();
    static char body[LARGE];
    size_t sent = 0, read_back = 0;
    ask_at(&pair, "slow");
    by_recv(pair.server);
    memset(body, 'x', sizeof(body));
    int n = snprintf(body, 100, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", LARGE - 100);
    memset(body + n, 'x', 100);
    size_t total = (size_t)n + LARGE - 100;
    bool slept = false, blocked = false;
    while (sent < total || read_back < total) {
        ssize_t now = 0;
        if (sent < total)
            now = gnutls_record_send(pair.server, blocked ? NULL : body + sent,
                                     blocked ? 0 : total - sent);
        blocked = now == GNUTLS_E_AGAIN;
        if (now > 0)
            sent += (size_t)now;
        if (now > 0 && sent < total)
            continue;
        usleep(slept ? 0 : 300000);
        slept = true;
        ssize_t got;
        while ((got = gnutls_record_recv(pair.client, room, sizeof(room))) > 0)
            read_back += (size_t)got;
    }
    printf("all of it arrived: %d\n", read_back == total);
    end(&pair);
}

int main(int argc, char **argv)
{
    char byte;
    if (argc != 3) {
        fprintf(stderr, "usage: tls_gnutls KEY CERTIFICATE\n");
        return 64;
    }
    if (gnutls_certificate_allocate_credentials(&server_cred) != 0 ||
        gnutls_certificate_allocate_credentials(&client_cred) != 0 ||
        gnutls_certificate_set_x509_key_file(server_cred, argv[2], argv[1], GNUTLS_X509_FMT_PEM) !=
            0)
        die("certificate");
    calls();
    asked_client();
    slow();
    printf("ready\n");
    fflush(stdout);
    while (read(0, &byte, 1) > 0)
        ;
    gnutls_certificate_free_credentials(server_cred);
    gnutls_certificate_free_credentials(client_cred);
    return 0;
}
