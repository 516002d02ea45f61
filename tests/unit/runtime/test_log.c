/* SPDX-License-Identifier: MIT */
/*
 * The log's time stamps against libc's calendar, where the log goes, and that no signal comes of
 * it.
 */
#include "runtime/log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static void check_moment(uint64_t seconds)
{
    char got[SPY_LOG_HEAD_BYTES + 1] = "", want[64];
    struct tm utc;
    time_t moment = (time_t)seconds;
    gmtime_r(&moment, &utc);
    strftime(want, sizeof(want), "ts=%Y-%m-%dT%H:%M:%S.789Z level=INFO ", &utc);
    size_t n = spy_log_head(got, SPY_LOG_INFO, seconds * 1000000000ull + 789123456);
    assert_int_equal(strncmp(got, want, strlen(want)), 0);
    assert_int_equal(strlen(got), n);
}

static void stamps_agree_with_the_calendar(void **state)
{
    (void)state;
    for (uint64_t day = 0; day < 366 * 135; day++) /* to the year 2105, 2100 having no leap day */
        check_moment(day * 86400 + day % 86400);
    check_moment(951782399); /* around 2000-02-29 */
    check_moment(951782400);
    check_moment(951868799);
}

static char path[256];

static void lines_are_appended(void **state)
{
    (void)state;
    char text[2000] = "";
    const char *dir = getenv("TMPDIR");
    snprintf(path, sizeof(path), "%s/perfspy-test-log.%d", dir != NULL ? dir : "/tmp", getpid());
    strcpy(spy_config.log, path);
    spy_config.log_level = SPY_LOG_WARNING;
    spy_log(SPY_LOG_WARNING, "event=one number=%d", 1);
    spy_log(SPY_LOG_INFO, "event=unwanted");
    spy_log(SPY_LOG_ERROR, "event=long text=%01500d", 7);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    FILE *file = fopen(path, "r");
    assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
    fclose(file);
    assert_non_null(strstr(text, " level=WARNING "));
    assert_non_null(strstr(text, "event=one number=1\n"));
    assert_null(strstr(text, "unwanted"));
    assert_true(text[strlen(text) - 1] == '\n'); /* cut, but a line */
    unlink(path);
}

static void a_link_is_not_followed(void **state)
{
    (void)state;
    char target[300];
    snprintf(target, sizeof(target), "%s.target", path);
    assert_int_equal(symlink(target, path), 0);
    spy_log(SPY_LOG_ERROR, "event=x");
    assert_int_equal(access(target, F_OK), -1);
    unlink(path);
}

/* The program has put a connection in the place of standard error: it must not get our lines. */
static void a_replaced_stderr_is_left_alone(void **state)
{
    (void)state;
    int pipes[2], before = dup(2);
    char byte;
    assert_int_equal(pipe(pipes), 0);
    fcntl(pipes[0], F_SETFL, O_NONBLOCK);
    setenv("PERFSPY_LOG", "stderr", 1);
    spy_config_read();
    dup2(pipes[1], 2);
    spy_log(SPY_LOG_ERROR, "event=astray");
    dup2(before, 2);
    assert_int_equal(read(pipes[0], &byte, 1), -1);
}

/* ---- signals of writing ---------------------------------------------------------------------- */

static int caught;

static void catcher(int signal)
{
    caught = signal;
}

/* No signal, whether the program would take it now or later. One of its own stays pending, and its
 * mask stays as it is. */
static void nothing_came_of_it(int signal)
{
    sigset_t mask, pending;
    assert_int_equal(caught, 0);
    assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &mask), 0);
    assert_int_equal(sigismember(&mask, SIGPIPE) + sigismember(&mask, SIGXFSZ), 0);

    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, signal);
    assert_int_equal(sigprocmask(SIG_BLOCK, &one, NULL), 0);
    spy_log(SPY_LOG_ERROR, "event=again");
    sigpending(&pending);
    assert_int_equal(sigismember(&pending, signal), 0);
    raise(signal);
    spy_log(SPY_LOG_ERROR, "event=once_more");
    sigpending(&pending);
    assert_int_equal(sigismember(&pending, signal), 1);
    assert_int_equal(sigprocmask(SIG_UNBLOCK, &one, NULL), 0);
    assert_int_equal(caught, signal);
    caught = 0;
}

static void a_file_size_limit_is_no_signal(void **state)
{
    (void)state;
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 1000;
    strcpy(spy_config.log, path);
    signal(SIGXFSZ, catcher);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    for (int i = 0; i < 100; i++)
        spy_log(SPY_LOG_ERROR, "event=much number=%d", i);
    nothing_came_of_it(SIGXFSZ);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_DFL);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 1000);
    unlink(path);
}

static void a_pipe_without_a_reader_is_no_signal(void **state)
{
    (void)state;
    int pipes[2], before = dup(2);
    assert_int_equal(pipe(pipes), 0);
    signal(SIGPIPE, catcher);
    dup2(pipes[1], 2);
    setenv("PERFSPY_LOG", "stderr", 1);
    spy_config_read();
    close(pipes[0]);
    spy_log(SPY_LOG_ERROR, "event=unread");
    nothing_came_of_it(SIGPIPE);
    dup2(before, 2);
    signal(SIGPIPE, SIG_DFL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stamps_agree_with_the_calendar),
        cmocka_unit_test(lines_are_appended),
        cmocka_unit_test(a_link_is_not_followed),
        cmocka_unit_test(a_replaced_stderr_is_left_alone),
        cmocka_unit_test(a_file_size_limit_is_no_signal),
        cmocka_unit_test(a_pipe_without_a_reader_is_no_signal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
