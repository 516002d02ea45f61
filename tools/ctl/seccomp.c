/* SPDX-License-Identifier: MIT */
/*
 * Seccomp filters, asked beforehand. See seccomp.h. The filters are run by libpcap, whose machine
 * is the one that they are written for; but it reads packets, in network byte order, and the
 * kernel's has the machine's.
 */
#include "ctl/seccomp.h"

#include "ctl/command.h"
#include "ctl/seccomp_calls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <pcap/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>

#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCH AUDIT_ARCH_AARCH64
#endif

/* Instructions: the kernel's BPF_MAXINSNS. */
#define FILTER_MAX 4096u

#define WORDS (sizeof(struct seccomp_data) / sizeof(uint32_t))

struct ctl_seccomp_filters {
    struct ctl_seccomp_filters *next;
    struct bpf_insn
        code[]; /* as the kernel's struct sock_filter: pcap(3PCAP) is of the same origin */
};

static const struct call {
    const char *name;
    long number;
    uint64_t arguments[6];
} calls[] = {
#define ROW(name, ...) {#name, SYS_##name, {__VA_ARGS__}},
    CTL_SECCOMP_CALLS(ROW)
#undef ROW
};

struct ctl_seccomp_filters *ctl_seccomp_add(struct ctl_seccomp_filters *filters,
                                            const void *instructions, size_t count)
{
    struct ctl_seccomp_filters *added =
        ctl_grow(NULL, 1, sizeof(*added) + count * sizeof(added->code[0]));
    added->next = filters;
    memcpy(added->code, instructions, count * sizeof(added->code[0]));
    return added;
}

void ctl_seccomp_free(struct ctl_seccomp_filters *filters)
{
    while (filters != NULL) {
        struct ctl_seccomp_filters *next = filters->next;
        free(filters);
        filters = next;
    }
}

bool ctl_seccomp_read(pid_t tid, struct ctl_seccomp_filters **out)
{
    struct bpf_insn code[FILTER_MAX];
    long count;
    *out = NULL;
    for (unsigned long i = 0; (count = ptrace(PTRACE_SECCOMP_GET_FILTER, tid, i, NULL)) > 0; i++) {
        if (ptrace(PTRACE_SECCOMP_GET_FILTER, tid, i, code) != count)
            break;
        *out = ctl_seccomp_add(*out, code, (size_t)count);
    }
    if (errno == ENOENT) /* no further one */
        return true;
    int error = errno;
    ctl_seccomp_free(*out);
    errno = error;
    return false;
}

/* SECCOMP_RET_*: what is more restrictive is less, as a signed number. */
uint32_t ctl_seccomp_answer(const struct ctl_seccomp_filters *filters, long number,
                            const uint64_t arguments[6])
{
    struct seccomp_data data = {.nr = (int)number, .arch = THIS_ARCH};
    uint32_t words[WORDS], worst = SECCOMP_RET_ALLOW;
    memcpy(data.args, arguments, sizeof(data.args));
    memcpy(words, &data, sizeof(data));
    for (size_t i = 0; i < WORDS; i++)
        words[i] = htonl(words[i]);
    for (; filters != NULL; filters = filters->next) {
        uint32_t answer =
            bpf_filter(filters->code, (const unsigned char *)words, sizeof(words), sizeof(words));
        if ((int32_t)(answer & SECCOMP_RET_ACTION_FULL) <
            (int32_t)(worst & SECCOMP_RET_ACTION_FULL))
            worst = answer;
    }
    return worst;
}

static enum ctl_seccomp harm_of(uint32_t answer)
{
    switch (answer & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_KILL_PROCESS:
    case SECCOMP_RET_KILL_THREAD:
    case SECCOMP_RET_TRAP:
        return CTL_SECCOMP_FATAL;
    case SECCOMP_RET_USER_NOTIF:
        return CTL_SECCOMP_ASKS;
    default:
        return CTL_SECCOMP_HARMLESS;
    }
}

enum ctl_seccomp ctl_seccomp_judge(const struct ctl_seccomp_filters *filters, const char **call)
{
    enum ctl_seccomp worst = CTL_SECCOMP_HARMLESS;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        enum ctl_seccomp harm =
            harm_of(ctl_seccomp_answer(filters, calls[i].number, calls[i].arguments));
        if (harm > worst) {
            worst = harm;
            *call = calls[i].name;
        }
    }
    return worst;
}
