/* SPDX-License-Identifier: MIT */
/*
 * A program that keeps account of its own calls in a file that outlives it, and then dies, or has
 * children and threads that come and go.
 *
 * usage: tally FILE DSN run THREADS       calls until it is killed
 *        tally FILE DSN abort|segv|exit|hog THREADS    the same, and then does that: it dies
 *        tally FILE DSN storm FORKS       every second child makes a call, others none
 *        tally FILE DSN crowd THREADS     all at once, 500 calls each
 *        tally FILE DSN churn THREADS     one after the other, a call each; prints its memory
 *
 * FILE holds, for each thread or child, how many calls it has begun and how many it has ended, as
 * pairs of 64-bit numbers: what was counted is between their sums, whenever one looks.
 */
#include <fcntl.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define ACCOUNTS 256

struct account {
    _Alignas(64) _Atomic uint64_t begun;
    _Atomic uint64_t ended;
};

static struct account *accounts;
static const char *dsn;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void open_accounts(const char *path)
{
    size_t bytes = ACCOUNTS * sizeof(struct account);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)bytes) != 0)
        die(path);
    accounts = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (accounts == MAP_FAILED)
        die(path);
    close(fd);
}

static PGconn *connect_to(void)
{
    PGconn *conn = PQconnectdb(dsn);
    if (PQstatus(conn) != CONNECTION_OK) {
        fprintf(stderr, "no connection\n");
        exit(1);
    }
    return conn;
}

static void call(PGconn *conn, struct account *account)
{
    atomic_fetch_add(&account->begun, 1);
    PGresult *result = PQexec(conn, "SELECT 1");
    atomic_fetch_add(&account->ended, 1);
    PQclear(result);
}

static void *call_for_ever(void *account)
{
    PGconn *conn = connect_to();
    for (;;)
        call(conn, account);
    return NULL;
}

/* The first connection is made before there are threads: that is when a watch begins, and what
 * other threads do meanwhile is not watched yet. */
static void start(int threads)
{
    PQfinish(connect_to());
    for (int i = 0; i < threads; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, call_for_ever, &accounts[i]) != 0)
            die("pthread_create");
    }
}

/* Each thread has made a thousand. */
static void await(int threads)
{
    for (int i = 0; i < threads; i++)
        while (atomic_load(&accounts[i].ended) < 1000)
            usleep(1000);
}

static void storm(int forks)
{
    for (int i = 0; i < forks; i++) {
        pid_t pid = fork();
        if (pid < 0)
            die("fork");
        if (pid == 0) {
            PGconn *conn = i % 2 == 0 ? connect_to() : NULL;
            if (conn != NULL)
                call(conn, &accounts[i % ACCOUNTS]);
            if (conn != NULL)
                PQfinish(conn);
            _exit(0);
        }
        int status;
        if (waitpid(pid, &status, 0) != pid || status != 0)
            die("a child");
    }
    if (wait(NULL) != -1)
        die("a child is left");
}

static pthread_barrier_t together;

static void *call_together(void *account)
{
    PGconn *conn = connect_to();
    pthread_barrier_wait(&together);
    for (int i = 0; i < 500; i++)
        call(conn, account);
    pthread_barrier_wait(&together); /* none ends before the last has called */
    PQfinish(conn);
    return NULL;
}

static void crowd(int threads)
{
    pthread_t thread[ACCOUNTS];
    PQfinish(connect_to());
    pthread_barrier_init(&together, NULL, (unsigned)threads);
    for (int i = 0; i < threads; i++)
        if (pthread_create(&thread[i], NULL, call_together, &accounts[i]) != 0)
            die("pthread_create");
    for (int i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    printf("ready\n");
}

static PGconn *common; /* used by one thread at a time */

static void *call_once(void *account)
{
    call(common, account);
    return NULL;
}

static long resident_kib(void)
{
    char line[256];
    long kib = -1;
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(line, sizeof(line), status) != NULL)
        if (sscanf(line, "VmRSS: %ld", &kib) == 1)
            break;
    if (status != NULL)
        fclose(status);
    return kib;
}

static void churn(int threads)
{
    common = connect_to();
    for (int i = 0; i < threads; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, call_once, &accounts[0]) != 0)
            die("pthread_create");
        pthread_join(thread, NULL);
        if (i == threads / 10)
            printf("before %ld KiB\n", resident_kib());
    }
    printf("after %ld KiB\n", resident_kib());
}

/* Until the kernel puts an end to it. */
static void hog(void)
{
    for (;;) {
        char *more = malloc(1 << 20);
        if (more == NULL)
            die("malloc");
        memset(more, 1, 1 << 20);
    }
}

static void end(const char *how)
{
    if (strcmp(how, "hog") == 0)
        hog();
    if (strcmp(how, "abort") == 0)
        abort();
    if (strcmp(how, "segv") == 0)
        raise(SIGSEGV);
    if (strcmp(how, "exit") == 0)
        _exit(3);
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: tally FILE DSN run|abort|segv|exit|hog|storm|crowd|churn NUMBER\n");
        return 64;
    }
    int number = atoi(argv[4]);
    setvbuf(stdout, NULL, _IOLBF, 0);
    open_accounts(argv[1]);
    dsn = argv[2];
    if (strcmp(argv[3], "storm") == 0) {
        storm(number);
    } else if (strcmp(argv[3], "crowd") == 0 && number <= ACCOUNTS) {
        crowd(number);
    } else if (strcmp(argv[3], "churn") == 0) {
        churn(number);
        printf("ready\n");
        while (getchar() != EOF) /* to be looked at while it lives */
            ;
    } else {
        start(number < ACCOUNTS ? number : ACCOUNTS);
        await(number);
        printf("ready\n");
        end(argv[3]);
        pause();
    }
    return 0;
}
