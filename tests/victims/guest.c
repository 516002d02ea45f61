/* SPDX-License-Identifier: MIT */
/*
 * A program that does to its own descriptors, threads and memory what real programs do, and says
 * what it saw. Each case is one command; its output must not depend on whether it is watched.
 *
 * usage: guest CASE [DSN]       Cases that end with "ready" wait for standard input to end.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const char request[] = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";
static const char response[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
static const char *dsn;

static void die(const char *what)
{
    perror(what);
    exit(1);
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

/* A server's and a client's end of one connection, accepted under our eyes. */
static void connection(int *server, int *client)
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
static void await(int fd, short events)
{
    struct pollfd event = {.fd = fd, .events = events};
    if (poll(&event, 1, 60000) != 1)
        die("poll");
}

static void answer(int server)
{
    char buffer[200];
    await(server, POLLIN);
    if (recv(server, buffer, sizeof(buffer), 0) <= 0 ||
        send(server, response, sizeof(response) - 1, 0) != sizeof(response) - 1)
        die("answer");
}

static void exchange(int server, int client)
{
    if (send(client, request, sizeof(request) - 1, 0) < 0)
        die("send");
    answer(server);
}

/* Says "ready", and waits so that the test can look at the living process. */
static void wait_for_test(void)
{
    char byte;
    printf("ready\n");
    fflush(stdout);
    while (read(0, &byte, 1) > 0)
        ;
}

/* ---- descriptors ----------------------------------------------------------------------------- */

static void show(const char *what, long result)
{
    printf("%s: %ld %s\n", what, result, result < 0 ? strerror(errno) : "");
    errno = 0;
}

static void case_errno(void)
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
static void case_odd(void)
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
static void case_trunc(void)
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

static void case_lowest(void)
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
static void case_closeall(void)
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

static void case_dupover(void)
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
static void case_dupkeep(void)
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
static void case_rawclose(void)
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

static void case_fsize(void)
{
    struct sockaddr_in address;
    struct rlimit limit = {1000, 1000};
    setrlimit(RLIMIT_FSIZE, &limit);
    listener(&address);
    wait_for_test();
}

/* ---- processes ------------------------------------------------------------------------------- */

static void reap(pid_t pid)
{
    int status;
    if (waitpid(pid, &status, 0) != pid)
        die("waitpid");
    printf("child: %s %d\n", WIFEXITED(status) ? "exit" : "signal",
           WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

/* A server that forks for each connection: the child answers, the parent closes. */
static void case_fork(void)
{
    int server, client;
    connection(&server, &client);
    send(client, request, sizeof(request) - 1, 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        answer(server);
        printf("answered\n");
        fflush(stdout);
        _exit(7);
    }
    reap(pid);
    close(server);
    connection(&server, &client);
    exchange(server, client);
    exchange(server, client);
    wait_for_test();
}

/* Many children, each of which lives for one request. */
static void case_storm(void)
{
    for (int i = 0; i < 100; i++) {
        int server, client;
        connection(&server, &client);
        pid_t pid = fork();
        if (pid == 0) {
            exchange(server, client);
            _exit(0);
        }
        waitpid(pid, NULL, 0);
        close(server);
        close(client);
    }
}

/* A child that only closes what it inherited, and uses the number for something else. */
static void case_childfd(void)
{
    int server, client;
    connection(&server, &client);
    for (int way = 0; way < 2; way++) {
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
            int null = open("/dev/null", O_RDWR);
            if (way == 0)
                close(server);
            dup2(null, server);
            _exit(write(server, "x", 1) == 1 ? 0 : 1);
        }
        reap(pid);
    }
    exchange(server, client);
    wait_for_test();
}

/* The parent reads the request, a child answers it. */
static void case_handover(void)
{
    int server, client;
    char buffer[200];
    connection(&server, &client);
    send(client, request, sizeof(request) - 1, 0);
    recv(server, buffer, sizeof(buffer), 0);
    pid_t pid = fork();
    if (pid == 0) {
        send(server, response, sizeof(response) - 1, 0);
        _exit(0);
    }
    reap(pid);
    wait_for_test();
}

/* dup2 over every number in a vfork's child: its copies go, its parent's stay. */
static void case_vforkdup(void)
{
    struct sockaddr_in address;
    listener(&address);
    pid_t pid = vfork();
    if (pid == 0) {
        for (int fd = 3; fd < 1020; fd++)
            dup2(0, fd);
        _exit(0);
    }
    reap(pid);
    wait_for_test();
}

/* The child of a vfork runs in our memory: what it does to descriptors is not done to ours. */
static void case_vfork(void)
{
    int server, client;
    connection(&server, &client);
    exchange(server, client);
    send(client, request, sizeof(request) - 1, 0);
    pid_t pid = vfork();
    if (pid == 0) {
        dup2(0, server);
        close(server);
        execl("/bin/true", "true", (char *)NULL);
        _exit(99);
    }
    reap(pid);
    answer(server);
    wait_for_test();
}

static void case_daemon(void)
{
    struct sockaddr_in address;
    int listening = listener(&address);
    int out = dup(1), in = dup(0);
    if (daemon(0, 0) != 0)
        die("daemon");
    dup2(out, 1);
    dup2(in, 0);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    connect(client, (struct sockaddr *)&address, sizeof(address));
    exchange(accept(listening, NULL, NULL), client);
    printf("pid %d\n", getpid());
    wait_for_test();
}

static void case_exec(void)
{
    struct sockaddr_in address;
    listener(&address);
    execl("/proc/self/exe", "guest", "lowest", (char *)NULL);
    die("exec");
}

static void case_exit(void)
{
    int server, client;
    connection(&server, &client);
    exchange(server, client);
    exit(5);
}

/* A connection of libpq that both sides of a fork use: each counts its own. */
static void case_pgfork(void)
{
    PGconn *conn = PQconnectdb(dsn);
    PQclear(PQprepare(conn, "p", "SELECT 1", 0, NULL));
    PQclear(PQexecPrepared(conn, "p", 0, NULL, NULL, NULL, 0));
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        PGresult *result = PQexecPrepared(conn, "p", 0, NULL, NULL, NULL, 0);
        printf("%d row\n", PQntuples(result));
        PGconn *own = PQconnectdb(dsn);
        for (int i = 0; i < 3; i++)
            PQclear(PQexec(own, "SELECT 'child'"));
        PQfinish(own);
        fflush(stdout);
        _exit(0);
    }
    reap(pid);
    wait_for_test();
}

