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

const struct ctl_command ctl_command_reload = {
    .name = "reload",
    .operands = "",
    .summary = "have processes read their rules again, without losing counts",
    .help = "Every process that -p chooses (default: all live ones, so all workers of a "
            "pre-fork server) reads its rules file again, or FILE, and answers with what "
            "changed. Levels, budgets, health, repeats and parameters change at one moment. "
            "Statements and requests that begin from then on go by the new rules, prepared "
            "ones too; those under way end by the rules that they began under.\n\n"
            "Nothing counted is lost or moved: an operation of the same name goes on in its "
            "row; one that is no longer named keeps its counts and has no budget any more; a "
            "statement that only now gets a name begins at 0 under it, and what was counted "
            "before stays under its fingerprint. Calls counted before keep their level.\n\n"
            "A file that is no good leaves the rules before in force: the answer says why, as "
            "FILE:LINE:COLUMN, and so does ps. A process takes 100 reloads that change "
            "something in its life, since each keeps some memory; one of an unchanged file "
            "does not count.\n\n"
            "The exit status is 1 if a process refused or did not answer.",
    .options = CTL_READS | CTL_BIT(RULES),
    .run = ctl_cmd_reload,
};

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
