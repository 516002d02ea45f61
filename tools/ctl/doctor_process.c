/* SPDX-License-Identifier: MIT */
/*
 * What can be told of a process from outside: why the library is not in it or does nothing, and
 * what goes past it. See doctor.h.
 */
#include "ctl/client.h"
#include "ctl/doctor.h"
#include "ctl/program.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- no region ------------------------------------------------------------------------------ */

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

/* The kernel may leave it to root, or to nobody, to look into others' processes (yama). */
static const char *way_in(void)
{
    unsigned scope = 0;
    FILE *file = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
    if (file != NULL && fscanf(file, "%u", &scope) != 1)
        scope = 0;
    if (file != NULL)
        fclose(file);
    if (scope >= 3)
        return "restart it by \"" CTL_NAME " run -- COMMAND\"; \"" CTL_NAME
               " attach\" is forbidden to everybody here (kernel.yama.ptrace_scope)";
    if (scope > 0 && geteuid() != 0)
        return "as root, \"" CTL_NAME
               " attach PID\" (kernel.yama.ptrace_scope); or restart it by \"" CTL_NAME
               " run -- COMMAND\"";
    return "\"" CTL_NAME " attach PID\"; or restart it by \"" CTL_NAME " run -- COMMAND\"";
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
    ctl_find(f, CTL_PROBLEM, way_in(),
             "libperfspy.so is not loaded: the process was started without it%s",
             facts->environ ? "" : " (its environment cannot be read)");
}

/* Is the program at EXE among the names in LIST? */
static bool listed(const char *list, const char *exe)
{
    char copy[256];
    snprintf(copy, sizeof(copy), "%s", list);
    for (char *rest = NULL, *name = strtok_r(copy, ",", &rest); name != NULL;
         name = strtok_r(NULL, ",", &rest))
        if (ctl_proc_is_called(exe, name + strspn(name, " ")))
            return true;
    return false;
}

void ctl_doctor_absent(struct ctl_findings *f, const struct ctl_proc *proc,
                       const struct ctl_facts *facts)
{
    if (!facts->maps.library)
        explain_unloaded(f, proc, facts);
    else if (facts->off)
        ctl_find(f, CTL_PROBLEM, "restart it without PERFSPY_ENABLED=0",
                 "the library is loaded and switched off: PERFSPY_ENABLED=0");
    else if (facts->only[0] != '\0' && !listed(facts->only, proc->exe))
        ctl_find(f, CTL_PROBLEM, "add the program's name to PERFSPY_ONLY, and restart",
                 "the library is loaded and stays away: PERFSPY_ONLY=%s does not name it",
                 facts->only);
    else if (facts->secure)
        explain_program(f, proc, facts);
    else if (facts->seccomp != 0)
        ctl_find(f, CTL_PROBLEM, "have it listen or connect once before it confines itself",
                 "the process confined itself (seccomp) before there was anything to watch");
    else
        ctl_find(
            f, CTL_PROBLEM,
            "nothing, if it is to do so yet; else see below for what goes past the library",
            "the library is loaded and has seen neither listen, accept nor a libpq connection");
}

/* ---- going past ----------------------------------------------------------------------------- */

/* COPIES are those that calls have reached, as the process says: "7f00 7f01 ". */
static bool is_reached(const char *copies, uint64_t base)
{
    for (char *end; *copies != '\0'; copies = end + strspn(end, " "))
        if (strtoull(copies, &end, 16) == base)
            return true;
    return false;
}

static void look_for_libpq(struct ctl_findings *f, const struct ctl_facts *facts, unsigned libpqs)
{
    static const char other[] =
        "use a driver on libpq (psycopg, node's pg-native) to see statements";
    if (facts->libpq_inside)
        ctl_find(f, CTL_WARNING, "link it with the shared libpq",
                 "the program has a libpq of its own inside (linked statically): calls of that one "
                 "are not seen");
    if (facts->go)
        ctl_find(f, CTL_WARNING, "watch what it calls, or what calls it",
                 "a Go program: it makes its system calls by itself, so that requests to it are "
                 "not seen");
    if (libpqs == 0 && facts->protocol[0] != '\0')
        ctl_find(f, CTL_WARNING, other,
                 "a driver that speaks PostgreSQL's protocol itself, without libpq: %s",
                 facts->protocol);
    if (libpqs == 0 && facts->servers > 0 && !facts->libpq_inside)
        ctl_find(f, CTL_WARNING, other,
                 "%u connection%s to PostgreSQL (%s), and no libpq is mapped: its driver speaks "
                 "the protocol itself, and statements are not seen",
                 facts->servers, facts->servers == 1 ? "" : "s", facts->server);
    else if (libpqs == 0 && facts->protocol[0] == '\0' && !facts->libpq_inside)
        ctl_find(f, CTL_NOTE, "",
                 "no libpq is mapped: statements of drivers that do without it are not seen");
}

