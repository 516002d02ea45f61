/* SPDX-License-Identifier: MIT */
/*
 * `run`: starts a program with libperfspy preloaded. Becomes that program: nothing of the tool is
 * left between it and its parent.
 */
#include "ctl/command.h"
#include "ctl/library.h"
#include "ctl/program.h"
#include "shared/rules.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct ctl_command ctl_command_run = {
    .name = "run",
    .operands = "-- COMMAND [ARGUMENT...]",
    .summary = "run a program with libperfspy loaded into it",
    .help = "Runs COMMAND with LD_PRELOAD set. The library is taken from beside this tool, "
            "or from ../lib, else it is left to the dynamic loader. The exit status is that "
            "of the program; 127 if it was not found, 126 if it could not be executed.\n\n"
            "A program that the library cannot get into is run all the same, after a warning "
            "that it will not be watched: one that is statically linked, that runs with other "
            "rights (set-user-id, capabilities), or that was made for another machine or C "
            "library.",
    .options = CTL_BIT(RULES) | CTL_BIT(DIR),
    .min_operands = 1,
    .max_operands = SIZE_MAX,
    .takes_rest = true,
    .run = ctl_cmd_run,
};

/* LD_PRELOAD is split at blanks and colons, and there is no way to quote them. */
static bool can_preload(const char *library, FILE *err)
{
    if (strpbrk(library, " :") == NULL)
        return true;
    ctl_say(err, "%s cannot be preloaded: its path has a blank or a colon in it", library);
    return false;
}

static enum ctl_exit prepend_preload(const char *library, FILE *err)
{
    const char *old = getenv("LD_PRELOAD");
    char *value = NULL;
    int n = old != NULL && *old != '\0' ? asprintf(&value, "%s:%s", library, old)
                                        : asprintf(&value, "%s", library);
    if (n < 0 || setenv("LD_PRELOAD", value, 1) != 0) {
        ctl_say(err, "out of memory");
        return CTL_OSERR;
    }
    free(value);
    return CTL_OK;
}

/* PATH made absolute, whether it exists or not: the program may change its directory. */
static enum ctl_exit set_path(const char *variable, const char *path, FILE *err)
{
    char cwd[PATH_MAX];
    char *absolute = NULL;
    int n = -1;
    if (path[0] == '/')
        n = asprintf(&absolute, "%s", path);
    else if (getcwd(cwd, sizeof(cwd)) != NULL)
        n = asprintf(&absolute, "%s/%s", cwd, path);
    if (n < 0 || setenv(variable, absolute, 1) != 0) {
        ctl_say(err, "cannot set %s: %s", variable, strerror(errno));
        return CTL_OSERR;
    }
    free(absolute);
    return CTL_OK;
}

/* The library would run without rules and say so later; better to hear it now. */
static void warn_about_rules(const char *path, FILE *err)
{
    struct spy_rules *rules;
    struct spy_error error = {0};
    if (spy_rules_load(path, &rules, &error) == SPY_OK) {
        spy_rules_free(rules);
        return;
    }
    if (error.line > 0)
        ctl_say(err, "warning: the program will be watched without rules: %s:%u:%u: %s", path,
                error.line, error.column, error.text);
    else
        ctl_say(err, "warning: the program will be watched without rules: %s: %s", path,
                error.text);
}

static void warn_about_program(const char *command, enum ctl_program kind, FILE *err)
{
    switch (kind) {
    case CTL_PROGRAM_STATIC:
        ctl_say(err,
                "warning: %s is statically linked: nothing can be preloaded into it, it will "
                "not be watched",
                command);
        return;
    case CTL_PROGRAM_SETUID:
        ctl_say(err,
                "warning: %s runs with other rights (setuid, setgid or capabilities): the "
                "dynamic loader ignores LD_PRELOAD there, it will not be watched",
                command);
        return;
    case CTL_PROGRAM_OTHER_ABI:
        ctl_say(err,
                "warning: %s is not a program of this machine's 64-bit kind: libperfspy.so "
                "does not fit, it will not be watched",
                command);
        return;
    case CTL_PROGRAM_MUSL:
        ctl_say(err,
                "warning: %s uses musl, libperfspy.so needs the GNU C library: it is run without "
                "the library and will not be watched",
                command);
        return;
    case CTL_PROGRAM_DYNAMIC:
    case CTL_PROGRAM_UNKNOWN:
        return;
    }
}

static enum ctl_exit cannot(const char *command, int error, FILE *err)
{
    if (error == ENOENT) {
        ctl_say(err, "%s: command not found", command);
        return CTL_NOT_FOUND;
    }
    ctl_say(err, "%s: cannot be executed: %s", command, strerror(error));
    return CTL_NOT_EXECUTABLE;
}

/* What only the library cannot get into is preloaded all the same: it may start other programs.
 * musl's loader takes what it cannot relocate for a reason to end the program. */
static enum ctl_exit set_environment(const struct ctl_run *run, const char *library,
                                     enum ctl_program kind)
{
    enum ctl_exit result = CTL_OK;
    if (kind != CTL_PROGRAM_MUSL)
        result = prepend_preload(library, run->err);
    if (result == CTL_OK && run->args->rules != NULL) {
        warn_about_rules(run->args->rules, run->err);
        result = set_path("PERFSPY_RULES", run->args->rules, run->err);
    }
    if (result == CTL_OK && run->args->dir != NULL)
        result = set_path("PERFSPY_DIR", run->args->dir, run->err);
    return result;
}

enum ctl_exit ctl_cmd_run(const struct ctl_run *run)
{
    char library[PATH_MAX];
    char path[PATH_MAX];
    char **argv = run->args->operand; /* ends with NULL */
    int error = ctl_program_find(argv[0], path, sizeof(path));
    if (error != 0)
        return cannot(argv[0], error, run->err);
    ctl_library_find(library);
    if (!can_preload(library, run->err))
        return CTL_NOTHING;
    enum ctl_program kind = ctl_program_of(path);
    enum ctl_exit result = set_environment(run, library, kind);
    if (result != CTL_OK)
        return result;
    warn_about_program(argv[0], kind, run->err);
    execv(path, argv);
    error = errno;
    if (error == ENOEXEC) /* a script without "#!": execvp() gives it to the shell */
        execvp(argv[0], argv);
    return cannot(argv[0], error == ENOENT ? EACCES : error, run->err);
}
