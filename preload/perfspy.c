/* SPDX-License-Identifier: MIT */
/*
 * The composition root: the constructor, and what happens when a process turns out to be worth
 * watching. The only file that knows all parts.
 */
#include "hooks/hooks.h"
#include "observe/observe.h"
#include "publish/helper.h"
#include "publish/server.h"
#include "record/calllog.h"
#include "record/shard.h"
#include "runtime/assertion.h"
#include "runtime/clock.h"
#include "runtime/config.h"
#include "runtime/libpq.h"
#include "runtime/log.h"
#include "runtime/ownfd.h"
#include "runtime/process.h"
#include "shared/rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_RULES "/etc/perfspy/rules.yml"

/* spy_rules_load(), but an assertion inside libyaml becomes an error like any other. */
static enum spy_status load_guarded(const char *path, struct spy_rules **rules,
                                    struct spy_error *err)
{
    volatile enum spy_status status = SPY_ERR_CORRUPT;
    spy_assertion_armed = true;
    if (setjmp(spy_assertion_jump) == 0)
        status = spy_rules_load(path, rules, err);
    else
        spy_fail(err, SPY_ERR_CORRUPT, "libyaml failed on this file");
    spy_assertion_armed = false;
    return status;
}

/* Reads the rules in force and notes in the region which they are. Without usable rules: defaults,
 * and the reason. Kept for the life of the process. */
static const struct spy_rules *load_rules(struct spy_region *region)
{
    static struct spy_rules defaults;
    struct spy_rules *rules = NULL;
    struct spy_error err = {0};
    const char *path = spy_config.rules[0] != '\0' ? spy_config.rules : DEFAULT_RULES;

    spy_rules_defaults(&defaults);
    region->rules_state = SPY_RULES_NONE;
    enum spy_status status = load_guarded(path, &rules, &err);
    if (status == SPY_ERR_ABSENT && spy_config.rules[0] == '\0')
        return &defaults; /* nobody asked for that file */
    snprintf(region->rules_path, sizeof(region->rules_path), "%s", path);
    if (status == SPY_OK) {
        region->rules_state = SPY_RULES_LOADED;
        region->rules_operations = rules->count;
        return rules;
    }
    bool unread = status == SPY_ERR_ABSENT || status == SPY_ERR_IO || status == SPY_ERR_REFUSED;
    region->rules_state = unread ? SPY_RULES_UNREADABLE : SPY_RULES_INVALID;
    if (err.line > 0)
        snprintf(region->rules_error, sizeof(region->rules_error), "%s:%" PRIu32 ":%" PRIu32 ": %s",
                 path, err.line, err.column, err.text);
    else
        snprintf(region->rules_error, sizeof(region->rules_error), "%s: %s", path, err.text);
    spy_log(SPY_LOG_ERROR, "event=rules_not_loaded error=\"%s\"", region->rules_error);
    return &defaults;
}

static void note_thresholds(struct spy_region *region, const struct spy_rules *rules)
{
    memcpy(region->level_bounds_ns, rules->level_bounds_ns, sizeof(region->level_bounds_ns));
    region->health_window_ns = rules->health_window_ns;
    region->health_slow_share_ppm = rules->health_slow_share_ppm;
    region->repeats_calls = rules->repeats_calls;
    region->repeats_ns = rules->repeats_ns;
    region->repeats_share_ppm = rules->repeats_share_ppm;
}

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
    const struct spy_rules *rules = load_rules(publication.region);
    note_thresholds(publication.region, rules);
    publication.region->cost.limit_ppm = spy_config.cost_limit_ppm;
    struct spy_classifier *classifier = spy_classifier_new(publication.region, rules);
    if (classifier == NULL) { /* then the region only tells why */
        snprintf(publication.region->problem, sizeof(publication.region->problem),
                 "no memory for the rules: nothing is recorded");
        spy_regionfile_reveal(&publication);
        return;
    }
    spy_shards_reserve(publication.region);
    spy_calllog_open(spy_config.log[0] != '\0' ? (int)spy_config.log_level : -1);
    spy_observe_classify_with(classifier);
    bool answering = spy_server_open(&publication);
    spy_process_publish(publication.region);
    spy_regionfile_reveal(&publication);
    if (!spy_helper_start(&publication) || !answering)
        spy_log(SPY_LOG_ERROR, "event=degraded problem=\"%s\"", publication.region->problem);
}

/* Runs in every process that inherits the preload, so it only looks up what is needed to pass
 * calls through and decides whether this process may ever be watched. */
__attribute__((constructor)) static void perfspy_load(void)
{
    spy_hooks_init();
    spy_config_read();
    if (!spy_config.wanted) {
        atomic_store_explicit(&spy_process_dormant, true, memory_order_relaxed);
        return;
    }
    spy_confine_init(&spy_helper_confined);
    spy_process_init(start);
}
