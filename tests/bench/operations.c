/* SPDX-License-Identifier: MIT */
/*
 * A process of THREADS threads, each with a connection, that together run OPERATIONS statements of
 * different texts, each a number of times in each thread. Says `ready` when that is done and stays,
 * threads and connections and all, until its standard input ends: somebody looks at its memory.
 *
 * usage: operations THREADS OPERATIONS
 */
#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define REPEATS     20
#define THREADS_MAX 64

static int operations;
static pthread_barrier_t done, leave;

static void run_all(PGconn *conn)
{
    char text[64];
    for (int i = 0; i < REPEATS * operations; i++) {
        snprintf(text, sizeof(text), "SELECT %d AS operation_%d", i, i % operations);
        PGresult *result = PQexec(conn, text);
        if (PQresultStatus(result) != PGRES_TUPLES_OK) {
            fprintf(stderr, "operations: %s: %s", text, PQerrorMessage(conn));
            exit(1);
        }
        PQclear(result);
    }
}

static void *run_thread(void *arg)
{
    PGconn *conn = PQconnectdb("");
    (void)arg;
    if (PQstatus(conn) != CONNECTION_OK) {
        fprintf(stderr, "operations: %s", PQerrorMessage(conn));
        exit(1);
    }
    run_all(conn);
    pthread_barrier_wait(&done);
    pthread_barrier_wait(&leave);
    PQfinish(conn);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t thread[THREADS_MAX];
    char byte;
    int threads = argc == 3 ? atoi(argv[1]) : 0;
    operations = argc == 3 ? atoi(argv[2]) : 0;
    if (threads < 1 || threads > THREADS_MAX || operations < 1) {
        fprintf(stderr, "usage: operations THREADS OPERATIONS  (1 to %d threads)\n", THREADS_MAX);
        return 64;
    }
    pthread_barrier_init(&done, NULL, (unsigned)threads + 1);
    pthread_barrier_init(&leave, NULL, (unsigned)threads + 1);
    for (int i = 0; i < threads; i++)
        if (pthread_create(&thread[i], NULL, run_thread, NULL) != 0) {
            perror("operations: pthread_create");
            return 1;
        }
    pthread_barrier_wait(&done);
    puts("ready");
    fflush(stdout);
    while (read(0, &byte, 1) > 0)
        ;
    pthread_barrier_wait(&leave);
    for (int i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    return 0;
}
