/* SPDX-License-Identifier: MIT */
/*
 * listener.c: the listening socket. Made here, not by the HTTP library, so that failures are
 * reported precisely and the port that the kernel chose is known.
 */
#include "listener.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"

#define BACKLOG 1024

/* Splits ADDRESS at the last colon and takes the brackets off an IPv6 host. */
static bool split(const char *address, char *host, size_t host_size, char *port, size_t port_size)
{
    const char *colon = strrchr(address, ':');
    if (colon == NULL) {
        return false;
    }
    size_t length = (size_t)(colon - address);
    const char *start = address;
    if (length >= 2 && address[0] == '[' && colon[-1] == ']') {
        start++;
        length -= 2;
    } else if (memchr(address, ':', length) != NULL) {
        return false; /* an IPv6 address without brackets is ambiguous */
    }
    if (length == 0 || length >= host_size || strlen(colon + 1) >= port_size) {
        return false;
    }
    memcpy(host, start, length);
    host[length] = '\0';
    strcpy(port, colon + 1);
    return port[0] != '\0' && port[strspn(port, "0123456789")] == '\0';
}

static int bind_one(const struct addrinfo *info)
{
    int fd = socket(info->ai_family, info->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                    info->ai_protocol);
    if (fd < 0) {
        return -1;
    }
    int on = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, info->ai_addr, info->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

static void describe(int fd, char *bound, size_t size)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    char host[NI_MAXHOST] = "?";
    char port[NI_MAXSERV] = "?";
    if (getsockname(fd, (struct sockaddr *)&address, &length) == 0) {
        getnameinfo((struct sockaddr *)&address, length, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV);
    }
    snprintf(bound, size, address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

int parts_listener_open(const char *address, char *bound, size_t size)
{
    char host[256];
    char port[6];
    if (!split(address, host, sizeof host, port, sizeof port)) {
        parts_log("--listen takes ADDR:PORT such as 127.0.0.1:8000 or [::1]:8000, not '%s'",
                  address);
        return -2;
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *list = NULL;
    int failed = getaddrinfo(host, port, &hints, &list);
    if (failed != 0) {
        parts_log("cannot listen on %s: %s", address, gai_strerror(failed));
        return -2;
    }
    int fd = -1;
    for (const struct addrinfo *info = list; info != NULL && fd < 0; info = info->ai_next) {
        fd = bind_one(info);
    }
    if (fd < 0) {
        parts_log("cannot listen on %s: %s", address, strerror(errno));
    } else {
        describe(fd, bound, size);
    }
    freeaddrinfo(list);
    return fd;
}
