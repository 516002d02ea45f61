/* SPDX-License-Identifier: MIT */
/*
 * Reading the environment. Runs in every process that inherits the preload, /bin/ls included, so
 * it does next to nothing.
 */
#include "runtime/config.h"

#include "shared/region_sizes.h"
#include "shared/rules.h"
#include "shared/sys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/auxv.h>

struct spy_config spy_config;

static void copy(char out[SPY_PATH_BYTES], const char *name)
{
    const char *value = getenv(name);
    if (value != NULL && strlen(value) < SPY_PATH_BYTES)
        strcpy(out, value);
}

/* Is NAME one of the comma-separated names in LIST? */
static bool listed(const char *list, const char *name)
{
    size_t len = strlen(name);
    while (*list != '\0') {
        size_t item = strcspn(list, ",");
        if (item == len && memcmp(list, name, len) == 0)
            return true;
        list += item;
        list += *list == ',';
    }
    return false;
}

/* Notes that NAME has not one of the values CHOICES. The value itself is not repeated: it may be
 * anything. */
static void misunderstood(const char *name, const char *choices)
{
    char *problem = spy_config.problem;
    size_t used = strlen(problem);
    snprintf(problem + used, sizeof(spy_config.problem) - used, "%s%s is not %s",
             used > 0 ? "; " : "", name, choices);
}

static enum spy_log_level log_level(const char *name)
{
    static const char *const names[] = {"ERROR", "WARNING", "INFO", "DEBUG"};
    for (unsigned i = 0; name != NULL && i < sizeof(names) / sizeof(names[0]); i++)
        if (strcasecmp(name, names[i]) == 0)
            return (enum spy_log_level)i;
    if (name != NULL && *name != '\0')
        misunderstood("PERFSPY_LOG_LEVEL", "ERROR, WARNING, INFO or DEBUG");
    return SPY_LOG_WARNING;
}

/* Digits at TEXT, and what comes after them in *END; UINT32_MAX where there are none, or too many.
 */
static uint32_t number(const char *text, const char **end)
{
    uint32_t n = 0;
    *end = text;
    while (**end >= '0' && **end <= '9' && n < 100000000)
        n = n * 10 + (uint32_t)(*(*end)++ - '0');
    return *end == text ? UINT32_MAX : n;
}

static uint32_t keep(const char *value)
{
    const char *end;
    if (value == NULL || *value == '\0')
        return SPY_KEEP_DEFAULT;
    uint32_t n = number(value, &end);
    if (n <= SPY_KEEP_MAX && *end == '\0')
        return n;
    misunderstood("PERFSPY_KEEP", "a number from 0 to 1000");
    return SPY_KEEP_DEFAULT;
}

/* A number and one of the units s, m, h, d; at most ten years. */
static uint32_t keep_seconds(const char *value)
{
    static const char units[] = "smhd";
    static const uint32_t seconds[] = {1, 60, 3600, 86400};
    const char *end;
    if (value == NULL || *value == '\0')
        return SPY_KEEP_SECONDS_DEFAULT;
    uint64_t n = number(value, &end);
    const char *unit = *end != '\0' && end[1] == '\0' ? strchr(units, *end) : NULL;
    if (unit != NULL && n != UINT32_MAX && n * seconds[unit - units] <= SPY_KEEP_SECONDS_MAX)
        return (uint32_t)(n * seconds[unit - units]);
    misunderstood("PERFSPY_KEEP_AGE", "a time such as 90s, 30m, 12h or 7d, of at most 3650d");
    return SPY_KEEP_SECONDS_DEFAULT;
}

static uint32_t cost_limit(const char *value)
{
    uint64_t ppm;
    if (value == NULL || *value == '\0')
        return SPY_COST_LIMIT_PPM;
    if (strcmp(value, "off") == 0 || strcmp(value, "0") == 0)
        return 0;
    if (spy_share_parse(value, &ppm))
        return (uint32_t)ppm;
    misunderstood("PERFSPY_COST_LIMIT", "a percentage such as 2% or 0.5%, or off");
    return SPY_COST_LIMIT_PPM;
}

