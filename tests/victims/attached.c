/* SPDX-License-Identifier: MIT */
/*
 * A program that keeps account of its system calls while somebody attaches to it. All of these
 * have to be as if nobody did: no call of it is ever interrupted, but by its own signals; no sleep
 * is short; no signal is lost; vector registers and errno are kept.
 *
 *   attached wait KIND...   a thread for each KIND, the first in the main thread; SIGTERM ends it
 *   attached signals N      takes N queued signals that a child of it sends, in wait after wait
 *
 * Prints "ready", and at the end "rounds=N errors=N".
 */
#include <dlfcn.h>
#include <errno.h>
#include <fenv.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NAP_NS 30000000l
#define MS     1000000l

static _Atomic bool over;
static _Atomic long rounds;
static _Atomic long errors;

static void complain(const char *what)
{
    errors++;
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
}

static long now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000l + t.tv_nsec;
}

/* ---- waits ------------------------------------------------------------------------------------
 */

/* One that another process feeds and one that nobody does. */
struct ends {
    int fed;
    int silent;
    int epoll; /* on `silent` */
};

static struct ends make_ends(bool feed)
{
    int fed[2], silent[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fed) != 0 ||
        socketpair(AF_UNIX, SOCK_STREAM, 0, silent) != 0)
        exit(1);
    if (feed && fork() == 0) {
        close(fed[0]);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (write(fed[1], "x", 1) == 1)
            usleep(20000);
        _exit(0);
    }
    if (feed)
        close(fed[1]);
    struct ends ends = {fed[0], silent[0], epoll_create1(0)};
    struct epoll_event event = {.events = EPOLLIN};
    struct timeval limit = {0, NAP_NS / 1000};
    setsockopt(ends.silent, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    epoll_ctl(ends.epoll, EPOLL_CTL_ADD, ends.silent, &event);
    return ends;
}

static bool wait_read(const struct ends *e)
{
    char byte;
    return read(e->fed, &byte, 1) == 1 && byte == 'x';
}

static bool wait_recv(const struct ends *e)
{
    char byte;
    return recv(e->silent, &byte, 1, 0) == -1 && errno == EAGAIN;
}

static bool wait_epoll(const struct ends *e)
{
    struct epoll_event event;
    return epoll_wait(e->epoll, &event, 1, NAP_NS / MS) == 0;
}

static bool wait_poll(const struct ends *e)
{
    struct pollfd fd = {.fd = e->silent, .events = POLLIN};
    return poll(&fd, 1, NAP_NS / MS) == 0;
}

static bool wait_ppoll(const struct ends *e)
{
    struct pollfd fd = {.fd = e->silent, .events = POLLIN};
    const struct timespec limit = {0, NAP_NS};
    sigset_t none;
    sigemptyset(&none);
    return ppoll(&fd, 1, &limit, &none) == 0;
}

static bool wait_select(const struct ends *e)
{
    fd_set set;
    struct timeval limit = {0, NAP_NS / 1000};
    FD_ZERO(&set);
    FD_SET(e->silent, &set);
    return select(e->silent + 1, &set, NULL, NULL, &limit) == 0;
}

static bool wait_sleep(const struct ends *e)
{
    const struct timespec nap = {0, NAP_NS};
    (void)e;
    return nanosleep(&nap, NULL) == 0;
}

static bool wait_sem(const struct ends *e)
{
    sem_t sem;
    struct timespec until;
    (void)e;
    sem_init(&sem, 0, 0);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += NAP_NS;
    until.tv_sec += until.tv_nsec / 1000000000l;
    until.tv_nsec %= 1000000000l;
    return sem_timedwait(&sem, &until) == -1 && errno == ETIMEDOUT;
}

/* Holds the dynamic loader's lock, for longer than anybody waits. */
static bool wait_load(const struct ends *e)
{
    (void)e;
    return dlopen(getenv("SLOW_LIBRARY"), RTLD_NOW) != NULL;
}

#if defined(__x86_64__)
/* With a value in the widest vector registers that there are, one of mask's and one of the x87
 * unit's, while libc waits, which leaves them alone. */
__attribute__((target("avx512f"), noinline)) static bool nap_wide(const struct timespec *nap)
{
    typedef long vector __attribute__((vector_size(64)));
    register vector a __asm__("zmm5") = {1, -2, 3, -4, 5, -6, 7, -8};
    register vector b __asm__("zmm31") = {8, -7, 6, -5, 4, -3, 2, -1};
    const vector want_a = {1, -2, 3, -4, 5, -6, 7, -8}, want_b = {8, -7, 6, -5, 4, -3, 2, -1};
    long result = (long)&syscall;
    unsigned mask = 0x5a5a;
    long double x87 = 1.0L / 3, back;
    __asm__ volatile("kmovw %k[mask], %%k3\n fldt %[x87]\n movq %%rsp, %%r12\n subq $256, %%rsp\n"
                     "andq $-16, %%rsp\n call *%%rax\n movq %%r12, %%rsp\n fstpt %[back]\n"
                     "kmovw %%k3, %k[mask]"
                     : "+a"(result), [mask] "+r"(mask), [back] "=m"(back), "+v"(a), "+v"(b)
                     : "D"((long)SYS_nanosleep), "S"(nap), "d"(0l), [x87] "m"(x87)
                     : "rcx", "r8", "r9", "r10", "r11", "r12", "k3", "memory", "cc");
    const vector got_a = a, got_b = b;
    return result == 0 && mask == 0x5a5a && back == x87 && memcmp(&got_a, &want_a, 64) == 0 &&
           memcmp(&got_b, &want_b, 64) == 0;
}

