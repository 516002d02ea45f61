/* SPDX-License-Identifier: MIT */
/*
 * Finding who listens: this process itself, at real sockets.
 */
#include "validate/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A socket that listens at ADDRESS at a free port; -1 where this machine has no such address. */
static int bind_to(const char *address, unsigned *port)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    struct sockaddr_in four = {.sin_family = AF_INET};
    bool is_four = inet_pton(AF_INET, address, &four.sin_addr) == 1;
    struct sockaddr *any = is_four ? (struct sockaddr *)&four : (struct sockaddr *)&six;
    socklen_t len = is_four ? sizeof(four) : sizeof(six);
    if (!is_four)
        assert_int_equal(inet_pton(AF_INET6, address, &six.sin6_addr), 1);
    int fd = socket(any->sa_family, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, any, len) != 0)
        return -1;
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, any, &len), 0);
    *port = ntohs(is_four ? four.sin_port : six.sin6_port);
    return fd;
}

/* Who is found at ADDRESS at PORT is this process, or nobody. */
static bool finds(const char *address, unsigned port, bool us)
{
    struct val_listeners found;
    val_listeners_find(address, port, &found);
    return found.count == us && found.bound == us && (!us || found.pid[0] == getpid());
}

/* While we listen at BOUND we are found there by who asks for ASKED, or nobody is; and nobody is
 * when we are gone. The same port of another address may be somebody else's: not every time. */
static void assert_found(const char *bound, const char *asked, bool expected)
{
    unsigned port;
    for (int tries = 0; tries < 5; tries++) {
        int fd = bind_to(bound, &port);
        if (fd < 0) /* no IPv6 here */
            skip();
        bool right = finds(asked, port, expected);
        close(fd);
        if (right && finds(asked, port, false))
            return;
    }
    fail_msg("listening at %s, asked for %s", bound, asked);
}

static void test_the_address(void **state)
{
    (void)state;
    assert_found("127.0.0.1", "127.0.0.1", true);
    assert_found("127.0.0.2", "127.0.0.2", true);
}

static void test_any_address(void **state)
{
    (void)state;
    assert_found("0.0.0.0", "127.0.0.1", true);
}

static void test_another_address(void **state)
{
    (void)state;
    assert_found("127.0.0.2", "127.0.0.1", false);
    assert_found("127.0.0.1", "no address", false);
}

static void test_ipv6(void **state)
{
    (void)state;
    assert_found("::1", "::1", true);
    assert_found("::", "::1", true);
    assert_found("::", "127.0.0.1", true);
}

/* A connection that outlives its listener has the same port, but nobody listens there. */
static void test_connection_only(void **state)
{
    struct val_listeners found;
    unsigned port;
    (void)state;
    int fd = bind_to("127.0.0.1", &port);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&to, sizeof(to)), 0);
    int server = accept(fd, NULL, NULL);
    assert_true(server >= 0);
    close(fd);
    val_listeners_find("127.0.0.1", port, &found);
    assert_false(found.bound);
    close(server);
    close(client);
}

/* A forking server: all that share the socket are found. */
static void test_shared(void **state)
{
    struct val_listeners found;
    unsigned port;
    (void)state;
    int fd = bind_to("127.0.0.1", &port);
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    val_listeners_find("127.0.0.1", port, &found);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(fd);
    assert_int_equal(found.count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_address),     cmocka_unit_test(test_any_address),
        cmocka_unit_test(test_another_address), cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_connection_only), cmocka_unit_test(test_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
