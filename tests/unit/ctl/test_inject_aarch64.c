/* SPDX-License-Identifier: MIT */
/*
 * What attaching does to a thread on arm64, done to this one, without ptrace: a signal's handler is
 * given the thread's registers by the kernel and sets where it goes on, as the tool does. So it
 * runs where only programs are emulated, too. On other machines there is nothing of it to be
 * tested.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#if defined(__aarch64__)

#include "ctl/inject_arch.h"
#include "shared/attach.h"
#include "unit/ctl/registers_aarch64.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <ucontext.h>
#include <unistd.h>

#define BLOCK_BYTES 262144u
#define CODE_BYTES  4096u

static const uint32_t return_from_signal[] = {0xd2801168, 0xd4000001};

/* ---- the thread is sent away ------------------------------------------------------------------
 */

static struct {
    char *code, *block;
    struct ctl_stub stub;
    struct ctl_stub_result result;
    volatile uint32_t go;
    bool sent;
    uint64_t mask;
} away;

/* What the tool reads by ptrace. */
static void read_state(struct ctl_state *state, const ucontext_t *uc)
{
    const struct fpsimd_context *vector = (const void *)uc->uc_mcontext.__reserved;
    struct user_fpsimd_state *into = (void *)state->vector;
    memcpy(state->regs.regs, uc->uc_mcontext.regs, sizeof(state->regs.regs));
    state->regs.sp = uc->uc_mcontext.sp;
    state->regs.pc = uc->uc_mcontext.pc;
    state->regs.pstate = uc->uc_mcontext.pstate;
    if (vector->head.magic != FPSIMD_MAGIC)
        _exit(3);
    memcpy(into->vregs, vector->vregs, sizeof(into->vregs));
    into->fpsr = vector->fpsr;
    into->fpcr = vector->fpcr;
    state->vector_bytes = sizeof(*into);
    memcpy(&state->mask, &uc->uc_sigmask, sizeof(state->mask));
}

/* The frame below what the thread's stack has, the code behind its way back. */
static void send_away(int number, siginfo_t *info, void *context)
{
    static unsigned char frame[CTL_FRAME_BYTES];
    static struct ctl_state state;
    ucontext_t *uc = context;
    ctl_regs regs;
    size_t size, bytes;
    (void)number;
    (void)info;
    const void *code = ctl_arch_stub(&size);
    read_state(&state, uc);
    away.mask = state.mask;
    uint64_t at = ctl_arch_frame(&state, &state.regs, away.stub.restorer, frame, &bytes);
    memcpy((void *)(uintptr_t)at, frame, bytes);
    away.stub.frame = at;
    memcpy(away.code, code, size);
    memcpy(away.code + size, &away.stub, sizeof(away.stub));
    __builtin___clear_cache(away.code, away.code + size);
    regs = state.regs;
    ctl_arch_make_jump(&regs, (uint64_t)(uintptr_t)away.code,
                       (uint64_t)(uintptr_t)away.block + BLOCK_BYTES - 64);
    uc->uc_mcontext.pc = regs.pc;
    uc->uc_mcontext.sp = regs.sp;
    uc->uc_mcontext.pstate = regs.pstate;
    away.sent = true;
    away.go = 1;
}

static uint64_t asked; /* what the entry below was given */

static uint64_t entry(uint64_t request)
{
    double scratch[32];
    asked = request;
    errno = ENOTTY; /* the thread does not see this */
    for (unsigned i = 0; i < 32; i++)
        scratch[i] = (double)request / (i + 3.0);
    __asm__ volatile("" : : "r"(scratch) : "memory", "v8", "v9", "v10", "v16", "v31", "x19", "x28");
    return 0x5eed;
}

static void *address_of(void *handle, const char *name)
{
    void *found = dlsym(handle, name);
    assert_non_null(found);
    return found;
}

static uint64_t word(const void *address)
{
    return (uint64_t)(uintptr_t)address;
}

/* Everything but the library and its entry. The results stay readable: they are no part of what is
 * unmapped. */
