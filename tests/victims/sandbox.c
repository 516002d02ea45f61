/* SPDX-License-Identifier: MIT */
/*
 * A program that opens its connections, confines itself, and works on: a system call that it does
 * not need itself kills it.
 *
 * usage: sandbox CASE DSN      Cases that end with "ready" wait for standard input to end.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libpq-fe.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char request[] = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";
static const char response[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
static const char *dsn;
static PGconn *conn;
static int listener, server, client, second;

/* What libpq, malloc, threads and this program need themselves. */
static const unsigned allowed[] = {
    SYS_read,         SYS_write,   SYS_close,   SYS_sendto,          SYS_recvfrom,
    SYS_poll,         SYS_accept,  SYS_mmap,    SYS_munmap,          SYS_mprotect,
    SYS_brk,          SYS_futex,   SYS_madvise, SYS_rt_sigprocmask,  SYS_rt_sigaction,
    SYS_clone,        SYS_clone3,  SYS_rseq,    SYS_set_robust_list, SYS_exit,
    SYS_rt_sigreturn, SYS_seccomp, SYS_prctl,   SYS_exit_group,      SYS_wait4,
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static struct sock_fprog *filter(void)
{
    static struct sock_filter code[2 * COUNT(allowed) + 2];
    static struct sock_fprog program = {.filter = code};
    size_t n = 0;
    code[n++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < COUNT(allowed); i++) {
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i], 0, 1);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    }
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    program.len = (unsigned short)n;
    return &program;
}

/* ---- work ----------------------------------------------------------------------------------- */

static int connect_client(void)
{
    struct sockaddr_in address;
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (getsockname(listener, (struct sockaddr *)&address, &len) != 0 ||
        connect(fd, (struct sockaddr *)&address, len) != 0)
        die("connect");
    return fd;
}

/* One connection is accepted now, another waits until later. */
static void open_all(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener, 8) != 0)
        die("listen");
    client = connect_client();
    server = accept(listener, NULL, NULL);
    second = connect_client();
    conn = PQconnectdb(dsn);
    if (PQstatus(conn) != CONNECTION_OK) {
        fprintf(stderr, "%s", PQerrorMessage(conn));
        exit(1);
    }
}

static void exchange(int at_server, int at_client)
{
    char buffer[200];
    if (write(at_client, request, sizeof(request) - 1) < 0 ||
        read(at_server, buffer, sizeof(buffer)) <= 0 ||
        write(at_server, response, sizeof(response) - 1) < 0)
        die("exchange");
}

static void query(void)
{
    PGresult *result = PQexec(conn, "SELECT 'confined'");
    printf("%s\n", PQresStatus(PQresultStatus(result)));
    PQclear(result);
}

/* Two statements in a pipeline: more in flight than a connection has had so far. */
static void pipeline(void)
{
    int results = 0;
    PQenterPipelineMode(conn);
    for (int i = 0; i < 2; i++)
        PQsendQueryParams(conn, "SELECT 'piped'", 0, NULL, NULL, NULL, NULL, 0);
    PQpipelineSync(conn);
    for (int nulls = 0; nulls < 2;) {
        PGresult *result = PQgetResult(conn);
        nulls = result == NULL ? nulls + 1 : 0;
        results += result != NULL;
        PQclear(result);
    }
    PQexitPipelineMode(conn);
    printf("%d results\n", results);
}

static void *work_in_thread(void *unused)
{
    query();
    return unused;
}

static void work(void)
{
    pthread_t thread;
    query();
    pipeline();
    exchange(server, client);
    close(server);
    server = accept(listener, NULL, NULL);
    exchange(server, second);
    if (pthread_create(&thread, NULL, work_in_thread, NULL) != 0)
        die("pthread_create");
    pthread_join(thread, NULL);
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

/* ---- cases ---------------------------------------------------------------------------------- */

static void by_prctl(void)
{
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter(), 0, 0) != 0)
        die("prctl");
}

static void by_syscall(unsigned flags)
{
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, filter()) != 0)
        die("seccomp");
}

/* As libseccomp does, to learn whether the kernel knows of filters, and of filters for all threads.
 */
static void ask_kernel(void)
{
    errno = 0;
    int got = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0);
    printf("asked: %d %s\n", got, strerror(errno));
    errno = 0;
    got = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, NULL);
    printf("asked: %d %s\n", got, strerror(errno));
}

static void case_prctl(void)
{
    open_all();
    by_prctl();
    ask_kernel();
    work();
    wait_for_test();
}

static void case_syscall(void)
{
    open_all();
    by_syscall(0);
    work();
    wait_for_test();
}

