/* SPDX-License-Identifier: MIT */
/*
 * Runs a program in which one system call can be held up from outside, so that a test can look at
 * what there is meanwhile:
 *
 *   gate CALL NAME FILE PROGRAM...
 *
 * While there is a file FILE, each CALL by a thread called NAME waits, and FILE.held is made. A
 * seccomp filter has a process of ours asked of each CALL; it ends with the program, which is in
 * the process that this was started as.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HELD_MAX 16
#define PAUSE_MS 5
#define NOT_YET  (-2)

static const struct gate {
    const char *call;
    unsigned number;
    uint64_t third; /* only with this argument; 0: with any */
} gates[] = {
    {"openat", SYS_openat, 0},
    {"setitimer", SYS_setitimer, 0},
    {"protect", SYS_mprotect, PROT_READ}, /* words that were written to, once more */
};

static const struct gate *gate_of(const char *call)
{
    for (size_t i = 0; i < sizeof(gates) / sizeof(gates[0]); i++)
        if (strcmp(gates[i].call, call) == 0)
            return &gates[i];
    exit(64);
}

/* A descriptor that tells of each such call from here on, or -1. */
static int ask_of(unsigned number)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return -1;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                        &program);
}

/* One that was broken off, and is made anew, is asked of again: whether anybody waits for this
 * answer does not matter. */
static void let_on(int asked, uint64_t id)
{
    struct seccomp_notif_resp answer = {.id = id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    ioctl(asked, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

static bool is_called(uint32_t tid, const char *name)
{
    char path[64], text[32] = "";
    snprintf(path, sizeof(path), "/proc/%u/comm", tid);
    FILE *file = fopen(path, "re");
    bool read = file != NULL && fgets(text, sizeof(text), file) != NULL;
    if (file != NULL)
        fclose(file);
    text[strcspn(text, "\n")] = '\0';
    return read && strcmp(text, name) == 0;
}

static void answer_all(int asked, const struct gate *gate, const char *name, const char *file)
{
    uint64_t held[HELD_MAX];
    size_t count = 0;
    char told[4096];
    snprintf(told, sizeof(told), "%s.held", file);
    for (;;) {
        struct pollfd fd = {.fd = asked, .events = POLLIN};
        struct seccomp_notif call = {0};
        while (access(file, F_OK) != 0 && count > 0)
            let_on(asked, held[--count]);
        if (poll(&fd, 1, count > 0 ? PAUSE_MS : -1) < 0 || (fd.revents & POLLHUP) != 0)
            return;
        if ((fd.revents & POLLIN) == 0 || ioctl(asked, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0)
            continue;
        bool meant = gate->third == 0 || call.data.args[2] == gate->third;
        if (!meant || count == HELD_MAX || access(file, F_OK) != 0 || !is_called(call.pid, name)) {
            let_on(asked, call.id);
            continue;
        }
        held[count++] = call.id;
        close(open(told, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    }
}

/* The filter binds those that are made afterwards: ours is made before, and shares the descriptors,
 * of which the program gives up its own as it begins. */
int main(int argc, char **argv)
{
    _Atomic int *asked =
        mmap(NULL, sizeof(*asked), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (argc < 5 || asked == MAP_FAILED)
        return 64;
    const struct gate *gate = gate_of(argv[1]);
    *asked = NOT_YET;
    pid_t parent = getpid();
    long ours = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
    if (ours < 0)
        return 1;
    if (ours == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (*asked == NOT_YET && getppid() == parent)
            usleep(PAUSE_MS * 1000);
        if (getppid() == parent)
            answer_all(*asked, gate, argv[2], argv[3]);
        _exit(0);
    }
    *asked = ask_of(gate->number);
    if (*asked < 0)
        return 69;
    execvp(argv[4], argv + 4);
    return 1;
}
