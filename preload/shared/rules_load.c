/* SPDX-License-Identifier: MIT */
/*
 * Rules from a file. By raw system calls, not open() and read(): inside the watched process those
 * are functions that perfspy interposes, and they are cancellation points.
 *
 * Threads: any, cold path; allocates with malloc.
 */
#include "shared/rules.h"
#include "shared/sys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Not strerror(): that one may allocate and translate. */
static enum spy_status fail_io(struct spy_error *err, const char *what, long error)
{
    const char *why = strerrordesc_np((int)-error);
    enum spy_status status = error == -ENOENT ? SPY_ERR_ABSENT : SPY_ERR_IO;
    return spy_fail(err, status, "%s: %s", what, why != NULL ? why : "unknown error");
}

/* Reads up to CAP bytes; a negated errno on failure. */
static long read_all(int fd, char *buffer, size_t cap)
{
    size_t used = 0;
    while (used < cap) {
        long got = spy_sys_read(fd, buffer + used, cap - used);
        if (got == -EINTR)
            continue;
        if (got < 0)
            return got;
        if (got == 0)
            break;
        used += (size_t)got;
    }
    return (long)used;
}

static enum spy_status load_fd(int fd, struct spy_rules **out, struct spy_error *err)
{
    struct stat info;
    long error = spy_sys_fstat(fd, &info);
    if (error != 0)
        return fail_io(err, "cannot read", error);
    if (!S_ISREG(info.st_mode))
        return spy_fail(err, SPY_ERR_IO, "cannot read: not a regular file");
    /* A byte more than is allowed is enough to know that there are too many. */
    char *text = malloc(SPY_RULES_FILE_BYTES + 1);
    if (text == NULL)
        return spy_fail(err, SPY_ERR_NOMEM, "out of memory");
    long len = read_all(fd, text, SPY_RULES_FILE_BYTES + 1);
    enum spy_status status =
        len < 0 ? fail_io(err, "cannot read", len) : spy_rules_parse(text, (size_t)len, out, err);
    free(text);
    return status;
}

enum spy_status spy_rules_load(const char *path, struct spy_rules **out, struct spy_error *err)
{
    *out = NULL;
    /* O_NONBLOCK: a FIFO in the file's place must not hang the program. */
    int fd = spy_sys_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0)
        return fail_io(err, "cannot open", fd);
    enum spy_status status = load_fd(fd, out, err);
    spy_sys_close(fd);
    return status;
}
