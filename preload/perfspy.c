/* SPDX-License-Identifier: MIT */
/*
 * The composition root: the constructor, and what happens when a process turns out to be worth
 * watching. The only file that knows all parts.
 */
#include "perfspy.h"

#include "hooks/hooks.h"
#include "observe/observe.h"
#include "observe/pause.h"
#include "observe/reload.h"
#include "publish/control.h"
#include "publish/helper.h"
#include "publish/reset.h"
#include "publish/rulesfile.h"
#include "publish/server.h"
#include "record/calllog.h"
#include "record/shard.h"
#include "runtime/clock.h"
#include "runtime/config.h"
#include "runtime/copies.h"
#include "runtime/libpq.h"
#include "runtime/loader.h"
#include "runtime/log.h"
#include "runtime/ownfd.h"
#include "runtime/places.h"
#include "runtime/pointers.h"
#include "runtime/process.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- control commands ----------------------------------------------------------------------- */

/* Puts RULES in force, and frees them where they are already. */
static enum spy_status put_in_force(struct spy_region *region, struct spy_rules *rules,
                                    const char *path, char *text, struct spy_error *err)
{
    struct spy_rules_diff diff = {0};
    bool known = spy_observe_has_rules(rules);
    enum spy_status status = known ? SPY_OK : spy_observe_reload(rules, &diff, err);
    if (status == SPY_OK) {
        spy_rulesfile_use(path);
        spy_rulesfile_note(region, rules, path, spy_observe_generation());
        snprintf(text, SPY_CONTROL_BYTES - 1,
                 "%s: %s%" PRIu32 " operations (%" PRIu32 " new, %" PRIu32 " gone), %" PRIu32
                 " budgets changed%s%s%s",
                 path, known ? "unchanged: " : "", rules->count, diff.added, diff.removed,
                 diff.budgets, diff.samples > 0 ? ", other sampling" : "",
                 diff.thresholds ? ", other thresholds" : "",
                 diff.parameters ? ", other parameters" : "");
    }
    if (known || status != SPY_OK)
        spy_rules_free(rules);
    return status;
}

/* The file is read before anything is said to change: until then, and if it is no good, the rules
 * before stay in force. */
bool spy_perfspy_reload(struct spy_region *region, const char *argument, char *text)
{
    struct spy_rules *rules = NULL;
    struct spy_error err = {0};
    const char *path = argument[0] != '\0' ? argument : spy_rulesfile_path();
    enum spy_status status = spy_rulesfile_load(path, &rules, &err);
    spy_rulesfile_change(region);
    if (status == SPY_OK)
        status = put_in_force(region, rules, path, text, &err);
    if (status != SPY_OK)
        spy_rulesfile_note_error(region, path, &err);
    spy_rulesfile_changed(region);
    if (status != SPY_OK)
        snprintf(text, SPY_CONTROL_BYTES - 1, "%s; the rules before stay in force",
                 region->rules_error);
    return status == SPY_OK;
}

void spy_perfspy_note_off(struct spy_region *region)
{
    atomic_store_explicit(&region->off_since_ns, spy_clock_of(CLOCK_REALTIME),
                          memory_order_relaxed);
}

/* Of each copy that a call has reached where it is mapped: "7f0011223000". */
static bool tell_copies(struct spy_region *region, const char *argument, char *text)
{
    const void *others[SPY_COPIES_NOTED];
    size_t count = spy_copies_found(others, SPY_COPIES_NOTED);
    (void)region, (void)argument;
    text[0] = '\0';
    for (const struct spy_libpq *pq = spy_libpq_known(); pq != NULL; pq = pq->next) {
        size_t used = strlen(text);
        snprintf(text + used, SPY_CONTROL_BYTES - 1 - used, "%" PRIxPTR " ", (uintptr_t)pq->base);
    }
    for (size_t i = 0; i < count; i++) {
        size_t used = strlen(text);
        snprintf(text + used, SPY_CONTROL_BYTES - 1 - used, "%" PRIxPTR " ", (uintptr_t)others[i]);
    }
    return true;
}

/* Pointers from before an attach, and where the library itself keeps such: for who looks for more.
 * "patched=7 unsearched=0 between=0 own=7f0011223000-7f0011224000 own=..." */
