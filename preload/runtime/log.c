/* SPDX-License-Identifier: MIT */
/*
 * Appending a line to PERFSPY_LOG. Cold path; raw system calls, since write and close are
 * interposed by this library. The file is created 0600 and never followed through a symlink.
 */
#include "runtime/log.h"

#include "runtime/clock.h"
#include "shared/sys.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_BYTES 1024

static const char *const level_names[] = {"ERROR", "WARNING", "INFO", "DEBUG"};

static size_t head(char line[LINE_BYTES], enum spy_log_level level)
{
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    int n = snprintf(line, LINE_BYTES, "ts=%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ level=%s pid=%d ",
                     utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                     utc.tm_sec, now.tv_nsec / 1000000, level_names[level], spy_sys_getpid());
    return n > 0 && n < LINE_BYTES ? (size_t)n : 0;
}

void spy_log(enum spy_log_level level, const char *format, ...)
{
    if (spy_config.log[0] == '\0' || level > spy_config.log_level)
        return;
    char line[LINE_BYTES];
    size_t len = head(line, level);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line + len, sizeof(line) - len - 1, format, args);
    va_end(args);
    if (n > 0)
        len += (size_t)n < sizeof(line) - len - 1 ? (size_t)n : sizeof(line) - len - 2;
    line[len++] = '\n';

    bool to_stderr = strcmp(spy_config.log, "stderr") == 0;
    int fd = to_stderr ? 2
                       : spy_sys_open(spy_config.log,
                                      O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return;
    spy_sys_write(fd, line, len);
    if (!to_stderr)
        spy_sys_close(fd);
}