static void case_sync(void)
{
    open_all();
    by_syscall(SECCOMP_FILTER_FLAG_TSYNC);
    work();
    wait_for_test();
}

/* For this thread first, for all of them then. */
static void case_twice(void)
{
    open_all();
    by_prctl();
    query();
    by_syscall(SECCOMP_FILTER_FLAG_TSYNC);
    work();
    wait_for_test();
}

/* A child has the filter of its parent. */
static void case_child(void)
{
    int status;
    open_all();
    by_prctl();
    pid_t pid = fork();
    if (pid == 0) {
        query();
        fflush(stdout);
        _exit(7);
    }
    waitpid(pid, &status, 0);
    printf("child: %d\n", status);
    wait_for_test();
}

/* Before there is anything to watch. */
static void case_early(void)
{
    by_prctl();
    accept(0, NULL, NULL);
    printf("alive\n");
    wait_for_test();
}

/* The kernel is asked, and says no: nothing has changed. */
static void case_refused(void)
{
    open_all();
    struct sock_fprog nothing = {0, NULL};
    errno = 0;
    int got =
        (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &nothing);
    printf("refused: %d %s\n", got, strerror(errno));
    work();
    wait_for_test();
}

/* Only read, write and exit are left, and in this mode the clock cannot be read. */
static void case_strict(void)
{
    char byte;
    open_all();
    query();
    printf("ready\n");
    fflush(stdout);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
        die("prctl");
    exchange(server, client);
    while (read(0, &byte, 1) > 0)
        ;
    syscall(SYS_exit, 5);
}

static void case_notsc(void)
{
    open_all();
    query();
    if (prctl(PR_SET_TSC, PR_TSC_SIGSEGV) != 0)
        die("prctl");
    exchange(server, client);
    query();
    PQfreemem(PQnotifies(conn));
    wait_for_test();
}

/* A child of vfork confines itself, in our memory, and goes. */
static void case_vfork(void)
{
    int status;
    struct sock_fprog *program = filter();
    open_all();
    pid_t pid = vfork();
    if (pid == 0) {
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, program);
        _exit(3);
    }
    waitpid(pid, &status, 0);
    printf("child: %d\n", WEXITSTATUS(status));
    work();
    wait_for_test();
}

/* ---- privileges -------------------------------------------------------------------------------
 */

/* As servers do: with privileges until they listen, and without from then on. */
static void case_drop(void)
{
    open_all();
    query();
    if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0)
        die("setresuid");
    work();
    wait_for_test();
}

/* Without before. */
static void case_dropped(void)
{
    if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0)
        die("setresuid");
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listen(listener, 8) != 0)
        die("listen");
    wait_for_test();
}

/* Where there is nothing but the directory itself. JAIL says which. */
static void case_chroot(void)
{
    if (chroot(getenv("JAIL")) != 0 || chdir("/") != 0)
        die("chroot");
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listen(listener, 8) != 0)
        die("listen");
    client = connect_client();
    server = accept(listener, NULL, NULL);
    exchange(server, client);
    wait_for_test();
}

/* ---- the end of the main thread ---------------------------------------------------------------
 */

static void say_goodbye(void)
{
    printf("goodbye\n");
}

static void *outlive_main(void *main_thread)
{
    pthread_join(*(pthread_t *)main_thread, NULL);
    work();
    wait_for_test();
    return NULL;
}

/* The process lasts as long as its last thread, and ends well. */
static void case_mainexit(void)
{
    static pthread_t self;
    pthread_t thread;
    self = pthread_self();
    open_all();
    atexit(say_goodbye);
    if (pthread_create(&thread, NULL, outlive_main, &self) != 0)
        die("pthread_create");
    pthread_exit(NULL);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } cases[] = {
        {"prctl", case_prctl},     {"syscall", case_syscall},   {"sync", case_sync},
        {"twice", case_twice},     {"child", case_child},       {"early", case_early},
        {"refused", case_refused}, {"strict", case_strict},     {"notsc", case_notsc},
        {"vfork", case_vfork},     {"mainexit", case_mainexit}, {"drop", case_drop},
        {"dropped", case_dropped}, {"chroot", case_chroot},
    };
    if (argc != 3 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        fprintf(stderr, "usage: sandbox CASE DSN\n");
        return 64;
    }
    dsn = argv[2];
    printf("%s\n", argv[1]); /* stdio asks what kind of file it writes to */
    fflush(stdout);
    for (size_t i = 0; i < COUNT(cases); i++)
        if (strcmp(argv[1], cases[i].name) == 0)
            cases[i].run();
    return 0;
}
