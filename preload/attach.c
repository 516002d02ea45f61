/* SPDX-License-Identifier: MIT */
/*
 * Being loaded into a program that runs, stepping aside again, and coming back.
 *
 * perfspy-ctl has a thread of the program call the entry (shared/attach.h). That thread only starts
 * one of ours, which does the work and ends: whatever takes its time, or a lock, takes it there.
 *
 * What was recorded stays in the region, which stays mapped: a thread may be writing to it at the
 * moment when the watch ends. The watch that comes after goes on in it.
 */
#include "shared/attach.h"

#include "hooks/hooks.h"
#include "observe/pause.h"
#include "perfspy.h"
#include "publish/control.h"
#include "publish/helper.h"
#include "publish/rulesfile.h"
#include "runtime/config.h"
#include "runtime/loader.h"
#include "runtime/process.h"
#include "runtime/slots.h"
#include "shared/sys.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STACK_BYTES (512u * 1024u)

/* Calls that were being bound while the words were patched may have been put back by the loader:
 * they are looked at once more after so long, in which a thread may well lose its processor. */
#define AGAIN_NS 200000000l

#ifndef SPY_VERSION
#define SPY_VERSION "unknown"
#endif

static struct spy_attach_status status;
static struct spy_attach_request wanted;
static pid_t working_in; /* which process: in one that is forked meanwhile nobody does that work */
static pid_t without_room; /* which process could not be watched, and may be by now */
static bool left;          /* the watch was ended, here or in a process that this was forked from */

static bool is_working(uint32_t state)
{
    return state == SPY_ATTACH_WORKING && working_in == getpid();
}

static void fail(const char *why)
{
    snprintf(status.text, sizeof(status.text), "%s", why);
    atomic_store_explicit(&status.state, SPY_ATTACH_FAILED, memory_order_release);
}

static void take(char setting[SPY_PATH_BYTES], const char asked[SPY_PATH_BYTES])
{
    if (asked[0] != '\0' && memchr(asked, '\0', SPY_PATH_BYTES) != NULL)
        strcpy(setting, asked);
}

/* Whatever the program was started with, it is to be watched now. */
static void take_settings(void)
{
    spy_config.enabled = spy_config.wanted = true;
    spy_config.untouched = false;
    atomic_store_explicit(&spy_process_dormant, false, memory_order_relaxed);
    spy_config.attached = spy_loader_attached;
    take(spy_config.rules, wanted.rules);
    take(spy_config.dir, wanted.dir);
    take(spy_config.log, wanted.log);
    if (spy_config.rules[0] != '\0' && wanted.rules[0] != '\0')
        spy_rulesfile_use(spy_config.rules); /* whatever a parent had put in force */
    spy_process_rest(false);
}

/* Where it was, with other rules if that is wanted. */
static void resume(struct spy_region *region)
{
    char text[SPY_CONTROL_BYTES] = "";
    spy_helper_join();
    bool good = wanted.rules[0] == '\0' || spy_perfspy_reload(region, wanted.rules, text);
    strcpy(region->mode, "attach");
    atomic_store_explicit(&region->off_since_ns, 0, memory_order_relaxed);
    spy_process_rest(false);
    spy_observe_return();
    spy_helper_resume();
    snprintf(status.text, sizeof(status.text), "%.255s", good ? region->problem : text);
}

/* False, where it says why, if the process is not watched then. */
static bool begin(void)
{
    struct spy_region *region = spy_process_any_region();
    if (region != NULL && !left) {
        fail(spy_process_region() != NULL ? "it is watched already"
                                          : "it is watched already, and switched off");
        return false;
    }
    left = false;
    if (region != NULL) {
        resume(region);
        return true;
    }
    take_settings();
    spy_process_prepare();
    if (without_room == getpid())
        atomic_store_explicit(&spy_process->starting, 0, memory_order_relaxed);
    spy_process_start();
    region = spy_process_region();
    if (region != NULL)
        snprintf(status.text, sizeof(status.text), "%s", region->problem);
    else
        fail("no memory could be had for its record");
    without_room = region == NULL ? getpid() : 0;
    return region != NULL;
}

