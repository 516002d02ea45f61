/* SPDX-License-Identifier: MIT */
/*
 * Slow and failed calls, collected from the rings of several processes.
 */
#ifndef CTL_SLOW_H
#define CTL_SLOW_H

#include "ctl/source.h"

struct ctl_slow_call {
    char operation[SPY_NAME_BYTES + 1];
    uint32_t kind;
    uint32_t level;
    uint64_t end_ns; /* CLOCK_REALTIME */
    int32_t pid;
    uint32_t tid;
    struct spy_sample sample;
};

struct ctl_slow {
    struct ctl_slow_call *call;
    size_t count;
    uint64_t dropped; /* events that the ring could not take */
};

/* Adds the complete events of REGION that ended at or after SINCE_NS (CLOCK_REALTIME). */
void ctl_slow_add(struct ctl_slow *slow, const struct ctl_process *process,
                  const struct spy_region *region, uint64_t since_ns);
void ctl_slow_sort(struct ctl_slow *slow, enum ctl_sort sort);
void ctl_slow_free(struct ctl_slow *slow);

#endif
