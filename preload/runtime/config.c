/* SPDX-License-Identifier: MIT */
/*
 * Reading the environment. Runs in every process that inherits the preload, /bin/ls included, so
 * it does next to nothing.
 */
#include "runtime/config.h"

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
    spy_config.wanted = spy_config.enabled && wanted();
    spy_config.untouched = !spy_config.wanted;
    spy_config.clear_deepbind = spy_config.wanted && clears_deepbind(getenv("PERFSPY_DEEPBIND"));
    copy(spy_config.rules, "PERFSPY_RULES");
    copy(spy_config.dir, "PERFSPY_DIR");
    copy(spy_config.xdg, "XDG_RUNTIME_DIR");
    copy(spy_config.log, "PERFSPY_LOG");
    spy_config.log_level = log_level(getenv("PERFSPY_LOG_LEVEL"));
    if (strcmp(spy_config.log, "stderr") == 0)
        note_stderr();
}
