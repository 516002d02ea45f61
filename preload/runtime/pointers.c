/* SPDX-License-Identifier: MIT */
/*
 * Finding pointers to libpq's functions. See pointers.h.
 *
 * First which functions there are and where static data lie, under the loader's lock; then the
 * search, under none; then, where something was found, a walk that changes it.
 */
#include "runtime/pointers.h"

#include "runtime/handout.h"
#include "runtime/loader.h"
#include "runtime/places.h"
#include "shared/sys.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>

#define FUNCTIONS_MAX 1024u /* of all copies */
#define RANGES_MAX    4096u
#define FOUND_MAX     16384u
#define WINDOW_BYTES  (1u << 20)

/* An entry of /proc/self/pagemap (Documentation/admin-guide/mm/pagemap.rst in Linux' source). */
#define PAGE_PRESENT (1ull << 63)
#define PAGE_SWAPPED (1ull << 62)
#define PAGE_OF_FILE (1ull << 61)

struct function {
    uintptr_t at;
    size_t number;
    bool wanted;   /* a pointer to it was found, */
    void *instead; /* and gets this; NULL: nothing */
};

struct range {
    uintptr_t begin, end;
};

struct found {
    void **slot;
    unsigned function;
};

struct search {
    struct function function[FUNCTIONS_MAX]; /* by address */
    unsigned functions;
    struct range range[RANGES_MAX];
    unsigned ranges;
    struct found found[FOUND_MAX];
    unsigned founds;
    unsigned patched, between;
    uint64_t read, unsearched;
    int pagemap; /* < 0: it cannot be read */
    uintptr_t page_bytes;
    uint64_t entry[WINDOW_BYTES / 4096];
    uintptr_t word[WINDOW_BYTES / sizeof(uintptr_t)];
};

static _Atomic unsigned patched, between;
static _Atomic uint64_t unsearched;

/* ---- what there is ----------------------------------------------------------------------------
 */

static void add_function(struct search *s, uintptr_t at, size_t number)
{
    unsigned i = s->functions;
    if (s->functions == FUNCTIONS_MAX)
        return;
    for (; i > 0 && s->function[i - 1].at > at; i--)
        s->function[i] = s->function[i - 1];
    s->function[i] = (struct function){.at = at, .number = number};
    s->functions++;
}

/* Has the object functions of libpq? Names of large objects' are others', too. */
static bool add_functions(struct search *s, const struct spy_object *o)
{
    bool any = false;
    for (size_t i = 0; i < spy_libpq_hook_count && !any; i++)
        any = spy_libpq_hooks[i][0] == 'P' && spy_object_function(o, spy_libpq_hooks[i]) != NULL;
    if (!any)
        return false;
    if (spy_object_function(o, "PQconnectStart") == NULL ||
        spy_object_function(o, "PQexec") == NULL || spy_object_function(o, "PQfinish") == NULL)
        s->between++;
    for (size_t i = 0; i < spy_libpq_hook_count; i++) {
        void *at = spy_object_function(o, spy_libpq_hooks[i]);
        if (at != NULL)
            add_function(s, (uintptr_t)at, i);
    }
    return true;
}

static void add_ranges(struct search *s, const struct spy_object *o)
{
    for (unsigned i = 0; i < o->parts; i++) {
        const ElfW(Phdr) *part = &o->part[i];
        uintptr_t begin = o->base + part->p_vaddr;
        if (part->p_type != PT_LOAD || (part->p_flags & PF_W) == 0)
            continue;
        if (s->ranges < RANGES_MAX)
            s->range[s->ranges++] = (struct range){begin, begin + part->p_memsz};
        else
            s->unsearched += part->p_memsz;
    }
}

static bool is_left_alone(const struct spy_object *o)
{
    return spy_object_has(o, (uintptr_t)spy_loader_own_base(), PT_LOAD) ||
           spy_object_has(o, (uintptr_t)dladdr1, PT_LOAD) || spy_object_is_loader(o);
}

static int add_object(struct dl_phdr_info *info, size_t size, void *data)
{
    struct spy_object o;
    (void)size;
    if (spy_object_open(&o, info) && !is_left_alone(&o) && !add_functions(data, &o))
        add_ranges(data, &o);
    return 0;
}

/* ---- the search -------------------------------------------------------------------------------
 */

static void look_at(struct search *s, uintptr_t where, uintptr_t word)
{
    unsigned low = 0, high = s->functions;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (s->function[middle].at < word)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == s->functions || s->function[low].at != word)
        return;
    if (s->founds == FOUND_MAX) {
        s->unsearched += sizeof(word);
        return;
    }
    s->function[low].wanted = true;
    s->found[s->founds++] = (struct found){(void **)where, low};
}

/* From BEGIN to END, no more than a window. A page that cannot be read is passed over. */
static void search_part(struct search *s, uintptr_t begin, uintptr_t end)
{
    const uintptr_t low = s->function[0].at, span = s->function[s->functions - 1].at - low;
    while (begin < end) {
        const struct iovec here = {s->word, end - begin}, there = {(void *)begin, end - begin};
        long got = SPY_SYS6(SYS_process_vm_readv, spy_sys_getpid(), &here, 1, &there, 1, 0);
        size_t words = got > 0 ? (size_t)got / sizeof(*s->word) : 0;
        for (size_t i = 0; i < words; i++)
            if (s->word[i] - low <= span)
                look_at(s, begin + i * sizeof(*s->word), s->word[i]);
        begin += words * sizeof(*s->word);
        if (begin < end) {
            uintptr_t next = (begin / s->page_bytes + 1) * s->page_bytes;
            s->unsearched += next - begin;
            begin = next;
        }
    }
}

