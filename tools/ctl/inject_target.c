/* SPDX-License-Identifier: MIT */
/*
 * May a library be loaded into a process, and where in it is what? See inject.h. Nothing is stopped
 * or changed here.
 */
#include "ctl/inject.h"
#include "ctl/inject_arch.h"
#include "ctl/inject_confined.h"
#include "ctl/inject_elf.h"
#include "ctl/inject_room.h"
#include "ctl/library.h"
#include "ctl/program.h"
#include "ctl/yama.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX (16u << 20) /* of libc: ten times what it is */

static int open_of(pid_t pid, const char *name, int flags)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    return open(path, flags | O_CLOEXEC);
}

/* ---- what /proc/PID/status tells --------------------------------------------------------------
 */

/* The text after "NAME:" in the status of process PID; "" where there is none. */
static void status_of(pid_t pid, const char *name, char *out, size_t cap)
{
    char line[512];
    size_t len = strlen(name);
    int fd = open_of(pid, "status", O_RDONLY);
    FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
    *out = '\0';
    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        if (strncmp(line, name, len) == 0 && line[len] == ':') {
            line[strcspn(line, "\n")] = '\0';
            snprintf(out, cap, "%s", line + len + 1 + strspn(line + len + 1, " \t"));
            break;
        }
    if (file != NULL)
        fclose(file);
}

static enum ctl_exit check_state(const struct ctl_target *t, FILE *err)
{
    char text[256];
    status_of(t->pid, "TracerPid", text, sizeof(text));
    if (*text != '\0' && strcmp(text, "0") != 0) {
        struct ctl_proc tracer = {0};
        bool known = ctl_proc_read((int32_t)strtol(text, NULL, 10), &tracer);
        ctl_say(err, "process %d is being traced by process %s%s%s: end that first", t->pid, text,
                known ? ", " : "", tracer.exe);
        return CTL_REFUSED;
    }
    if (t->proc.state == 'T') {
        ctl_say(err, "process %d is stopped: let it go on first (kill -CONT %d)", t->pid, t->pid);
        return CTL_REFUSED;
    }
    status_of(t->pid, "VmSize", text, sizeof(text));
    if (*text == '\0') {
        ctl_say(err, "%d is a thread of the kernel: there is no program in it", t->pid);
        return CTL_REFUSED;
    }
    status_of(t->pid, "x86_Thread_features", text, sizeof(text));
    if (strstr(text, "shstk") != NULL) {
        ctl_say(err, "process %d has a shadow stack, which code from outside would break", t->pid);
        return CTL_REFUSED;
    }
    return CTL_OK;
}

static enum ctl_exit check_program(const struct ctl_target *t, FILE *err)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/exe", t->pid);
    switch (ctl_program_of(path)) {
    case CTL_PROGRAM_STATIC:
        ctl_say(err, "%s is statically linked: nothing can be loaded into it", t->proc.exe);
        return CTL_REFUSED;
    case CTL_PROGRAM_MUSL:
        ctl_say(err, "%s uses musl: libperfspy.so needs the GNU C library", t->proc.exe);
        return CTL_REFUSED;
    case CTL_PROGRAM_OTHER_ABI:
        ctl_say(err,
                "%s is not a program of this machine's 64-bit kind: libperfspy.so does not fit",
                t->proc.exe);
        return CTL_REFUSED;
    case CTL_PROGRAM_SETUID:
    case CTL_PROGRAM_DYNAMIC:
    case CTL_PROGRAM_UNKNOWN:
        break;
    }
    return CTL_OK;
}

/* Its memory may not be opened, which follows the rules of tracing. */
static enum ctl_exit explain_closed(const struct ctl_target *t, const char *why, FILE *err)
{
    const int scope = ctl_yama_scope();
    if (t->proc.uid != geteuid() && geteuid() == 0)
        ctl_say(err,
                "process %d belongs to user %u, and this root has not the capability "
                "CAP_SYS_PTRACE: attach as that user, or where root has it",
                t->pid, t->proc.uid);
    else if (t->proc.uid != geteuid())
        ctl_say(err, "process %d belongs to user %u: only that user and root may attach to it",
                t->pid, t->proc.uid);
    else if (ctl_yama_leaves(scope) != NULL)
        ctl_say(err,
                "process %d may not be traced: kernel.yama.ptrace_scope is %d, which leaves that "
                "to %s",
                t->pid, scope, ctl_yama_leaves(scope));
    else
        ctl_say(err,
                "process %d may not be looked into (%s): it has other rights than we have, or has "
                "declared itself undumpable%s",
                t->pid, why, geteuid() != 0 ? "; root may attach to it" : "");
    return CTL_REFUSED;
}

