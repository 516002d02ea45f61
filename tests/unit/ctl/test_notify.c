/* SPDX-License-Identifier: MIT */
/* The command of --on-change: its input, its descriptors, its failures, its time. */
#include "ctl/notify.h"

#include "unit/ctl/fixture.h"

#include <fcntl.h>
#include <sys/wait.h>

#define LONG_ENOUGH (30 * SEC)

/* Runs COMMAND with TEXT; what it wrote to the file $OUT is then in GOT, what was said in *ERR. */
static struct ctl_notify run(const char *command, const char *text, uint64_t timeout_ns, char **err,
                             char got[4096])
{
    char path[SPY_PATH_BYTES];
    size_t len;
    snprintf(path, sizeof(path), "%s/test-notify-XXXXXX", SPY_TEST_BUILD);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    setenv("OUT", path, 1);
    FILE *out = open_memstream(err, &len);
    struct ctl_notify notify;
    ctl_notify_init(&notify, command, timeout_ns, out);
    ctl_notify(&notify, text);
    fclose(out);
    ssize_t n = pread(fd, got, 4095, 0);
    assert_true(n >= 0);
    got[n] = '\0';
    close(fd);
    unlink(path);
    return notify;
}

static void takes_the_text(void **state)
{
    char got[4096];
    char *err;
    (void)state;
    run("cat >\"$OUT\"", "{\"a\":1}", LONG_ENOUGH, &err, got);
    assert_string_equal(got, "{\"a\":1}");
    assert_string_equal(err, "");
    free(err);
}

/* More than any pipe holds, and nobody reads it. */
static void may_be_left_unread(void **state)
{
    char got[4096];
    char *err;
    (void)state;
    char *text = malloc(1 << 22);
    memset(text, 'x', (1 << 22) - 1);
    text[(1 << 22) - 1] = '\0';
    run("exec <&-; true", text, LONG_ENOUGH, &err, got);
    assert_string_equal(err, "");
    free(text);
    free(err);
}

static void has_no_other_descriptors(void **state)
{
    char got[4096];
    char *err;
    (void)state;
    int leak = open("/dev/null", O_RDONLY); /* not even those that are not O_CLOEXEC */
    assert_true(leak > 2);
    run("exec >\"$OUT\"; i=0; "
        "while [ $i -lt 100 ]; do [ ! -e /proc/$$/fd/$i ] || echo $i; i=$((i + 1)); done",
        "", LONG_ENOUGH, &err, got);
    assert_string_equal(got, "0\n1\n2\n");
    close(leak);
    free(err);
}

/* A shell in which no signal is blocked, nor ignored as SIGPIPE is in this tool. */
static void has_its_signals(void **state)
{
    char got[4096];
    char *err;
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    run("grep '^SigBlk' /proc/self/status >\"$OUT\"; kill -PIPE $$", "", LONG_ENOUGH, &err, got);
    assert_string_equal(got, "SigBlk:\t0000000000000000\n");
    assert_string_equal(err, "perfspy-ctl: --on-change: the command was ended by signal 13 "
                             "(Broken pipe)\n");
    signal(SIGPIPE, SIG_DFL);
    free(err);
}

static void failures_are_told(void **state)
{
    char got[4096];
    char *err;
    (void)state;
    run("exit 3", "", LONG_ENOUGH, &err, got);
    assert_string_equal(err, "perfspy-ctl: --on-change: the command ended with status 3\n");
    free(err);
    run("kill -ABRT $$", "", LONG_ENOUGH, &err, got);
    assert_string_equal(err, "perfspy-ctl: --on-change: the command was ended by signal 6 "
                             "(Aborted)\n");
    free(err);
}

/* With all that it started: were `sleep` left, its process would still be in the group. */
static void is_killed_in_time(void **state)
{
    char got[4096] = "";
    char *err = NULL;
    (void)state;
    /* Twice the time until it is enough for the shell to begin. */
    for (uint64_t timeout = 300 * MS; got[0] == '\0' && timeout < LONG_ENOUGH / 2; timeout *= 2) {
        free(err);
        uint64_t begin = ctl_clock_ns(CLOCK_MONOTONIC);
        run("echo $$ >\"$OUT\"; sleep 60; true", "", timeout, &err, got);
        uint64_t took = ctl_clock_ns(CLOCK_MONOTONIC) - begin;
        assert_true(took >= timeout && took < LONG_ENOUGH);
        assert_string_equal(err, "perfspy-ctl: --on-change: the command was killed: it ran "
                                 "longer than its --timeout\n");
    }
    int group = atoi(got);
    assert_true(group > 1);
    for (int i = 0; i < 3000 && kill(-group, 0) == 0; i++)
        usleep(10000); /* the one who adopted it waits for it */
    assert_int_equal(kill(-group, 0), -1);
    free(err);
}

static void one_signal_waits_two_kill(void **state)
{
    char got[4096];
    char *err;
    (void)state;
    struct ctl_notify notify =
        run("kill -TERM $PPID; sleep 0.2; echo done >\"$OUT\"", "", LONG_ENOUGH, &err, got);
    assert_string_equal(got, "done\n");
    assert_true(notify.stopped);
    assert_string_equal(err, "");
    free(err);
    uint64_t begin = ctl_clock_ns(CLOCK_MONOTONIC);
    run("kill -TERM $PPID; sleep 0.2; kill -INT $PPID; sleep 60", "", 60 * SEC, &err, got);
    assert_true(ctl_clock_ns(CLOCK_MONOTONIC) - begin < LONG_ENOUGH);
    assert_string_equal(err, "perfspy-ctl: --on-change: the command was killed: this tool was "
                             "told to end twice\n");
    free(err);
}

static void leaves_nothing(void **state)
{
    (void)state;
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child, dead or alive */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_text),
        cmocka_unit_test(may_be_left_unread),
        cmocka_unit_test(has_no_other_descriptors),
        cmocka_unit_test(has_its_signals),
        cmocka_unit_test(failures_are_told),
        cmocka_unit_test(is_killed_in_time),
        cmocka_unit_test(one_signal_waits_two_kill),
        cmocka_unit_test(leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