/* ---- threads and signals --------------------------------------------------------------------- */

static volatile int cancelled;

static void note_cancel(void *unused)
{
    (void)unused;
    cancelled++;
}

static void *block_in_recv(void *fd)
{
    char byte;
    pthread_cleanup_push(note_cancel, NULL);
    recv(*(int *)fd, &byte, 1, 0);
    pthread_cleanup_pop(0);
    return NULL;
}

static void case_cancel(void)
{
    int server, client;
    pthread_t thread;
    connection(&server, &client);
    pthread_create(&thread, NULL, block_in_recv, &server);
    usleep(100000);
    pthread_cancel(thread);
    pthread_join(thread, NULL);
    printf("cancelled %d\n", cancelled);
    exchange(server, client); /* the connection is still followed */
    wait_for_test();
}

static volatile int handled_elsewhere;
static pthread_t main_thread;

static void on_signal(int number)
{
    (void)number;
    handled_elsewhere += !pthread_equal(pthread_self(), main_thread);
}

/* Signals to the process are the program's: never handled on a thread that it did not make. */
static void case_signals(void)
{
    struct sockaddr_in address;
    sigset_t all;
    main_thread = pthread_self();
    listener(&address);
    for (int number = 1; number < 32; number++)
        if (number != SIGKILL && number != SIGSTOP)
            signal(number, on_signal);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    for (int number = 1; number < 32; number++)
        if (number != SIGKILL && number != SIGSTOP)
            kill(getpid(), number);
    usleep(100000);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    printf("handled elsewhere: %d\n", handled_elsewhere);
    wait_for_test();
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } cases[] = {
        {"errno", case_errno},     {"lowest", case_lowest},     {"closeall", case_closeall},
        {"dupover", case_dupover}, {"fsize", case_fsize},       {"fork", case_fork},
        {"vfork", case_vfork},     {"daemon", case_daemon},     {"exec", case_exec},
        {"exit", case_exit},       {"pgfork", case_pgfork},     {"cancel", case_cancel},
        {"signals", case_signals}, {"rawclose", case_rawclose}, {"odd", case_odd},
        {"trunc", case_trunc},     {"childfd", case_childfd},   {"handover", case_handover},
        {"storm", case_storm},     {"vforkdup", case_vforkdup}, {"dupkeep", case_dupkeep},
    };
    dsn = argc > 2 ? argv[2] : "";
    for (size_t i = 0; argc > 1 && i < sizeof(cases) / sizeof(cases[0]); i++)
        if (strcmp(argv[1], cases[i].name) == 0) {
            cases[i].run();
            return 0;
        }
    fprintf(stderr, "usage: guest CASE [DSN]\n");
    return 64;
}