__attribute__((target("avx2"), noinline)) static bool nap_avx(const struct timespec *nap)
{
    typedef long vector __attribute__((vector_size(32)));
    register vector a __asm__("ymm5") = {1, -2, 3, -4};
    const vector want = {1, -2, 3, -4};
    long result = (long)&syscall;
    __asm__ volatile("movq %%rsp, %%r12\n subq $256, %%rsp\n andq $-16, %%rsp\n call *%%rax\n"
                     "movq %%r12, %%rsp"
                     : "+a"(result), "+x"(a)
                     : "D"((long)SYS_nanosleep), "S"(nap), "d"(0l)
                     : "rcx", "r8", "r9", "r10", "r11", "r12", "memory", "cc");
    const vector got = a;
    return result == 0 && memcmp(&got, &want, sizeof(got)) == 0;
}
#endif

static bool wait_vector(const struct ends *e)
{
    const struct timespec nap = {0, NAP_NS};
    (void)e;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
        return nap_wide(&nap);
    if (__builtin_cpu_supports("avx2"))
        return nap_avx(&nap);
#endif
    return nanosleep(&nap, NULL) == 0;
}

/* Never in a call that waits. */
static bool wait_busy(const struct ends *e)
{
    long until = now_ns() + NAP_NS;
    (void)e;
    while (now_ns() < until)
        ;
    return true;
}

static const struct {
    const char *name;
    bool (*wait)(const struct ends *e);
    bool naps; /* for NAP_NS */
} kinds[] = {
    {"read", wait_read, false},  {"recv", wait_recv, true},     {"epoll", wait_epoll, true},
    {"poll", wait_poll, true},   {"ppoll", wait_ppoll, true},   {"select", wait_select, true},
    {"sleep", wait_sleep, true}, {"sem", wait_sem, false},      {"busy", wait_busy, false},
    {"load", wait_load, false},  {"vector", wait_vector, true},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* In each thread's own rounding mode, which belongs to its registers. */
static void *wait_again_and_again(void *name)
{
    struct ends ends = make_ends(strcmp(name, "read") == 0);
    size_t kind = 0;
    while (kind < KINDS && strcmp(kinds[kind].name, name) != 0)
        kind++;
    if (kind == KINDS)
        exit(64);
    fesetround(FE_UPWARD);
    while (!over) {
        long begin = now_ns();
        errno = 0;
        bool fine = kinds[kind].wait(&ends);
        if (!fine && !over)
            complain(name);
        if (kinds[kind].naps && now_ns() - begin < NAP_NS && !over)
            complain("woke early");
        if (fegetround() != FE_UPWARD)
            complain("rounding mode");
        rounds++;
    }
    return NULL;
}

static void end(int number)
{
    (void)number;
    over = true;
}

static void wait_all(char **names)
{
    pthread_t thread;
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    signal(SIGTERM, end);
    signal(SIGCHLD, SIG_IGN);
    pthread_sigmask(SIG_BLOCK, &term, NULL);
    for (char **name = names + 1; names[0] != NULL && *name != NULL; name++)
        if (pthread_create(&thread, NULL, wait_again_and_again, *name) != 0)
            exit(1);
    pthread_sigmask(SIG_UNBLOCK, &term, NULL);
    puts("ready");
    fflush(stdout);
    wait_again_and_again(names[0]);
}

/* ---- signals ----------------------------------------------------------------------------------
 */

static _Atomic long taken, children;

static void take(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    taken += info->si_value.sival_int;
}

static void reap(int number)
{
    int saved = errno;
    (void)number;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        children++;
    errno = saved;
}

static void send_all(pid_t to, long n)
{
    for (long i = 1; i <= n; i++) {
        const union sigval value = {.sival_int = (int)(i % 1000)};
        while (sigqueue(to, SIGRTMIN, value) != 0)
            usleep(100);
        usleep(100);
    }
}

static void count_signals(long n)
{
    long want = 0;
    struct sigaction action = {.sa_sigaction = take, .sa_flags = SA_SIGINFO | SA_RESTART};
    const struct itimerval often = {{0, 1000}, {0, 1000}};
    sigaction(SIGRTMIN, &action, NULL);
    signal(SIGCHLD, reap);
    signal(SIGPROF, end); /* on its own: nothing to do */
    for (long i = 1; i <= n; i++)
        want += i % 1000;
    pid_t self = getpid();
    puts("ready");
    fflush(stdout);
    if (fork() == 0) {
        send_all(self, n);
        _exit(0);
    }
    setitimer(ITIMER_PROF, &often, NULL);
    struct ends ends = make_ends(true);
    while (taken < want || children < 1) {
        wait_poll(&ends);
        wait_read(&ends);
        rounds++;
    }
    if (taken != want)
        complain("signals");
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "wait") == 0)
        wait_all(argv + 2);
    else if (argc == 3 && strcmp(argv[1], "signals") == 0)
        count_signals(atol(argv[2]));
    else
        return 64;
    printf("rounds=%ld errors=%ld\n", rounds, errors);
    fflush(stdout);
    _exit(errors == 0 ? 0 : 1); /* exit() would wait for the loader's lock */
}
