/* SPDX-License-Identifier: MIT */
/*
 * Configuration: the environment, copied once by the constructor, because programs change, move
 * and free their environment later (PHP frees it before destructors run).
 */
#ifndef SPY_RUNTIME_CONFIG_H
#define SPY_RUNTIME_CONFIG_H

#include "shared/cost.h"
#include "shared/history.h"
#include "shared/paths.h"

#include <stdbool.h>

/* Levels of the library's own log, most severe first. */
enum spy_log_level { SPY_LOG_ERROR, SPY_LOG_WARNING, SPY_LOG_INFO, SPY_LOG_DEBUG };

#define SPY_KEEP_DEFAULT         32u
#define SPY_KEEP_MAX             1000u /* publish/prune.c looks at a few more in one round */
#define SPY_KEEP_SECONDS_DEFAULT (7u * 24u * 3600u)
#define SPY_KEEP_SECONDS_MAX     (3650u * 24u * 3600u)

struct spy_config {
    bool enabled;                 /* PERFSPY_ENABLED is not 0 */
    bool later;                   /* it is "later": watched, but switched off until told */
    bool wanted;                  /* enabled, not set-user-id, and in PERFSPY_ONLY if that is set */
    bool untouched;               /* read, and not wanted */
    bool attached;                /* the watch began while the program ran */
    bool clear_deepbind;          /* PERFSPY_DEEPBIND: take RTLD_DEEPBIND out of dlopen's flags */
    char rules[SPY_PATH_BYTES];   /* PERFSPY_RULES, or "" */
    char dir[SPY_PATH_BYTES];     /* PERFSPY_DIR, or "" */
    char xdg[SPY_PATH_BYTES];     /* XDG_RUNTIME_DIR, or "" */
    char log[SPY_PATH_BYTES];     /* PERFSPY_LOG: a path, "stderr", or "" for none */
    enum spy_log_level log_level; /* PERFSPY_LOG_LEVEL */
    uint32_t keep;                /* PERFSPY_KEEP: regions of dead processes */
    uint32_t keep_seconds;        /* PERFSPY_KEEP_AGE */
    uint32_t cost_limit_ppm;      /* PERFSPY_COST_LIMIT; 0: off */
    uint64_t stderr_dev;          /* which file descriptor 2 was, where the log goes there */
    uint64_t stderr_ino;
    struct spy_history_plan history; /* PERFSPY_HISTORY, PERFSPY_HISTORY_STEPS */
    struct spy_region_sizes sizes;   /* PERFSPY_REGION_SIZE, and history's */
    char problem[384];               /* which value is not understood, for a person; "" if none */
};

/* The process' configuration; constant after spy_config_read(). */
extern struct spy_config spy_config;

/* Constructor only. Allocates nothing, and makes no system call but where the log goes to stderr. A
 * value that is too long is treated as not set. */
void spy_config_read(void);

#endif
