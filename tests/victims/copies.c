/* SPDX-License-Identifier: MIT */
/*
 * Two drivers in one process, each with a libpq of its own, loaded RTLD_LOCAL by a program that has
 * none: connections of both, used in turn.
 */
#include <dlfcn.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#define CONNECTIONS 5
#define ROUNDS      100

struct driver {
    PGconn *(*connect)(void);
    int (*query)(PGconn *);
    void (*finish)(PGconn *);
};

static struct driver load(const char *path)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
    struct driver d;
    *(void **)&d.connect = dlsym(handle, "plugin_connect");
    *(void **)&d.query = dlsym(handle, "plugin_query");
    *(void **)&d.finish = dlsym(handle, "plugin_finish");
    return d;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: copies PLUGIN PLUGIN\n");
        return 64;
    }
    struct driver driver[2] = {load(argv[1]), load(argv[2])};
    PGconn *conn[2 * CONNECTIONS];
    for (int i = 0; i < 2 * CONNECTIONS; i++)
        conn[i] = driver[i % 2].connect();
    int rows = 0;
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < 2 * CONNECTIONS; i++)
            rows += driver[i % 2].query(conn[i]);
    for (int i = 0; i < 2 * CONNECTIONS; i++)
        driver[i % 2].finish(conn[i]);
    printf("%d rows, dlerror %s\n", rows, dlerror() == NULL ? "clean" : "dirty");
    return 0;
}
