/* SPDX-License-Identifier: MIT */
/*
 * Running a command; see notify.h.
 */
#include "ctl/notify.h"

#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

void ctl_notify_init(struct ctl_notify *notify, const char *command, uint64_t timeout_ns, FILE *err)
{
    *notify = (struct ctl_notify){.command = command, .timeout_ns = timeout_ns, .err = err};
    sigemptyset(&notify->stop);
    sigaddset(&notify->stop, SIGINT);
    sigaddset(&notify->stop, SIGTERM);
    sigaddset(&notify->stop, SIGHUP);
    sigset_t blocked = notify->stop;
    sigaddset(&blocked, SIGCHLD);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    /* Were it ignored, as some parents leave it, there would be no status to wait for. */
    signal(SIGCHLD, SIG_DFL);
}

/* A file in memory that holds TEXT, at its beginning; -1 after a sentence. */
static int file_of(const char *text, FILE *err)
{
    size_t left = strlen(text);
    int fd = memfd_create("perfspy-change", MFD_CLOEXEC);
    while (fd >= 0 && left > 0) {
        ssize_t n = write(fd, text, left);
        if (n < 0) {
            close(fd);
            fd = -1;
            break;
        }
        text += n;
        left -= (size_t)n;
    }
    if (fd < 0 || lseek(fd, 0, SEEK_SET) != 0)
        ctl_say(err, "--on-change: cannot make the command's input: %s", strerror(errno));
    return fd;
}

/* 0, or an errno. */
static int spawn(const char *command, int input, pid_t *pid)
{
    char *argv[] = {(char[]){"sh"}, (char[]){"-c"}, (char *)(uintptr_t)command, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int error = posix_spawn_file_actions_init(&files);
    if (error != 0)
        return error;
    error = posix_spawnattr_init(&how);
    if (error == 0) {
        posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                           POSIX_SPAWN_SETSIGDEF);
        posix_spawnattr_setpgroup(&how, 0);
        posix_spawnattr_setsigmask(&how, &none);
        posix_spawnattr_setsigdefault(&how, &all);
        error = posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
        if (error == 0)
            error = posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
        if (error == 0)
            error = posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
        if (error == 0)
            error = posix_spawn(pid, "/bin/sh", &files, &how, argv, environ);
        posix_spawnattr_destroy(&how);
    }
    posix_spawn_file_actions_destroy(&files);
    return error;
}

enum wake { WAKE_LOOK, WAKE_TIMEOUT, WAKE_STOP };

/* Waits for a child or a signal to stop, at most until DEADLINE: WAKE_LOOK unless it is time to
 * kill. */
static enum wake await(struct ctl_notify *notify, uint64_t deadline_ns)
{
    sigset_t awaited = notify->stop;
    sigaddset(&awaited, SIGCHLD);
    uint64_t now = ctl_clock_ns(CLOCK_MONOTONIC);
    if (now >= deadline_ns)
        return WAKE_TIMEOUT;
    uint64_t left = deadline_ns - now;
    struct timespec pause = {(time_t)(left / 1000000000u), (long)(left % 1000000000u)};
    int caught = sigtimedwait(&awaited, NULL, &pause);
    if (caught <= 0 || caught == SIGCHLD)
        return WAKE_LOOK;
    bool again = notify->stopped;
    notify->stopped = true;
    return again ? WAKE_STOP : WAKE_LOOK;
}

static void tell(const struct ctl_notify *notify, int status, enum wake killed)
{
    if (killed != WAKE_LOOK)
        ctl_say(notify->err, "--on-change: the command was killed: %s",
                killed == WAKE_STOP ? "this tool was told to end twice"
                                    : "it ran longer than its --timeout");
    else if (WIFSIGNALED(status))
        ctl_say(notify->err, "--on-change: the command was ended by signal %d (%s)",
                WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
        ctl_say(notify->err, "--on-change: the command ended with status %d", WEXITSTATUS(status));
}

static void attend(struct ctl_notify *notify, pid_t pid)
{
    uint64_t deadline = ctl_clock_ns(CLOCK_MONOTONIC) + notify->timeout_ns;
    enum wake killed = WAKE_LOOK;
    int status = 0;
    pid_t ended;
    while ((ended = waitpid(pid, &status, killed != WAKE_LOOK ? 0 : WNOHANG)) == 0) {
        killed = await(notify, deadline);
        if (killed != WAKE_LOOK)
            kill(-pid, SIGKILL);
    }
    if (ended == pid)
        tell(notify, status, killed);
}

void ctl_notify(struct ctl_notify *notify, const char *text)
{
    pid_t pid;
    int input = file_of(text, notify->err);
    if (input < 0)
        return;
    int error = spawn(notify->command, input, &pid);
    close(input);
    if (error == 0)
        attend(notify, pid);
    else
        ctl_say(notify->err, "--on-change: cannot run /bin/sh: %s", strerror(error));
}
