/* SPDX-License-Identifier: MIT */
/*
 * What the socket victim is made of: connections, and every call that moves bytes on one. Included
 * by sockets.c alone.
 */
#ifndef VICTIMS_SOCKETS_CALLS_H
#define VICTIMS_SOCKETS_CALLS_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* Exported by libc, declared nowhere or under _FORTIFY_SOURCE only. */
ssize_t __read(int fd, void *buffer, size_t n);
ssize_t __write(int fd, const void *buffer, size_t n);
ssize_t __send(int fd, const void *buffer, size_t n, int flags);
ssize_t __read_chk(int fd, void *buffer, size_t n, size_t room);
ssize_t __recv_chk(int fd, void *buffer, size_t n, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *buffer, size_t n, size_t room, int flags,
                       struct sockaddr *address, socklen_t *address_len);
int __close(int fd);
int __connect(int fd, const struct sockaddr *address, socklen_t address_len);
int __dup2(int from, int to);
int __fcntl(int fd, int command, ...);

static const char response[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
#define RESPONSE (sizeof(response) - 1)

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int client_of(struct sockaddr_in *address)
{
    int client = socket(AF_INET, SOCK_STREAM, 0);
    if (client < 0 || connect(client, (struct sockaddr *)address, sizeof(*address)) != 0)
        die("connect");
    return client;
}

static int listener(struct sockaddr_in *address)
{
    socklen_t len = sizeof(*address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    *address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0 || bind(fd, (struct sockaddr *)address, len) != 0 || listen(fd, 8) != 0 ||
        getsockname(fd, (struct sockaddr *)address, &len) != 0)
        die("listen");
    return fd;
}

/* A server's and a client's end of one connection; UNSEEN: accepted by a raw system call. */
static void connection(int *server, int *client, bool unseen)
{
    struct sockaddr_in address;
    int listening = listener(&address);
    *client = client_of(&address);
    *server = unseen ? (int)syscall(SYS_accept4, listening, NULL, NULL, 0)
                     : accept4(listening, NULL, NULL, 0);
    if (*server < 0)
        die("accept");
    close(listening);
}

static void ask_at(int client, const char *name)
{
    char text[200];
    int n = snprintf(text, sizeof(text), "GET /%s HTTP/1.1\r\nHost: h\r\n\r\n", name);
    if (write(client, text, (size_t)n) != n)
        die("ask");
}

/* What came to the client: the number of bytes, once N are there. */
static void show(const char *name, int client, size_t n)
{
    char text[1000];
    ssize_t got = recv(client, text, n, MSG_WAITALL);
    printf("%s: %zd %.*s\n", name, got, got > 0 ? 15 : 0, text);
    fflush(stdout);
}

static void wait_for_test(void)
{
    char byte;
    printf("ready\n");
    fflush(stdout);
    while (read(0, &byte, 1) > 0)
        ;
}

/* ---- calls that read ------------------------------------------------------------------------- */

static char room[4096];

static ssize_t by_read(int fd)
{
    return read(fd, room, sizeof(room));
}

static ssize_t by_read_alias(int fd)
{
    return __read(fd, room, sizeof(room));
}

static ssize_t by_read_chk(int fd)
{
    return __read_chk(fd, room, sizeof(room), sizeof(room));
}

static ssize_t by_readv(int fd)
{
    struct iovec iov[3] = {{room, 3}, {NULL, 0}, {room + 3, sizeof(room) - 3}};
    return readv(fd, iov, 3);
}

static ssize_t by_recv(int fd)
{
    return recv(fd, room, sizeof(room), 0);
}

static ssize_t by_recv_chk(int fd)
{
    return __recv_chk(fd, room, sizeof(room), sizeof(room), 0);
}

static ssize_t by_recvfrom(int fd)
{
    return recvfrom(fd, room, sizeof(room), 0, NULL, NULL);
}

static ssize_t by_recvfrom_chk(int fd)
{
    return __recvfrom_chk(fd, room, sizeof(room), sizeof(room), 0, NULL, NULL);
}

static ssize_t by_recvmsg(int fd)
{
    struct iovec iov[2] = {{room, 1}, {room + 1, sizeof(room) - 1}};
    struct msghdr message = {.msg_iov = iov, .msg_iovlen = 2};
    return recvmsg(fd, &message, 0);
}

/* Two messages: a stream gives its bytes to the first, and the second waits for none. */
static ssize_t by_recvmmsg(int fd)
{
    struct iovec iov[2] = {{room, 7}, {room + 7, sizeof(room) - 7}};
    struct mmsghdr messages[2] = {{.msg_hdr = {.msg_iov = &iov[0], .msg_iovlen = 1}},
                                  {.msg_hdr = {.msg_iov = &iov[1], .msg_iovlen = 1}}};
    if (recvmmsg(fd, messages, 2, MSG_WAITFORONE, NULL) != 2)
        die("recvmmsg");
    return (ssize_t)messages[0].msg_len + (ssize_t)messages[1].msg_len;
}

/* Looks three times before it takes. */
static ssize_t by_peeking(int fd)
{
    struct iovec iov = {room, sizeof(room)};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    recv(fd, room, sizeof(room), MSG_PEEK);
    recvfrom(fd, room, 3, MSG_PEEK | MSG_TRUNC, NULL, NULL);
    recvmsg(fd, &message, MSG_PEEK);
    return recv(fd, room, sizeof(room), 0);
}

static ssize_t byte_by_byte(int fd)
{
    ssize_t n = 0;
    while (n < 4 || memcmp(room + n - 4, "\r\n\r\n", 4) != 0)
        n += read(fd, room + n, 1);
    return n;
}

/* Asks before anything has come, too. */
static ssize_t not_blocking(int fd)
{
    char more[10];
    fcntl(fd, F_SETFL, O_NONBLOCK);
    ssize_t n = recv(fd, room, 20, 0);
    while (recv(fd, more, sizeof(more), 0) > 0)
        n++;
    int why = errno;
    fcntl(fd, F_SETFL, 0);
    errno = why;
    return n;
}

/* A first buffer with room for a request line. */
static ssize_t by_readv_wide(int fd)
{
    struct iovec iov[3] = {{NULL, 0}, {room, 64}, {room + 64, sizeof(room) - 64}};
    return readv(fd, iov, 3);
}

static ssize_t by_recvmsg_wide(int fd)
{
    struct iovec iov = {room, sizeof(room)};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    return recvmsg(fd, &message, 0);
}

/* ---- calls that write ------------------------------------------------------------------------ */

static ssize_t by_write(int fd)
{
    return write(fd, response, RESPONSE);
}

static ssize_t by_write_alias(int fd)
{
    return __write(fd, response, RESPONSE);
}

static struct iovec *in_pieces(void)
{
    static struct iovec iov[3];
    iov[0] = (struct iovec){(void *)(uintptr_t)response, 9};
    iov[1] = (struct iovec){NULL, 0};
    iov[2] = (struct iovec){(void *)(uintptr_t)(response + 9), RESPONSE - 9};
    return iov;
}

static ssize_t by_writev(int fd)
{
    return writev(fd, in_pieces(), 3);
}

static ssize_t by_send(int fd)
{
    return send(fd, response, RESPONSE, MSG_NOSIGNAL);
}

static ssize_t by_send_alias(int fd)
{
    return __send(fd, response, RESPONSE, 0);
}

static ssize_t by_sendto(int fd)
{
    return sendto(fd, response, RESPONSE, 0, NULL, 0);
}

static ssize_t by_sendmsg(int fd)
{
    struct msghdr message = {.msg_iov = in_pieces(), .msg_iovlen = 3};
    return sendmsg(fd, &message, 0);
}

static ssize_t by_sendmmsg(int fd)
{
    struct iovec *iov = in_pieces();
    struct mmsghdr messages[2] = {{.msg_hdr = {.msg_iov = iov, .msg_iovlen = 2}},
                                  {.msg_hdr = {.msg_iov = iov + 2, .msg_iovlen = 1}}};
    if (sendmmsg(fd, messages, 2, 0) != 2)
        die("sendmmsg");
    return (ssize_t)messages[0].msg_len + (ssize_t)messages[1].msg_len;
}

/* A file with the body, and the head written before it. */
static int body_file(int fd)
{
    char path[] = "/tmp/sockets.XXXXXX";
    int file = mkstemp(path);
    if (file < 0 || write(file, "ok", 2) != 2 || lseek(file, 0, SEEK_SET) != 0)
        die("mkstemp");
    unlink(path);
    if (write(fd, response, RESPONSE - 2) != RESPONSE - 2)
        die("write");
    return file;
}

static ssize_t by_sendfile(int fd)
{
    int file = body_file(fd);
    ssize_t sent = sendfile(fd, file, NULL, 1000);
    close(file);
    return (ssize_t)RESPONSE - 2 + sent;
}

static ssize_t by_sendfile64(int fd)
{
    int file = body_file(fd);
    ssize_t sent = sendfile64(fd, file, NULL, 2);
    close(file);
    return (ssize_t)RESPONSE - 2 + sent;
}

static ssize_t by_splice(int fd)
{
    int ends[2], file = body_file(fd);
    if (pipe(ends) != 0 || splice(file, NULL, ends[1], NULL, 1000, 0) != 2)
        die("splice");
    ssize_t sent = splice(ends[0], NULL, fd, NULL, 1000, 0);
    close(file);
    close(ends[0]);
    close(ends[1]);
    return (ssize_t)RESPONSE - 2 + sent;
}

#endif
