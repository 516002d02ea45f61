/* SPDX-License-Identifier: MIT */
/*
 * Looking at a program before it is run; see program.h.
 */
#include "ctl/program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define SCRIPT_DEPTH 4 /* scripts whose interpreter is a script; the kernel allows four */
#define HEADERS_MAX  256u

static bool changes_rights(int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return false;
    if (((st.st_mode & S_ISUID) != 0 && st.st_uid != getuid()) ||
        ((st.st_mode & S_ISGID) != 0 && st.st_gid != getgid()))
        return true;
    return getuid() != 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0;
}

static enum ctl_program loader_kind(int fd, const Elf64_Phdr *interp)
{
    char path[256] = "";
    size_t n = interp->p_filesz < sizeof(path) ? interp->p_filesz : sizeof(path) - 1;
    if (pread(fd, path, n, (off_t)interp->p_offset) < 0)
        return CTL_PROGRAM_UNKNOWN;
    const char *slash = strrchr(path, '/');
    bool musl = slash != NULL && strncmp(slash, "/ld-musl-", 9) == 0;
    return musl ? CTL_PROGRAM_MUSL : CTL_PROGRAM_DYNAMIC;
}

static enum ctl_program elf_kind(int fd, const Elf64_Ehdr *elf)
{
    static const Elf64_Half own_machine =
#if defined(__x86_64__)
        EM_X86_64;
#elif defined(__aarch64__)
        EM_AARCH64;
#else
        EM_NONE;
#endif
    if (elf->e_ident[EI_CLASS] != ELFCLASS64 || (own_machine && elf->e_machine != own_machine))
        return CTL_PROGRAM_OTHER_ABI;
    for (unsigned i = 0; i < elf->e_phnum && i < HEADERS_MAX; i++) {
        Elf64_Phdr header;
        uint64_t at = elf->e_phoff + i * (uint64_t)sizeof(header);
        if (pread(fd, &header, sizeof(header), (off_t)at) != (ssize_t)sizeof(header))
            return CTL_PROGRAM_UNKNOWN;
        if (header.p_type == PT_INTERP)
            return loader_kind(fd, &header);
    }
    return CTL_PROGRAM_STATIC;
}

static enum ctl_program kind_of(const char *path, int depth);

static enum ctl_program script_kind(const char *line, int depth)
{
    char interpreter[256];
    size_t skip = strspn(line, " \t");
    size_t len = strcspn(line + skip, " \t\r\n");
    if (len == 0 || len >= sizeof(interpreter))
        return CTL_PROGRAM_UNKNOWN;
    memcpy(interpreter, line + skip, len);
    interpreter[len] = '\0';
    return depth < SCRIPT_DEPTH ? kind_of(interpreter, depth + 1) : CTL_PROGRAM_UNKNOWN;
}

static enum ctl_program kind_of(const char *path, int depth)
{
    union {
        Elf64_Ehdr elf;
        char text[256];
    } head;
    memset(&head, 0, sizeof(head));
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return CTL_PROGRAM_UNKNOWN;
    ssize_t n = pread(fd, &head, sizeof(head) - 1, 0);
    enum ctl_program kind = CTL_PROGRAM_UNKNOWN;
    if (n > 2 && head.text[0] == '#' && head.text[1] == '!')
        kind = script_kind(head.text + 2, depth);
    else if (changes_rights(fd)) /* of a script these bits have no effect */
        kind = CTL_PROGRAM_SETUID;
    else if (n >= (ssize_t)sizeof(head.elf) && memcmp(head.elf.e_ident, ELFMAG, SELFMAG) == 0)
        kind = elf_kind(fd, &head.elf);
    close(fd);
    return kind;
}

enum ctl_program ctl_program_of(const char *path)
{
    return kind_of(path, 0);
}

/* 0 if PATH is a file that we may execute. */
static int try_path(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return errno == EACCES ? EACCES : ENOENT;
    return S_ISREG(st.st_mode) && access(path, X_OK) == 0 ? 0 : EACCES;
}

int ctl_program_find(const char *command, char *out, size_t cap)
{
    if (strchr(command, '/') != NULL) {
        snprintf(out, cap, "%s", command);
        return try_path(command);
    }
    const char *path = getenv("PATH");
    int result = ENOENT;
    if (path == NULL)
        path = "/usr/local/bin:/usr/bin:/bin";
    for (const char *at = path;; at++) {
        size_t len = strcspn(at, ":");
        int n = snprintf(out, cap, "%.*s/%s", len > 0 ? (int)len : 1, len > 0 ? at : ".", command);
        int tried = n > 0 && (size_t)n < cap ? try_path(out) : ENOENT;
        if (tried == 0)
            return 0;
        if (tried == EACCES)
            result = EACCES;
        at += len;
        if (*at == '\0')
            return *command != '\0' ? result : ENOENT;
    }
}
