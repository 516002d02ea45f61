/* SPDX-License-Identifier: MIT */
/*
 * The wiped-on-fork page and the once-only start. See process.h for the contract.
 */
#include "runtime/process.h"

#include "runtime/confine.h"
#include "shared/sys.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>

#define PAGE_BYTES 4096u

/* Before the constructor, and for ever where there is no page: never watched, nor to be started. */
static struct spy_process unwatched = {.starting = 1};
struct spy_process *spy_process = &unwatched;

_Atomic bool spy_process_dormant;
_Atomic uint32_t spy_process_resumed;
_Atomic uint32_t spy_process_returned;

static void (*start_fn)(void);
static _Atomic bool at_rest;

void spy_process_offer(void (*start)(void))
{
    start_fn = start;
}

void spy_process_prepare(void)
{
    if (spy_process != &unwatched)
        return;
    void *page = spy_sys_mmap(PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    if (spy_sys_failed(page))
        return;
    if (spy_sys_madvise(page, PAGE_BYTES, MADV_WIPEONFORK) != 0) {
        spy_sys_munmap(page, PAGE_BYTES);
        return;
    }
    spy_process = page;
}

void spy_process_init(void (*start)(void))
{
    spy_process_offer(start);
    spy_process_prepare();
}

void spy_process_rest(bool resting)
{
    atomic_store_explicit(&at_rest, resting, memory_order_relaxed);
}

void spy_process_note_unseen(void)
{
    uint32_t next = atomic_load_explicit(&spy_process_resumed, memory_order_relaxed) + 1;
    atomic_store_explicit(&spy_process_returned, next, memory_order_relaxed);
}

void spy_process_start(void)
{
    struct spy_process *self = spy_process;
    if (self == &unwatched || start_fn == NULL ||
        atomic_load_explicit(&at_rest, memory_order_relaxed) || spy_confined() ||
        atomic_load_explicit(&self->region, memory_order_relaxed) != NULL)
        return;
    int idle = 0;
    /* A second thread does not wait for the first: what it does meanwhile goes unrecorded, which
     * is better than holding up the program. `starting` is never reset, so a start that failed is
     * not tried again. */
    if (!atomic_compare_exchange_strong_explicit(&self->starting, &idle, 1, memory_order_acq_rel,
                                                 memory_order_relaxed))
        return;
    int saved_errno = errno;
    self->pid = spy_sys_getpid();
    start_fn();
    errno = saved_errno;
}

void spy_process_publish(struct spy_region *region)
{
    bool dormant = atomic_load_explicit(&spy_process_dormant, memory_order_relaxed);
    if (dormant && region != NULL)
        atomic_store_explicit(&spy_process->paused, region, memory_order_release);
    else
        atomic_store_explicit(&spy_process->region, region, memory_order_release);
}

bool spy_process_pause(void)
{
    struct spy_region *region = spy_process_region();
    if (region == NULL)
        return false;
    atomic_store_explicit(&spy_process_dormant, true, memory_order_relaxed);
    atomic_store_explicit(&spy_process->paused, region, memory_order_release);
    atomic_store_explicit(&spy_process->region, NULL, memory_order_release);
    return true;
}

bool spy_process_resume(void)
{
    struct spy_region *region = atomic_load_explicit(&spy_process->paused, memory_order_acquire);
    if (region == NULL)
        return false;
    atomic_store_explicit(&spy_process->paused, NULL, memory_order_relaxed);
    /* Before the region, with whose release it is seen. */
    atomic_fetch_add_explicit(&spy_process_resumed, 1, memory_order_relaxed);
    atomic_store_explicit(&spy_process->region, region, memory_order_release);
    atomic_store_explicit(&spy_process_dormant, false, memory_order_relaxed);
    return true;
}

/* As libc knows it: a mutex notes who holds it. */
static int thread_id_by_libc(void)
{
    pthread_mutex_t mine = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&mine);
    int tid = mine.__data.__owner;
    pthread_mutex_unlock(&mine);
    return tid;
}

int spy_process_thread_id(void)
{
    int tid = spy_confined() ? thread_id_by_libc() : 0;
    return tid > 0 ? tid : spy_sys_gettid();
}

bool spy_process_has_thread(int tid)
{
    return spy_confined() || spy_sys_thread_exists(spy_process->pid, tid) != -ESRCH;
}

bool spy_process_is_mine(void)
{
    return spy_process->pid == 0 || spy_confined() || spy_process->pid == spy_sys_getpid();
}
