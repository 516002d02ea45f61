/* SPDX-License-Identifier: MIT */
/*
 * The listening socket; see serve.h.
 */
#include "ctl/serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOST_BYTES 256u
#define BACKLOG    128

/* "HOST:PORT" or "[HOST]:PORT". */
static bool split(const char *address, char host[HOST_BYTES], const char **port)
{
    const char *colon = strrchr(address, ':');
    if (colon == NULL || colon == address)
        return false;
    const char *from = address;
    size_t len = (size_t)(colon - address);
    if (*from == '[' && len > 2 && from[len - 1] == ']') {
        from++;
        len -= 2;
    } else if (memchr(from, ':', len) != NULL) {
        return false; /* an IPv6 address without brackets: which colon is it? */
    }
    if (len >= HOST_BYTES)
        return false;
    memcpy(host, from, len);
    host[len] = '\0';
    *port = colon + 1;
    char *end;
    errno = 0;
    unsigned long number = strtoul(*port, &end, 10);
    return **port >= '0' && **port <= '9' && *end == '\0' && errno == 0 && number <= 65535;
}

static bool is_loopback(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 ==
               IN_LOOPBACKNET;
    return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

static bool describe(int fd, char bound[CTL_BOUND_BYTES], bool *loopback)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof(address);
    char host[INET6_ADDRSTRLEN], port[8];
    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0 ||
        getnameinfo((struct sockaddr *)&address, len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return false;
    bool v6 = address.ss_family == AF_INET6;
    snprintf(bound, CTL_BOUND_BYTES, "%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "", port);
    *loopback = is_loopback(&address);
    return true;
}

static int open_socket(const struct addrinfo *info)
{
    int on = 1;
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
        bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

int ctl_serve_listen(const char *address, char bound[CTL_BOUND_BYTES], bool *loopback, bool *usage,
                     FILE *err)
{
    char host[HOST_BYTES];
    const char *port;
    struct addrinfo *info;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    *usage = true;
    if (!split(address, host, &port)) {
        ctl_say(err, "--listen: \"%s\" is not HOST:PORT, such as 127.0.0.1:9187 or [::1]:9187",
                address);
        return -1;
    }
    int code = getaddrinfo(host, port, &hints, &info);
    if (code != 0) {
        ctl_say(err, "--listen: \"%s\": %s", host, gai_strerror(code));
        return -1;
    }
    *usage = false;
    int fd = open_socket(info);
    freeaddrinfo(info);
    if (fd >= 0 && describe(fd, bound, loopback))
        return fd;
    ctl_say(err, "cannot listen on %s: %s", address, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}