static bool tell_pointers(struct spy_region *region, const char *argument, char *text)
{
    struct spy_pointers pointers = spy_pointers_tell();
    uintptr_t begin, end;
    (void)region, (void)argument;
    spy_places_area(&begin, &end);
    snprintf(text, SPY_CONTROL_BYTES - 1,
             "patched=%u unsearched=%" PRIu64 " between=%u own=%" PRIxPTR "-%" PRIxPTR,
             pointers.patched, pointers.unsearched, pointers.between, begin, end);
    for (const struct spy_libpq *pq = spy_libpq_known(); pq != NULL; pq = pq->next) {
        size_t used = strlen(text);
        begin = (uintptr_t)pq;
        end = (uintptr_t)&pq->hook[spy_libpq_hook_count];
        snprintf(text + used, SPY_CONTROL_BYTES - 1 - used, " own=%" PRIxPTR "-%" PRIxPTR, begin,
                 end);
    }
    return true;
}

static bool enable(struct spy_region *region, const char *argument, char *text)
{
    (void)argument;
    bool changed = spy_observe_resume();
    atomic_store_explicit(&region->off_since_ns, 0, memory_order_relaxed);
    strcpy(text, changed ? "recording" : "recording already");
    return true;
}

static bool disable(struct spy_region *region, const char *argument, char *text)
{
    (void)argument;
    bool changed = spy_observe_pause();
    if (changed)
        spy_perfspy_note_off(region);
    strcpy(text, changed ? "switched off" : "switched off already");
    return true;
}

static const struct spy_control controls[] = {
    {"enable", "switches recording on", enable, false},
    {"disable", "switches recording off", disable, false},
    {"copies", "where the copies of libpq and of TLS libraries are that calls went to", tell_copies,
     false},
    {"pointers", "pointers to libpq's functions from before the attach that were replaced",
     tell_pointers, false},
    {"reset", "begins the statistics anew", spy_reset, false},
    {"reload", "[FILE]  reads the rules again, or those of FILE", spy_perfspy_reload, false},
    {"detach", "ends the watch, where it was attached", spy_attach_end, true},
    {NULL, NULL, NULL, false},
};

/* ---- the watch ------------------------------------------------------------------------------ */

/* Says where people look which setting was not understood. */
static void note_settings(struct spy_region *region)
{
    size_t used = strlen(region->problem);
    if (spy_config.problem[0] == '\0')
        return;
    snprintf(region->problem + used, sizeof(region->problem) - used, "%s%s", used > 0 ? "; " : "",
             spy_config.problem);
    spy_log(SPY_LOG_ERROR, "event=bad_setting problem=\"%s\"", spy_config.problem);
}

/* Begins the watch: region, rules, classifier, and then, everything being complete, the region is
 * declared open and revealed, and the helper starts. A fork's child comes here anew, with its
 * parent's descriptors and classifier to be left alone. */
static void start(void)
{
    struct spy_publication publication;
    spy_server_reset();
    spy_clock_init();
    if (!spy_regionfile_create(&publication, &spy_config))
        return;
    spy_regionfile_prune(publication.dir, &spy_config);
    note_settings(publication.region);
    const struct spy_rules *rules = spy_rulesfile_start(publication.region);
    publication.region->cost.limit_ppm = spy_config.cost_limit_ppm;
    struct spy_classifier *classifier = spy_classifier_new(publication.region, rules);
    if (classifier == NULL && spy_config.attached) { /* who asked is told, and may ask again */
        spy_regionfile_discard(&publication);
        return;
    }
    if (classifier == NULL) { /* then the region only tells why */
        snprintf(publication.region->problem, sizeof(publication.region->problem),
                 "no memory for the rules: nothing is recorded");
        spy_regionfile_reveal(&publication);
        return;
    }
    spy_shards_reserve(publication.region);
    spy_calllog_open(spy_config.log[0] != '\0' ? (int)spy_config.log_level : -1);
    spy_observe_classify_with(classifier);
    spy_control_set(controls);
    bool answering = spy_server_open(&publication);
    if (atomic_load_explicit(&spy_process_dormant, memory_order_relaxed))
        spy_perfspy_note_off(publication.region);
    spy_process_publish(publication.region);
    spy_regionfile_reveal(&publication);
    if (!spy_helper_start(&publication) || !answering)
        spy_log(SPY_LOG_ERROR, "event=degraded problem=\"%s\"", publication.region->problem);
}

/* Runs in every process that inherits the preload, so it only looks up what is needed to pass
 * calls through and decides whether this process may ever be watched. In one that ran already
 * attach.c does the rest. */
__attribute__((constructor)) static void perfspy_load(void)
{
    spy_loader_init();
    spy_hooks_init();
    spy_config_read();
    atomic_store_explicit(&spy_process_dormant, spy_config.later || !spy_config.wanted,
                          memory_order_relaxed);
    spy_confine_init(&spy_helper_confined);
    spy_process_offer(start);
    if (spy_config.wanted && !spy_loader_attached)
        spy_process_prepare();
}
