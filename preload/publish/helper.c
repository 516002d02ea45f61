/* SPDX-License-Identifier: MIT */
/*
 * The helper thread's life. It ends with the process; nothing waits for it, so exit never does.
 */
#include "publish/helper.h"

#include "publish/backoff.h"
#include "publish/capture_server.h"
#include "publish/logwriter.h"
#include "publish/server.h"
#include "publish/sites.h"
#include "publish/use.h"
#include "record/roll.h"
#include "runtime/clock.h"
#include "runtime/slots.h"
#include "shared/storage.h"
#include "shared/sys.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

/* A roll needs about 130 KiB; the rest is room for static TLS of the program's libraries, which
 * glibc takes from the stack. */
#define STACK_BYTES (512u * 1024u)

#define SECOND_NS 1000000000ull

#define LOOK_UP_NS 200000000ull

static struct spy_publication published; /* written before the thread starts, then constant */

static pthread_t thread;
static bool running;
static sigset_t program_mask; /* of the thread that started the helper */

/* What the helper was told. */
static _Atomic bool told_to_end;
static _Atomic bool told_to_look_up;
static _Atomic bool told_to_outlive;

static struct timespec until(uint64_t now_ns, uint64_t then_ns)
{
    uint64_t wait = then_ns > now_ns ? then_ns - now_ns : 0;
    return (struct timespec){.tv_sec = (time_t)(wait / SECOND_NS),
                             .tv_nsec = (long)(wait % SECOND_NS)};
}

/* A dump is sent straight from the region, so a step of history should not move from the shards to
 * the ring in the middle of one. A slow reader may put the roll off for one step, not longer. */
static bool roll_is_due(uint64_t now_ns, uint64_t due_ns)
{
    if (now_ns < due_ns)
        return false;
    return !spy_server_answering() || now_ns >= due_ns + published.region->history[0].step_ns;
}

/* Is a request or a statement under way? Where not, nobody will ask how long one had been. */
static bool under_way(const struct spy_region *region)
{
    if (atomic_load_explicit(&region->open, memory_order_relaxed) != 0)
        return true;
    if (atomic_load_explicit(&region->queried, memory_order_relaxed) == 0)
        return false;
    const struct spy_open_conn *conn = spy_region_section(region, SPY_SECTION_CONNS);
    for (uint32_t i = 0; i < SPY_OPEN_CONNS; i++)
        if (atomic_load_explicit(&conn[i].taken, memory_order_relaxed) != 0 &&
            atomic_load_explicit(&conn[i].phase, memory_order_relaxed) != SPY_PHASE_IDLE)
            return true;
    return false;
}

/* Until when to sleep, if no client comes. With clients there are deadlines to keep, and perhaps a
 * roll that was put off; while something is under way the region's last sign of life is kept fresh;
 * and where it was attached, what the program loads is looked for.
 * Where the program has taken our descriptor's number it has moved (runtime/ownfd.h), but ppoll
 * goes on looking at the old one: a client may then have to wait for the next roll. perfspy-ctl
 * reads the file after a second. */
static uint64_t wake_time(uint64_t now_ns, uint64_t next_roll_ns)
{
    if (spy_capture_server_busy())
        return now_ns + SPY_CAPTURE_LOOK_NS;
    if (spy_logwriter_active() || spy_server_deaf() ||
        atomic_load_explicit(&told_to_look_up, memory_order_relaxed))
        return now_ns + LOOK_UP_NS;
    bool soon = spy_server_busy() || !spy_server_wakes() || under_way(published.region) ||
                atomic_load_explicit(&spy_slots_watching, memory_order_relaxed);
    bool roll_first = next_roll_ns > now_ns && next_roll_ns < now_ns + SECOND_NS;
    return soon && !roll_first ? now_ns + SECOND_NS : next_roll_ns;
}

/* Of the program's threads the last is gone: the directory of threads has two links of its own, and
 * one for each thread, the main one included, which stays until the process ends. */
static bool is_last_thread(void)
{
    struct stat st = {0};
    int fd = spy_sys_open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    bool told = fd >= 0 && spy_sys_fstat(fd, &st) == 0;
    if (fd >= 0)
        spy_sys_close(fd);
    return !told || st.st_nlink <= 2 + 2;
}

static bool is_over(void)
{
    return atomic_load_explicit(&told_to_end, memory_order_acquire) || spy_server_ended() ||
           (atomic_load_explicit(&told_to_outlive, memory_order_relaxed) && is_last_thread());
}