static enum ctl_exit open_memory(struct ctl_target *t, FILE *err)
{
    t->memory = open_of(t->pid, "mem", O_RDWR);
    if (t->memory >= 0)
        return CTL_OK;
    if (errno == ENOENT || errno == ESRCH) {
        ctl_say(err, "there is no process %d", t->pid);
        return CTL_NOTHING;
    }
    return explain_closed(t, strerror(errno), err);
}

/* The library reads there what is mapped, and is loaded from there where its file is not seen. The
 * mount may be of its own namespace of process ids, or of ours. */
static enum ctl_exit check_proc(const struct ctl_target *t, FILE *err)
{
    char own[32], outer[32];
    snprintf(own, sizeof(own), "root/proc/%d/maps", t->proc.self_pid);
    snprintf(outer, sizeof(outer), "root/proc/%d/maps", t->pid);
    int fd = open_of(t->pid, own, O_RDONLY);
    if (fd < 0)
        fd = open_of(t->pid, outer, O_RDONLY);
    if (fd < 0) {
        ctl_say(err,
                "process %d has no /proc in its root directory, which the library needs: mount one "
                "there",
                t->pid);
        return CTL_REFUSED;
    }
    close(fd);
    return CTL_OK;
}

/* ---- what is mapped where ---------------------------------------------------------------------
 */

struct line {
    struct ctl_range range;
    char rights[5];
    unsigned long offset; /* in the file */
    const char *path;     /* "" for none */
};

