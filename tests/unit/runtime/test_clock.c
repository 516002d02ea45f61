/* SPDX-License-Identifier: MIT */
/*
 * The clock tells the system's time, however it gets it: between two readings of that, but for the
 * documented error; never backwards in a thread, also where a signal handler reads it meanwhile;
 * and without the counter once that does not keep in step.
 */
#include "runtime/clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* The error is 2.4 us; a machine that wakes from sleep in between may add to it. */
#define ERROR_NS 10000u

#define SECOND_NS 1000000000ull

static uint64_t system_now(void)
{
    return spy_clock_of(CLOCK_MONOTONIC);
}

/* Reads the clock between two readings of the system's. */
static bool tells_time(void)
{
    uint64_t before = system_now();
    uint64_t now = spy_now();
    uint64_t after = system_now();
    return now + ERROR_NS >= before && now <= after + ERROR_NS;
}

static bool counting(void)
{
    return spy_thread.clock.window != 0;
}

/* Until the rate is known, or there is no counter to use here. */
static bool becomes_counting(void)
{
    uint64_t until = system_now() + 10 * SECOND_NS;
    while (!counting() && system_now() < until)
        spy_now();
    return counting();
}

/* In a child, so that each test finds the clock as a program does: what it did to it is gone. */
static int in_child(bool (*test)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        spy_clock_init();
        _exit(!becomes_counting() ? 2 : test() ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}

static void assert_in_child(bool (*test)(void))
{
    int result = in_child(test);
    if (result == 2)
        skip(); /* no counter that the kernel trusts */
    assert_int_equal(result, 0);
}

static void is_the_systems_before_it_is_begun(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint64_t before = system_now();
        uint64_t now = spy_now();
        assert_in_range(now, before, system_now());
    }
}

/* For long enough to see many anchors. */
static bool keeps_time(void)
{
    uint64_t last = 0;
    uint64_t until = system_now() + SECOND_NS / 4;
    while (system_now() < until) {
        uint64_t now = spy_now();
        if (now < last || !tells_time())
            return false;
        last = now;
    }
    return counting();
}

static void tells_the_systems_time_by_the_counter(void **state)
{
    (void)state;
    assert_in_child(keeps_time);
}

static volatile sig_atomic_t wrong, handled;

static void handler(int signum)
{
    (void)signum;
    handled++;
    if (!tells_time())
        wrong = 1;
}

static bool keeps_time_under_signals(void)
{
    struct sigaction action = {.sa_handler = handler};
    struct itimerval often = {{0, 100}, {0, 100}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    uint64_t until = system_now() + 10 * SECOND_NS;
    uint64_t last = 0;
    while (handled < 2000 && system_now() < until) {
        uint64_t now = (handled & 1) != 0 ? spy_clock_anchor() : spy_now();
        if (now < last)
            return false;
        last = now;
    }
    return !wrong && handled >= 2000;
}

static void a_signal_handler_may_read_it(void **state)
{
    (void)state;
    assert_in_child(keeps_time_under_signals);
}

static void *thread_keeps_time(void *result)
{
    *(bool *)result = becomes_counting() && keeps_time();
    return NULL;
}

static bool threads_keep_time(void)
{
    pthread_t thread[4];
    bool good[4] = {false};
    for (int i = 0; i < 4; i++)
        pthread_create(&thread[i], NULL, thread_keeps_time, &good[i]);
    for (int i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    return good[0] && good[1] && good[2] && good[3];
}

static void every_thread_has_its_own_anchor(void **state)
{
    (void)state;
    assert_in_child(threads_keep_time);
}

/* The counter jumps by a millisecond, as on another processor that is out of step. */
static bool leaves_a_counter_out_of_step(void)
{
    spy_now();
    spy_thread.clock.offset_ns += 1000000;
    uint64_t until = system_now() + 10 * SECOND_NS;
    while (counting() && system_now() < until)
        spy_now();
    if (counting())
        return false;
    for (int i = 0; i < 1000; i++) {
        uint64_t before = system_now();
        uint64_t now = spy_now();
        if (now < before || now > system_now())
            return false;
    }
    return true;
}

static void a_counter_out_of_step_is_used_no_more(void **state)
{
    (void)state;
    assert_in_child(leaves_a_counter_out_of_step);
}

/* The machine slept: the counter went on (or began anew), the system's clock did not. */
static bool survives_sleep(void)
{
    spy_now();
    uint64_t last = spy_now();
    spy_thread.clock.ticks -= 1000 * spy_thread.clock.window;
    spy_thread.clock.offset_ns += 1000 * (uint64_t)SPY_CLOCK_WINDOW_NS;
    uint64_t until = system_now() + 10 * SECOND_NS;
    while (spy_now() <= last && system_now() < until)
        ;
    return becomes_counting() && tells_time();
}

static void a_sleep_is_forgotten(void **state)
{
    (void)state;
    assert_in_child(survives_sleep);
}

static void a_difference_is_never_less_than_nothing(void **state)
{
    (void)state;
    assert_int_equal(spy_clock_since(7, 5), 2);
    assert_int_equal(spy_clock_since(5, 7), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_the_systems_before_it_is_begun),
        cmocka_unit_test(tells_the_systems_time_by_the_counter),
        cmocka_unit_test(a_signal_handler_may_read_it),
        cmocka_unit_test(every_thread_has_its_own_anchor),
        cmocka_unit_test(a_counter_out_of_step_is_used_no_more),
        cmocka_unit_test(a_sleep_is_forgotten),
        cmocka_unit_test(a_difference_is_never_less_than_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
