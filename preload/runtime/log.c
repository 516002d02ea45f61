/* SPDX-License-Identifier: MIT */
/*
 * Appending to PERFSPY_LOG. Raw system calls, since write and close are interposed by this library.
 */
#include "runtime/log.h"

#include "runtime/clock.h"
#include "shared/sys.h"

#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define LINE_BYTES  1024
#define DAY_S       86400u
#define SECOND_NS   1000000000ull
#define DAYS_IN_ERA 146097u /* 400 years of the Gregorian calendar */

static const char *const level_names[] = {"ERROR", "WARNING", "INFO", "DEBUG"};

struct date {
    unsigned year, month, day;
};

/* The Gregorian date of a day since 1970-01-01, by counting years from March 1st, so that leap days
 * come last (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days). */
static struct date date_of(uint64_t days)
{
    uint64_t since_era = days + 719468; /* from 0000-03-01 */
    unsigned day_of_era = (unsigned)(since_era % DAYS_IN_ERA);
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned month = (5 * day_of_year + 2) / 153; /* 0 is March */
    return (struct date){
        .year = (unsigned)(since_era / DAYS_IN_ERA) * 400 + year_of_era + (month >= 10),
        .month = month < 10 ? month + 3 : month - 9,
        .day = day_of_year - (153 * month + 2) / 5 + 1,
    };
}

size_t spy_log_head(char line[SPY_LOG_HEAD_BYTES], enum spy_log_level level, uint64_t real_ns)
{
    uint64_t seconds = real_ns / SECOND_NS;
    struct date date = date_of(seconds / DAY_S);
    unsigned of_day = (unsigned)(seconds % DAY_S);
    int n = snprintf(
        line, SPY_LOG_HEAD_BYTES, "ts=%04u-%02u-%02uT%02u:%02u:%02u.%03uZ level=%s pid=%d ",
        date.year, date.month, date.day, of_day / 3600, of_day / 60 % 60, of_day % 60,
        (unsigned)(real_ns % SECOND_NS / 1000000), level_names[level], spy_sys_getpid());
    return n > 0 && n < (int)SPY_LOG_HEAD_BYTES ? (size_t)n : 0;
}

/* Standard error, or -1 where the program has put something else in its place. */
static int standard_error(void)
{
    struct stat st;
    bool same = spy_sys_fstat(2, &st) == 0 && st.st_dev == spy_config.stderr_dev &&
                st.st_ino == spy_config.stderr_ino;
    return same ? 2 : -1;
}

static int open_file(void)
{
    return spy_sys_open(
        spy_config.log,
        O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
}

/* As much as there is room for: on a disk, or in a pipe. */
static size_t write_all(int fd, const char *bytes, size_t n)
{
    size_t done = 0;
    while (done < n) {
        long wrote = spy_sys_write(fd, bytes + done, n - done);
        if (wrote <= 0)
            break;
        done += (size_t)wrote;
    }
    return done;
}

/* ---- signals of writing ----------------------------------------------------------------------
 *
 * A write to a pipe that nobody reads any more is a SIGPIPE to the thread, one beyond the process'
 * file-size limit a SIGXFSZ; either would end a program that never wrote there itself. So they are
 * blocked meanwhile, and what came of our own write is taken away before the program sees it. */

#define SIGSET_BYTES 8u /* of the kernel's set: one bit a signal */
#define OURS         (1ull << (SIGPIPE - 1) | 1ull << (SIGXFSZ - 1))

struct hush {
    uint64_t mask;    /* the thread's own */
    uint64_t pending; /* before we wrote: not ours to take */
};

static bool hush_begin(struct hush *hush)
{
    const uint64_t ours = OURS;
    if (SPY_SYS4(SYS_rt_sigprocmask, SIG_BLOCK, &ours, &hush->mask, SIGSET_BYTES) != 0)
        return false;
    if (SPY_SYS2(SYS_rt_sigpending, &hush->pending, SIGSET_BYTES) != 0)
        hush->pending = OURS; /* it might be: take none */
    return true;
}

static void hush_end(const struct hush *hush)
{
    const struct timespec at_once = {0, 0};
    const uint64_t took = OURS & ~hush->pending;
    while (SPY_SYS4(SYS_rt_sigtimedwait, &took, NULL, &at_once, SIGSET_BYTES) > 0)
        ;
    SPY_SYS4(SYS_rt_sigprocmask, SIG_SETMASK, &hush->mask, NULL, SIGSET_BYTES);
}

static size_t append(const char *lines, size_t n)
{
    /* The log ends in the middle of a line: what comes next must not be taken for the rest of it.
     */
    static atomic_bool torn;
    bool to_stderr = strcmp(spy_config.log, "stderr") == 0;
    int fd = to_stderr ? standard_error() : open_file();
    if (fd < 0)
        return 0;
    bool whole = !atomic_load(&torn) || write_all(fd, "\n", 1) == 1;
    size_t done = whole ? write_all(fd, lines, n) : 0;
    if (done > 0)
        atomic_store(&torn, lines[done - 1] != '\n');
    if (!to_stderr)
        spy_sys_close(fd);
    return done;
}

size_t spy_log_append(const char *lines, size_t n)
{
    struct hush hush;
    if (!hush_begin(&hush))
        return 0;
    size_t done = append(lines, n);
    hush_end(&hush);
    return done;
}

bool spy_log(enum spy_log_level level, const char *format, ...)
{
    if (spy_config.log[0] == '\0' || level > spy_config.log_level)
        return false;
    char line[LINE_BYTES];
    size_t len = spy_log_head(line, level, spy_clock_of(CLOCK_REALTIME));
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line + len, sizeof(line) - len - 1, format, args);
    va_end(args);
    if (n > 0)
        len += (size_t)n < sizeof(line) - len - 1 ? (size_t)n : sizeof(line) - len - 2;
    line[len++] = '\n';
    return spy_log_append(line, len) == len;
}
