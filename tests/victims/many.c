/* SPDX-License-Identifier: MIT */
/*
 * Many connections at once, each a Unix socket that is kept open.
 *
 *   many server PATH          answers requests on as many connections as come, until it is killed;
 *                             every thousandth gets a descriptor number above 200,000, where that
 * is allowed many client PATH COUNT    opens COUNT connections and makes one request on each; and
 * the same on all of them again for every line that it reads
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define HIGH_NUMBER 200000
#define EVENTS      512

static const char request[] = "GET /many HTTP/1.1\r\nHost: x\r\n\r\n";
static const char response[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        die(path);
    }
    strcpy(address.sun_path, path);
    return address;
}

static int make_socket(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0)
        die("socket");
    return fd;
}

/* ---- server --------------------------------------------------------------------------------- */

static int raised(int fd)
{
    int high = fcntl(fd, F_DUPFD, HIGH_NUMBER);
    if (high < 0)
        return fd;
    close(fd);
    return high;
}

static void watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        die("epoll_ctl");
}

static void answer(int fd)
{
    char buffer[sizeof(request)];
    ssize_t got = read(fd, buffer, sizeof(buffer));
    if (got <= 0)
        close(fd);
    else if (write(fd, response, sizeof(response) - 1) != (ssize_t)sizeof(response) - 1)
        die("write");
}

static void run_server(const char *path)
{
    struct sockaddr_un address = address_of(path);
    int listener = make_socket(), epoll = epoll_create1(0);
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener, 4096) != 0)
        die("listen");
    watch(epoll, listener);
    puts("ready");
    fflush(stdout);
    for (int accepted = 0;;) {
        struct epoll_event event[EVENTS];
        int ready = epoll_wait(epoll, event, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            if (event[i].data.fd != listener) {
                answer(event[i].data.fd);
                continue;
            }
            int fd = accept(listener, NULL, NULL);
            if (fd < 0)
                die("accept");
            watch(epoll, ++accepted % 1000 == 0 ? raised(fd) : fd);
        }
    }
}

/* ---- client --------------------------------------------------------------------------------- */

static void exchange_all(const int *fd, int count)
{
    char buffer[sizeof(response)];
    for (int i = 0; i < count; i++)
        if (write(fd[i], request, sizeof(request) - 1) != (ssize_t)sizeof(request) - 1)
            die("write");
    for (int i = 0; i < count; i++)
        if (read(fd[i], buffer, sizeof(buffer)) != (ssize_t)sizeof(response) - 1)
            die("read");
    puts("exchanged");
    fflush(stdout);
}

static void run_client(const char *path, int count)
{
    struct sockaddr_un address = address_of(path);
    int *fd = calloc((size_t)count, sizeof(*fd));
    char line[16];
    if (fd == NULL)
        die("calloc");
    for (int i = 0; i < count; i++) {
        fd[i] = make_socket();
        if (connect(fd[i], (struct sockaddr *)&address, sizeof(address)) != 0)
            die("connect");
    }
    do
        exchange_all(fd, count);
    while (fgets(line, sizeof(line), stdin) != NULL);
    free(fd);
}

int main(int argc, char **argv)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        die("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        die("setrlimit");
    if (argc == 3 && strcmp(argv[1], "server") == 0)
        run_server(argv[2]);
    else if (argc == 4 && strcmp(argv[1], "client") == 0)
        run_client(argv[2], atoi(argv[3]));
    else
        return 64;
    return 0;
}
