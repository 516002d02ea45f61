/* SPDX-License-Identifier: MIT */
/*
 * Patching loaded objects. See slots.h.
 */
#include "runtime/slots.h"

#include "runtime/loader.h"
#include "runtime/mappings.h"
#include "runtime/process.h"
#include "shared/sys.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#define PAGE_BYTES   4096u /* the least: a page that is larger has one protection as well */
#define HOOKS_MAX    256u
#define BUCKETS      1024u
#define PLACES_FIRST 4096u

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

/* A word that leads to a wrapper. */
struct place {
    void **slot;
    void *wrapper;
    void *before;
    uintptr_t object; /* where that begins */
};

/* Of the one who has `busy`. */
static struct place *places;
static size_t place_bytes;
static size_t place_count;
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

struct object {
    uintptr_t base;
    const ElfW(Phdr) * part;
    unsigned parts;
    const ElfW(Sym) * symbol;
    const char *string;
    const ElfW(Rela) * table[2]; /* of data, of calls */
    size_t bytes[2];
};

struct walk {
    struct spy_mappings mappings;
    unsigned long long adds;
    bool incomplete; /* something was not ready */
    unsigned count;
};

/* The loader has put the address in place of the offset in all but read-only dynamic sections. */
static const void *address_of(const struct object *o, ElfW(Addr) value)
{
    return (const void *)(value + (value < o->base ? o->base : 0));
}

static void take_entry(struct object *o, const ElfW(Dyn) * entry)
{
    switch (entry->d_tag) {
    case DT_SYMTAB:
        o->symbol = address_of(o, entry->d_un.d_ptr);
        break;
    case DT_STRTAB:
        o->string = address_of(o, entry->d_un.d_ptr);
        break;
    case DT_RELA:
        o->table[0] = address_of(o, entry->d_un.d_ptr);
        break;
    case DT_RELASZ:
        o->bytes[0] = entry->d_un.d_val;
        break;
    case DT_JMPREL:
        o->table[1] = address_of(o, entry->d_un.d_ptr);
        break;
    case DT_PLTRELSZ:
        o->bytes[1] = entry->d_un.d_val;
        break;
    default:
        break;
    }
}

/* False for what has nothing to be patched, or is not to be. */
static bool open_object(struct object *o, const struct dl_phdr_info *info)
{
    const void *own = spy_slot_hooks[0].wrapper;
    const ElfW(Dyn) *entry = NULL;
    bool ours = false, libc = false;
    *o = (struct object){info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum, NULL, NULL,
                         {NULL, NULL},    {0, 0}};
    for (unsigned i = 0; i < o->parts; i++) {
        uintptr_t begin = o->base + o->part[i].p_vaddr, end = begin + o->part[i].p_memsz;
        if (o->part[i].p_type == PT_DYNAMIC)
            entry = (const void *)begin;
        if (o->part[i].p_type != PT_LOAD)
            continue;
        ours |= (uintptr_t)own >= begin && (uintptr_t)own < end;
        libc |= (uintptr_t)targets[0].libc >= begin && (uintptr_t)targets[0].libc < end;
    }
    bool loader = o->base == getauxval(AT_BASE) || o->base == getauxval(AT_SYSINFO_EHDR);
    if (ours || libc || loader || entry == NULL)
        return false;
    for (; entry->d_tag != DT_NULL; entry++)
        take_entry(o, entry);
    return o->symbol != NULL && o->string != NULL;
}

static bool is_in(const struct object *o, uintptr_t address, ElfW(Word) type)
{
    for (unsigned i = 0; i < o->parts; i++)
        if (o->part[i].p_type == type &&
            address - (o->base + o->part[i].p_vaddr) < o->part[i].p_memsz)
            return true;
    return false;
}

/* Is FOUND, in the word of a call (BY_CALL) or another, what hook NUMBER stands for? Of one that
 * any object may have, all code will do but the object's own. */
static bool is_target(const struct walk *w, const struct object *o, size_t number, void *found,
                      bool by_call)
{
    bool unbound = by_call && is_in(o, (uintptr_t)found, PT_LOAD);
    if (spy_slot_hooks[number].libc)
        return targets[number].libc != NULL &&
               (found == targets[number].libc || (unbound && targets[number].libc_first));
    if (unbound)
        return true;
    const struct spy_mapping *mapping = spy_mappings_find(&w->mappings, found);
    return mapping != NULL && (mapping->protection & PROT_EXEC) != 0 &&
           !is_in(o, (uintptr_t)found, PT_LOAD);
}

/* ---- writing ----------------------------------------------------------------------------------
 */

