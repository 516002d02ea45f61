/* SPDX-License-Identifier: MIT */
/* Priority that a thread is lent: it has it, and no longer than is meant. Where we may not have
 * real-time priority ourselves nothing happens. */
#include "ctl/priority.h"

#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define NORMAL 20 /* as field 18 of /proc/PID/stat has it */
#define LENT   (-2)

static int priority_of(pid_t pid)
{
    char path[32], text[512] = "";
    int priority = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t n = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[n] = '\0';
    const char *after = strrchr(text, ')');
    assert_non_null(after);
    assert_int_equal(sscanf(after,
                            ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %d",
                            &priority),
                     1);
    return priority;
}

static void pause_briefly(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* Within ten seconds. */
static bool comes_to(pid_t pid, int priority)
{
    for (int i = 0; i < 10000; i++) {
        if (priority_of(pid) == priority)
            return true;
        pause_briefly();
    }
    return false;
}

/* Where the system does not allow it. */
static void skip_if_refused(void)
{
    ctl_priority_raise();
    bool raised = sched_getscheduler(0) == SCHED_FIFO;
    ctl_priority_lower(); /* what is forked has what we have */
    if (!raised)
        skip();
}

static pid_t start_sleeper(void)
{
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    assert_true(pid > 0);
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* It is lent again where it had been taken back by the
 * clock before we could look: whoever looks runs before others, too. */
static pid_t lend(pid_t pid)
{
    ctl_priority_raise();
    for (int i = 0; i < 100; i++) {
        pid_t lender = ctl_priority_lend(pid);
        assert_true(lender > 0);
        for (int j = 0; j < 50; j++) {
            if (priority_of(pid) == LENT)
                return lender;
            pause_briefly();
        }
        ctl_priority_take_back(lender);
    }
    fail_msg("it was never lent");
    return 0;
}

static void is_taken_back(void **state)
{
    (void)state;
    skip_if_refused();
    pid_t sleeper = start_sleeper();
    pid_t lender = lend(sleeper);
    assert_int_equal(sched_getscheduler(sleeper), SCHED_OTHER); /* its own is as it was */
    ctl_priority_take_back(lender);
    assert_true(comes_to(sleeper, NORMAL));
    assert_int_equal(kill(lender, 0), -1);
    end(sleeper);
    ctl_priority_lower();
    assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
}

static void ends_by_itself(void **state)
{
    (void)state;
    skip_if_refused();
    pid_t sleeper = start_sleeper();
    pid_t lender = lend(sleeper);
    assert_true(comes_to(sleeper, NORMAL));
    assert_int_equal(kill(lender, 0), 0);
    ctl_priority_take_back(lender);
    end(sleeper);
    ctl_priority_lower();
}

/* Whoever had it lent is killed: its child ends with it, and so does what was lent. */
static void ends_with_us(void **state)
{
    int out[2];
    pid_t lender = 0;
    (void)state;
    skip_if_refused();
    pid_t sleeper = start_sleeper();
    assert_int_equal(pipe(out), 0);
    ctl_priority_raise();
    pid_t tool = fork();
    if (tool == 0) {
        lender = ctl_priority_lend(sleeper);
        if (write(out[1], &lender, sizeof(lender)) != sizeof(lender))
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(out[0], &lender, sizeof(lender)), sizeof(lender));
    assert_true(lender > 0);
    end(tool);
    for (int i = 0; i < 10000 && kill(lender, 0) == 0; i++)
        pause_briefly();
    assert_int_equal(kill(lender, 0), -1);
    assert_true(comes_to(sleeper, NORMAL));
    end(sleeper);
    ctl_priority_lower();
    close(out[0]);
    close(out[1]);
}

/* A thread that has ended, and nobody at all. */
static void nobody(void **state)
{
    (void)state;
    pid_t sleeper = start_sleeper();
    end(sleeper);
    ctl_priority_raise();
    ctl_priority_take_back(ctl_priority_lend(sleeper));
    assert_int_equal(ctl_priority_lend(0), 0);
    ctl_priority_take_back(0);
    ctl_priority_lower();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_taken_back),
        cmocka_unit_test(ends_by_itself),
        cmocka_unit_test(ends_with_us),
        cmocka_unit_test(nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
