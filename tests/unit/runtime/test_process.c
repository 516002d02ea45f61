/* SPDX-License-Identifier: MIT */
/*
 * The start of a watch: once, unnoticed, again in a fork's child, and never where the program has
 * confined itself. Who the calling thread is.
 */
#include "runtime/process.h"

#include "runtime/confine.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int starts;

static void start(void)
{
    starts++;
    errno = EDOM;
}

/* Starts of a child that calls spy_process_start() twice. */
static int starts_in_child(bool confined)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        starts = 0;
        atomic_store(&spy_confine_in_force, confined);
        spy_process_start();
        spy_process_start();
        _exit(starts);
    }
    waitpid(pid, &status, 0);
    return WEXITSTATUS(status);
}

static void a_watch_starts_once_and_keeps_errno(void **state)
{
    (void)state;
    spy_process_start();
    assert_int_equal(starts, 0); /* not before init */
    spy_process_init(start);
    errno = 4242;
    spy_process_start();
    assert_int_equal(errno, 4242);
    errno = 0;
    spy_process_start();
    assert_int_equal(errno, 0);
    assert_int_equal(starts, 1);
    assert_int_equal(starts_in_child(false), 1);
}

static void not_where_the_program_is_confined(void **state)
{
    (void)state;
    assert_int_equal(starts_in_child(true), 0);
}

static void *ask_who(void *unused)
{
    int asked = spy_process_thread_id();
    atomic_store(&spy_confine_in_force, true);
    int known = spy_process_thread_id();
    atomic_store(&spy_confine_in_force, false);
    return asked == gettid() && known == gettid() ? unused : NULL;
}

static void a_thread_is_known_without_asking_the_kernel(void **state)
{
    pthread_t thread;
    void *told;
    assert_non_null(ask_who(state));
    assert_int_equal(pthread_create(&thread, NULL, ask_who, state), 0);
    pthread_join(thread, &told);
    assert_ptr_equal(told, state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_watch_starts_once_and_keeps_errno),
        cmocka_unit_test(not_where_the_program_is_confined),
        cmocka_unit_test(a_thread_is_known_without_asking_the_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
