/* SPDX-License-Identifier: MIT */
/*
 * Patching loaded objects. See slots.h.
 */
#include "runtime/slots.h"

#include "runtime/loader.h"
#include "runtime/places.h"
#include "runtime/pointers.h"
#include "runtime/process.h"
#include "shared/sys.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#define HOOKS_MAX 256u
#define BUCKETS   1024u

/* A walk takes milliseconds. */
#define PAUSE_NS 1000000l
#define PAUSES   2000u

#if defined(__x86_64__)
#define TYPE_SLOT    R_X86_64_JUMP_SLOT
#define TYPE_GLOBAL  R_X86_64_GLOB_DAT
#define TYPE_ADDRESS R_X86_64_64
#else
#define TYPE_SLOT    R_AARCH64_JUMP_SLOT
#define TYPE_GLOBAL  R_AARCH64_GLOB_DAT
#define TYPE_ADDRESS R_AARCH64_ABS64
#endif

static _Atomic int busy;                     /* that thread; 0: nobody */
static bool for_fork;                        /* it is at nothing but a fork */
static _Atomic unsigned long long seen_adds; /* objects ever loaded, when all were patched */

_Atomic bool spy_slots_watching;
_Atomic uint32_t spy_slots_looks;

/* ---- which function ---------------------------------------------------------------------------
 */

/* What each hook stands for, looked up before the walk, in which nothing can be. */
static struct {
    void *libc;      /* libc's own; NULL for others */
    bool libc_first; /* what a call would be bound to is that */
} targets[HOOKS_MAX];

static bool targets_found;
static uint16_t buckets[BUCKETS]; /* number + 1; linear probing */

static uint32_t hash_of(const char *name)
{
    uint32_t hash = 2166136261u;
    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return hash % BUCKETS;
}

static void learn_names(void)
{
    if (buckets[hash_of(spy_slot_hooks[0].name)] != 0)
        return;
    for (size_t i = 0; i < spy_slot_hook_count && i < HOOKS_MAX; i++) {
        uint32_t at = hash_of(spy_slot_hooks[i].name);
        while (buckets[at] != 0)
            at = (at + 1) % BUCKETS;
        buckets[at] = (uint16_t)(i + 1);
    }
}

static int hook_called(const char *name)
{
    for (uint32_t at = hash_of(name); buckets[at] != 0; at = (at + 1) % BUCKETS)
        if (strcmp(spy_slot_hooks[buckets[at] - 1].name, name) == 0)
            return buckets[at] - 1;
    return -1;
}

/* Once: dlsym takes the loader's lock, which a thread may hold that waits for the helper. */
static void find_targets(void)
{
    if (targets_found)
        return;
    learn_names();
    for (size_t i = 0; i < spy_slot_hook_count && i < HOOKS_MAX; i++) {
        if (!spy_slot_hooks[i].libc)
            continue;
        targets[i].libc = spy_loader_libc(spy_slot_hooks[i].name);
        targets[i].libc_first =
            targets[i].libc != NULL &&
            spy_loader_sym(RTLD_NEXT, spy_slot_hooks[i].name) == targets[i].libc;
    }
    targets_found = true;
}

/* ---- an object --------------------------------------------------------------------------------
 */

/* libc calls itself without asking, the loader is not to be touched, and we are we. */
static bool is_left_alone(const struct spy_object *o)
{
    return spy_object_has(o, (uintptr_t)spy_slot_hooks[0].wrapper, PT_LOAD) ||
           spy_object_has(o, (uintptr_t)targets[0].libc, PT_LOAD) || spy_object_is_loader(o);
}

/* Is FOUND, in the word of a call (BY_CALL) or another, what hook NUMBER stands for? Of one that
 * any object may have, all code will do but the object's own. */
static bool is_target(const struct spy_walk *w, const struct spy_object *o, size_t number,
                      void *found, bool by_call)
{
    bool unbound = by_call && spy_object_has(o, (uintptr_t)found, PT_LOAD);
    if (spy_slot_hooks[number].libc)
        return targets[number].libc != NULL &&
               (found == targets[number].libc || (unbound && targets[number].libc_first));
    if (unbound)
        return true;
    const struct spy_mapping *mapping = spy_mappings_find(&w->mappings, found);
    return mapping != NULL && (mapping->protection & PROT_EXEC) != 0 &&
           !spy_object_has(o, (uintptr_t)found, PT_LOAD);
}

/* ---- patching ---------------------------------------------------------------------------------
 */

static void patch_slot(struct spy_walk *w, const struct spy_object *o, void **slot, size_t number,
                       bool by_call)
{
    void *before = __atomic_load_n(slot, __ATOMIC_RELAXED);
    void *wrapper = spy_slot_hooks[number].wrapper;
    if (before != wrapper && is_target(w, o, number, before, by_call))
        spy_place_change(w, o, slot, before, wrapper);
}

