/* SPDX-License-Identifier: MIT */
/*
 * A program that does all the while, as fast as it can, what could go wrong while somebody attaches
 * to it, and keeps account of that. A thread of it sleeps beside. It says "ready"; SIGTERM ends it,
 * with 0 if all went well.
 *
 *   forks     children that listen, each awaited
 *   loads     children that load something, each awaited, while a thread looks up symbols; says
 *             "loaded" after each hundred
 *   vforks    children on its own memory, which wait a moment, then execute /bin/true
 *   spawns    posix_spawn of /bin/true
 *   threads   threads that end at once
 *   execs     executes itself, for as long as standard input has something to read
 *   files     takes what descriptors it may still have at a 'x', and gives all back at a 'y'
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILES_MAX 64
#define EXEC_US   20000
#define LOADS     100

static _Atomic bool over;
static long rounds, errors;

static void end(int number)
{
    (void)number;
    over = true;
}

static void *nap(void *unused)
{
    while (!over)
        usleep(1000);
    return unused;
}

static void *end_at_once(void *unused)
{
    return unused;
}

static void await(pid_t child)
{
    int status = 0;
    if (child > 0 && waitpid(child, &status, 0) == child && status == 0)
        return;
    errors++;
    fprintf(stderr, "child %d: status %#x, %s\n", (int)child, (unsigned)status, strerror(errno));
}

static void forks(char **argv)
{
    (void)argv;
    pid_t child = fork();
    if (child == 0) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        _exit(fd < 0 || listen(fd, 5) != 0 || close(fd) != 0);
    }
    await(child);
}

static void *look_up(void *unused)
{
    while (!over)
        if (dlsym(RTLD_DEFAULT, "listen") == NULL)
            errors++;
    return unused;
}

/* A child that hangs there is ended by an alarm. */
static void loads(char **argv)
{
    pthread_t thread;
    (void)argv;
    if (rounds == 0 && pthread_create(&thread, NULL, look_up, NULL) != 0)
        errors++;
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        _exit(dlopen("libpq.so.5", RTLD_LAZY) == NULL);
    }
    await(child);
    if (rounds % LOADS == LOADS - 1)
        puts("loaded");
    fflush(stdout);
}

static void vforks(char **argv)
{
    (void)argv;
    pid_t child = vfork();
    if (child == 0) {
        usleep(2000);
        execl("/bin/true", "true", (char *)NULL);
        _exit(1);
    }
    await(child);
}

static void spawns(char **argv)
{
    pid_t child = -1;
    char *const arguments[] = {(char *)"true", NULL};
    (void)argv;
    errno = posix_spawn(&child, "/bin/true", NULL, NULL, arguments, environ);
    await(child);
}

static void threads(char **argv)
{
    pthread_t thread;
    (void)argv;
    if (pthread_create(&thread, NULL, end_at_once, NULL) != 0 || pthread_join(thread, NULL) != 0)
        errors++;
}

static void execs(char **argv)
{
    char byte;
    int flags = fcntl(STDIN_FILENO, F_GETFL);
    fcntl(STDIN_FILENO, F_SETFL, flags | O_NONBLOCK);
    usleep(EXEC_US);
    if (read(STDIN_FILENO, &byte, 1) == 0)
        over = true;
    else
        execv("/proc/self/exe", argv);
}

static void files(char **argv)
{
    const struct rlimit limit = {FILES_MAX, FILES_MAX};
    char byte = 0;
    (void)argv;
    if (rounds == 0 && setrlimit(RLIMIT_NOFILE, &limit) != 0)
        errors++;
    if (read(STDIN_FILENO, &byte, 1) == 0)
        over = true;
    while (byte == 'x' && open("/dev/null", O_RDONLY) >= 0)
        ;
    for (int fd = 3; byte == 'y' && fd < FILES_MAX; fd++)
        close(fd);
    if (byte == 'x' || byte == 'y')
        puts("done");
    fflush(stdout);
}

static const struct {
    const char *name;
    void (*round)(char **argv);
} kinds[] = {
    {"forks", forks},     {"loads", loads}, {"vforks", vforks}, {"spawns", spawns},
    {"threads", threads}, {"execs", execs}, {"files", files},
};

int main(int argc, char **argv)
{
    size_t kind = 0;
    pthread_t thread;
    const struct sigaction action = {.sa_handler = end};
    sigset_t term, before;
    while (argc > 1 && kind < sizeof(kinds) / sizeof(kinds[0]) &&
           strcmp(kinds[kind].name, argv[1]) != 0)
        kind++;
    if (argc < 2 || kind == sizeof(kinds) / sizeof(kinds[0]))
        return 64;
    sigaction(SIGTERM, &action, NULL);
    sigemptyset(&term);
    sigaddset(&term, SIGTERM); /* interrupts none of the main thread's calls */
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    if (pthread_create(&thread, NULL, nap, NULL) != 0)
        return 1;
    pthread_sigmask(SIG_BLOCK, &term, NULL);
    puts("ready");
    fflush(stdout);
    for (; !over; rounds++)
        kinds[kind].round(argv);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pthread_join(thread, NULL) != 0 || errors > 0;
}
