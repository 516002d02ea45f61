/* SPDX-License-Identifier: MIT */
/*
 * A client of a database that does with its connections what real programs do: forks and execs with
 * them, hands them from thread to thread, jumps out of them, is cancelled in them, closes their
 * sockets. Its output must not depend on whether it is watched.
 *
 * usage: manners CASE DSN      Cases that end with "ready" wait for standard input to end.
 */
#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *dsn;

static PGconn *connected(void)
{
    PGconn *conn = PQconnectdb(dsn);
    if (PQstatus(conn) != CONNECTION_OK) {
        fprintf(stderr, "%s", PQerrorMessage(conn));
        exit(1);
    }
    return conn;
}

static void show(const char *what, PGresult *result)
{
    printf("%s: %s\n", what, PQresStatus(PQresultStatus(result)));
    PQclear(result);
}

static void query(PGconn *conn, const char *sql)
{
    show(sql, PQexec(conn, sql));
}

static void wait_for_test(void)
{
    char byte;
    printf("ready\n");
    fflush(stdout);
    while (read(0, &byte, 1) > 0)
        ;
}

static void reap(pid_t pid)
{
    int status;
    if (waitpid(pid, &status, 0) != pid)
        exit(1);
    printf("child: %s %d\n", WIFEXITED(status) ? "exit" : "signal",
           WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

/* ---- processes ------------------------------------------------------------------------------ */

/* The parent sends, its child fetches: a statement that the child did not begin. */
static void case_fork(void)
{
    PGconn *conn = connected();
    query(conn, "SELECT 'parent'");
    PQsendQuery(conn, "SELECT 'sent'");
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        for (PGresult *result; (result = PQgetResult(conn)) != NULL;)
            show("fetched by the child", result);
        query(conn, "SELECT 1, 'child'");
        fflush(stdout);
        _exit(7);
    }
    reap(pid);
    wait_for_test();
}

/* A vfork's child closes its copy of the socket, and of everything else, before it execs. */
static void case_vfork(void)
{
    PGconn *conn = connected();
    query(conn, "SELECT 'before'");
    pid_t pid = vfork();
    if (pid == 0) {
        close(PQsocket(conn));
        dup2(0, PQsocket(conn));
        close_range(3, ~0u, 0);
        execl("/bin/true", "true", (char *)NULL);
        _exit(99);
    }
    reap(pid);
    query(conn, "SELECT 'after'");
    wait_for_test();
}

static void case_spawn(void)
{
    char program[] = "/bin/true", *const arguments[] = {program, NULL},
         *const environment[] = {NULL};
    posix_spawn_file_actions_t actions;
    PGconn *conn = connected();
    pid_t pid;
    query(conn, "SELECT 'before'");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addclose(&actions, PQsocket(conn));
    posix_spawn_file_actions_adddup2(&actions, 0, 900);
    if (posix_spawn(&pid, program, &actions, NULL, arguments, environment) != 0)
        exit(1);
    posix_spawn_file_actions_destroy(&actions);
    reap(pid);
    query(conn, "SELECT 'after'");
    wait_for_test();
}

/* The new program has the process' id, and a connection of its own. */
static void case_exec(void)
{
    query(connected(), "SELECT 'before'");
    fflush(stdout);
    execl("/proc/self/exe", "manners", "once", dsn, (char *)NULL);
    exit(1);
}

static void case_once(void)
{
    query(connected(), "SELECT 'once'");
    wait_for_test();
}

/* The connection is the daemon's, which is a child of a child. */
static void case_daemon(void)
{
    PGconn *conn = connected();
    query(conn, "SELECT 'before'");
    fflush(stdout);
    int out = dup(1), in = dup(0);
    if (daemon(0, 0) != 0)
        exit(1);
    dup2(out, 1);
    dup2(in, 0);
    query(conn, "SELECT 'daemon'");
    printf("pid %d\n", getpid());
    wait_for_test();
}

/* A connect that has failed when it begins, and is never polled. */
static void case_badstart(void)
{
    PGconn *conn = PQconnectStart("=");
    printf("failed: %d\n", PQstatus(conn) == CONNECTION_BAD);
    wait_for_test();
    PQfinish(conn);
}

/* ---- threads -------------------------------------------------------------------------------- */

#define THREADS     8
#define CONNECTIONS 3
#define ROUNDS      200

/* A pool: who needs a connection takes one, and gives it back. */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t free;
    PGconn *conn[CONNECTIONS];
    int count;
} pool = {.mutex = PTHREAD_MUTEX_INITIALIZER, .free = PTHREAD_COND_INITIALIZER};

static PGconn *take(void)
{
    pthread_mutex_lock(&pool.mutex);
    while (pool.count == 0)
        pthread_cond_wait(&pool.free, &pool.mutex);
    PGconn *conn = pool.conn[--pool.count];
    pthread_mutex_unlock(&pool.mutex);
    return conn;
}