/* PHP opens its extensions RTLD_DEEPBIND: they would find libpq, and libc, past us. For others it
 * may be what keeps two libraries apart, so it stays unless asked for. */
static bool clears_deepbind(const char *value)
{
    if (value == NULL || *value == '\0' || strcmp(value, "auto") == 0)
        return strncmp(program_invocation_short_name, "php", 3) == 0;
    if (strcmp(value, "clear") == 0)
        return true;
    if (strcmp(value, "never") != 0)
        misunderstood("PERFSPY_DEEPBIND", "auto, clear or never");
    return false;
}

static void read_history(void)
{
    const char *bytes = getenv("PERFSPY_HISTORY"), *steps = getenv("PERFSPY_HISTORY_STEPS");
    spy_config.history = spy_history_default;
    if (bytes != NULL && *bytes != '\0' && !spy_history_plan_bytes(&spy_config.history, bytes))
        misunderstood("PERFSPY_HISTORY", "a size from 64K to 64M");
    if (steps != NULL && *steps != '\0' && !spy_history_plan_steps(&spy_config.history, steps))
        misunderstood("PERFSPY_HISTORY_STEPS", "like 10s:1h,1m:24h,10m:168h");
}

/* The cap goes before history: it is what somebody relies upon. */
static void read_sizes(void)
{
    const char *text = getenv("PERFSPY_REGION_SIZE"), *history = getenv("PERFSPY_HISTORY");
    uint64_t cap = SPY_REGION_CAP_MAX;
    bool given = history != NULL && *history != '\0';
    uint32_t asked = spy_config.history.bytes;
    if (text != NULL && *text != '\0' &&
        (!spy_size_parse(text, &cap) || cap > SPY_REGION_CAP_MAX)) {
        misunderstood("PERFSPY_REGION_SIZE", "a size from 4M to 1G");
        cap = SPY_REGION_CAP_MAX;
    }
    if (cap < SPY_REGION_CAP_MIN) {
        misunderstood("PERFSPY_REGION_SIZE", "4M or more: 4M is used");
        cap = SPY_REGION_CAP_MIN;
    }
    spy_config.sizes = spy_region_divide(cap, given ? asked : 0);
    spy_config.history.bytes = spy_config.sizes.history_bytes;
    if (given && spy_config.history.bytes < asked)
        misunderstood("PERFSPY_HISTORY", "within PERFSPY_REGION_SIZE: it has what is left of that");
}

static bool wanted(void)
{
    const char *only = getenv("PERFSPY_ONLY");
    if (getauxval(AT_SECURE) != 0)
        return false;
    if (only != NULL && *only != '\0')
        return listed(only, program_invocation_short_name);
    return true;
}

static void note_stderr(void)
{
    struct stat st = {0};
    if (spy_sys_fstat(2, &st) == 0) {
        spy_config.stderr_dev = st.st_dev;
        spy_config.stderr_ino = st.st_ino;
    }
}

void spy_config_read(void)
{
    const char *enabled = getenv("PERFSPY_ENABLED");
    spy_config.enabled = enabled == NULL || strcmp(enabled, "0") != 0;
    spy_config.later = enabled != NULL && strcmp(enabled, "later") == 0;
    spy_config.wanted = spy_config.enabled && wanted();
    spy_config.untouched = !spy_config.wanted;
    spy_config.clear_deepbind = spy_config.wanted && clears_deepbind(getenv("PERFSPY_DEEPBIND"));
    copy(spy_config.rules, "PERFSPY_RULES");
    copy(spy_config.dir, "PERFSPY_DIR");
    copy(spy_config.xdg, "XDG_RUNTIME_DIR");
    copy(spy_config.log, "PERFSPY_LOG");
    read_history();
    read_sizes();
    spy_config.log_level = log_level(getenv("PERFSPY_LOG_LEVEL"));
    spy_config.keep = keep(getenv("PERFSPY_KEEP"));
    spy_config.keep_seconds = keep_seconds(getenv("PERFSPY_KEEP_AGE"));
    spy_config.cost_limit_ppm = cost_limit(getenv("PERFSPY_COST_LIMIT"));
    if (strcmp(spy_config.log, "stderr") == 0)
        note_stderr();
}
