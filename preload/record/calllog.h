/* SPDX-License-Identifier: MIT */
/*
 * The log of calls, between the threads that make them and the helper that writes them: a bounded
 * ring. Any thread pushes, without lock, allocation or system call; only the helper pops.
 *
 * A call's log level: ERROR where it failed; else by its duration WARNING (slow, critical), INFO
 * (acceptable) or DEBUG (good, excellent). When the ring is three quarters full only WARNING and
 * ERROR still get in; what does not get in is counted as LOG_DROPPED.
 */
#ifndef SPY_RECORD_CALLLOG_H
#define SPY_RECORD_CALLLOG_H

#include "runtime/config.h"
#include "shared/region.h"

#include <stdatomic.h>
#include <string.h>

/* Calls between two rounds of the helper; at DEBUG, 10,000 calls a second for 0.2 s. */
#define SPY_CALLLOG_ENTRIES 2048u

struct spy_calllog_entry {
    struct spy_sample sample;
    uint32_t tid;
    uint32_t level;                /* enum spy_log_level */
    char detail[SPY_PARAMS_BYTES]; /* as in struct spy_slow_event */
};

/* Calls of this level and more severe ones are logged; -1: none. */
extern _Atomic int spy_calllog_level;

/* Begins logging at LEVEL, or not at all (-1), and forgets what a parent process had not logged.
 * Before the region is published. */
void spy_calllog_open(int level);

enum spy_log_level spy_calllog_level_of(const struct spy_region *region,
                                        const struct spy_sample *sample);

static inline bool spy_calllog_wants(const struct spy_region *region,
                                     const struct spy_sample *sample)
{
    int level = atomic_load_explicit(&spy_calllog_level, memory_order_relaxed);
    return level >= 0 && (int)spy_calllog_level_of(region, sample) <= level;
}

void spy_calllog_push(struct spy_region *region, const struct spy_sample *sample,
                      const char *detail);

/* The oldest entry; false where there is none. Helper thread only. */
bool spy_calllog_pop(struct spy_calllog_entry *entry);

/* Copies what is kept of a call beside its sample; "" where DETAIL is NULL. */
static inline void spy_detail_copy(char out[SPY_PARAMS_BYTES], const char *detail)
{
    size_t len = detail != NULL ? strnlen(detail, SPY_PARAMS_BYTES - 1) : 0;
    if (len > 0)
        memcpy(out, detail, len);
    out[len] = '\0';
}

#endif
