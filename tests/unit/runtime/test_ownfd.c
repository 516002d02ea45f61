/* SPDX-License-Identifier: MIT */
/*
 * Own descriptors: high, close-on-exec, recognised, and given up when they are not ours any more.
 */
#include "runtime/ownfd.h"
#include "runtime/process.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

static int adopt(void)
{
    int slot = spy_own_fd_adopt(open("/dev/null", O_RDONLY));
    assert_true(slot >= 0);
    return slot;
}

static void adopted_descriptors_are_out_of_the_way(void **state)
{
    (void)state;
    int lowest = open("/dev/null", O_RDONLY);
    close(lowest);
    int slot = adopt();
    int fd = spy_own_fd_number(slot);
    assert_true(fd >= 900);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(open("/dev/null", O_RDONLY), lowest);
    close(lowest);
    assert_true(spy_own_fd_is(fd));
    assert_false(spy_own_fd_is(lowest));
    assert_int_equal(spy_own_fd_next(0), fd);
    spy_own_fd_close(slot);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_false(spy_own_fd_is(fd));
    assert_true(spy_own_fd_next(0) == UINT64_MAX);
}

/* The program closed it behind our back, and the number is another file's now. */
static void a_stolen_number_is_not_ours(void **state)
{
    (void)state;
    int slot = adopt();
    int fd = spy_own_fd_number(slot);
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(dup2(pipes[0], fd), fd);
    assert_int_equal(spy_own_fd_number(slot), -1);
    assert_false(spy_own_fd_is(fd)); /* so the program may close it */
    assert_true(spy_own_fd_next(3) == UINT64_MAX);
    spy_own_fd_yield(fd);
    close(pipes[1]);
    close(fd);
    assert_int_equal(open("/dev/null", O_RDONLY), pipes[1]); /* and nothing else was opened */
    assert_int_equal(dup2(pipes[0], fd), fd);
    spy_own_fd_close(slot);
    assert_true(fcntl(fd, F_GETFD) >= 0); /* the program's: left open */
    close(fd);
    close(pipes[0]);
    close(pipes[1]);
}

static void a_wanted_number_is_given_up(void **state)
{
    (void)state;
    int slot = adopt();
    int fd = spy_own_fd_number(slot);
    spy_own_fd_yield(fd);
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(dup2(pipes[0], fd), fd);
    int moved = spy_own_fd_number(slot);
    assert_true(moved > fd);
    assert_false(spy_own_fd_is(fd));
    spy_own_fd_close(slot);
    close(fd);
    close(pipes[0]);
    close(pipes[1]);
}

/* A vfork's child has descriptors of its own, but our memory. */
static void a_borrower_changes_nothing(void **state)
{
    (void)state;
    int slot = adopt();
    int fd = spy_own_fd_number(slot);
    spy_process->pid = getpid() + 1;
    spy_own_fd_yield(fd);
    spy_process->pid = 0;
    assert_int_equal(spy_own_fd_number(slot), fd);
    spy_own_fd_close(slot);
}

static void a_full_table_refuses(void **state)
{
    (void)state;
    int slot[SPY_OWN_FDS];
    for (int i = 0; i < SPY_OWN_FDS; i++)
        slot[i] = adopt();
    assert_true(spy_own_fd_adopt(open("/dev/null", O_RDONLY)) < 0);
    spy_own_fd_close_all();
    for (int i = 0; i < SPY_OWN_FDS; i++)
        assert_int_equal(spy_own_fd_number(slot[i]), -1);
}

static void a_small_limit_is_respected(void **state)
{
    (void)state;
    struct rlimit before, small;
    getrlimit(RLIMIT_NOFILE, &before);
    small = before;
    small.rlim_cur = 64;
    setrlimit(RLIMIT_NOFILE, &small);
    int slot = adopt();
    assert_in_range(spy_own_fd_number(slot), 32, 63);
    spy_own_fd_close(slot);
    setrlimit(RLIMIT_NOFILE, &before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adopted_descriptors_are_out_of_the_way),
        cmocka_unit_test(a_stolen_number_is_not_ours),
        cmocka_unit_test(a_wanted_number_is_given_up),
        cmocka_unit_test(a_borrower_changes_nothing),
        cmocka_unit_test(a_full_table_refuses),
        cmocka_unit_test(a_small_limit_is_respected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