static void prepare(void)
{
    void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    static const uint32_t *restorer;
    memset(&away, 0, sizeof(away));
    away.code = mmap(NULL, CODE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    away.block =
        mmap(NULL, BLOCK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *text = mmap(NULL, CODE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(away.code != MAP_FAILED && away.block != MAP_FAILED && text != MAP_FAILED);
    memcpy(text, return_from_signal, sizeof(return_from_signal));
    __builtin___clear_cache(text, text + sizeof(return_from_signal));
    restorer = (const void *)text;
    away.stub = (struct ctl_stub){
        .errno_location = word(address_of(libc, "__errno_location")),
        .dlerror = word(address_of(libc, "dlerror")),
        .close = word(address_of(libc, "close")),
        .munmap = word(address_of(libc, "munmap")),
        .result = word(&away.result),
        .block = word(away.block),
        .block_bytes = BLOCK_BYTES,
        .code = word(away.code),
        .code_bytes = CODE_BYTES,
        .restorer = word(restorer),
    };
    dlclose(libc);
}

/* The handler has a stack of its own: the frame is where its would be. */
static void send_by_signal(void)
{
    static char stack[65536];
    const stack_t own = {.ss_sp = stack, .ss_size = sizeof(stack)};
    const struct sigaction action = {.sa_sigaction = send_away,
                                     .sa_flags = SA_SIGINFO | SA_ONSTACK};
    assert_int_equal(sigaltstack(&own, NULL), 0);
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
}

/* From the middle of a loop, by a signal that a child sends; x0, x1, x30 are the loop's own. */
static void all_registers_come_back(void **state)
{
    static struct registers want, got;
    sigset_t before, blocked, after;
    (void)state;
    prepare();
    away.stub.base = word((const void *)entry) & ~0xfffull;
    away.stub.entry = word((const void *)entry) & 0xfffull;
    away.stub.request = 0x1234;
    fill(&want);
    got = want;
    send_by_signal();
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR2);
    sigaddset(&blocked, SIGRTMIN + 3);
    sigprocmask(SIG_SETMASK, &blocked, &before);
    errno = EXDEV;
    pid_t self = getpid(), child = fork();
    if (child == 0) {
        usleep(100000); /* by then it is in the loop, or the loop comes back to it */
        _exit(kill(self, SIGUSR1));
    }
    fill_and_spin(&got, &away.go);
    int kept = errno;
    sigprocmask(SIG_SETMASK, &before, &after);
    assert_true(away.sent);
    assert_int_equal(asked, 0x1234);
    assert_int_equal(away.result.status, 0x5eed);
    assert_int_equal(kept, EXDEV);
    assert_memory_equal(&after, &blocked, 8);
    assert_memory_equal(got.x + 2, want.x + 2, 28 * sizeof(want.x[0]));
    assert_int_equal(got.condition, want.condition);
    assert_int_equal(got.fpsr, want.fpsr);
    assert_int_equal(got.fpcr, want.fpcr);
    assert_memory_equal(got.v, want.v, sizeof(want.v));
    /* What was mapped for it is gone. */
    assert_int_equal(msync(away.block, BLOCK_BYTES, MS_ASYNC), -1);
    assert_int_equal(msync(away.code, CODE_BYTES, MS_ASYNC), -1);
}

/* The library is loaded by that code, and its entry called. */
static void a_library_is_loaded(void **state)
{
    (void)state;
    prepare();
    away.stub.dlopen = word(address_of(RTLD_DEFAULT, "dlopen"));
    away.stub.memfd_create = word(address_of(RTLD_DEFAULT, "memfd_create"));
    void *math = dlopen("libm.so.6", RTLD_LAZY);
    Dl_info info;
    assert_int_not_equal(dladdr(address_of(math, "ceil"), &info), 0);
    away.stub.entry = word(address_of(math, "ilogb")) - word(info.dli_fbase);
    strcpy(away.stub.path, "libm.so.6");
    send_by_signal();
    raise(SIGUSR1);
    assert_true(away.sent);
    assert_int_not_equal(away.result.handle, 0);
    assert_int_equal(away.result.error, 0);
    dlclose(math);
}

static void what_cannot_be_loaded_is_told(void **state)
{
    (void)state;
    prepare();
    away.stub.dlopen = word(address_of(RTLD_DEFAULT, "dlopen"));
    strcpy(away.stub.path, "/nowhere/libperfspy.so");
    send_by_signal();
    raise(SIGUSR1);
    assert_int_equal(away.result.handle, 0);
    assert_int_equal(away.result.status, 0);
    assert_non_null(strstr((const char *)(uintptr_t)away.result.error, "/nowhere/libperfspy.so"));
}

/* ---- decisions --------------------------------------------------------------------------------
 */

static void a_call_is_told_by_its_instruction(void **state)
{
    static const uint32_t code[] = {0xd503201f, 0xd503201f,
                                    0xd4000001, 0xd503201f,
                                    0xd503201f, 0xd4000021 /* svc #1: none of the kernel's */,
                                    0xd503201f};
    static const bool in_call[] = {false, false, true, true, false, false, false};
    int memory = open("/proc/self/mem", O_RDONLY);
    ctl_regs regs = {0};
    (void)state;
    for (unsigned i = 1; i < 6; i++) {
        regs.pc = word(&code[i]);
        assert_int_equal(ctl_arch_at_call(memory, &regs), in_call[i]);
    }
    regs.pc = 4; /* nothing there */
    assert_false(ctl_arch_at_call(memory, &regs));
    close(memory);
}

/* EINTR is where the first argument was: only that of a loop's one place to wait is known. */
static void only_waiting_for_events_begins_anew(void **state)
{
    static const long others[] = {SYS_recvfrom, SYS_read, SYS_ppoll, SYS_futex, SYS_accept};
    const ctl_regs broken = {.regs = {[0] = (uint64_t)-EINTR, [8] = SYS_epoll_pwait}, .pc = 0x1004};
    ctl_regs regs = broken;
    (void)state;
    assert_int_equal(ctl_arch_result(&regs), -EINTR);
    assert_false(ctl_arch_begin_anew(&regs, CTL_FIRST_UNKNOWN));
    assert_memory_equal(&regs, &broken, sizeof(regs));
    assert_true(ctl_arch_begin_anew(&regs, 7));
    assert_int_equal(regs.regs[0], 7);
    assert_int_equal(regs.pc, 0x1000);
    for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        regs = broken;
        regs.regs[8] = (uint64_t)others[i];
        assert_false(ctl_arch_begin_anew(&regs, 7));
        assert_int_equal(regs.pc, 0x1004);
    }
}

static void a_call_has_its_arguments(void **state)
{
    const uint64_t want[6] = {1, 2, 3, 4, 5, 6};
    uint64_t got[6];
    ctl_regs regs = {.pstate = 0xc00 | 0x80000000};
    (void)state;
    ctl_arch_make_call(&regs, 0x4000, want, 0x7000, 0x5000);
    ctl_arch_arguments(&regs, got);
    assert_memory_equal(got, want, sizeof(want));
    assert_int_equal(ctl_arch_pc(&regs), 0x4000);
    assert_int_equal(ctl_arch_sp(&regs), 0x7000);
    assert_int_equal(regs.regs[30], 0x5000);
    assert_int_equal(ctl_arch_call(&regs), -1); /* nothing for the kernel to begin anew */
    assert_int_equal(regs.pstate, 0x80000000);  /* no landing pad is asked for */
}

static void where_handlers_return_is_found(void **state)
{
    uint32_t code[8] = {0xd503201f, 0xd503201f, 0xd2801168, 0xd503201f};
    (void)state;
    assert_int_equal(ctl_arch_find_restorer((const void *)code, sizeof(code)), -1);
    memcpy(code + 5, return_from_signal, sizeof(return_from_signal));
    assert_int_equal(ctl_arch_find_restorer((const void *)code, sizeof(code)), 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_registers_come_back),
        cmocka_unit_test(a_library_is_loaded),
        cmocka_unit_test(what_cannot_be_loaded_is_told),
        cmocka_unit_test(a_call_is_told_by_its_instruction),
        cmocka_unit_test(only_waiting_for_events_begins_anew),
        cmocka_unit_test(a_call_has_its_arguments),
        cmocka_unit_test(where_handlers_return_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void another_machine(void **state)
{
    (void)state;
    skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(another_machine)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
