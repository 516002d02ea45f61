/* SPDX-License-Identifier: MIT */
/*
 * The rules file. See rulesfile.h.
 */
#include "publish/rulesfile.h"

#include "runtime/assertion.h"
#include "runtime/clock.h"
#include "runtime/config.h"
#include "runtime/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_RULES "/etc/perfspy/rules.yml"

/* Given by a reload; NULL: none. Never freed: a fork's child may be reading it. */
static _Atomic(const char *) reloaded;

const char *spy_rulesfile_path(void)
{
    const char *path = atomic_load_explicit(&reloaded, memory_order_acquire);
    if (path != NULL)
        return path;
    return spy_config.rules[0] != '\0' ? spy_config.rules : DEFAULT_RULES;
}

static bool is_asked_for(void)
{
    return spy_config.rules[0] != '\0' ||
           atomic_load_explicit(&reloaded, memory_order_relaxed) != NULL;
}

void spy_rulesfile_use(const char *path)
{
    if (strcmp(path, spy_rulesfile_path()) == 0)
        return;
    char *kept = malloc(strlen(path) + 1);
    if (kept == NULL)
        return;
    strcpy(kept, path);
    atomic_store_explicit(&reloaded, kept, memory_order_release);
}

enum spy_status spy_rulesfile_load(const char *path, struct spy_rules **rules,
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

/* ---- the region --------------------------------------------------------------------------------
 */

void spy_rulesfile_change(struct spy_region *region)
{
    uint32_t change = atomic_load_explicit(&region->rules_change, memory_order_relaxed);
    atomic_store_explicit(&region->rules_change, change + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release); /* the odd number is seen before any new value */
}

void spy_rulesfile_changed(struct spy_region *region)
{
    /* Pairs with the second reading of it in tools/ctl/image.c. */
    atomic_fetch_add_explicit(&region->rules_change, 1, memory_order_release);
}

static uint32_t samples_any(const struct spy_rules *rules)
{
    for (uint32_t i = 0; i < rules->count; i++)
        if (rules->rule[i].sample != 0)
            return 1;
    return 0;
}

static void note_thresholds(struct spy_region *region, const struct spy_rules *rules)
{
    for (int i = 0; i < SPY_LEVEL_COUNT - 1; i++)
        spy_term_set(region->level_bounds_ns[i], rules->level_bounds_ns[i]);
    region->health_window_ns = rules->health_window_ns;
    region->health_slow_share_ppm = rules->health_slow_share_ppm;
    spy_term_set(region->repeats_calls, rules->repeats_calls);
    spy_term_set(region->repeats_ns, rules->repeats_ns);
    spy_term_set(region->repeats_share_ppm, rules->repeats_share_ppm);
    spy_term_set(region->sampling, samples_any(rules));
}

void spy_rulesfile_note(struct spy_region *region, const struct spy_rules *rules, const char *path,
                        uint32_t generation)
{
    note_thresholds(region, rules);
    snprintf(region->rules_path, sizeof(region->rules_path), "%s", path);
    region->rules_error[0] = '\0';
    region->rules_state = SPY_RULES_LOADED;
    region->rules_operations = rules->count;
    region->rules_generation = generation;
    region->rules_loaded_ns = spy_clock_of(CLOCK_REALTIME);
}

void spy_rulesfile_note_error(struct spy_region *region, const char *path,
                              const struct spy_error *err)
{
    if (err->line > 0)
        snprintf(region->rules_error, sizeof(region->rules_error), "%s:%" PRIu32 ":%" PRIu32 ": %s",
                 path, err->line, err->column, err->text);
    else
        snprintf(region->rules_error, sizeof(region->rules_error), "%s: %s", path, err->text);
    spy_log(SPY_LOG_ERROR, "event=rules_not_loaded error=\"%s\"", region->rules_error);
}

const struct spy_rules *spy_rulesfile_start(struct spy_region *region)
{
    static struct spy_rules defaults;
    struct spy_rules *rules = NULL;
    struct spy_error err = {0};
    const char *path = spy_rulesfile_path();

    spy_rules_defaults(&defaults);
    enum spy_status status = spy_rulesfile_load(path, &rules, &err);
    if (status == SPY_OK) {
        spy_rulesfile_note(region, rules, path, 1);
        return rules;
    }
    note_thresholds(region, &defaults);
    region->rules_generation = 1;
    region->rules_state = SPY_RULES_NONE;
    if (status == SPY_ERR_ABSENT && !is_asked_for())
        return &defaults;
    snprintf(region->rules_path, sizeof(region->rules_path), "%s", path);
    bool unread = status == SPY_ERR_ABSENT || status == SPY_ERR_IO || status == SPY_ERR_REFUSED;
    region->rules_state = unread ? SPY_RULES_UNREADABLE : SPY_RULES_INVALID;
    spy_rulesfile_note_error(region, path, &err);
    return &defaults;
}
