/* SPDX-License-Identifier: MIT */
/*
 * How history is set: reading the settings, and dividing the section among the levels. Pure; the
 * constructor of every preloaded program calls it, so it allocates nothing.
 */
#include "shared/history.h"

#include "shared/region_sizes.h"
#include "shared/rules.h"

#include <string.h>

#define SECOND_NS 1000000000ull
#define MINUTE_NS (60 * SECOND_NS)
#define HOUR_NS   (60 * MINUTE_NS)

#define STEPS_MAX   60u /* of one level in a step of the next */
#define PAGE_BYTES  4096u
#define PLAN_BYTES  96u /* text of a plan's steps */
#define KEEP_MAX_NS (366ull * 24 * HOUR_NS)

const struct spy_history_plan spy_history_default = {
    .bytes = SPY_HISTORY_BYTES,
    .levels = 3,
    .step_ns = {10 * SECOND_NS, MINUTE_NS, 10 * MINUTE_NS},
    .keep_ns = {HOUR_NS, 24 * HOUR_NS, 7 * 24 * HOUR_NS},
};

bool spy_history_plan_bytes(struct spy_history_plan *plan, const char *text)
{
    uint64_t bytes = 0;
    if (!spy_size_parse(text, &bytes) || bytes < SPY_HISTORY_BYTES_MIN ||
        bytes > SPY_HISTORY_BYTES_MAX)
        return false;
    plan->bytes = (uint32_t)((bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES);
    return true;
}

/* A step follows the one before it where it is made of a few of those. */
static bool follows(const struct spy_history_plan *plan)
{
    uint32_t i = plan->levels;
    uint64_t step = plan->step_ns[i];
    if (step < SECOND_NS || plan->keep_ns[i] < step || plan->keep_ns[i] > KEEP_MAX_NS)
        return false;
    if (i == 0)
        return true;
    uint64_t finer = plan->step_ns[i - 1];
    return step > finer && step % finer == 0 && step / finer <= STEPS_MAX &&
           plan->keep_ns[i] >= plan->keep_ns[i - 1];
}

/* "STEP:KEEP", NUL-terminated. */
static bool read_level(struct spy_history_plan *plan, char *text)
{
    char *keep = strchr(text, ':');
    if (keep == NULL || plan->levels == SPY_HISTORY_LEVELS)
        return false;
    *keep++ = '\0';
    if (!spy_duration_parse(text, &plan->step_ns[plan->levels]) ||
        !spy_duration_parse(keep, &plan->keep_ns[plan->levels]) || !follows(plan))
        return false;
    plan->levels++;
    return true;
}

bool spy_history_plan_steps(struct spy_history_plan *plan, const char *text)
{
    char copy[PLAN_BYTES];
    struct spy_history_plan read = {.bytes = plan->bytes};
    if (strlen(text) >= sizeof(copy))
        return false;
    strcpy(copy, text);
    for (char *level = copy; level != NULL;) {
        char *comma = strchr(level, ',');
        if (comma != NULL)
            *comma++ = '\0';
        if (!read_level(&read, level))
            return false;
        level = comma;
    }
    *plan = read;
    return true;
}

/* Of eight parts the first level has two and the others three each: where the bytes are short the
 * last one, whose steps say most in a byte, is what the day behind is kept in. No level is smaller
 * than what the one before it may hand on (record/compact.c). */
void spy_history_begin(struct spy_region *region, const struct spy_history_plan *plan)
{
    static const uint32_t eighths[SPY_HISTORY_LEVELS][SPY_HISTORY_LEVELS] = {
        {8}, {2, 6}, {2, 3, 3}};
    uint32_t at = 0;
    region->history_levels = plan->levels;
    for (uint32_t i = 0; i < plan->levels; i++) {
        struct spy_history_level *level = &region->history[i];
        level->step_ns = plan->step_ns[i];
        level->keep_ns = plan->keep_ns[i];
        level->offset = at;
        level->bytes = region->history_bytes / 8 * eighths[plan->levels - 1][i];
        at += level->bytes;
    }
}
