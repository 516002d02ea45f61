/* SPDX-License-Identifier: MIT */
/*
 * What concerns all processes of this user: where they publish, what the dead left, and the rules
 * file that would be read by default. See doctor.h.
 */
#include "ctl/doctor.h"
#include "ctl/format.h"
#include "shared/paths.h"
#include "shared/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One of the directories that the library may use: it refuses one that others could have made. */
static void look_at_dir(struct ctl_findings *f, const char *dir)
{
    struct stat st;
    if (lstat(dir, &st) != 0) {
        if (errno != ENOENT)
            ctl_find(f, CTL_WARNING, "let its user in, or set PERFSPY_DIR", "%s: %s", dir,
                     strerror(errno));
        return;
    }
    if (!S_ISDIR(st.st_mode))
        ctl_find(f, CTL_WARNING, "remove it, or set PERFSPY_DIR",
                 "%s is no directory (%s): the library does not publish there", dir,
                 S_ISLNK(st.st_mode) ? "a symbolic link" : "a file");
    else if (st.st_uid != geteuid() && geteuid() != 0)
        ctl_find(f, CTL_WARNING, "remove it, or set PERFSPY_DIR",
                 "%s belongs to user %u: the library does not publish there", dir, st.st_uid);
    else if ((st.st_mode & 077) != 0)
        ctl_find(f, CTL_WARNING, "chmod 700 it", "%s is open to others (mode %03o)", dir,
                 st.st_mode & 0777);
}

static void look_at_rules(struct ctl_findings *f)
{
    const char *path = getenv("PERFSPY_RULES");
    bool asked = path != NULL && *path != '\0';
    struct spy_rules *rules = NULL;
    struct spy_error err = {0};
    path = asked ? path : "/etc/perfspy/rules.yml";
    enum spy_status status = spy_rules_load(path, &rules, &err);
    if (status == SPY_OK) {
        ctl_find(f, CTL_NOTE, "", "%s: %u operations", path, rules->count);
        spy_rules_free(rules);
        return;
    }
    char text[sizeof(err.text)];
    ctl_format_clean(text, sizeof(text), err.text, sizeof(err.text));
    if (status != SPY_ERR_ABSENT || asked)
        ctl_find(f, CTL_WARNING, "correct it: programs started from here would run without rules",
                 "%s:%u:%u: %s", path, err.line, err.column, text);
}

void ctl_doctor_host(struct ctl_findings *f, const struct ctl_source *source)
{
    char dirs[SPY_DIRS][SPY_PATH_BYTES];
    unsigned n = spy_paths_dirs(getenv("PERFSPY_DIR"), getenv("XDG_RUNTIME_DIR"), geteuid(), dirs);
    size_t dead = 0, closed = 0, live = 0;
    for (size_t i = 0; i < source->count; i++) {
        dead += source->process[i].state == CTL_DEAD;
        live += source->process[i].state == CTL_LIVE;
        closed += source->process[i].state == CTL_CLOSED;
    }
    for (unsigned i = 0; i < n; i++)
        look_at_dir(f, dirs[i]);
    look_at_rules(f);
    if (live == 0)
        ctl_find(f, CTL_PROBLEM,
                 "start one by \"" CTL_NAME " run -- COMMAND\"; for one that runs, \"" CTL_NAME
                 " doctor PID\" says why it is not",
                 "no process is watched");
    if (dead > 0)
        ctl_find(f, CTL_NOTE, "", "regions of %zu dead processes are kept", dead);
    if (closed > 0 && geteuid() != 0)
        ctl_find(f, CTL_NOTE, "run this as root to see them",
                 "%zu processes of other users may not be looked into", closed);
    if (source->refused[0] != '\0')
        ctl_find(f, CTL_WARNING, "run this as its owner or as root", "%s may not be read",
                 source->refused);
}