static bool parse_line(char *text, struct line *line)
{
    int at = 0;
    unsigned long begin, end;
    text[strcspn(text, "\n")] = '\0';
    if (sscanf(text, "%lx-%lx %4s %lx %*s %*s%n", &begin, &end, line->rights, &line->offset, &at) !=
            4 ||
        at == 0)
        return false;
    line->range = (struct ctl_range){begin, end};
    line->path = text + at + strspn(text + at, " ");
    return true;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static bool is_called(const char *name, const char *beginning)
{
    return strncmp(name, beginning, strlen(beginning)) == 0;
}

/* What was found so far: where libc begins, beside what goes into TARGET. Its file may be mapped
 * elsewhere as data, by a profiler for one: the one meant has code. */
struct found {
    uint64_t libc, begin; /* of a file that may be it */
};

static void note_libc(struct ctl_target *t, struct found *found, const struct line *line)
{
    if (line->offset == 0)
        found->begin = line->range.begin;
    if (line->rights[2] != 'x')
        return;
    found->libc = found->begin;
    t->libc_text = line->range;
}

static void note_line(struct ctl_target *t, struct found *found, const struct line *line)
{
    const char *name = base_name(line->path);
    if (strcmp(line->path, "[vdso]") == 0)
        t->vdso = line->range;
    else if (is_called(name, "libperfspy.so") || is_called(name, "memfd:libperfspy.so")) {
        if (t->library == 0)
            t->library = line->range.begin;
    } else if (is_called(name, "libc.so.6") || is_called(name, "libc-2.")) {
        note_libc(t, found, line);
    } else if (is_called(name, "ld-linux") && line->rights[1] == 'w') {
        t->loader_data = line->range;
    }
}

static void read_maps(struct ctl_target *t, struct found *found)
{
    char *text = NULL;
    size_t room = 0;
    int fd = open_of(t->pid, "maps", O_RDONLY);
    FILE *maps = fd >= 0 ? fdopen(fd, "r") : NULL;
    while (maps != NULL && getline(&text, &room, maps) > 0) {
        struct line line;
        if (parse_line(text, &line))
            note_line(t, found, &line);
    }
    free(text);
    if (maps != NULL)
        fclose(maps);
}

static void find_restorer(struct ctl_target *t)
{
    const struct ctl_range places[] = {t->libc_text, t->vdso};
    for (unsigned i = 0; i < 2 && t->restorer == 0; i++) {
        uint64_t bytes = places[i].end - places[i].begin;
        if (bytes == 0 || bytes > TEXT_MAX)
            continue;
        unsigned char *code = ctl_alloc(bytes);
        long at = ctl_elf_read(t->memory, places[i].begin, code, bytes)
                      ? ctl_arch_find_restorer(code, bytes)
                      : -1;
        t->restorer = at >= 0 ? places[i].begin + (uint64_t)at : 0;
        free(code);
    }
}

static enum ctl_exit find_functions(struct ctl_target *t, const struct found *found, FILE *err)
{
    struct ctl_elf libc;
    if (found->libc == 0 || !ctl_elf_open(&libc, t->memory, found->libc)) {
        ctl_say(err, "no GNU C library was found in process %d (%s)", t->pid, t->proc.exe);
        return CTL_REFUSED;
    }
#define X(name) t->name = ctl_elf_function(&libc, #name);
    CTL_TARGET_FUNCTIONS(X)
#undef X
    if (t->dlopen == 0 || t->dlerror == 0) {
        ctl_say(err, "process %d uses a GNU C library older than 2.34: libperfspy.so needs 2.34",
                t->pid);
        return CTL_REFUSED;
    }
    find_restorer(t);
    if (t->restorer != 0 && t->mmap != 0 && t->munmap != 0 && t->__errno_location != 0 &&
        t->memfd_create != 0 && t->close != 0)
        return CTL_OK;
    ctl_say(err, "the C library of process %d is not one that attaching knows", t->pid);
    return CTL_REFUSED;
}

/* ---- the library ------------------------------------------------------------------------------
 */

/* Of the library at BASE in MEMORY, whose place a person is told as WHERE. */
static enum ctl_exit check_version(struct ctl_target *t, int memory, uint64_t base,
                                   const char *where, FILE *err)
{
    struct ctl_elf elf;
    struct spy_attach_note note;
    if (!ctl_elf_open(&elf, memory, base) || !ctl_elf_note(&elf, &note, &t->entry)) {
        ctl_say(err, "%s is a version of libperfspy.so that cannot be attached", where);
        return CTL_REFUSED;
    }
    if (note.protocol == SPY_ATTACH_PROTOCOL && strcmp(note.version, SPY_VERSION) == 0)
        return CTL_OK;
    ctl_say(err, "%s is version %s of libperfspy.so, this is %s of " CTL_NAME, where, note.version,
            SPY_VERSION);
    return CTL_REFUSED;
}

/* May its user read PATH? What root has built may lie in a folder of root's own. */
static bool may_read(const struct ctl_target *t, const char *path)
{
    const uid_t own = (uid_t)setfsuid(t->proc.uid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    setfsuid(own);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* Does the process see the file at PATH that we see? */
static bool sees(const struct ctl_target *t, const char *path)
{
    char theirs[PATH_MAX + 32];
    struct stat a, b;
    snprintf(theirs, sizeof(theirs), "/proc/%d/root%s", t->pid, path);
    return stat(path, &a) == 0 && stat(theirs, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino && may_read(t, path);
}

/* Read as a file the library is laid out as in memory, up to and with its notes. */
static enum ctl_exit find_library(struct ctl_target *t, FILE *err)
{
    char found[PATH_MAX];
    if (t->library != 0)
        return check_version(t, t->memory, t->library, "what is loaded there", err);
    ctl_library_find(found);
    if (realpath(found, t->library_path) == NULL) {
        ctl_say(err, "libperfspy.so was not found beside " CTL_NAME " or where it is installed");
        return CTL_REFUSED;
    }
    t->library_seen =
        sees(t, t->library_path) && strlen(t->library_path) < sizeof(((struct ctl_stub *)0)->path);
    int fd = open(t->library_path, O_RDONLY | O_CLOEXEC);
    struct ctl_elf elf = {.memory = fd};
    struct spy_attach_note note;
    bool told = fd >= 0 && ctl_elf_note(&elf, &note, &t->entry);
    if (fd >= 0)
        close(fd);
    if (told && note.protocol == SPY_ATTACH_PROTOCOL && strcmp(note.version, SPY_VERSION) == 0)
        return CTL_OK;
    ctl_say(err, "%s is not the libperfspy.so of this " CTL_NAME " (%s)", t->library_path,
            SPY_VERSION);
    return CTL_REFUSED;
}

enum ctl_exit ctl_target_open(struct ctl_target *t, pid_t pid, bool force, FILE *err)
{
    struct found found = {0};
    memset(t, 0, sizeof(*t));
    t->pid = pid;
    t->memory = -1;
    if (!ctl_proc_read(pid, &t->proc)) {
        ctl_say(err, "there is no process %d", pid);
        return CTL_NOTHING;
    }
    enum ctl_exit result = check_state(t, err);
    if (result == CTL_OK)
        result = open_memory(t, err);
    if (result == CTL_OK)
        result = ctl_confined_check(t, force, err);
    if (result == CTL_OK)
        result = ctl_room_check(pid, err);
    if (result == CTL_OK)
        result = check_program(t, err);
    if (result == CTL_OK)
        result = check_proc(t, err);
    if (result == CTL_OK) {
        read_maps(t, &found);
        result = find_functions(t, &found, err);
    }
    return result == CTL_OK ? find_library(t, err) : result;
}

void ctl_target_close(struct ctl_target *t)
{
    if (t->memory >= 0)
        close(t->memory);
    t->memory = -1;
}
