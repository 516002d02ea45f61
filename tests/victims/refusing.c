/* SPDX-License-Identifier: MIT */
/*
 * A program that is hard to attach to, in the way that its first argument says. It says "ready",
 * goes on for as long as there are bytes to read, and ends with 0 if each of them was "x".
 *
 *   plain          is not hard at all
 *   undumpable     nobody but root may look into it
 *   files          may open no more files
 *   memory         may map no more memory
 *   strict         seccomp's first kind: read, write and exit only
 *   filter [CALL...]  a seccomp filter under which these system calls fail
 *   kill [CALL...]    one that kills it for these, and for all others but its own and those that
 *                     perfspy-ctl takes for perfspy's
 *   trap, ask CALL    one that sends it SIGSYS for this one, or has somebody else decide
 *   thread            one that binds another thread only
 *   leader         its main thread has ended, and another one reads
 */
#include "ctl/seccomp_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    const char *name;
    unsigned number;
} calls[] = {
#define ROW(name, ...) {#name, SYS_##name},
    CTL_SECCOMP_CALLS(ROW)
#undef ROW
    /* its own, beside those */
    {"exit_group", SYS_exit_group},
};

static struct sock_filter code[2 * 2 * COUNT(calls) + 2];
static unsigned short length;

static void add(unsigned short kind, unsigned char skip, unsigned value)
{
    if (length < COUNT(code))
        code[length++] = (struct sock_filter)BPF_JUMP(kind, value, 0, skip);
}

static void answer(const char *name, unsigned with)
{
    size_t i = 0;
    while (i < COUNT(calls) && strcmp(calls[i].name, name) != 0)
        i++;
    if (i == COUNT(calls))
        exit(64);
    add(BPF_JMP | BPF_JEQ | BPF_K, 1, calls[i].number);
    add(BPF_RET | BPF_K, 0, with);
}

static int confine(unsigned with)
{
    const struct sock_fprog program = {length, code};
    unsigned flags = with == SECCOMP_RET_USER_NOTIF ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) >= 0 ? 0 : -1;
}

/* NAMES are answered WITH that. What is not named is let through, or of what we know, KILLING. */
static int filter(char **names, unsigned with, bool killing)
{
    add(BPF_LD | BPF_W | BPF_ABS, 0, offsetof(struct seccomp_data, nr));
    for (; *names != NULL; names++)
        answer(*names, with);
    for (size_t i = 0; killing && i < COUNT(calls); i++)
        answer(calls[i].name, SECCOMP_RET_ALLOW);
    add(BPF_RET | BPF_K, 0, killing ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ALLOW);
    return confine(with);
}

static void *wait_confined(void *confined)
{
    static char *none[] = {NULL};
    if (filter(none, SECCOMP_RET_ALLOW, false) == 0)
        sem_post(confined);
    pause();
    return NULL;
}

static int confine_thread(void)
{
    sem_t confined;
    pthread_t thread;
    return sem_init(&confined, 0, 0) != 0 ||
           pthread_create(&thread, NULL, wait_confined, &confined) != 0 || sem_wait(&confined) != 0;
}

static int limit(int resource, rlim_t at)
{
    const struct rlimit value = {at, at};
    return setrlimit(resource, &value);
}

/* What it has, and not a page more. */
static rlim_t memory_now(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL || fscanf(file, "%lu", &pages) != 1)
        exit(1);
    fclose(file);
    return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static int become(char **argv)
{
    const char *kind = argv[1];
    if (strcmp(kind, "plain") == 0)
        return 0;
    if (strcmp(kind, "undumpable") == 0)
        return prctl(PR_SET_DUMPABLE, 0);
    if (strcmp(kind, "files") == 0)
        return limit(RLIMIT_NOFILE, 3);
    if (strcmp(kind, "memory") == 0)
        return limit(RLIMIT_AS, memory_now());
    if (strcmp(kind, "strict") == 0)
        return prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
    if (strcmp(kind, "filter") == 0)
        return filter(argv + 2, SECCOMP_RET_ERRNO | EPERM, false);
    if (strcmp(kind, "kill") == 0)
        return filter(argv + 2, SECCOMP_RET_KILL_PROCESS, true);
    if (strcmp(kind, "trap") == 0)
        return filter(argv + 2, SECCOMP_RET_TRAP, false);
    if (strcmp(kind, "ask") == 0)
        return filter(argv + 2, SECCOMP_RET_USER_NOTIF, false);
    if (strcmp(kind, "thread") == 0)
        return confine_thread();
    return strcmp(kind, "leader") == 0 ? 0 : 64;
}

static int read_all(char **argv)
{
    char byte = 'x';
    ssize_t got = 1;
    if (become(argv) != 0)
        return 64;
    if (write(STDOUT_FILENO, "ready\n", 6) != 6)
        return 1;
    while (byte == 'x' && got == 1)
        got = read(STDIN_FILENO, &byte, 1);
    int status = byte == 'x' && got == 0 ? 0 : 1;
    if (strcmp(argv[1], "strict") == 0)
        syscall(SYS_exit, status); /* exit_group() it does not allow */
    _exit(status);
}

static void *read_beside(void *argv)
{
    _exit(read_all(argv));
}

int main(int argc, char **argv)
{
    pthread_t thread;
    if (argc < 2)
        return 64;
    if (strcmp(argv[1], "leader") != 0)
        return read_all(argv);
    if (pthread_create(&thread, NULL, read_beside, argv) != 0)
        return 1;
    pthread_exit(NULL);
}
