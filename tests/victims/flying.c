/* SPDX-License-Identifier: MIT */
/*
 * Signals for programs that are attached to: preloaded, it has them fly at whatever the program is,
 * and keeps account of them. FLYING=DIR:KIND,KIND... in the environment says which:
 *
 *   timer   a timer's signal a thousand times a second. What came and what was left
 *           out for one that was still to come make up all that the timer has fired,
 *           unless one was lost.
 *
 *   prof    SIGPROF after each millisecond of processor time.
 *
 *   child   a child that ends, and the next when SIGCHLD has told of it: a lost
 *           one ends the row.
 *
 * The account is DIR/PID, mapped, so that others read it at any time. No thread of its own: one
 * that does nothing but wait would be just what attaching looks for. A fork's child has its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TICK_NS     1000000l
#define TICKS_CHILD 100 /* between children */

/* In this order in the file. */
struct account {
    long began_ns; /* when the timer was set, by CLOCK_MONOTONIC */
    _Atomic long ticks;
    _Atomic long profs;
    _Atomic long forked;
    _Atomic long ended;
};

static struct account *account;
static _Atomic pid_t child; /* that lives; 0: none; -1: is being made */
static _Atomic long child_due;
static const char *kinds;

static void make_child(void)
{
    pid_t none = 0;
    if (!atomic_compare_exchange_strong(&child, &none, -1))
        return;
    child_due = account->ticks + TICKS_CHILD;
    account->forked++;
    pid_t pid = _Fork();
    if (pid == 0)
        _exit(0);
    child = pid;
}

static void tick(int number, siginfo_t *info, void *context)
{
    int saved_errno = errno;
    (void)number;
    (void)context;
    account->ticks += 1 + info->si_overrun;
    if (strstr(kinds, "child") != NULL && account->ticks >= child_due)
        make_child();
    errno = saved_errno;
}

/* May be in another thread than make_child(), and before its end; in the same it is held off. */
static void child_ends(int number)
{
    int saved_errno = errno;
    (void)number;
    while (child == -1)
        ;
    if (child > 0 && waitpid(child, NULL, WNOHANG) == child) {
        account->ended++;
        child = 0;
    }
    errno = saved_errno;
}

static void profile(int number)
{
    (void)number;
    account->profs++;
}

static void handle(int number, void (*handler)(int), void (*full)(int, siginfo_t *, void *))
{
    struct sigaction action = {.sa_flags = SA_RESTART | (full != NULL ? SA_SIGINFO : 0)};
    if (full != NULL)
        action.sa_sigaction = full;
    else
        action.sa_handler = handler;
    sigaddset(&action.sa_mask, SIGRTMIN + 2);
    sigaddset(&action.sa_mask, SIGCHLD);
    sigaction(number, &action, NULL);
}

static void set_timers(void)
{
    timer_t timer;
    struct timespec now;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 2};
    const struct itimerspec often = {{0, TICK_NS}, {0, TICK_NS}};
    const struct itimerval work = {{0, TICK_NS / 1000}, {0, TICK_NS / 1000}};
    clock_gettime(CLOCK_MONOTONIC, &now);
    account->began_ns = now.tv_sec * 1000000000l + now.tv_nsec;
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 ||
        timer_settime(timer, 0, &often, NULL) != 0)
        exit(70);
    if (strstr(kinds, "prof") != NULL)
        setitimer(ITIMER_PROF, &work, NULL);
}

/* The account of this process. */
static void open_account(void)
{
    char path[512];
    size_t length = strcspn(getenv("FLYING"), ":");
    snprintf(path, sizeof(path), "%.*s/%d", (int)length, getenv("FLYING"), getpid());
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof(*account)) != 0)
        exit(70);
    account = mmap(NULL, sizeof(*account), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (account == MAP_FAILED)
        exit(70);
    child = 0;
    child_due = 0;
}

static void begin(void)
{
    open_account();
    set_timers();
}

__attribute__((constructor)) static void fly(void)
{
    const char *flying = getenv("FLYING");
    if (flying == NULL || strchr(flying, ':') == NULL)
        return;
    kinds = strdup(strchr(flying, ':') + 1);
    open_account();
    handle(SIGRTMIN + 2, NULL, tick);
    if (strstr(kinds, "prof") != NULL)
        handle(SIGPROF, profile, NULL);
    if (strstr(kinds, "child") != NULL)
        handle(SIGCHLD, child_ends, NULL);
    pthread_atfork(NULL, NULL, begin);
    set_timers();
}
