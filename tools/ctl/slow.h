/* SPDX-License-Identifier: MIT */
/*
 * Slow and failed calls, collected from the rings and the worst calls of several processes.
 */
#ifndef CTL_SLOW_H
#define CTL_SLOW_H

#include "ctl/source.h"

/* Whom a statement was sent to; all "" where that is not known. */
struct ctl_server {
    char host[113];
    char port[13];
    char database[65];
    char user[65];
};

struct ctl_slow_call {
    char operation[SPY_NAME_BYTES + 1];
    char request[SPY_NAME_BYTES + 1]; /* operation of the request it was part of; "" */
    uint32_t kind;
    uint32_t level;
    uint64_t end_ns; /* CLOCK_REALTIME */
    int32_t pid;
    uint32_t tid;
    struct spy_sample sample;
    char detail[SPY_PARAMS_BYTES + 1]; /* as in struct spy_slow_event */
    struct ctl_server server;          /* of a statement */
};

struct ctl_slow {
    struct ctl_slow_call *call;
    size_t count;
    uint64_t dropped; /* events that could not be kept */
};

/* Adds the complete events of REGION that ended at or after SINCE_NS (CLOCK_REALTIME), each once:
 * all that are kept, or the worst of each operation alone. */
void ctl_slow_add(struct ctl_slow *slow, const struct ctl_process *process,
                  const struct spy_region *region, uint64_t since_ns, bool worst_only);

/* Adds the calls of every process of SOURCE, those of --last or all. False where no process could
 * be read. */
bool ctl_slow_load(struct ctl_slow *slow, const struct ctl_source *source,
                   const struct ctl_run *run);

/* Prints all that is known of CALL, a line a subject (slow_detail.c). */
void ctl_slow_detail(const struct ctl_slow_call *call, const struct ctl_run *run);

void ctl_slow_sort(struct ctl_slow *slow, enum ctl_sort sort);
void ctl_slow_free(struct ctl_slow *slow);

/* The status or SQLSTATE of CALL; "" if it had none. */
#define CTL_SLOW_CODE_BYTES 16u
const char *ctl_slow_code(char out[CTL_SLOW_CODE_BYTES], const struct ctl_slow_call *call);

/* What came after the wait. */
uint64_t ctl_slow_tail_ns(const struct spy_sample *sample);

#endif
