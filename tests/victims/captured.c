/* SPDX-License-Identifier: MIT */
/*
 * Gives libpq values in every way there is, when it is told to: a line of standard input is a word
 * and what goes with it; "done WORD" on standard output says that it has.
 *
 * usage: captured DSN
 */
#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 4
#define ROUNDS  200
#define PIPED   3

static PGconn *conn;
static const char *where;

static PGconn *connect_to(const char *dsn)
{
    PGconn *made = PQconnectdb(dsn);
    if (PQstatus(made) == CONNECTION_OK)
        return made;
    fprintf(stderr, "%s", PQerrorMessage(made));
    exit(1);
}

static void run(PGconn *on, const char *text, const char *value)
{
    PQclear(PQexecParams(on, text, 1, NULL, &value, NULL, NULL, 0));
}

/* One value of each kind. */
static void all_kinds(const char *value)
{
    static const char bytes[] = {0, 1, (char)0xFE, '\n'};
    const Oid types[] = {25, 17, 25, 0};
    const char *values[] = {value, bytes, NULL, "it's\n\033[31m\xc2\x9bred\xff"};
    const int lengths[] = {0, sizeof(bytes), 0, 0};
    const int formats[] = {0, 1, 0, 0};
    PQclear(PQexecParams(conn, "SELECT $1, $2, $3, length($4::varchar) AS kinds", 4, types, values,
                         lengths, formats, 0));
}

static void prepared(const char *value)
{
    PQclear(PQprepare(conn, "point", "SELECT $1::text AS prepared", 0, NULL));
    PQclear(PQexecPrepared(conn, "point", 1, &value, NULL, NULL, 0));
}

static void drain(void)
{
    PGresult *result;
    while ((result = PQgetResult(conn)) != NULL)
        PQclear(result);
}

static void asynchronous(const char *value)
{
    PQsendQueryParams(conn, "SELECT $1::text AS async", 1, NULL, &value, NULL, NULL, 0);
    drain();
    PQclear(PQprepare(conn, "later", "SELECT $1::text AS async", 0, NULL));
    PQsendQueryPrepared(conn, "later", 1, &value, NULL, NULL, 0);
    drain();
}

static void piped(void)
{
    static const char *const values[PIPED] = {"first", "second", "third"};
    PQenterPipelineMode(conn);
    for (int i = 0; i < PIPED; i++)
        PQsendQueryParams(conn, "SELECT $1::text AS piped", 1, NULL, &values[i], NULL, NULL, 0);
    PQpipelineSync(conn);
    for (int i = 0; i < PIPED; i++)
        drain();
    PQclear(PQgetResult(conn));
    PQexitPipelineMode(conn);
}

/* What is sent stays in flight until "fetch". */
static void leave(const char *value)
{
    PQsendQueryParams(conn, "SELECT $1::text AS left_open", 1, NULL, &value, NULL, NULL, 0);
}

static void sequence(const char *value)
{
    PQclear(PQexec(conn, "SELECT 'the first' AS step_one"));
    run(conn, "SELECT $1::text AS step_two", value);
}

static void text(const char *sql)
{
    PQclear(PQexec(conn, sql));
}

static void send_text(const char *sql)
{
    PQsendQuery(conn, sql);
    drain();
}

static void long_value(void)
{
    char *value = malloc(5001);
    memset(value, 'x', 5000);
    value[5000] = '\0';
    run(conn, "SELECT $1::text AS long", value);
    free(value);
}

static void forked(void)
{
    pid_t child = fork();
    if (child == 0) {
        run(connect_to(where), "SELECT $1::text AS forked", "of the child");
        _exit(0);
    }
    waitpid(child, NULL, 0);
    run(conn, "SELECT $1::text AS forked", "of the parent");
}

static void *query(void *unused)
{
    PGconn *mine = connect_to(where);
    (void)unused;
    for (int i = 0; i < ROUNDS; i++)
        run(mine, "SELECT $1::text AS threads", "by a thread");
    PQfinish(mine);
    return NULL;
}

static void threads(void)
{
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, query, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
}

static void obey(const char *word, const char *value)
{
    if (strcmp(word, "kinds") == 0)
        all_kinds(value);
    else if (strcmp(word, "prepared") == 0)
        prepared(value);
    else if (strcmp(word, "async") == 0)
        asynchronous(value);
    else if (strcmp(word, "piped") == 0)
        piped();
    else if (strcmp(word, "leave") == 0)
        leave(value);
    else if (strcmp(word, "fetch") == 0)
        drain();
    else if (strcmp(word, "sequence") == 0)
        sequence(value);
    else if (strcmp(word, "text") == 0)
        text(value);
    else if (strcmp(word, "send") == 0)
        send_text(value);
    else if (strcmp(word, "long") == 0)
        long_value();
    else if (strcmp(word, "sleep") == 0)
        run(conn, "SELECT pg_sleep($1::float8) AS slept", value);
    else if (strcmp(word, "fork") == 0)
        forked();
    else if (strcmp(word, "threads") == 0)
        threads();
}

int main(int argc, char **argv)
{
    char line[1024];
    where = argc > 1 ? argv[1] : "";
    conn = connect_to(where);
    puts("done begin");
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *value = strchr(line, ' ');
        if (value != NULL)
            *value++ = '\0';
        obey(line, value != NULL ? value : "");
        printf("done %s\n", line);
        fflush(stdout);
    }
    PQfinish(conn);
    return 0;
}