static void roll(uint64_t now_ns, uint64_t *next_roll_ns)
{
    spy_storage_retry(published.region);
    struct spy_use use = spy_use_read();
    spy_history_roll(published.region, now_ns, &use);
    spy_backoff_look(published.region, now_ns);
    *next_roll_ns = now_ns + published.region->history[0].step_ns;
}

static void *help(void *unused)
{
    struct pollfd fds[SPY_CLIENTS + 2];
    (void)unused;
    SPY_SYS2(SYS_prctl, PR_SET_NAME, "perfspy");
    struct spy_use use = spy_use_read();
    spy_history_note_use(published.region, &use);
    spy_backoff_begin(published.region, spy_now());
    uint64_t next_roll = spy_now() + published.region->history[0].step_ns;
    while (!is_over()) {
        uint64_t now = spy_now();
        atomic_store_explicit(&published.region->awake_ns, now, memory_order_relaxed);
        if (roll_is_due(now, next_roll))
            roll(now, &next_roll);
        if (spy_logwriter_active())
            spy_logwriter_drain(published.region, now);
        struct timespec timeout = until(now, wake_time(now, next_roll));
        unsigned count = spy_server_prepare(fds);
        spy_sys_poll(fds, count, &timeout);
        spy_slots_look();
        spy_sites_name(published.region); /* before somebody is told of them */
        spy_server_serve(&published, fds, count, spy_now());
    }
    roll(spy_now(), &next_roll);
    if (spy_logwriter_active())
        spy_logwriter_drain(published.region, spy_now());
    spy_server_reset();
    /* Where it was the last thread, libc now runs what the program has registered for its exit. */
    pthread_sigmask(SIG_SETMASK, &program_mask, NULL);
    return NULL;
}

/* Joined where it is told to end; else it stays until the process ends. */
static int create(const pthread_attr_t *attributes)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &program_mask); /* the thread inherits this mask */
    int error = pthread_create(&thread, attributes, help, NULL);
    pthread_sigmask(SIG_SETMASK, &program_mask, NULL);
    return error;
}

static int start(void)
{
    pthread_attr_t attributes;
    atomic_store_explicit(&told_to_end, false, memory_order_relaxed);
    atomic_store_explicit(&told_to_look_up, false, memory_order_relaxed);
    atomic_store_explicit(&told_to_outlive, false, memory_order_relaxed);
    spy_use_open();
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    int error = create(&attributes);
    if (error != 0) { /* very much static TLS: let glibc choose the stack */
        pthread_attr_setstacksize(&attributes, 8u * 1024u * 1024u);
        error = create(&attributes);
    }
    pthread_attr_destroy(&attributes);
    running = error == 0;
    return error;
}

/* The same, and says why where it is not to be had. */
static bool start_or_tell(void)
{
    int error = start();
    if (error == 0)
        return true;
    char *problem = published.region->problem;
    size_t used = strlen(problem);
    snprintf(problem + used, sizeof(published.region->problem) - used, "%s" SPY_NO_HELPER "%s",
             used > 0 ? "; " : "", strerrordesc_np(error));
    return false;
}

bool spy_helper_start(const struct spy_publication *publication)
{
    published = *publication;
    return start_or_tell();
}

/* ---- stepping aside ------------------------------------------------------------------------- */

/* In a program that a filter binds already the helper looks up by itself, and here is no system
 * call: it is gone when the kernel has said so in memory. */
static void end(void)
{
    if (!running)
        return;
    const struct timespec pause = {0, 1000000};
    atomic_store_explicit(&told_to_end, true, memory_order_release);
    if (!spy_confined())
        spy_server_wake();
    while (pthread_tryjoin_np(thread, NULL) == EBUSY)
        if (!spy_confined())
            spy_sys_poll(NULL, 0, &pause);
    running = false;
}

static void begin(void)
{
    if (!running && spy_server_open(&published))
        start_or_tell();
}

/* Not where a thread waits for it in end(). */
void spy_helper_join(void)
{
    if (running)
        pthread_join(thread, NULL);
    running = false;
}

void spy_helper_resume(void)
{
    begin();
}

bool spy_helper_answers(void)
{
    return running && spy_server_wakes() && !spy_use_starved();
}

static void look_up(void)
{
    atomic_store_explicit(&told_to_look_up, true, memory_order_relaxed);
    if (running && !spy_confined())
        spy_server_wake();
}

static void outlive(void)
{
    atomic_store_explicit(&told_to_outlive, true, memory_order_relaxed);
    look_up();
}

const struct spy_confine_helper spy_helper_confined = {end, begin, look_up, outlive};
