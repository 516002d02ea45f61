/* SPDX-License-Identifier: MIT */
/*
 * A driver as a dlopened plugin: calls libpq through its own PLT, with the copy of libpq that it
 * was linked to.
 */
#include <libpq-fe.h>

#include <stdlib.h>

PGconn *plugin_connect(void);
int plugin_query(PGconn *conn);
void plugin_finish(PGconn *conn);

PGconn *plugin_connect(void)
{
    PGconn *conn = PQconnectdb("");
    PQprepare(conn, "get", "SELECT * FROM t WHERE id = $1", 0, NULL);
    return conn;
}

int plugin_query(PGconn *conn)
{
    return PQntuples(PQexec(conn, "SELECT 1")) +
           PQntuples(PQexecPrepared(conn, "get", 0, NULL, NULL, NULL, 0));
}

void plugin_finish(PGconn *conn)
{
    PQfinish(conn);
}

/* Where PLUGIN_EARLY is set: a connection before main, and before other libraries' constructors. */
__attribute__((constructor)) static void connect_early(void)
{
    if (getenv("PLUGIN_EARLY") != NULL)
        plugin_finish(plugin_connect());
}
