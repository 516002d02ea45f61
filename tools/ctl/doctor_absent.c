/* SPDX-License-Identifier: MIT */
/*
 * Why a process has nothing to read: why the library is not in it, or does nothing. See doctor.h.
 */
#include "ctl/aside.h"
#include "ctl/doctor.h"
#include "ctl/format.h"
#include "ctl/inject.h"
#include "ctl/program.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A program that nothing can be preloaded into; false where it is none. */
static bool explain_program(struct ctl_findings *f, const struct ctl_proc *proc,
                            const struct ctl_facts *facts)
{
    char exe[64];
    snprintf(exe, sizeof(exe), "/proc/%d/exe", proc->pid);
    switch (ctl_program_of(exe)) {
    case CTL_PROGRAM_STATIC:
        ctl_find(f, CTL_PROBLEM, "link it dynamically, or watch what calls it",
                 "the program is statically linked: no library can be loaded into it");
        return true;
    case CTL_PROGRAM_MUSL:
        ctl_find(f, CTL_PROBLEM, "run it on a glibc system",
                 "the program is made for musl: a library for glibc cannot be loaded into it");
        return true;
    case CTL_PROGRAM_OTHER_ABI:
        ctl_find(f, CTL_PROBLEM, "run a 64-bit build of it for this machine",
                 "the program is made for another machine, or 32-bit");
        return true;
    default:
        break;
    }
    if (facts->secure)
        ctl_find(f, CTL_PROBLEM,
                 "start it by a service manager as the user it is to be, without set-user-id or "
                 "file capabilities",
                 "the program runs with other rights than who started it (AT_SECURE): the loader "
                 "ignored LD_PRELOAD, or the library stays away");
    return facts->secure;
}

/* LD_PRELOAD names the library, and it is not there. */
static void explain_preload(struct ctl_findings *f, const struct ctl_proc *proc,
                            const struct ctl_facts *facts)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "/proc/%d/root%s", proc->pid, facts->preload);
    if (facts->preload[0] == '/' && access(path, F_OK) != 0)
        ctl_find(f, CTL_PROBLEM, "install it there, or correct LD_PRELOAD, and restart",
                 "LD_PRELOAD names %s, which does not exist for the process", facts->preload);
    else if (facts->preload[0] == '/' && ctl_program_of(path) == CTL_PROGRAM_OTHER_ABI)
        ctl_find(f, CTL_PROBLEM, "install the library for this machine, and restart",
                 "LD_PRELOAD names %s, which is made for another machine", facts->preload);
    else
        ctl_find(f, CTL_PROBLEM,
                 "look for the loader's message in the program's standard error; see whether the "
                 "file can be read by its user, lies on a noexec mount, or is found by that name",
                 "LD_PRELOAD names %s, but the loader did not load it", facts->preload);
}

/* ---- not loaded ----------------------------------------------------------------------------- */

/* What attach would say, or "" if it would go on. Nothing is done to the process. */
static char *refusal_of(const struct ctl_proc *proc)
{
    struct ctl_aside aside;
    struct ctl_target target;
    ctl_aside_open(&aside);
    ctl_target_open(&target, proc->pid, false, aside.file);
    ctl_target_close(&target);
    char *why = ctl_copy(ctl_aside_close(&aside));
    free(aside.text);
    return why;
}

static void explain_unloaded(struct ctl_findings *f, const struct ctl_proc *proc,
                             const struct ctl_facts *facts)
{
    if (explain_program(f, proc, facts))
        return;
    if (facts->preloaded) {
        explain_preload(f, proc, facts);
        return;
    }
    char remedy[128];
    char *why = refusal_of(proc);
    snprintf(remedy, sizeof(remedy),
             why[0] != '\0' ? "that first, then \"" CTL_NAME
                              " attach %d\"; or restart it by \"" CTL_NAME " run -- COMMAND\""
                            : "\"" CTL_NAME " attach %d\"; or restart it by \"" CTL_NAME
                              " run -- COMMAND\"",
             proc->pid);
    ctl_find(f, CTL_PROBLEM, remedy,
             "libperfspy.so is not loaded: the process was started without it%s%s%s",
             facts->environ ? "" : " (its environment cannot be read)",
             why[0] != '\0' ? "; attach would refuse it: " : "", why);
    free(why);
}

/* ---- loaded, and idle ------------------------------------------------------------------------ */

