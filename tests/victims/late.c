/* SPDX-License-Identifier: MIT */
/*
 * A shared object that uses libpq, and that nobody asks for a symbol: it tells by itself where its
 * function is.
 */
#include <libpq-fe.h>

#include <stdio.h>
#include <stdlib.h>

static PGresult *run(PGconn *conn)
{
    return PQexec(conn, "SELECT 'late'");
}

__attribute__((constructor)) static void tell(void)
{
    char where[32];
    snprintf(where, sizeof(where), "%p", (void *)run);
    setenv("LATE_FUNCTION", where, 1);
}
