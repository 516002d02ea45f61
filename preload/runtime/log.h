/* SPDX-License-Identifier: MIT */
/*
 * The library's own log, in logfmt: what it has to say about itself, and the log of calls. Nothing
 * by default (PERFSPY_LOG). The file is opened, appended to and closed each time, so that no
 * descriptor is kept in the program and a renamed file is left behind at once. Never on the path
 * of a call: only at the start of the watch and in the helper thread.
 */
#ifndef SPY_RUNTIME_LOG_H
#define SPY_RUNTIME_LOG_H

#include "runtime/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes one line at LEVEL, cut at about 1 KiB. Returns whether it is in the log. */
bool spy_log(enum spy_log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts "ts=... level=... pid=... " for a moment of CLOCK_REALTIME at LINE; returns its length, at
 * most SPY_LOG_HEAD_BYTES. Takes no lock of libc (gmtime_r would, and a child forked meanwhile
 * could never take it again). */
#define SPY_LOG_HEAD_BYTES 80u
size_t spy_log_head(char line[SPY_LOG_HEAD_BYTES], enum spy_log_level level, uint64_t real_ns);

/* Appends whole lines to the log. Created 0600, never through a symbolic link; standard error only
 * while it is still the file that it was when the program started. Returns how many bytes were
 * written: fewer where a disk or a pipe is full, 0 where there is no such file. What ended in the
 * middle of a line is ended by a newline before the next one. */
size_t spy_log_append(const char *lines, size_t n);

#endif
