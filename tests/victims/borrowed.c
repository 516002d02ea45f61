/* SPDX-License-Identifier: MIT */
/*
 * A program with a thread, or a mapping, that somebody who attaches could stumble over. It says
 * "ready", goes on until there is nothing more to read, and ends with 0.
 *
 *   ids      a thread changes the process' ids all the time, in which all threads take part
 *   narrow   the thread that reads has hardly any stack left, and no signal comes to it
 *   mapped   libc's file is mapped once more, below libc, as data
 *
 * Of these there is one thread only, which waits for 1000 s; SIGTERM ends it. That a wait ended
 * before is complained of.
 *
 *   sleep    in nanosleep
 *   poll     in poll, of nothing
 *   input    in poll, for something to read
 *   sem      in sem_timedwait
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STACK_BYTES 131072u
#define GUARD_BYTES 16384u
#define LEFT_BYTES  1024u
#define LONG_S      1000

static _Atomic bool over;
static char *stack; /* the narrow one */

static void read_all(void)
{
    char byte;
    while (read(STDIN_FILENO, &byte, 1) == 1)
        ;
}

static void *change_ids(void *unused)
{
    for (; !over; usleep(100)) /* without a pause nobody else gets glibc's lock */
        if (seteuid(geteuid()) != 0)
            exit(1);
    return unused;
}

static void *read_narrowly(void *unused)
{
    char *here = __builtin_frame_address(0);
    volatile char *taken = __builtin_alloca((size_t)(here - stack) - GUARD_BYTES - LEFT_BYTES);
    taken[0] = 1;
    read_all();
    return taken[0] == 1 ? unused : NULL;
}

static int start(pthread_t *thread, const char *kind)
{
    pthread_attr_t attributes;
    sigset_t all;
    if (strcmp(kind, "ids") == 0)
        return pthread_create(thread, NULL, change_ids, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_attr_init(&attributes);
    return mprotect(stack, GUARD_BYTES, PROT_NONE) != 0 ||
           pthread_attr_setstack(&attributes, stack, STACK_BYTES) != 0 ||
           pthread_create(thread, &attributes, read_narrowly, NULL) != 0;
}

static int map_libc(void)
{
    char line[512], *path = NULL;
    struct stat st;
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps != NULL && path == NULL && fgets(line, sizeof(line), maps) != NULL)
        if (strstr(line, "/libc.so.6") != NULL)
            path = strchr(line, '/');
    if (path == NULL)
        return 1;
    fclose(maps);
    path[strcspn(path, "\n")] = '\0';
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 || fstat(fd, &st) != 0 ||
           mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED;
}

static int wait_long(const char *kind)
{
    struct timespec limit = {.tv_sec = LONG_S};
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    sem_t sem;
    if (strcmp(kind, "sleep") == 0)
        return nanosleep(&limit, NULL);
    if (strcmp(kind, "poll") == 0)
        return poll(NULL, 0, LONG_S * 1000);
    if (strcmp(kind, "input") == 0)
        return poll(&input, 1, LONG_S * 1000);
    sem_init(&sem, 0, 0);
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += LONG_S;
    return sem_timedwait(&sem, &limit);
}

static void end(int number)
{
    (void)number;
    over = true;
}

static int be_told_to_end(const char *kind)
{
    const struct sigaction action = {.sa_handler = end};
    sigaction(SIGTERM, &action, NULL);
    if (write(STDOUT_FILENO, "ready\n", 6) != 6)
        return 1;
    errno = 0;
    if (wait_long(kind) == -1 && errno == EINTR && over)
        return 0;
    fprintf(stderr, "%s: woke early: %s\n", kind, strerror(errno));
    return 1;
}

static bool waits_long(const char *kind)
{
    return strcmp(kind, "sleep") == 0 || strcmp(kind, "poll") == 0 || strcmp(kind, "input") == 0 ||
           strcmp(kind, "sem") == 0;
}

int main(int argc, char **argv)
{
    const char *kind = argc > 1 ? argv[1] : "";
    bool mapped = strcmp(kind, "mapped") == 0, narrow = strcmp(kind, "narrow") == 0;
    pthread_t thread;
    if (waits_long(kind))
        return be_told_to_end(kind);
    if (mapped ? map_libc() != 0 : start(&thread, kind) != 0)
        return 64;
    if (write(STDOUT_FILENO, "ready\n", 6) != 6)
        return 1;
    if (!narrow)
        read_all();
    over = true;
    return mapped ? 0 : pthread_join(thread, NULL);
}