/* Has the page a word that was written in this process? */
static bool is_written(uint64_t entry)
{
    return (entry & (PAGE_PRESENT | PAGE_SWAPPED)) != 0 && (entry & PAGE_OF_FILE) == 0;
}

/* Reads the entries of PAGES pages from BEGIN on. Where that cannot be, all may be written. */
static void read_entries(struct search *s, uintptr_t begin, size_t pages)
{
    long bytes = (long)(pages * sizeof(*s->entry));
    uintptr_t at = begin / s->page_bytes * sizeof(*s->entry);
    if (s->pagemap < 0 || SPY_SYS4(SYS_pread64, s->pagemap, s->entry, bytes, at) != bytes)
        for (size_t i = 0; i < pages; i++)
            s->entry[i] = PAGE_PRESENT;
}

/* Pages from BEGIN on, no more than a window, as far as they are in RANGE. */
static void search_window(struct search *s, const struct range *range, uintptr_t begin)
{
    const uintptr_t page = s->page_bytes;
    uintptr_t stop = begin + WINDOW_BYTES < range->end ? begin + WINDOW_BYTES : range->end;
    size_t pages = (stop - begin + page - 1) / page;
    read_entries(s, begin, pages);
    for (size_t i = 0, n; i < pages; i += n + 1) {
        for (n = 0; i + n < pages && is_written(s->entry[i + n]); n++)
            ;
        uintptr_t from = begin + i * page, to = from + n * page;
        from = from > range->begin ? from : range->begin;
        to = to < range->end ? to : range->end;
        if (n == 0)
            continue;
        if (s->read + (to - from) > SPY_POINTERS_BYTES) {
            s->unsearched += to - from;
            continue;
        }
        s->read += to - from;
        search_part(s, from, to);
    }
}

static void search_all(struct search *s)
{
    s->page_bytes = getauxval(AT_PAGESZ);
    s->pagemap = spy_sys_open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC, 0);
    for (unsigned i = 0; i < s->ranges; i++) {
        struct range range = s->range[i];
        range.begin = (range.begin + sizeof(void *) - 1) / sizeof(void *) * sizeof(void *);
        range.end = range.end / sizeof(void *) * sizeof(void *);
        for (uintptr_t at = range.begin / s->page_bytes * s->page_bytes; at < range.end;
             at += WINDOW_BYTES)
            search_window(s, &range, at);
    }
    if (s->pagemap >= 0)
        spy_sys_close(s->pagemap);
}

/* ---- what was found ---------------------------------------------------------------------------
 */

static void change_object(struct spy_walk *w, const struct dl_phdr_info *info, void *data)
{
    struct search *s = data;
    struct spy_object o;
    if (!spy_object_open(&o, info))
        return;
    for (unsigned i = 0; i < s->founds; i++) {
        const struct found *found = &s->found[i];
        const struct function *function = &s->function[found->function];
        if (function->instead != NULL && spy_object_has(&o, (uintptr_t)found->slot, PT_LOAD) &&
            spy_place_change(w, &o, found->slot, (void *)function->at, function->instead))
            s->patched++;
    }
}

/* What dlsym would give now is asked for outside the walk: it takes other locks of the loader's. */
static void change_found(struct search *s)
{
    struct spy_walk walk;
    for (unsigned i = 0; i < s->functions; i++)
        if (s->function[i].wanted)
            s->function[i].instead =
                spy_handout_instead((void *)s->function[i].at, s->function[i].number);
    if (s->founds > 0)
        spy_walk(&walk, change_object, s);
}

/* A filter that does not expect a process to read its own memory by a system call may kill it. */
static bool may_read(void)
{
    return SPY_SYS2(SYS_prctl, PR_GET_SECCOMP, 0) == 0;
}

static void search(struct search *s)
{
    dl_iterate_phdr(add_object, s);
    if (s->functions == 0 || s->between > 0)
        return;
    if (may_read())
        search_all(s);
    else
        for (unsigned i = 0; i < s->ranges; i++)
            s->unsearched += s->range[i].end - s->range[i].begin;
    change_found(s);
}

void spy_pointers_patch(void)
{
    /* Shared: who looks for pointers on the heaps from outside meanwhile takes it for none. */
    struct search *s =
        spy_sys_mmap(sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
    if (spy_sys_failed(s))
        return;
    search(s);
    atomic_fetch_add_explicit(&patched, s->patched, memory_order_relaxed);
    atomic_store_explicit(&between, s->between, memory_order_relaxed);
    atomic_store_explicit(&unsearched, s->unsearched, memory_order_relaxed);
    spy_sys_munmap(s, sizeof(*s));
}

void spy_pointers_forget(void)
{
    atomic_store_explicit(&patched, 0, memory_order_relaxed);
}

struct spy_pointers spy_pointers_tell(void)
{
    return (struct spy_pointers){atomic_load_explicit(&patched, memory_order_relaxed),
                                 atomic_load_explicit(&unsearched, memory_order_relaxed),
                                 atomic_load_explicit(&between, memory_order_relaxed)};
}