/* Calls that go past us where a copy of libpq is in use. */
static const char *past_us(const struct ctl_findings *f)
{
    if (strcmp(f->mode, "attach") == 0)
        return "nothing, if the program has not used it yet; else it calls through pointers that "
               "dlsym gave it before the attach (psycopg without its C part, FFI of node and "
               "others): start it under \"" CTL_NAME " run\" to see these calls";
    return "nothing, if the program has not used it yet; else it was bound past us: set "
           "PERFSPY_DEEPBIND=clear (RTLD_DEEPBIND), or load the library earlier "
           "(pointers from dlsym taken before)";
}

static void look_at_objects(struct ctl_findings *f, const struct ctl_process *process,
                            const struct ctl_facts *facts)
{
    char copies[CTL_CLIENT_TEXT];
    bool knows = process->state == CTL_LIVE &&
                 ctl_source_command(process, "copies\n", copies, NULL) == SPY_OK;
    unsigned libpqs = 0;
    if (process->state == CTL_LIVE && !knows)
        ctl_find(f, CTL_WARNING, facts->seccomp != 0 ? "" : "see whether it is stopped",
                 "the process does not answer on its socket: it is read from its file");
    for (unsigned i = 0; i < facts->objects; i++) {
        const struct ctl_object *o = &facts->object[i];
        libpqs += o->kind == CTL_LIBPQ;
        if (process->state == CTL_LIVE && !knows)
            continue;
        if (knows && is_reached(copies, o->base))
            ctl_find(f, CTL_NOTE, "", "hooked: %s", o->path);
        else if (o->kind == CTL_LIBPQ)
            ctl_find(f, CTL_WARNING, past_us(f),
                     "no call has reached this copy of libpq through perfspy: %s", o->path);
        else
            ctl_find(f, CTL_NOTE, "", "no session of this TLS library was made through perfspy: %s",
                     o->path);
    }
    look_for_libpq(f, facts, libpqs);
}

/* The log is opened at its first line, by the process itself. */
static void look_at_log(struct ctl_findings *f, const struct ctl_process *process,
                        const struct ctl_facts *facts)
{
    char path[PATH_MAX];
    struct stat st;
    if (facts->log[0] != '/')
        return;
    snprintf(path, sizeof(path), "/proc/%d/root%s", process->proc.pid, facts->log);
    bool there = stat(path, &st) == 0;
    if (!there)
        *(strrchr(path, '/') + 1) = '\0';
    if (!there && stat(path, &st) != 0)
        ctl_find(f, CTL_WARNING, "make its directory, or correct PERFSPY_LOG and restart",
                 "PERFSPY_LOG=%s cannot be written: there is no such directory", facts->log);
    else if (process->proc.uid != 0 && (st.st_mode & 022) == 0 &&
             (st.st_uid != process->proc.uid || (st.st_mode & 0200) == 0))
        ctl_find(f, CTL_WARNING, "let its user write there, or correct PERFSPY_LOG and restart",
                 "PERFSPY_LOG=%s cannot be written by user %u", facts->log, process->proc.uid);
}

void ctl_doctor_around(struct ctl_findings *f, const struct ctl_process *process,
                       const struct ctl_facts *facts)
{
    if (strcmp(f->mode, "detached") == 0) /* everything goes past it */
        return;
    look_at_objects(f, process, facts);
    look_at_log(f, process, facts);
    if (facts->elsewhere)
        ctl_find(f, CTL_NOTE, "",
                 "the process has a file system of its own (a container): paths in LD_PRELOAD, "
                 "PERFSPY_RULES and PERFSPY_DIR are those inside");
    if (facts->uring > 0)
        ctl_find(f, CTL_WARNING, "have the program use ordinary socket calls, if it can",
                 "the process has %u io_uring: requests read or written by it are not seen",
                 facts->uring);
    if (facts->seccomp != 0)
        ctl_find(f, CTL_WARNING, "",
                 "the process confined itself (seccomp %s): what perfspy would need a system call "
                 "for is off there%s",
                 facts->seccomp == 1 ? "strict" : "filter",
                 facts->helper ? "" : ", and the helper thread has ended (no log, no history)");
    else if (process->state == CTL_LIVE && !facts->helper)
        ctl_find(f, CTL_WARNING, "raise the limit on processes (RLIMIT_NPROC) and restart",
                 "there is no helper thread: no socket, no log, no history");
}