static void give(PGconn *conn)
{
    pthread_mutex_lock(&pool.mutex);
    pool.conn[pool.count++] = conn;
    pthread_cond_signal(&pool.free);
    pthread_mutex_unlock(&pool.mutex);
}

/* One thread sends and another fetches. */
static void *use_pool(void *unused)
{
    for (int i = 0; i < ROUNDS; i++) {
        PGconn *conn = take();
        PQclear(PQexecPrepared(conn, "p", 0, NULL, NULL, NULL, 0));
        PQsendQuery(conn, "SELECT 'migrates'");
        give(conn);
        conn = take();
        for (PGresult *result; (result = PQgetResult(conn)) != NULL;)
            PQclear(result);
        give(conn);
    }
    return unused;
}

static void case_migrate(void)
{
    pthread_t thread[THREADS];
    for (int i = 0; i < CONNECTIONS; i++) {
        PGconn *conn = connected();
        PQclear(PQprepare(conn, "p", "SELECT 'prepared'", 0, NULL));
        give(conn);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, use_pool, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    for (int i = 0; i < CONNECTIONS; i++)
        PQfinish(pool.conn[i]);
    printf("%d left\n", pool.count);
    wait_for_test();
}

/* A thread is cancelled while libpq waits for the server. */
static _Atomic bool waits;

static void on_notice(void *unused, const char *message)
{
    (void)unused, (void)message;
    waits = true;
}

static void *sleep_on_server(void *conn)
{
    PQexec(conn, "DO $$ BEGIN RAISE NOTICE 'go'; PERFORM pg_sleep(60); END $$");
    return NULL;
}

static void case_cancel(void)
{
    char error[256];
    pthread_t thread;
    void *how;
    PGconn *conn = connected();
    PQsetNoticeProcessor(conn, on_notice, NULL);
    pthread_create(&thread, NULL, sleep_on_server, conn);
    while (!waits)
        usleep(1000);
    pthread_cancel(thread);
    pthread_join(thread, &how);
    PGcancel *cancel = PQgetCancel(conn);
    printf("cancelled %d", how == PTHREAD_CANCELED);
    printf(", on the server %d\n", PQcancel(cancel, error, sizeof(error)));
    PQfreeCancel(cancel);
    query(conn, "SELECT 'after'");
    wait_for_test();
}

/* ---- callbacks ------------------------------------------------------------------------------ */

static jmp_buf out;

static void jump_out(void *unused, const char *message)
{
    (void)unused, (void)message;
    longjmp(out, 1);
}

static void query_other(void *other, const char *message)
{
    (void)message;
    query(other, "SELECT 'of another connection'");
}

/* Further down on the stack than what was jumped out of. */
__attribute__((noinline)) static void query_deeper(PGconn *conn)
{
    volatile char room[20000];
    room[0] = 0;
    query(conn, "SELECT 1, 'deeper'; SELECT 2, 'deeper'");
    room[1] = room[0]; /* it is in use until here */
}

static void case_jump(void)
{
    PGconn *conn = connected(), *other = connected();
    for (volatile int i = 0; i < 10; i++) {
        PQsetNoticeProcessor(conn, jump_out, NULL);
        if (setjmp(out) == 0)
            query(conn, "DO $$ BEGIN RAISE NOTICE 'jump'; END $$");
        PQsetNoticeProcessor(conn, query_other, other);
        query_deeper(conn);
        query(conn, "DO $$ BEGIN RAISE NOTICE 'hello'; END $$; SELECT 'after the notice'");
    }
    wait_for_test();
}

/* ---- descriptors ---------------------------------------------------------------------------- */

/* Closes what is libpq's, in every way there is; the connection is lost, and made anew. */
static void case_close(void)
{
    int pair[2];
    PGconn *conn = connected();
    for (int way = 0; way < 3; way++) {
        int fd = PQsocket(conn);
        if (way == 0)
            close_range((unsigned)fd, (unsigned)fd, 0);
        else if (way == 1)
            syscall(SYS_close, fd);
        else if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0)
            dup2(pair[0], fd);
        if (way == 2)
            close(pair[1]);
        query(conn, "SELECT 'nobody'");
        if (way == 2)
            close(pair[0]);
        PQreset(conn);
        query(conn, "SELECT 1, 'anew'");
    }
    wait_for_test();
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } cases[] = {
        {"fork", case_fork},       {"vfork", case_vfork},       {"spawn", case_spawn},
        {"exec", case_exec},       {"once", case_once},         {"daemon", case_daemon},
        {"migrate", case_migrate}, {"cancel", case_cancel},     {"jump", case_jump},
        {"close", case_close},     {"badstart", case_badstart},
    };
    dsn = argc > 2 ? argv[2] : "";
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; argc == 3 && i < sizeof(cases) / sizeof(cases[0]); i++)
        if (strcmp(argv[1], cases[i].name) == 0) {
            cases[i].run();
            return 0;
        }
    fprintf(stderr, "usage: manners CASE DSN\n");
    return 64;
}
