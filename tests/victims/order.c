/* SPDX-License-Identifier: MIT */
/*
 * A library that works before main and after it: its constructor runs before those of libraries
 * that are preloaded before it, and its destructor after theirs. ORDER_DSN says which database.
 */
#include <errno.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static PGconn *early;

static void query(PGconn *conn, const char *sql)
{
    PGresult *result = PQexec(conn, sql);
    printf("%s: %s\n", sql, PQresStatus(PQresultStatus(result)));
    PQclear(result);
}

static void exchange(void)
{
    char byte = 'x';
    int ends[2], failed;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        return;
    failed = send(ends[0], &byte, 1, 0) != 1 || recv(ends[1], &byte, 1, 0) != 1 ||
             write(ends[0], &byte, 1) != 1 || read(ends[1], &byte, 1) != 1;
    failed += accept(ends[0], NULL, NULL) != -1;
    printf("exchange: %d %d\n", failed, errno);
    close(ends[0]);
    close(ends[1]);
}

__attribute__((constructor)) static void begin(void)
{
    exchange();
    early = PQconnectdb(getenv("ORDER_DSN"));
    query(early, "SELECT 'constructor'");
}

__attribute__((destructor)) static void end(void)
{
    exchange();
    PGconn *late = PQconnectdb(getenv("ORDER_DSN"));
    query(early, "SELECT 1, 'early, in the destructor'");
    query(late, "SELECT 1, 'late, in the destructor'");
    PQfinish(late);
    PQfinish(early);
    fflush(stdout);
}
