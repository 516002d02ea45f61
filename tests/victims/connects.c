/* SPDX-License-Identifier: MIT */
/*
 * A server whose requests make connections in every way that libpq has, one way a request:
 *
 *   connects PORT RESET_PORT
 *
 * GET /WAY, each on a thread of its own: connectdb, params, setdblogin, ping, poll (PQconnectStart
 * and PQconnectPoll) connect to PORT; reset and resetpoll connect to RESET_PORT and reset that
 * connection. GET /query makes three connections to the default database and asks each once. Prints
 * the port it listens on.
 */
#include <arpa/inet.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *port;
static char conninfo[128], reset_conninfo[128];

/* Polls CONN to the end of its connect or reset. */
static void poll_to_the_end(PGconn *conn, PostgresPollingStatusType (*go_on)(PGconn *))
{
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    while (state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED) {
        struct pollfd fd = {.fd = PQsocket(conn),
                            .events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT};
        if (poll(&fd, 1, 60000) <= 0)
            exit(1);
        state = go_on(conn);
    }
}

static void connect_params(void)
{
    const char *keywords[] = {"dbname", NULL}, *values[] = {conninfo, NULL};
    PQfinish(PQconnectdbParams(keywords, values, 1));
}

static void connect_by_poll(void)
{
    PGconn *conn = PQconnectStart(conninfo);
    if (PQstatus(conn) != CONNECTION_BAD)
        poll_to_the_end(conn, PQconnectPoll);
    PQfinish(conn);
}

static void reset(int by_poll)
{
    PGconn *conn = PQconnectdb(reset_conninfo);
    if (PQstatus(conn) != CONNECTION_OK)
        exit(1);
    if (!by_poll)
        PQreset(conn);
    else if (PQresetStart(conn))
        poll_to_the_end(conn, PQresetPoll);
    PQfinish(conn);
}

static void query(void)
{
    static const char *const texts[] = {"SELECT 1 AS a", "SELECT 1 AS b", "SELECT 1 AS c"};
    for (int i = 0; i < 3; i++) {
        PGconn *conn = PQconnectdb("");
        PQclear(PQexec(conn, texts[i]));
        PQfinish(conn);
    }
}

static void work(const char *way)
{
    if (strcmp(way, "connectdb") == 0)
        PQfinish(PQconnectdb(conninfo));
    else if (strcmp(way, "params") == 0)
        connect_params();
    else if (strcmp(way, "setdblogin") == 0)
        PQfinish(PQsetdbLogin("127.0.0.1", port, NULL, NULL, "none", "nobody", "secret"));
    else if (strcmp(way, "ping") == 0)
        PQping(conninfo);
    else if (strcmp(way, "poll") == 0)
        connect_by_poll();
    else if (strcmp(way, "reset") == 0)
        reset(0);
    else if (strcmp(way, "resetpoll") == 0)
        reset(1);
    else if (strcmp(way, "query") == 0)
        query();
}

static void *serve(void *arg)
{
    static const char response[] =
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    int client = (int)(intptr_t)arg;
    char head[4096], way[32];
    ssize_t n = recv(client, head, sizeof(head) - 1, 0);
    if (n <= 0)
        exit(1);
    head[n] = '\0';
    if (sscanf(head, "GET /%31s HTTP", way) != 1)
        exit(1);
    work(way);
    if (send(client, response, sizeof(response) - 1, 0) < 0)
        exit(1);
    close(client);
    return NULL;
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    if (argc != 3)
        return 64;
    port = argv[1];
    snprintf(conninfo, sizeof(conninfo),
             "host=127.0.0.1 port=%s dbname=none user=nobody password=secret", port);
    snprintf(reset_conninfo, sizeof(reset_conninfo), "host=127.0.0.1 port=%s", argv[2]);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, len) != 0 || listen(listener, 16) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &len) != 0)
        return 1;
    fprintf(stderr, "listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    for (;;) {
        pthread_t thread;
        int client = accept(listener, NULL, NULL);
        if (client < 0 || pthread_create(&thread, NULL, serve, (void *)(intptr_t)client) != 0)
            return 1;
        pthread_detach(thread);
    }
}
