/* SPDX-License-Identifier: MIT */
/*
 * perfspy-ctl: what all commands share. Exit codes, the parsed command line, and the context a
 * command runs in.
 *
 * Single-threaded. Memory is taken with ctl_alloc(), which ends the tool when there is none: a
 * tool that answers a person has nothing better to do.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include "ctl/term.h"
#include "shared/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CTL_NAME "perfspy-ctl"

/* Exit codes. 64 and above are those of sysexits.h; 126 and 127 those of shells. */
enum ctl_exit {
    CTL_OK = 0,
    CTL_HEALTHY = 0,
    CTL_DEGRADED = 1, /* also: warning; a missed benchmark; a rules file with an error */
    CTL_CRITICAL = 2,
    CTL_UNKNOWN = 3,
    CTL_MISSED = 1,
    CTL_INVALID = 1,
    CTL_TOO_FEW = 1,
    CTL_USAGE = 64,
    CTL_NOTHING = 69,
    CTL_SOFTWARE = 70,
    CTL_OSERR = 71,
    CTL_WRITE = 74,
    CTL_REFUSED = 77,
    CTL_NOT_EXECUTABLE = 126,
    CTL_NOT_FOUND = 127,
};

enum ctl_sort { CTL_SORT_DURATION, CTL_SORT_TIME };

struct ctl_limits;

/* The command line after parsing. Strings point into argv. */
struct ctl_args {
    const char **process; /* each -p, in order */
    size_t processes;
    char **operand; /* what is neither option nor command */
    size_t operands;
    uint64_t last_ns;   /* 0: not given */
    uint64_t before_ns; /* 0: not given */
    uint64_t watch_ns;  /* 0: not given */
    uint64_t step_ns;   /* 0: not given */
    enum ctl_sort sort;
    size_t limit; /* 0: not given */
    const char *rules;
    const char *dir;
    const char *completion;
    const char *listen;
    const char *token_file;
    bool open_metrics;
    struct ctl_limits *limits; /* --set; NULL: not given */
    uint64_t min_calls;        /* 0: not given */
    const char *on_change;
    uint64_t every_ns; /* 0: not given, as all below */
    unsigned hold;
    uint64_t timeout_ns;
    uint64_t for_ns;
    size_t next;
    uint64_t slow_ns;
    bool initial;
    bool full;
    bool worst;
    bool self;
    bool force;
    bool verbose;
    bool man;
    bool json;
};

/* Where a command writes, and when "now" is. One reading of both clocks serves a whole run, so
 * that all ages and rates in one answer agree. */
struct ctl_run {
    const struct ctl_args *args;
    FILE *out;
    FILE *err;
    struct ctl_term term; /* what OUT is */
    uint64_t now_mono_ns;
    uint64_t now_real_ns;
};

/* Zeroed memory; never NULL. */
void *ctl_alloc(size_t bytes);
/* Memory for COUNT elements, keeping what P held; never NULL. */
void *ctl_grow(void *p, size_t count, size_t element);
char *ctl_copy(const char *text);

/* "perfspy-ctl: TEXT" on ERR, as a line. */
void ctl_say(FILE *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Nanoseconds of a clock. */
uint64_t ctl_clock_ns(int clock);

#endif