/* What the program was called when it was started, which is what PERFSPY_ONLY goes by: of a script
 * its interpreter. */
static void first_argument(const struct ctl_proc *proc, char *name, size_t cap)
{
    char path[64], text[PATH_MAX] = "";
    snprintf(path, sizeof(path), "/proc/%d/cmdline", proc->pid);
    FILE *file = fopen(path, "re");
    if (file != NULL) {
        if (fgets(text, sizeof(text), file) == NULL)
            text[0] = '\0';
        fclose(file);
    }
    const char *slash = strrchr(text, '/');
    const char *last = slash != NULL ? slash + 1 : text;
    ctl_format_clean(name, cap, last, sizeof(text));
}

/* Is PROGRAM among the names in LIST? */
static bool listed(const char *list, const char *program)
{
    char copy[256];
    snprintf(copy, sizeof(copy), "%s", list);
    for (char *rest = NULL, *name = strtok_r(copy, ",", &rest); name != NULL;
         name = strtok_r(NULL, ",", &rest))
        if (strcmp(program, name) == 0)
            return true;
    return false;
}

/* Loaded by no LD_PRELOAD: by an attach, which makes the region last. */
static void explain_attach(struct ctl_findings *f, const struct ctl_proc *proc)
{
    char remedy[128];
    snprintf(remedy, sizeof(remedy),
             "look again in a second; if it stays, \"" CTL_NAME
             " attach %d\" goes on with it, or says why not",
             proc->pid);
    ctl_find(
        f, CTL_PROBLEM, remedy,
        "the library is loaded, by no LD_PRELOAD that its environment shows, and watches nothing: "
        "an attach is under way, or did not come to its end");
}

static void explain_idle(struct ctl_findings *f, const struct ctl_proc *proc,
                         const struct ctl_facts *facts)
{
    char program[256], remedy[128];
    first_argument(proc, program, sizeof(program));
    snprintf(remedy, sizeof(remedy), "\"" CTL_NAME " attach %d\"; or correct that and restart it",
             proc->pid);
    if (facts->off)
        ctl_find(f, CTL_PROBLEM, remedy,
                 "the library is loaded and switched off: PERFSPY_ENABLED=0");
    else if (facts->only[0] != '\0' && !listed(facts->only, program))
        ctl_find(f, CTL_PROBLEM, remedy,
                 "the library is loaded and stays away: PERFSPY_ONLY=%s does not name it (%s)",
                 facts->only, program);
    else if (facts->environ && !facts->preloaded)
        explain_attach(f, proc);
    else
        ctl_find(
            f, CTL_PROBLEM,
            "nothing, if it is to do so yet; else see below for what goes past the library",
            "the library is loaded and has seen neither listen, accept nor a libpq connection");
}

void ctl_doctor_absent(struct ctl_findings *f, const struct ctl_proc *proc,
                       const struct ctl_facts *facts)
{
    if (!facts->maps.library)
        explain_unloaded(f, proc, facts);
    else if (facts->secure)
        explain_program(f, proc, facts);
    else if (facts->seccomp != 0 && !facts->off)
        ctl_find(f, CTL_PROBLEM, "have it listen or connect once before it confines itself",
                 "the process confined itself (seccomp) before there was anything to watch");
    else
        explain_idle(f, proc, facts);
}

/* ---- halted --------------------------------------------------------------------------------- */

bool ctl_doctor_halted(struct ctl_findings *f, const struct ctl_proc *proc,
                       const struct ctl_facts *facts)
{
    struct ctl_proc tracer = {0};
    bool traced = facts->tracer > 0 && ctl_proc_read(facts->tracer, &tracer);
    char remedy[64];
    if (traced && ctl_proc_is_called(tracer.exe, CTL_NAME)) {
        ctl_find(f, CTL_PROBLEM, "look again in a second", "an attach is under way (process %d)",
                 tracer.pid);
        return true;
    }
    if (proc->state == 'T') {
        snprintf(remedy, sizeof(remedy), "kill -CONT %d", proc->pid);
        ctl_find(f, CTL_WARNING, remedy,
                 "the process is stopped (SIGSTOP, or a shell's Ctrl-Z): nothing happens in it");
    } else if (proc->state == 't' && traced) {
        ctl_find(f, CTL_WARNING, "have it go on there, or end that",
                 "the process is stopped by process %d (%s), which traces it", tracer.pid,
                 tracer.exe);
    }
    return false;
}
