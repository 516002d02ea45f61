/* SPDX-License-Identifier: MIT */
/*
 * What attaching reads of a process, read of this one: objects in memory, the attach note, and the
 * frames of signals' handlers.
 */
#include "ctl/inject_arch.h"
#include "ctl/inject_elf.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__x86_64__)
#define RED_ZONE 128u /* what functions use below their stack */
#else
#define RED_ZONE 0u
#endif

static int memory;

static uint64_t base_of(const void *address)
{
    Dl_info info;
    assert_int_not_equal(dladdr(address, &info), 0);
    return (uint64_t)(uintptr_t)info.dli_fbase;
}

static void functions_are_found(void **state)
{
    struct ctl_elf libc;
    void *handle = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD); /* a sanitizer has some, too */
    (void)state;
    assert_non_null(handle);
    assert_true(ctl_elf_open(&libc, memory, base_of((const void *)getpid)));
    static const char *const names[] = {
        "dlopen", "dlerror", "mmap", "munmap", "memfd_create", "close", "__errno_location"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_int_equal(ctl_elf_function(&libc, names[i]), (uintptr_t)dlsym(handle, names[i]));
    assert_int_equal(ctl_elf_function(&libc, "no_such_function"), 0);
    assert_int_equal(ctl_elf_function(&libc, "environ"), 0); /* no function */
    dlclose(handle);
}

static void what_is_no_object_is_not_read(void **state)
{
    struct ctl_elf elf;
    (void)state;
    assert_false(ctl_elf_open(&elf, memory, 0));
    assert_false(ctl_elf_open(&elf, memory, base_of((const void *)getpid) + 4096));
}

static void the_library_tells_its_entry(void **state)
{
    struct spy_attach_note note;
    uint64_t entry = 0;
    struct ctl_elf elf = {.memory = open(SPY_TEST_BUILD "/libperfspy.so", O_RDONLY)};
    (void)state;
    assert_true(elf.memory >= 0);
    assert_true(ctl_elf_note(&elf, &note, &entry));
    assert_int_equal(note.protocol, SPY_ATTACH_PROTOCOL);
    assert_string_equal(note.version, SPY_VERSION);
    assert_true(entry > 0 && entry < (uint64_t)lseek(elf.memory, 0, SEEK_END));
    close(elf.memory);
    elf = (struct ctl_elf){.memory = memory, .base = base_of((const void *)getpid)};
    assert_false(ctl_elf_note(&elf, &note, &entry));
}

/* ---- handlers ---------------------------------------------------------------------------------
 */

static struct {
    uint64_t begin, end;
} places[2];

static int note_text(struct dl_phdr_info *info, size_t size, void *data)
{
    (void)size;
    (void)data;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        uint64_t begin = info->dlpi_addr + part->p_vaddr;
        int place = info->dlpi_addr == getauxval(AT_SYSINFO_EHDR);
        uint64_t in = place ? begin : (uint64_t)(uintptr_t)getpid;
        if (part->p_type == PT_LOAD && (part->p_flags & PF_X) != 0 && in >= begin &&
            in < begin + part->p_memsz) {
            places[place].begin = begin;
            places[place].end = begin + part->p_memsz;
        }
    }
    return 0;
}

static uint64_t restorer(void)
{
    dl_iterate_phdr(note_text, NULL);
    for (int i = 0; i < 2; i++) {
        long at = places[i].begin != 0
                      ? ctl_arch_find_restorer((const void *)(uintptr_t)places[i].begin,
                                               places[i].end - places[i].begin)
                      : -1;
        if (at >= 0)
            return places[i].begin + (uint64_t)at;
    }
    return 0;
}

static uint64_t wanted;
static volatile int frames;

/* From here up, as far as a stack surely goes. */
static int frames_above(void)
{
    const uint64_t *word = (const uint64_t *)((uintptr_t)__builtin_frame_address(0) & ~7ul);
    static uint64_t words[1024]; /* on the stack it would be all that is looked at */
    int found = 0;
    if (pread(memory, words, sizeof(words), (off_t)(uintptr_t)word) != (ssize_t)sizeof(words))
        return -1;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        found += words[i] == wanted &&
                 ctl_arch_is_frame(words + i, 1024 - i, (uint64_t)(uintptr_t)(word + i));
    return found;
}

static void handle(int number)
{
    (void)number;
    frames = frames_above();
}

static void a_handler_is_told_by_its_frame(void **state)
{
    (void)state;
    wanted = restorer();
#if defined(__aarch64__)
    if (getauxval(AT_SYSINFO_EHDR) == 0)
        skip(); /* it is the kernel's own, of which an emulator of programs has none */
#endif
    assert_int_not_equal(wanted, 0);
    signal(SIGUSR1, handle);
    raise(SIGUSR1);
#if defined(__x86_64__)
    assert_int_equal(frames, 1);
#else
    assert_true(frames >= 1); /* the same word elsewhere is taken for one, too */
#endif
}

/* The frame that we make is one that the kernel would have made, to be given back as such. */
static void our_frame_is_like_the_kernels(void **state)
{
    static struct ctl_state saved;
    static unsigned char out[CTL_FRAME_BYTES];
    static uint64_t words[CTL_FRAME_BYTES / 8];
    size_t bytes = 0;
    (void)state;
    memset(&saved, 0, sizeof(saved));
    saved.vector_bytes = 832; /* legacy part, header, AVX */
#if defined(__x86_64__)
    saved.regs.rsp = 0x7fff0000;
    saved.regs.cs = 0x33;
#else
    saved.regs.sp = 0x7fff0000;
#endif
    uint64_t at = ctl_arch_frame(&saved, &saved.regs, 0x1234, out, &bytes);
    assert_true(bytes > 0 && bytes <= sizeof(out));
    assert_true(at + bytes <= 0x7fff0000 - RED_ZONE);
    memcpy(words, out, sizeof(words));
    assert_true(ctl_arch_is_frame(words, sizeof(words) / 8, at));
}

/* It is there, and there is room for what it finds behind it in the page that it is given. */
static void what_a_thread_is_made_to_run_is_code(void **state)
{
    size_t size = 0;
    (void)state;
    assert_non_null(ctl_arch_stub(&size));
    assert_in_range(size, 100, 4096 - sizeof(struct ctl_stub));
    assert_int_equal(size % _Alignof(struct ctl_stub), 0);
}

int main(void)
{
    memory = open("/proc/self/mem", O_RDONLY);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_are_found),
        cmocka_unit_test(what_is_no_object_is_not_read),
        cmocka_unit_test(the_library_tells_its_entry),
        cmocka_unit_test(a_handler_is_told_by_its_frame),
        cmocka_unit_test(our_frame_is_like_the_kernels),
        cmocka_unit_test(what_a_thread_is_made_to_run_is_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