/* Nothing is recorded from here on; the record stays, for the watch that comes after. */
static void stop_watching(struct spy_region *region)
{
    spy_process_rest(true);
    spy_observe_pause();
    spy_perfspy_note_off(region);
    strcpy(region->mode, "detached");
    left = true;
}

/* As if nobody had asked: what was patched before it failed is put back, as far as that can be. */
static void take_back(const char *why)
{
    unsigned count;
    struct spy_region *region = spy_process_any_region();
    spy_slots_restore(&count);
    if (region != NULL) {
        stop_watching(region);
        spy_helper_confined.end(); /* and the socket, as after a detach */
    }
    fail(why);
}

static void *work(void *unused)
{
    const struct timespec pause = {0, AGAIN_NS};
    (void)unused;
    SPY_SYS2(SYS_prctl, PR_SET_NAME, "perfspy");
    if (!begin())
        return NULL;
    if (spy_loader_attached && !spy_helper_answers()) {
        const char *why = spy_process_any_region()->problem;
        take_back(why[0] != '\0' ? why : "the descriptors that it may have are used up");
        return NULL;
    }
    if (spy_loader_attached && !spy_slots_patch()) {
        take_back("its objects could not be patched: no memory, or no /proc");
        return NULL;
    }
    status.slots = spy_slots_count();
    atomic_store_explicit(&status.state, SPY_ATTACH_DONE, memory_order_release);
    spy_sys_poll(NULL, 0, &pause);
    spy_slots_patch_again();
    return NULL;
}

static int start_working(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* the thread inherits this mask */
    int error = pthread_create(&thread, &attributes, work, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}

/* In the helper thread, which ends when the answer has been sent. Calls that are under way end as
 * they would have; new ones do not come here any more, or find that nothing is to be recorded. */
bool spy_attach_end(struct spy_region *region, const char *argument, char *text)
{
    unsigned count;
    (void)argument;
    if (!spy_loader_attached) {
        strcpy(text, "it was started with the library: disable switches recording off");
        return false;
    }
    if (is_working(atomic_load_explicit(&status.state, memory_order_acquire))) {
        strcpy(text, "an attach is still under way: try again");
        return false;
    }
    if (!spy_slots_restore(&count)) {
        strcpy(text, "memory is short, or there is no /proc: try again");
        return false;
    }
    stop_watching(region);
    atomic_store_explicit(&status.state, SPY_ATTACH_IDLE, memory_order_release);
    snprintf(text, SPY_CONTROL_BYTES - 1, "no longer watched: %u places restored", count);
    return true;
}

__attribute__((used)) spy_attach_fn spy_attach;

/* Two at once, or one where the process is watched: the second has no answer. */
struct spy_attach_status *spy_attach(const struct spy_attach_request *request)
{
    uint32_t state = atomic_load_explicit(&status.state, memory_order_relaxed);
    bool busy = is_working(state) || (state == SPY_ATTACH_DONE && spy_process_region() != NULL);
    int saved_errno = errno;
    if (busy ||
        !atomic_compare_exchange_strong_explicit(&status.state, &state, SPY_ATTACH_WORKING,
                                                 memory_order_acquire, memory_order_relaxed))
        return NULL;
    memcpy(&wanted, request, sizeof(wanted));
    working_in = getpid();
    int error = start_working();
    if (error != 0)
        fail(strerrordesc_np(error));
    errno = saved_errno;
    return &status;
}

/* Where perfspy-ctl finds it. The linker works the distance out. */
#define TEXT(x)  #x
#define VALUE(x) TEXT(x)
__asm__(".pushsection .note.perfspy, \"aR\", %note\n"
        ".balign 4\n"
        ".long 2f - 1f, 4f - 3f, " VALUE(SPY_ATTACH_TYPE) "\n"
                                                          "1: .asciz \"" SPY_ATTACH_NOTE "\"\n"
                                                          "2: .balign 4\n"
                                                          "3: .quad spy_attach - .\n"
                                                          "   .long 1\n"
                                                          "5: .asciz \"" SPY_VERSION "\"\n"
                                                          "   .org 5b + 20\n"
                                                          "4: .balign 4\n"
                                                          ".popsection\n");
_Static_assert(SPY_ATTACH_PROTOCOL == 1 && sizeof(SPY_VERSION) <= 20 &&
                   sizeof(struct spy_attach_note) == 32,
               "the note above has these in it");
