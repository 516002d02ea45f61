/* SPDX-License-Identifier: MIT */
/*
 * What goes past perfspy in a process, as far as that can be told from outside. See doctor.h.
 */
#include "ctl/client.h"
#include "ctl/doctor.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define OBJECTS_TEXT 1024u

/* ---- libraries ------------------------------------------------------------------------------ */

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
    else if (libpqs == 0 && facts->protocol[0] == '\0' && !facts->libpq_inside &&
             facts->maps.library)
        ctl_find(f, CTL_NOTE, "",
                 "no libpq is mapped: statements of drivers that do without it are not seen");
}

#define UNDER_RUN "start it under \"" CTL_NAME " run\" to see these calls"

/* A copy of libpq whose functions the program keeps where they cannot be replaced. */
static void tell_kept(struct ctl_findings *f, const struct ctl_object *o)
{
    ctl_find(f, CTL_WARNING, UNDER_RUN,
             "pointers to libpq's functions from before the attach are on the heap, where they "
             "cannot be replaced (%u found; psycopg without its C part, FFI of node and others): "
             "calls by them go past perfspy: %s",
             o->kept, o->path);
}

/* A copy of libpq that no call has reached. */
static void tell_unreached(struct ctl_findings *f, const struct ctl_object *o,
                           const struct ctl_pointers *p)
{
    static const char unreached[] = "no call has reached this copy of libpq through perfspy: %s";
    bool attached = strcmp(f->mode, "attach") == 0;
    if (attached && p->complete && p->unsearched == 0 && !p->between)
        ctl_find(f, CTL_NOTE,
                 "nothing: it was not used since the attach, and its heaps hold no pointers to "
                 "this copy's functions",
                 unreached, o->path);
    else if (attached)
        ctl_find(f, CTL_WARNING,
                 "nothing, if the program has not used it yet; else it calls through pointers that "
                 "dlsym gave it before the attach (psycopg without its C part, FFI of node and "
                 "others): " UNDER_RUN,
                 unreached, o->path);
    else
        ctl_find(f, CTL_WARNING,
                 "nothing, if the program has not used it yet; else it was bound past us: set "
                 "PERFSPY_DEEPBIND=clear (RTLD_DEEPBIND), or load the library earlier "
                 "(pointers from dlsym taken before)",
                 unreached, o->path);
}

/* Those of KIND that COPIES does not have: "/usr/lib/libssl.so.3, /usr/lib/libgnutls.so.30". */
static void list_objects(char *out, size_t cap, const struct ctl_facts *facts,
                         enum ctl_object_kind kind, const char *copies)
{
    out[0] = '\0';
    for (unsigned i = 0; i < facts->objects; i++) {
        const struct ctl_object *o = &facts->object[i];
        size_t used = strlen(out);
        if (o->kind == kind && !is_reached(copies, o->base))
            snprintf(out + used, cap - used, "%s%s", used > 0 ? ", " : "", o->path);
    }
}

/* Of a process that does not have the library. */
static void list_unhooked(struct ctl_findings *f, const struct ctl_facts *facts)
{
    char libpqs[OBJECTS_TEXT], tls[OBJECTS_TEXT];
    list_objects(libpqs, sizeof(libpqs), facts, CTL_LIBPQ, "");
    list_objects(tls, sizeof(tls), facts, CTL_TLS, "");
    if (libpqs[0] != '\0' || tls[0] != '\0')
        ctl_find(f, CTL_NOTE, "", "mapped, to be hooked once the library is there: %s%s%s", libpqs,
                 libpqs[0] != '\0' && tls[0] != '\0' ? ", " : "", tls);
}

/* Which of them calls have reached, as the process says: COPIES. */
static void look_at_copies(struct ctl_findings *f, const struct ctl_facts *facts,
                           const struct ctl_pointers *pointers, const char *copies)
{
    char tls[OBJECTS_TEXT];
    for (unsigned i = 0; i < facts->objects; i++) {
        const struct ctl_object *o = &facts->object[i];
        bool reached = is_reached(copies, o->base);
        if (reached)
            ctl_find(f, CTL_NOTE, "", "hooked: %s", o->path);
        if (o->kept > 0)
            tell_kept(f, o);
        else if (!reached && o->kind == CTL_LIBPQ)
            tell_unreached(f, o, pointers);
    }
    list_objects(tls, sizeof(tls), facts, CTL_TLS, copies);
    if (tls[0] != '\0')
        ctl_find(f, CTL_NOTE, "", "no TLS session was made through perfspy by: %s", tls);
    ctl_doctor_pointers(f, pointers);
}

/* Has COPIES told by a live one; false where it does not answer, with a finding that says so. One
 * that has no region yet has no copies. */
static bool ask_copies(struct ctl_findings *f, const struct ctl_process *process,
                       const struct ctl_facts *facts, char copies[CTL_CLIENT_TEXT])
{
    struct spy_error err = {0};
    struct ctl_proc now;
    copies[0] = '\0';
    if (process->state != CTL_LIVE ||
        ctl_source_command(process, "copies\n", copies, &err) == SPY_OK)
        return true;
    if (ctl_proc_read(process->proc.pid, &now) && process->proc.state != 'T' &&
        process->proc.state != 't')
        ctl_find(f, CTL_WARNING,
                 facts->seccomp != 0
                     ? ""
                     : "look again: it may have been kept from running, or have just ended",
                 "the process does not answer on its socket (%s): it is read from its file",
                 err.text);
    return false;
}

static void look_at_objects(struct ctl_findings *f, const struct ctl_process *process,
                            struct ctl_facts *facts)
{
    char copies[CTL_CLIENT_TEXT];
    struct ctl_pointers pointers = {0};
    unsigned libpqs = 0;
    for (unsigned i = 0; i < facts->objects; i++)
        libpqs += facts->object[i].kind == CTL_LIBPQ;
    if (!facts->maps.library) {
        list_unhooked(f, facts);
    } else if (ask_copies(f, process, facts, copies)) {
        if (process->state == CTL_LIVE && strcmp(f->mode, "attach") == 0)
            ctl_pointers_read(&pointers, process, facts);
        look_at_copies(f, facts, &pointers, copies);
    }
    look_for_libpq(f, facts, libpqs);
}

/* ---- requests, and the rest ------------------------------------------------------------------ */

/* It has a socket that listens, and there is not one request. */
static void look_for_requests(struct ctl_findings *f, const struct ctl_process *process,
                              const struct ctl_facts *facts)
{
    static const char past[] =
        "it is not HTTP/1 (HTTP/2, a protocol of its own), or is read by io_uring or by system "
        "calls past libc";
    char remedy[256];
    if (process->state != CTL_LIVE || facts->listens == 0 || f->requests > 0 || facts->go)
        return;
    snprintf(remedy, sizeof(remedy), "%s; else %s",
             facts->clients > 0 ? "nothing, if they have asked for nothing yet"
                                : "nothing, if none has come yet, or its children take them",
             past);
    if (facts->clients > 0)
        ctl_find(f, CTL_WARNING, remedy,
                 "%u connection%s to its port %u, and not one request has been seen",
                 facts->clients, facts->clients == 1 ? "" : "s", facts->listens);
    else
        ctl_find(f, CTL_NOTE, remedy, "it listens on port %u, and no request has been seen",
                 facts->listens);
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
                       struct ctl_facts *facts)
{
    if (strcmp(f->mode, "detached") == 0) /* everything goes past it */
        return;
    look_at_objects(f, process, facts);
    look_for_requests(f, process, facts);
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
