/* SPDX-License-Identifier: MIT */
/*
 * Somebody else's wrapper around libpq, as an object that needs it: it has one function of its own,
 * which must be called where a program asked for it.
 */
#include <dlfcn.h>
#include <libpq-fe.h>
#include <stdio.h>

PGresult *PQexec(PGconn *conn, const char *query)
{
    static PGresult *(*real)(PGconn *, const char *);
    static int calls;
    if (real == NULL)
        *(void **)&real = dlsym(dlopen("libpq-c3d4.so.5", RTLD_NOW | RTLD_NOLOAD), "PQexec");
    if (calls++ == 0)
        printf("in the shim\n");
    return real(conn, query);
}
