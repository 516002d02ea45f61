/* SPDX-License-Identifier: MIT */
/*
 * A server that uses every call there is for sockets, and says what each returned. Its requests
 * name the calls that carry them, so that a watcher can be held against them.
 *
 * usage: sockets CASE          all but `served` end when standard input ends
 *        sockets served FD     serves one request on a connection that it inherited
 */
#include "sockets_calls.h"

/* ---- cases ----------------------------------------------------------------------------------- */

struct call {
    const char *name;
    ssize_t (*run)(int fd);
};

static const struct call readers[] = {
    {"read", by_read},           {"__read", by_read_alias},
    {"__read_chk", by_read_chk}, {"readv", by_readv},
    {"recv", by_recv},           {"__recv_chk", by_recv_chk},
    {"recvfrom", by_recvfrom},   {"__recvfrom_chk", by_recvfrom_chk},
    {"recvmsg", by_recvmsg},     {"recvmmsg", by_recvmmsg},
    {"peeking", by_peeking},     {"byte_by_byte", byte_by_byte},
};

/* Of those, and of others, by which an unknown connection is recognised. */
static const struct call joiners[] = {
    {"__read", by_read_alias},
    {"__read_chk", by_read_chk},
    {"readv_wide", by_readv_wide},
    {"recv", by_recv},
    {"__recv_chk", by_recv_chk},
    {"recvfrom", by_recvfrom},
    {"__recvfrom_chk", by_recvfrom_chk},
    {"recvmsg_wide", by_recvmsg_wide},
    {"peeking", by_peeking},
};

static const struct call writers[] = {
    {"write", by_write},       {"__write", by_write_alias},
    {"writev", by_writev},     {"send", by_send},
    {"__send", by_send_alias}, {"sendto", by_sendto},
    {"sendmsg", by_sendmsg},   {"sendmmsg", by_sendmmsg},
    {"sendfile", by_sendfile}, {"sendfile64", by_sendfile64},
    {"splice", by_splice},
};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void exchange(int server, int client, const char *name, const struct call *reader,
                     const struct call *writer)
{
    ask_at(client, name);
    ssize_t got = reader->run(server);
    ssize_t sent = writer->run(server);
    printf("%s: read %zd, wrote %zd, ", name, got, sent);
    show("answer", client, RESPONSE);
}

static void case_calls(void)
{
    int server, client;
    connection(&server, &client, false);
    for (size_t i = 0; i < COUNT(readers); i++)
        exchange(server, client, readers[i].name, &readers[i], &writers[0]);
    for (size_t i = 0; i < COUNT(writers); i++)
        exchange(server, client, writers[i].name, &readers[0], &writers[i]);
    static const struct call polite = {"not_blocking", not_blocking};
    ask_at(client, polite.name);
    struct pollfd ready = {.fd = server, .events = POLLIN};
    poll(&ready, 1, 5000);
    printf("not blocking: %zd\n", not_blocking(server));
    by_write(server);
    show("answer", client, RESPONSE);
    wait_for_test();
}

/* A body that goes from the socket into a pipe, unseen; then a head that does. */
static void case_spliced_in(void)
{
    int server, client, ends[2];
    static const char head[] = "POST /spliced HTTP/1.1\r\nContent-Length: 5\r\n\r\n";
    connection(&server, &client, false);
    if (pipe(ends) != 0 || write(client, head, sizeof(head) - 1) < 0)
        die("pipe");
    read(server, room, sizeof(room));
    write(client, "hello", 5);
    printf("spliced %zd\n", splice(server, NULL, ends[1], NULL, 5, 0));
    by_write(server);
    show("answer", client, RESPONSE);
    exchange(server, client, "after", &readers[0], &writers[0]);
    ask_at(client, "unseen");
    printf("spliced %zd\n", splice(server, NULL, ends[1], NULL, 1000, 0));
    by_write(server);
    show("answer", client, RESPONSE);
    wait_for_test();
}

/* The descriptor by which a connection was accepted goes, in every way; a duplicate goes on. */
static void case_duplicates(void)
{
    static const char *const ways[] = {"dup",   "dup2",    "dup3",  "F_DUPFD", "F_DUPFD_CLOEXEC",
                                       "dup2_", "fcntl64", "fcntl_"};
    for (int way = 0; way < (int)COUNT(ways); way++) {
        int server, client, copy = -1;
        connection(&server, &client, false);
        exchange(server, client, "before", &readers[0], &writers[0]);
        ask_at(client, ways[way]);
        readers[0].run(server);
        switch (way) {
        case 0:
            copy = dup(server);
            break;
        case 1:
            copy = dup2(server, 77);
            break;
        case 2:
            copy = dup3(server, 78, O_CLOEXEC);
            break;
        case 3:
            copy = fcntl(server, F_DUPFD, 79);
            break;
        case 4:
            copy = fcntl(server, F_DUPFD_CLOEXEC, 80);
            break;
        case 5:
            copy = __dup2(server, 81);
            break;
        case 6:
            copy = fcntl64(server, F_DUPFD, 82);
            break;
        case 7:
            copy = __fcntl(server, F_DUPFD, 83);
            break;
        }
        close(server);
        writers[0].run(copy);
        show(ways[way], client, RESPONSE);
        exchange(copy, client, "after", &readers[0], &writers[0]);
        close(copy);
        close(client);
    }
    wait_for_test();
}