/* Puts VALUE into SLOT, in whose place BEFORE is. False where that is not so, or it cannot be. */
static bool put(const struct walk *w, void **slot, void *before, void *value)
{
    const struct spy_mapping *mapping = spy_mappings_find(&w->mappings, slot);
    void *page = (void *)((uintptr_t)slot / PAGE_BYTES * PAGE_BYTES);
    if (mapping == NULL)
        return false;
    bool closed = (mapping->protection & PROT_WRITE) == 0;
    if (closed && spy_sys_mprotect(page, PAGE_BYTES, mapping->protection | PROT_WRITE) != 0)
        return false;
    /* Release: what the wrapper needs was there before. */
    bool done = __atomic_compare_exchange_n(slot, &before, value, false, __ATOMIC_RELEASE,
                                            __ATOMIC_RELAXED);
    if (closed)
        spy_sys_mprotect(page, PAGE_BYTES, mapping->protection);
    return done;
}

static bool room_for_place(void)
{
    if ((place_count + 1) * sizeof(*places) <= place_bytes)
        return true;
    size_t bytes = place_bytes > 0 ? 2 * place_bytes : PLACES_FIRST * sizeof(*places);
    void *more = spy_sys_mmap(bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    if (spy_sys_failed(more))
        return false;
    if (places != NULL) {
        memcpy(more, places, place_count * sizeof(*places));
        spy_sys_munmap(places, place_bytes);
    }
    places = more;
    place_bytes = bytes;
    return true;
}

/* ---- patching ---------------------------------------------------------------------------------
 */

static void patch_slot(struct walk *w, const struct object *o, void **slot, size_t number,
                       bool by_call)
{
    void *before = __atomic_load_n(slot, __ATOMIC_RELAXED);
    void *wrapper = spy_slot_hooks[number].wrapper;
    if (before == wrapper || !is_target(w, o, number, before, by_call))
        return;
    const struct spy_mapping *mapping = spy_mappings_find(&w->mappings, slot);
    bool sealed = is_in(o, (uintptr_t)slot, PT_GNU_RELRO);
    if (mapping == NULL || (sealed && (mapping->protection & PROT_WRITE) != 0)) {
        w->incomplete = true;
        return;
    }
    if (!room_for_place() || !put(w, slot, before, wrapper))
        w->incomplete = true;
    else
        places[place_count++] = (struct place){slot, wrapper, before, o->base};
}

static void patch_table(struct walk *w, const struct object *o, const ElfW(Rela) * rela,
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

static int patch_object(struct dl_phdr_info *info, size_t size, void *data)
{
    struct walk *w = data;
    struct object o;
    if (size >= offsetof(struct dl_phdr_info, dlpi_subs))
        w->adds = info->dlpi_adds;
    if (!open_object(&o, info))
        return 0;
    for (unsigned i = 0; i < 2; i++)
        if (o.table[i] != NULL)
            patch_table(w, &o, o.table[i], o.bytes[i]);
    return 0;
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
    struct walk walk = {0};
    find_targets();
    bool done = spy_mappings_read(&walk.mappings);
    if (done)
        dl_iterate_phdr(patch_object, &walk);
    spy_mappings_free(&walk.mappings);
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
    if (done)
        atomic_store_explicit(&spy_slots_watching, true, memory_order_relaxed);
    end();
    return done;
}

void spy_slots_patch_again(void)
{
    if (!begin())
        return;
    if (atomic_load_explicit(&spy_slots_watching, memory_order_relaxed))
        patch();
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

void spy_slots_catch_up_slow(void)
{
    unsigned long long adds = 0;
    int saved_errno = errno;
    dl_iterate_phdr(read_adds, &adds);
    if (adds != atomic_load_explicit(&seen_adds, memory_order_relaxed))
        spy_slots_patch_again();
    errno = saved_errno;
}

/* No look is taken where nothing was loaded: it holds a lock that a fork would copy. */
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

/* The object may have gone, and another be where it was: then the word is not ours. */
static int restore_object(struct dl_phdr_info *info, size_t size, void *data)
{
    struct walk *w = data;
    const struct object o = {
        .base = info->dlpi_addr, .part = info->dlpi_phdr, .parts = info->dlpi_phnum};
    (void)size;
    for (size_t i = 0; i < place_count; i++) {
        const struct place *place = &places[i];
        if (place->object != o.base || !is_in(&o, (uintptr_t)place->slot, PT_LOAD) ||
            __atomic_load_n(place->slot, __ATOMIC_RELAXED) != place->wrapper)
            continue;
        if (put(w, place->slot, place->wrapper, place->before))
            w->count++;
        else
            w->incomplete = true;
    }
    return 0;
}

bool spy_slots_restore(unsigned *count)
{
    struct walk walk = {0};
    *count = 0;
    if (!begin_in_time())
        return false;
    bool done = spy_mappings_read(&walk.mappings);
    if (done)
        dl_iterate_phdr(restore_object, &walk);
    spy_mappings_free(&walk.mappings);
    done = done && !walk.incomplete;
    if (done) {
        place_count = 0;
        atomic_store_explicit(&spy_slots_watching, false, memory_order_relaxed);
    }
    *count = walk.count;
    end();
    return done;
}

unsigned spy_slots_count(void)
{
    return (unsigned)place_count;
}
