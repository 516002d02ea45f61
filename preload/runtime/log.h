/* SPDX-License-Identifier: MIT */
/*
 * The library's own log: what it has to say about itself. Rare events only, from the cold path;
 * nothing by default (PERFSPY_LOG). Each line is opened, appended and closed, so that no
 * descriptor is kept in the program.
 */
#ifndef SPY_RUNTIME_LOG_H
#define SPY_RUNTIME_LOG_H

#include "runtime/config.h"

/* Writes one logfmt line at LEVEL, cut at about 1 KiB. Never fails: what cannot be written is not.
 */
void spy_log(enum spy_log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