/* Closed in every way, with a request unanswered; then the number is a file's. */
static void case_closes(void)
{
    static const char *const ways[] = {"close",     "__close",   "syscall",  "close_range",
                                       "SYS_range", "closefrom", "shutdown", "dup2"};
    for (int way = 0; way < (int)COUNT(ways); way++) {
        int server, client;
        connection(&server, &client, false);
        int at = fcntl(server, F_DUPFD, 500);
        close(server);
        ask_at(client, ways[way]);
        readers[0].run(at);
        int result = -1;
        switch (way) {
        case 0:
            result = close(at);
            break;
        case 1:
            result = __close(at);
            break;
        case 2:
            result = (int)syscall(SYS_close, at);
            break;
        case 3:
            result = close_range((unsigned)at, (unsigned)at, 0);
            break;
        case 4:
            result = (int)syscall(SYS_close_range, at, at, 0);
            break;
        case 5:
            closefrom(at);
            result = 0;
            break;
        case 6:
            result = shutdown(at, SHUT_RDWR);
            break;
        case 7:
            result = dup2(0, at) - at;
            break;
        }
        printf("%s: %d\n", ways[way], result);
        int file = open("/proc/self/cmdline", O_RDONLY);
        syscall(SYS_dup3, file, at, 0); /* past libc */
        printf("read again %d\n", read(at, room, sizeof(room)) > 0);
        close(file);
        close(client); /* but not the number: its first closing is what counts */
    }
    wait_for_test();
}

static int pass(int fd)
{
    int ends[2];
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec iov = {room, 1};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    control.header = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 || sendmsg(ends[0], &message, 0) != 1)
        die("sendmsg");
    close(fd);
    memset(&control, 0, sizeof(control));
    iov.iov_base = room;
    if (recvmsg(ends[1], &message, 0) != 1)
        die("recvmsg");
    memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
    close(ends[0]);
    close(ends[1]);
    return fd;
}

/* Connections of which nothing is known but that they are there: passed by another process, taken
 * by a raw system call, made by oneself. */
static void case_strangers(void)
{
    int server, client;
    connection(&server, &client, true);
    int passed = pass(server);
    exchange(passed, client, "passed", &readers[0], &writers[0]);
    exchange(passed, client, "passed", &readers[4], &writers[0]);
    for (size_t i = 0; i < COUNT(joiners); i++) {
        connection(&server, &client, true);
        exchange(server, client, joiners[i].name, &joiners[i], &writers[0]);
        close(server);
        close(client);
    }
    /* A client that is sent requests: whatever it is, it is no server. */
    connection(&server, &client, false);
    exchange(client, server, "to_a_client", &readers[0], &writers[0]);
    struct sockaddr_in address;
    int listening = listener(&address);
    client = socket(AF_INET, SOCK_STREAM, 0);
    if (__connect(client, (struct sockaddr *)&address, sizeof(address)) != 0)
        die("connect");
    server = accept(listening, NULL, NULL);
    exchange(client, server, "to_a_client", &readers[0], &writers[0]);
    wait_for_test();
}

static void case_high(void)
{
    struct rlimit limit;
    int server, client;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    connection(&server, &client, false);
    int high = fcntl(server, F_DUPFD, limit.rlim_max > 300001 ? 300000 : (int)limit.rlim_max - 1);
    if (high < 0)
        die("F_DUPFD");
    close(server);
    exchange(high, client, "high", &readers[0], &writers[0]);
    exchange(high, client, "high", &readers[8], &writers[10]);
    wait_for_test();
}

/* A response that fills the socket: short writes, EAGAIN, and a client that reads it at last. */
static void case_slow(void)
{
    enum { BODY = 16 << 20 };
    static char body[BODY];
    int server, client;
    connection(&server, &client, false);
    fcntl(server, F_SETFL, O_NONBLOCK);
    ask_at(client, "slow");
    struct pollfd ready = {.fd = server, .events = POLLIN};
    poll(&ready, 1, 5000);
    readers[0].run(server);
    int n = snprintf(body, 100, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BODY - 100);
    size_t total = (size_t)n + BODY - 100, sent = 0, read_back = 0;
    memset(body + n, 'x', BODY - (size_t)n);
    bool slept = false;
    while (sent < total) {
        ssize_t now = send(server, body + sent, total - sent, 0);
        if (now > 0)
            sent += (size_t)now;
        else if (errno != EAGAIN)
            die("send");
        if (now > 0)
            continue;
        usleep(slept ? 0 : 300000);
        slept = true;
        ssize_t got = recv(client, room, sizeof(room), 0);
        read_back += got > 0 ? (size_t)got : 0;
    }
    close(server);
    ssize_t got;
    while ((got = recv(client, room, sizeof(room), 0)) > 0)
        read_back += (size_t)got;
    printf("all of it arrived: %d\n", read_back == total);
    wait_for_test();
}

/* The connection goes to another program, which was told its number only. */
static void case_exec(void)
{
    int server, client;
    char number[20];
    connection(&server, &client, false);
    ask_at(client, "inherited");
    snprintf(number, sizeof(number), "%d", server);
    execl("/proc/self/exe", "sockets", "served", number, (char *)NULL);
    die("exec");
}

static int serve(int fd)
{
    readers[0].run(fd);
    writers[0].run(fd);
    wait_for_test();
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } cases[] = {
        {"calls", case_calls},
        {"spliced_in", case_spliced_in},
        {"duplicates", case_duplicates},
        {"closes", case_closes},
        {"strangers", case_strangers},
        {"high", case_high},
        {"slow", case_slow},
        {"exec", case_exec},
    };
    if (argc == 3 && strcmp(argv[1], "served") == 0)
        return serve(atoi(argv[2]));
    for (size_t i = 0; argc > 1 && i < COUNT(cases); i++)
        if (strcmp(argv[1], cases[i].name) == 0) {
            cases[i].run();
            return 0;
        }
    fprintf(stderr, "usage: sockets CASE\n");
    return 64;
}