static void patch_table(struct spy_walk *w, const struct spy_object *o, const ElfW(Rela) * rela,
                        size_t bytes)
{
    for (const ElfW(Rela) *end = rela + bytes / sizeof(*rela); rela < end; rela++) {
        unsigned type = ELF64_R_TYPE(rela->r_info);
        const ElfW(Sym) *symbol = &o->symbol[ELF64_R_SYM(rela->r_info)];
        uintptr_t at = o->base + rela->r_offset;
        if ((type != TYPE_SLOT && type != TYPE_GLOBAL && type != TYPE_ADDRESS) ||
            ELF64_R_SYM(rela->r_info) == 0 || symbol->st_shndx != SHN_UNDEF ||
            (type == TYPE_ADDRESS && rela->r_addend != 0) || at % sizeof(void *) != 0)
            continue;
        int number = hook_called(o->string + symbol->st_name);
        if (number >= 0)
            patch_slot(w, o, (void **)at, (size_t)number, type == TYPE_SLOT);
    }
}

static void patch_object(struct spy_walk *w, const struct dl_phdr_info *info, void *unused)
{
    struct spy_object o;
    (void)unused;
    if (!spy_object_open(&o, info) || is_left_alone(&o))
        return;
    for (unsigned i = 0; i < 2; i++)
        if (o.table[i] != NULL)
            patch_table(w, &o, o.table[i], o.bytes[i]);
}

static bool begin(void)
{
    int nobody = 0;
    return atomic_compare_exchange_strong_explicit(&busy, &nobody, spy_process_thread_id(),
                                                   memory_order_acquire, memory_order_relaxed);
}

/* The same, but waits for who is at it. */
static bool begin_in_time(void)
{
    const struct timespec pause = {0, PAUSE_NS};
    bool begun = begin();
    for (unsigned i = 0; i < PAUSES && !begun; i++) {
        spy_sys_poll(NULL, 0, &pause);
        begun = begin();
    }
    return begun;
}

static void end(void)
{
    atomic_store_explicit(&busy, 0, memory_order_release);
}

/* ---- fork -------------------------------------------------------------------------------------
 */

/* libc gives a child the loader's lock as it is: taken for good, where a walk is under way, so that
 * the child hangs at its first dlopen. A fork waits for the walk, then, and the next one for it. */
static bool is_mine(void)
{
    return atomic_load_explicit(&busy, memory_order_relaxed) == spy_process_thread_id();
}

/* Not in a signal handler that has come in the midst of this thread's own walk: it has to go on. */
static void before_fork(void)
{
    if (!spy_confined() && !is_mine() && begin_in_time())
        for_fork = true;
}

static void after_fork(void)
{
    if (is_mine() && for_fork) {
        for_fork = false;
        end();
    }
}

static void in_child(void)
{
    if (for_fork) {
        for_fork = false;
        end();
    }
}

/* From the first time on that anybody walks. */
static void await_at_forks(void)
{
    static bool awaited;
    if (!awaited)
        awaited = pthread_atfork(before_fork, after_fork, in_child) == 0;
}

/* ---- all objects ------------------------------------------------------------------------------
 */

static bool patch(void)
{
    struct spy_walk walk;
    find_targets();
    bool done = spy_walk(&walk, patch_object, NULL);
    if (done && !walk.incomplete)
        atomic_store_explicit(&seen_adds, walk.adds, memory_order_relaxed);
    return done;
}

bool spy_slots_patch(void)
{
    if (!begin_in_time())
        return false;
    await_at_forks();
    bool done = patch();
    if (done) {
        atomic_store_explicit(&spy_slots_watching, true, memory_order_relaxed);
        spy_pointers_patch();
    }
    end();
    return done;
}

void spy_slots_patch_again(void)
{
    if (!begin())
        return;
    if (atomic_load_explicit(&spy_slots_watching, memory_order_relaxed)) {
        patch();
        spy_pointers_patch();
    }
    end();
}

/* ---- objects that come later -------------------------------------------------------------------
 */

static int read_adds(struct dl_phdr_info *info, size_t size, void *data)
{
    if (size >= offsetof(struct dl_phdr_info, dlpi_subs))
        *(unsigned long long *)data = info->dlpi_adds;
    return 1;
}

static bool is_behind(void)
{
    unsigned long long adds = 0;
    dl_iterate_phdr(read_adds, &adds);
    return adds != atomic_load_explicit(&seen_adds, memory_order_relaxed);
}

/* The look is a walk, too, for which a fork waits. Where somebody else is at one, or a fork is
 * under way, the helper takes it in a while. */
void spy_slots_catch_up_slow(void)
{
    int saved_errno = errno;
    if (begin()) {
        if (atomic_load_explicit(&spy_slots_watching, memory_order_relaxed) && is_behind())
            patch();
        end();
    }
    errno = saved_errno;
}

/* No look is taken where nothing was loaded: a fork would have to wait for it. */
void spy_slots_look(void)
{
    uint32_t left = atomic_load_explicit(&spy_slots_looks, memory_order_relaxed);
    if (left == 0 || !atomic_load_explicit(&spy_slots_watching, memory_order_relaxed))
        return;
    atomic_compare_exchange_strong_explicit(&spy_slots_looks, &left, left - 1, memory_order_relaxed,
                                            memory_order_relaxed);
    spy_slots_catch_up_slow();
}

/* ---- back -------------------------------------------------------------------------------------
 */

bool spy_slots_restore(unsigned *count)
{
    *count = 0;
    if (!begin_in_time())
        return false;
    bool done = spy_places_restore(count);
    if (done) {
        spy_pointers_forget();
        atomic_store_explicit(&spy_slots_watching, false, memory_order_relaxed);
    }
    end();
    return done;
}

unsigned spy_slots_count(void)
{
    return spy_places_count();
}
