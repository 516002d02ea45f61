/* SPDX-License-Identifier: MIT */
/*
 * What the wrappers of socket calls add: calls of libc with and without them, in turn, in a process
 * that has the library preloaded (it starts itself so). Calls on descriptors that are none of its
 * business, and whole HTTP exchanges on a connection that it watches. Samples are nanoseconds a
 * call. A kernel's time varies; the difference of the bests is what to look at.
 */
#include "bench/bench.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROUNDS  401
#define REPEATS 500

/* libc's own functions, past every wrapper. */
static struct {
    ssize_t (*read)(int, void *, size_t);
    ssize_t (*write)(int, const void *, size_t);
    ssize_t (*recv)(int, void *, size_t, int);
    ssize_t (*send)(int, const void *, size_t, int);
    long (*syscall)(long, ...);
} bare;

static int null, closed, server, client;
static char buffer[4096];
static const char request[] = "GET /parts/1234 HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n"
                              "Authorization: Bearer 0123456789\r\n\r\n";
static const char response[] = "HTTP/1.1 200 OK\r\nDate: Sun, 23 Nov 2025 14:00:00 GMT\r\n"
                               "Connection: keep-alive\r\nContent-Type: application/json\r\n"
                               "Content-Length: 2\r\n\r\nok";

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* NAME as the program is bound to it, or as libc has it. */
#define CALL(watched, name) ((watched) ? name : bare.name)

static void read_nothing(int watched)
{
    CALL(watched, read)(null, buffer, sizeof(buffer));
}

static void read_closed(int watched)
{
    CALL(watched, read)(closed, buffer, sizeof(buffer));
}

static void write_null(int watched)
{
    CALL(watched, write)(null, buffer, 100);
}

static void raw_getpid(int watched)
{
    CALL(watched, syscall)(SYS_getpid);
}

static void exchange(int watched)
{
    bare.send(client, request, sizeof(request) - 1, 0);
    CALL(watched, recv)(server, buffer, sizeof(buffer), 0);
    CALL(watched, send)(server, response, sizeof(response) - 1, 0);
    bare.recv(client, buffer, sizeof(buffer), 0);
}

static double round_of(void (*call)(int), int watched)
{
    double begin = bench_now_ns();
    for (int i = 0; i < REPEATS; i++)
        call(watched);
    return (bench_now_ns() - begin) / REPEATS;
}

static void measure(const char *series, void (*call)(int))
{
    int rounds = bench_rounds(ROUNDS);
    for (int i = 0; i < rounds; i++) {
        bench_sample(series, "bare", round_of(call, 0));
        bench_sample(series, "watched", round_of(call, 1));
    }
}

static void connect_both(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    client = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listening, (struct sockaddr *)&address, len) != 0 || listen(listening, 1) != 0 ||
        getsockname(listening, (struct sockaddr *)&address, &len) != 0 ||
        connect(client, (struct sockaddr *)&address, len) != 0)
        die("connect");
    server = accept(listening, NULL, NULL);
    null = open("/dev/null", O_RDWR);
    closed = 1000;
}

static void find_libc(void)
{
    void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    if (libc == NULL)
        die("libc");
#define FIND(name) *(void **)&bare.name = dlsym(libc, #name)
    FIND(read);
    FIND(write);
    FIND(recv);
    FIND(send);
    FIND(syscall);
}

int main(int argc, char **argv)
{
    char library[4096];
    (void)argc;
    if (getenv("LD_PRELOAD") == NULL) {
        if (realpath(SPY_TEST_BUILD "/libperfspy.so", library) == NULL)
            die(SPY_TEST_BUILD "/libperfspy.so");
        setenv("LD_PRELOAD", library, 1);
        execv("/proc/self/exe", argv);
        die("exec");
    }
    find_libc();
    connect_both();
    measure("sockets.read", read_nothing);
    measure("sockets.closed", read_closed);
    measure("sockets.write", write_null);
    measure("sockets.syscall", raw_getpid);
    measure("sockets.exchange", exchange);
    return 0;
}
