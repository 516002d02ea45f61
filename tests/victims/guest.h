/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the guest share: connections over loopback with an exchange on them.
 */
#ifndef VICTIMS_GUEST_H
#define VICTIMS_GUEST_H

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static const char request[] = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";
static const char response[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

static inline void die(const char *what)
{
    perror(what);
    exit(1);
}

static inline int listener(struct sockaddr_in *address)
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

/* A server's and a client's end of one connection, accepted under our eyes. */
static inline void connection(int *server, int *client)
{
    struct sockaddr_in address;
    int listening = listener(&address);
    *client = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(*client, (struct sockaddr *)&address, sizeof(address)) != 0)
        die("connect");
    *server = accept(listening, NULL, NULL);
    if (*server < 0)
        die("accept");
    close(listening);
}

/* Until the other end's bytes, or its end, have come: on a busy machine even over loopback that may
 * be after the call that sent them has returned. EVENTS as poll() has them; 0: until all is over.
 */
static inline void await(int fd, short events)
{
    struct pollfd event = {.fd = fd, .events = events};
    if (poll(&event, 1, 60000) != 1)
        die("poll");
}

static inline void answer(int server)
{
    char buffer[200];
    await(server, POLLIN);
    if (recv(server, buffer, sizeof(buffer), 0) <= 0 ||
        send(server, response, sizeof(response) - 1, 0) != sizeof(response) - 1)
        die("answer");
}

static inline void exchange(int server, int client)
{
    if (send(client, request, sizeof(request) - 1, 0) < 0)
        die("send");
    answer(server);
}

/* Says "ready", and waits so that the test can look at the living process. */
static inline void wait_for_test(void)
{
    char byte;
    printf("ready\n");
    fflush(stdout);
    while (read(0, &byte, 1) > 0)
        ;
}

/* Cases of guest_descriptors.c. */
void case_errno(void);
void case_odd(void);
void case_trunc(void);
void case_lowest(void);
void case_closeall(void);
void case_dupover(void);
void case_dupkeep(void);
void case_rawclose(void);
void case_fsize(void);

#endif
