/* SPDX-License-Identifier: MIT */
/*
 * A program on libpq that does what it is told, a line at a time, so that a test can change what
 * watches it at any point of a statement's life. Answers each line with one.
 *
 * exec TEXT | prepare NAME TEXT | run NAME | send TEXT | result   on one connection
 * again                 a new connection in place of the old one
 * child                 a forked child goes on in its place, by the same connection; tells its id
 * load N TEXT           N threads, each on its own connection, run TEXT until "rest"
 * rest                  ends them, and tells how often they have run it in all
 */
#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 16

static PGconn *conn;
static pthread_t thread[THREADS];
static int threads;
static char load_text[512];
static atomic_bool resting;
static atomic_long runs;

static PGconn *connect_or_die(void)
{
    PGconn *made = PQconnectdb("");
    if (PQstatus(made) != CONNECTION_OK) {
        fputs(PQerrorMessage(made), stderr);
        exit(1);
    }
    return made;
}

static const char *outcome(PGresult *result)
{
    const char *text = PQresStatus(PQresultStatus(result));
    PQclear(result);
    return text;
}

/* Each run by its text, and by a name that was prepared before. */
static void *work(void *arg)
{
    PGconn *own = connect_or_die();
    (void)arg;
    PQclear(PQprepare(own, "load", load_text, 0, NULL));
    while (!resting) {
        for (int i = 0; i < 2; i++) {
            PGresult *result = i == 0 ? PQexec(own, load_text)
                                      : PQexecPrepared(own, "load", 0, NULL, NULL, NULL, 0);
            if (PQresultStatus(result) != PGRES_TUPLES_OK)
                exit(2);
            PQclear(result);
            runs++;
        }
    }
    PQfinish(own);
    return NULL;
}

static const char *load(const char *argument)
{
    char *text;
    threads = (int)strtol(argument, &text, 10);
    if (threads < 1 || threads > THREADS)
        return "how many?";
    snprintf(load_text, sizeof(load_text), "%s", text + 1);
    resting = false;
    for (int i = 0; i < threads; i++)
        if (pthread_create(&thread[i], NULL, work, NULL) != 0)
            exit(1);
    return "loaded";
}

static const char *rest(void)
{
    static char text[32];
    resting = true;
    for (int i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    snprintf(text, sizeof(text), "%ld", (long)runs);
    return text;
}

static const char *prepare(char *argument)
{
    char *text = strchr(argument, ' ');
    *text = '\0';
    return outcome(PQprepare(conn, argument, text + 1, 0, NULL));
}

static const char *result(void)
{
    PGresult *got = PQgetResult(conn);
    return got != NULL ? outcome(got) : "end";
}

static const char *child(void)
{
    static char text[32];
    pid_t pid = fork();
    if (pid < 0)
        exit(1);
    if (pid > 0) {
        waitpid(pid, NULL, 0);
        _exit(0);
    }
    snprintf(text, sizeof(text), "%d", (int)getpid());
    return text;
}

static const char *obey(const char *word, char *argument)
{
    if (strcmp(word, "exec") == 0)
        return outcome(PQexec(conn, argument));
    if (strcmp(word, "prepare") == 0)
        return prepare(argument);
    if (strcmp(word, "run") == 0)
        return outcome(PQexecPrepared(conn, argument, 0, NULL, NULL, NULL, 0));
    if (strcmp(word, "send") == 0)
        return PQsendQuery(conn, argument) ? "sent" : PQerrorMessage(conn);
    if (strcmp(word, "result") == 0)
        return result();
    if (strcmp(word, "again") == 0) {
        PQfinish(conn);
        conn = connect_or_die();
        return "connected";
    }
    if (strcmp(word, "child") == 0)
        return child();
    if (strcmp(word, "load") == 0)
        return load(argument);
    return strcmp(word, "rest") == 0 ? rest() : "what?";
}

int main(void)
{
    char line[1024];
    conn = connect_or_die();
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *argument = strchr(line, ' ');
        if (argument != NULL)
            *argument++ = '\0';
        puts(obey(line, argument != NULL ? argument : line + strlen(line)));
        fflush(stdout);
    }
    PQfinish(conn);
    return 0;
}
