/* SPDX-License-Identifier: MIT */
/*
 * A program that does to its own descriptors, threads and memory what real programs do, and says
 * what it saw. Each case is one command; its output must not depend on whether it is watched.
 *
 * usage: guest CASE [DSN]       Cases that end with "ready" wait for standard input to end.
 */
#include "guest.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static const char *dsn;

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
