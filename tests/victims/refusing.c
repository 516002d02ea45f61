/* SPDX-License-Identifier: MIT */
/*
 * A program that is hard to attach to, in the way that its first argument says. It says "ready",
 * goes on for as long as there are bytes to read, and ends with 0 if each of them was "x".
 *
 *   plain          is not hard at all
 *   undumpable     nobody but root may look into it
 *   files          may open no more files
 *   memory         may map no more memory
 *   strict         seccomp's first kind: read, write and exit only
 *   filter [CALL...]  a seccomp filter under which these system calls fail
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALLS_MAX 16

static const struct {
    const char *name;
    unsigned number;
} calls[] = {
    {"mmap", SYS_mmap},         {"openat", SYS_openat}, {"memfd_create", SYS_memfd_create},
    {"mprotect", SYS_mprotect}, {"clone", SYS_clone},   {"clone3", SYS_clone3},
    {"socket", SYS_socket},     {"prctl", SYS_prctl},
};

static unsigned number_of(const char *name)
{
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        if (strcmp(calls[i].name, name) == 0)
            return calls[i].number;
    exit(64);
}

/* The NAMES fail with EPERM. */
static int filter(char **names)
{
    struct sock_filter code[2 * CALLS_MAX + 2] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    };
    struct sock_fprog program = {.len = 1, .filter = code};
    for (; *names != NULL && program.len < 2 * CALLS_MAX; names++) {
        code[program.len++] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number_of(*names), 0, 1);
        code[program.len++] =
            (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    }
    code[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int limit(int resource, rlim_t at)
{
    const struct rlimit value = {at, at};
    return setrlimit(resource, &value);
}

/* What it has, and not a page more. */
static rlim_t memory_now(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL || fscanf(file, "%lu", &pages) != 1)
        exit(1);
    fclose(file);
    return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static int become(char **argv)
{
    const char *kind = argv[1];
    if (strcmp(kind, "plain") == 0)
        return 0;
    if (strcmp(kind, "undumpable") == 0)
        return prctl(PR_SET_DUMPABLE, 0);
    if (strcmp(kind, "files") == 0)
        return limit(RLIMIT_NOFILE, 3);
    if (strcmp(kind, "memory") == 0)
        return limit(RLIMIT_AS, memory_now());
    if (strcmp(kind, "strict") == 0)
        return prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
    if (strcmp(kind, "filter") == 0)
        return filter(argv + 2);
    return 64;
}

int main(int argc, char **argv)
{
    char byte = 'x';
    ssize_t got = 1;
    if (argc < 2 || become(argv) != 0)
        return 64;
    if (write(STDOUT_FILENO, "ready\n", 6) != 6)
        return 1;
    while (byte == 'x' && got == 1)
        got = read(STDIN_FILENO, &byte, 1);
    int status = byte == 'x' && got == 0 ? 0 : 1;
    if (strcmp(argv[1], "strict") == 0)
        syscall(SYS_exit, status); /* exit_group() it does not allow */
    _exit(status);
}
