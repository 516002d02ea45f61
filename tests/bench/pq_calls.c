/* SPDX-License-Identifier: MIT */
/*
 * Calls of libpq in a loop. Prints nanoseconds a statement, the least of many rounds: each is much
 * shorter than the time for which a scheduler lets a thread run.
 *
 * usage: pq_calls exec|prepared|async [ROUNDS]
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CALLS  2000
#define ROUNDS 300

static const char text[] = "SELECT id, name, description, part_type, quantity, unit FROM parts "
                           "WHERE organisation_id = 42 AND name = 'Bolt M6x20' AND id IN (1, 2, 3) "
                           "ORDER BY name, id LIMIT 20 OFFSET 40 -- of one organisation's parts";
static const char *const values[] = {"7"};

static void exec_text(PGconn *conn)
{
    PQexec(conn, text);
}

static void exec_prepared(PGconn *conn)
{
    PQexecPrepared(conn, "get_part", 1, values, NULL, NULL, 0);
}

static void send_prepared(PGconn *conn)
{
    PQsendQueryPrepared(conn, "get_part", 1, values, NULL, NULL, 0);
    PQgetResult(conn);
    PQgetResult(conn);
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
    void (*call)(PGconn *) = exec_prepared;
    int rounds = argc > 2 ? atoi(argv[2]) : ROUNDS;
    if (argc > 1 && strcmp(argv[1], "exec") == 0)
        call = exec_text;
    else if (argc > 1 && strcmp(argv[1], "async") == 0)
        call = send_prepared;
    PGconn *conn = PQconnectdb("");
    PQprepare(conn, "get_part", "SELECT * FROM parts WHERE id = $1", 1, NULL);
    double least = 1e18;
    for (int round = 0; round < rounds; round++) {
        double begin = now_ns();
        for (int i = 0; i < CALLS; i++)
            call(conn);
        double took = (now_ns() - begin) / CALLS;
        least = took < least ? took : least;
    }
    PQfinish(conn);
    printf("%.1f\n", least);
    return 0;
}
