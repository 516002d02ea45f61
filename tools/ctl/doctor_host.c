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

#define WHAT_BYTES (SPY_DIRS * SPY_PATH_BYTES + 128)

/* Why the library does not publish in DIR, which others could have made, and what helps; false
 * where it would, or DIR is not there. */
static bool is_unfit(const char *dir, char what[WHAT_BYTES], const char **remedy)
{
    struct stat st;
    if (lstat(dir, &st) != 0) {
        *remedy = "let its user in, or set PERFSPY_DIR";
        snprintf(what, WHAT_BYTES, "%s: %s", dir, strerror(errno));
        return errno != ENOENT;
    }
    *remedy = "remove it, or set PERFSPY_DIR";
    if (!S_ISDIR(st.st_mode)) {
        snprintf(what, WHAT_BYTES, "%s is no directory (%s): the library does not publish there",
                 dir, S_ISLNK(st.st_mode) ? "a symbolic link" : "a file");
        return true;
    }
    if (st.st_uid != geteuid() && geteuid() != 0) {
        snprintf(what, WHAT_BYTES, "%s belongs to user %u: the library does not publish there", dir,
                 st.st_uid);
        return true;
    }
    *remedy = "chmod 700 it";
    snprintf(what, WHAT_BYTES,
             "%s is open to others (mode %03o): the library does not publish there", dir,
             st.st_mode & 0777);
    return (st.st_mode & 077) != 0;
}

/* Of several that the library tries the first that is fit is taken: the others are no fault. */
static void look_at_dirs(struct ctl_findings *f)
{
    char dirs[SPY_DIRS][SPY_PATH_BYTES], what[WHAT_BYTES];
    const char *remedy;
    unsigned n = spy_paths_dirs(getenv("PERFSPY_DIR"), getenv("XDG_RUNTIME_DIR"), geteuid(), dirs);
    bool fit = false;
    for (unsigned i = 0; i < n; i++) {
        if (is_unfit(dirs[i], what, &remedy)) {
            bool last = i + 1 == n && !fit;
            ctl_find(f, last ? CTL_WARNING : CTL_NOTE, last ? remedy : "", "%s%s", what,
                     last ? "" : ", but in the next that is fit");
        }
        fit = fit || access(dirs[i], W_OK) == 0;
    }
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
        ctl_find(f, CTL_NOTE, "", "%s: %u operation%s", path, rules->count,
                 rules->count == 1 ? "" : "s");
        spy_rules_free(rules);
        return;
    }
    char text[sizeof(err.text)];
    ctl_format_clean(text, sizeof(text), err.text, sizeof(err.text));
    if (status != SPY_ERR_ABSENT || asked)
        ctl_find(f, CTL_WARNING, "correct it: programs started from here would run without rules",
                 "%s:%u:%u: %s", path, err.line, err.column, text);
}

/* What may not be read and is said to be another's already is left out. */
static void look_at_refused(struct ctl_findings *f, const struct ctl_source *source, size_t closed)
{
    struct stat st;
    if (closed > 0 && geteuid() != 0)
        ctl_find(f, CTL_NOTE, "run this as root to see them",
                 "%zu process%s of other users may not be looked into", closed,
                 closed == 1 ? "" : "es");
    if (source->refused[0] != '\0' && stat(source->refused, &st) == 0 && st.st_uid == geteuid())
        ctl_find(f, CTL_WARNING, "chmod 700 it", "%s may not be read", source->refused);
}

void ctl_doctor_host(struct ctl_findings *f, const struct ctl_source *source)
{
    size_t dead = 0, closed = 0, live = 0;
    for (size_t i = 0; i < source->count; i++) {
        dead += source->process[i].state == CTL_DEAD;
        live += source->process[i].state == CTL_LIVE;
        closed += source->process[i].state == CTL_CLOSED;
    }
    look_at_dirs(f);
    look_at_rules(f);
    if (live == 0)
        ctl_find(f, CTL_PROBLEM,
                 "start one by \"" CTL_NAME " run -- COMMAND\"; for one that runs, \"" CTL_NAME
                 " doctor PID\" says why it is not",
                 "no process is watched%s",
                 closed > 0 && geteuid() != 0 ? ", of those that this user may look into" : "");
    if (dead > 0)
        ctl_find(f, CTL_NOTE, "", "the regions of %zu dead process%s are kept", dead,
                 dead == 1 ? "" : "es");
    look_at_refused(f, source, closed);
}
