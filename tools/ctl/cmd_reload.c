/* SPDX-License-Identifier: MIT */
/*
 * `reload`: processes read their rules again.
 */
#include "ctl/command.h"
#include "ctl/control.h"
#include "shared/paths.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "reload FILE". A path that is not absolute is one from here, not from where the process is. */
static char *line_of(const char *file)
{
    char here[PATH_MAX];
    const char *dir = file[0] != '/' ? getcwd(here, sizeof(here)) : NULL;
    char *line = ctl_alloc(sizeof("reload ") + sizeof(here) + strlen(file) + 1);
    sprintf(line, "reload %s%s%s", dir != NULL ? dir : "", dir != NULL ? "/" : "", file);
    return line;
}

enum ctl_exit ctl_cmd_reload(const struct ctl_run *run)
{
    const char *file = run->args->rules;
    if (file == NULL)
        return ctl_control(run, "reload", "reload");
    char *line = line_of(file);
    enum ctl_exit result = CTL_USAGE;
    if (strchr(line, '\n') != NULL || strlen(line) >= sizeof("reload ") + SPY_PATH_BYTES)
        ctl_say(run->err, "reload: the path of a rules file has less than %u bytes, in one line",
                SPY_PATH_BYTES);
    else
        result = ctl_control(run, "reload", line);
    free(line);
    return result;
}
