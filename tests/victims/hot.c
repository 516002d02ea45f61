/* SPDX-License-Identifier: MIT */
/*
 * A program that is all libpq, told what to do by lines on standard input; answers "done WORD".
 *
 *   query N   N queries, one after the other
 *   sleep N   N queries that each take the server 200 us and more
 *   spin      from here on a second thread calls libpq without end, on an idle connection: next to
 *             nothing but what whoever watches adds
 *   rest      that ends
 */
#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static atomic_bool spinning;

static PGconn *connect_to(const char *where)
{
    PGconn *conn = PQconnectdb(where);
    if (PQstatus(conn) != CONNECTION_OK) {
        fputs(PQerrorMessage(conn), stderr);
        exit(1);
    }
    return conn;
}

static void *spin(void *conn)
{
    while (atomic_load(&spinning))
        if (PQgetResult(conn) != NULL)
            exit(1);
    return NULL;
}

static void query(PGconn *conn, const char *text, long n)
{
    for (long i = 0; i < n; i++) {
        PGresult *result = PQexec(conn, text);
        if (PQresultStatus(result) != PGRES_TUPLES_OK)
            exit(1);
        PQclear(result);
    }
}

int main(int argc, char **argv)
{
    char line[64];
    pthread_t thread;
    if (argc != 2)
        return 64;
    PGconn *conn = connect_to(argv[1]), *idle = connect_to(argv[1]);
    puts("begin");
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        if (strncmp(line, "query ", 6) == 0) {
            query(conn, "SELECT 1 AS hot", strtol(line + 6, NULL, 10));
        } else if (strncmp(line, "sleep ", 6) == 0) {
            query(conn, "SELECT pg_sleep(0.0002)", strtol(line + 6, NULL, 10));
        } else if (strcmp(line, "spin\n") == 0) {
            atomic_store(&spinning, true);
            if (pthread_create(&thread, NULL, spin, idle) != 0)
                return 1;
        } else if (strcmp(line, "rest\n") == 0) {
            atomic_store(&spinning, false);
            pthread_join(thread, NULL);
        }
        printf("done %s", line);
        fflush(stdout);
    }
    PQfinish(idle);
    PQfinish(conn);
    return 0;
}
