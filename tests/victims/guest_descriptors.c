/* SPDX-License-Identifier: MIT */
/*
 * What the guest does to its descriptors.
 */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/un.h>

static void show(const char *what, long result)
{
    printf("%s: %ld %s\n", what, result, result < 0 ? strerror(errno) : "");
    errno = 0;
}

void case_errno(void)
{
    int server, client;
    char byte;
    connection(&server, &client);
    errno = 0;
    show("read -1", read(-1, &byte, 1));
    show("write -1", write(-1, &byte, 1));
    show("recv on a pipe", recv(0, &byte, 1, 0));
    show("accept on stdin", accept(0, NULL, NULL));
    show("listen on stdin", listen(0, 1));
    show("close -1", close(-1));
    show("close 5000000", close(5000000));
    show("dup2 -1", dup2(-1, 20));
    show("dup3 same", dup3(server, server, 0));
    show("dup2 same", dup2(server, server) - server);
    show("close_range backwards", close_range(9, 8, 0));
    fcntl(server, F_SETFL, O_NONBLOCK);
    show("recv would block", recv(server, &byte, 1, 0));
    errno = 4242; /* a call that succeeds leaves errno alone */
    exchange(server, client);
    printf("errno after success: %d\n", errno);
    close(client);
    await(server, POLLIN);
    show("end of file", recv(server, &byte, 1, 0));
    signal(SIGPIPE, SIG_IGN);
    send(server, response, 5, 0);
    await(server, 0);
    send(server, response, 5, 0);
    show("send to nobody", send(server, response, 5, 0));
    show("close", close(server));
    show("close again", close(server));
}

/* Addresses and flags that the kernel refuses, or that move no bytes of the stream. */
void case_odd(void)
{
    int server, client;
    char byte;
    connection(&server, &client);
    show("recvmsg", recvmsg(server, NULL, MSG_DONTWAIT));
    show("sendmsg", sendmsg(server, NULL, 0));
    show("close_range", close_range(3, ~0u, 1 << 10));
    send(client, "!", 1, MSG_OOB);
    await(server, POLLPRI);
    show("urgent byte", recv(server, &byte, 1, MSG_OOB));
    exchange(server, client);
    wait_for_test();
}

/* A message of which the kernel tells the length but keeps the bytes. */
void case_trunc(void)
{
    static char message[1 << 17] = "GET /";
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = ""};
    socklen_t len = sizeof(sa_family_t); /* the kernel chooses a name */
    int listening = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    int client = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bind(listening, (struct sockaddr *)&address, len) != 0 || listen(listening, 1) != 0)
        die("listen");
    len = sizeof(address);
    getsockname(listening, (struct sockaddr *)&address, &len);
    if (connect(client, (struct sockaddr *)&address, len) != 0 ||
        mprotect(page + 4096, 4096, PROT_NONE) != 0)
        die("connect");
    int server = accept(listening, NULL, NULL);
    for (int i = 0; i < 2; i++)
        send(client, message, sizeof(message), 0);
    struct iovec iov = {page + 4096 - 8, 8};
    struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
    show("recv", recv(server, iov.iov_base, 8, MSG_TRUNC));
    show("recvmsg", recvmsg(server, &header, MSG_TRUNC));
}

void case_lowest(void)
{
    struct sockaddr_in address;
    int before = open("/dev/null", O_RDONLY);
    close(before);
    int listening = listener(&address);
    printf("listener is the lowest: %d\n", listening == before);
    int next = open("/dev/null", O_RDONLY);
    printf("the next is the next: %d\n", next == before + 1);
    wait_for_test();
}

/* As daemons do: every number there may be, one by one and at once. */
void case_closeall(void)
{
    struct sockaddr_in address;
    int closed = 0, odd = 0;
    listener(&address);
    for (int fd = 3; fd < 4096; fd++) {
        if (close(fd) == 0)
            closed++;
        else if (errno != EBADF)
            odd++;
    }
    printf("closed %d, odd errors %d, range %d\n", closed, odd, close_range(3, ~0u, 0));
    wait_for_test();
}

void case_dupover(void)
{
    struct sockaddr_in address;
    int failed = 0;
    listener(&address);
    for (int fd = 3; fd < 1020; fd++)
        failed += dup2(0, fd) != fd;
    printf("failed %d\n", failed);
    for (int fd = 3; fd < 1020; fd++)
        failed += close(fd) != 0;
    printf("failed %d\n", failed);
    wait_for_test();
}

/* Over every number, to stay there, when whoever waits on one of them is asleep. */
void case_dupkeep(void)
{
    struct sockaddr_in address;
    int failed = 0;
    listener(&address);
    usleep(100000);
    for (int fd = 3; fd < 1020; fd++)
        failed += dup2(0, fd) != fd;
    printf("failed %d\n", failed);
    wait_for_test();
}

/* Past libc's close(), as closefrom() does; then the numbers are the program's to use. */
void case_rawclose(void)
{
    struct sockaddr_in address;
    int failed = 0, highest = 0;
    listener(&address);
    closefrom(3);
    while (highest < 1000)
        highest = open("/dev/null", O_RDONLY);
    for (int fd = 4; fd <= highest; fd += 2)
        failed += close(fd) != 0;
    failed += close_range(3, (unsigned)highest, 0) != 0;
    printf("failed %d, the next is %d\n", failed, open("/dev/null", O_RDONLY));
    int ends[2];
    if (pipe(ends) != 0)
        die("pipe");
    dup2(ends[1], 900);
    dup2(0, 900);
    close(ends[1]);
    show("end of the pipe", read(ends[0], &failed, 1)); /* nobody else holds its other end */
}

void case_fsize(void)
{
    struct sockaddr_in address;
    struct rlimit limit = {1000, 1000};
    setrlimit(RLIMIT_FSIZE, &limit);
    listener(&address);
    wait_for_test();
}
