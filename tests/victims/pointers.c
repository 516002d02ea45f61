/* SPDX-License-Identifier: MIT */
/*
 * libpq through pointers, as ctypes and its like have it: every copy named on the command line is
 * dlopened RTLD_LOCAL and its functions come from dlsym. The copies' connections are used in turn,
 * and all calls go out from the same few places in the program, so that nothing about a call but
 * its pointer says which copy is meant. Built with BOUND, the copy that the program is linked to
 * comes first, by the addresses of its functions. A path behind a + is opened in a namespace of
 * its own.
 */
#include <dlfcn.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COPIES      12
#define CONNECTIONS 3
#define ROUNDS      50

struct copy {
    PGconn *(*connect)(const char *);
    PGconn *(*start)(const char *);
    ConnStatusType (*status)(const PGconn *);
    PGresult *(*exec)(PGconn *, const char *);
    int (*rows)(const PGresult *);
    void (*clear)(PGresult *);
    void (*finish)(PGconn *);
};

static void *symbol(void *handle, const char *name)
{
    void *found = dlsym(handle, name);
    if (found == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
    return found;
}

static struct copy load(const char *path)
{
    void *handle = path[0] == '+' ? dlmopen(LM_ID_NEWLM, path + 1, RTLD_NOW)
                                  : dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
    struct copy copy;
    *(void **)&copy.connect = symbol(handle, "PQconnectdb");
    *(void **)&copy.start = symbol(handle, "PQconnectStart");
    *(void **)&copy.status = symbol(handle, "PQstatus");
    *(void **)&copy.exec = symbol(handle, "PQexec");
    *(void **)&copy.rows = symbol(handle, "PQntuples");
    *(void **)&copy.clear = symbol(handle, "PQclear");
    *(void **)&copy.finish = symbol(handle, "PQfinish");
    return copy;
}

/* An asynchronous connect that is given up at once, too. */
static PGconn *open_connection(const struct copy *copy, const char *conninfo)
{
    copy->finish(copy->start(conninfo));
    PGconn *conn = copy->connect(conninfo);
    if (copy->status(conn) != CONNECTION_OK) {
        fprintf(stderr, "no connection\n");
        exit(2);
    }
    return conn;
}

static int query(const struct copy *copy, PGconn *conn)
{
    PGresult *result = copy->exec(conn, "SELECT 1");
    int rows = copy->rows(result);
    copy->clear(result);
    return rows;
}

int main(int argc, char **argv)
{
    struct copy copy[COPIES];
    PGconn *conn[COPIES * CONNECTIONS];
    int count = 0, rows = 0;
    if (argc < 2 || argc > COPIES) {
        fprintf(stderr, "usage: pointers CONNINFO LIBPQ...\n");
        return 64;
    }
#ifdef BOUND
    copy[count++] =
        (struct copy){PQconnectdb, PQconnectStart, PQstatus, PQexec, PQntuples, PQclear, PQfinish};
#endif
    for (int i = 2; i < argc; i++)
        copy[count++] = load(argv[i]);
    for (int i = 0; i < count * CONNECTIONS; i++)
        conn[i] = open_connection(&copy[i % count], argv[1]);
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < count * CONNECTIONS; i++)
            rows += query(&copy[i % count], conn[i]);
    for (int i = 0; i < count * CONNECTIONS; i++)
        copy[i % count].finish(conn[i]);
    printf("%d rows, dlerror %s\n", rows, dlerror() == NULL ? "clean" : "dirty");
    return 0;
}
