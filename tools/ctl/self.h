/* SPDX-License-Identifier: MIT */
/*
 * What perfspy itself costs a process, and whether it backs off (shared/cost.h): for `stats --self`
 * and `ps`.
 */
#ifndef CTL_SELF_H
#define CTL_SELF_H

#include "ctl/json.h"
#include "shared/region.h"

#define CTL_SELF_NOTE_BYTES 320u

struct ctl_self_side {
    uint64_t samples;
    uint64_t cut; /* samples too long to be believed */
    uint64_t calls;
    uint64_t call_ns; /* of one; 0 without samples */
};

/* All times but call_ns are sums since the start. What is estimated from samples: calls and
 * calls_ns. */
struct ctl_self {
    struct ctl_self_side side[SPY_KIND_COUNT];
    uint64_t calls_ns; /* up to now; the rest is of the last look, as is noted_calls_ns */
    bool noted;
    uint64_t noted_calls_ns;
    uint64_t helper_ns;
    uint64_t process_ns;
    uint64_t wall_ns;
    uint32_t limit_ppm; /* 0: off */
    uint32_t backoff;   /* enum spy_backoff */
    uint32_t backoffs;
    uint64_t changed_ns; /* CLOCK_REALTIME */
    uint32_t clock;      /* enum spy_cost_clock */
};

void ctl_self_read(struct ctl_self *self, const struct spy_region *region);

/* perfspy's share of the process' CPU time and of one processor, the helper included; negative:
 * not known. */
double ctl_self_share(const struct ctl_self *self);
double ctl_self_processor(const struct ctl_self *self);

/* "backed off since ...", for a process that does. Returns OUT. */
char *ctl_self_backoff(const struct ctl_self *self, char out[CTL_SELF_NOTE_BYTES]);

json_t *ctl_self_json(const struct ctl_self *self);

/* The self counters, by their identifiers in lower case. */
json_t *ctl_self_counters_json(const uint64_t counter[SPY_SELF_COUNT]);

/* cmd_self.c: `stats --self`. */
enum ctl_exit ctl_self_answer(const struct ctl_run *run);

#endif
