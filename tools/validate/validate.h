/* SPDX-License-Identifier: MIT */
/*
 * parts-validate: drives a running parts service through scenarios, checks what it answers, times
 * it, and holds the times against the benchmarks of the rules. What all its files share: exit
 * codes, messages, and when to stop.
 *
 * Flow: main.c parses the command line (options.c), logs in (session.c), runs the scenarios
 * (run.c, scenario*.c) over HTTP (http.c), which leaves times in a record (record.c) and verdicts
 * in findings (check.c), takes the watched process' own view (server.c), and reports (report*.c).
 *
 * Threads: the workers of run.c, while a scenario runs; all else is the main thread's. Memory is
 * taken with ctl_alloc(), which ends the tool when there is none.
 */
#ifndef VALIDATE_VALIDATE_H
#define VALIDATE_VALIDATE_H

#include <stdbool.h>
#include <stdint.h>

#define VAL_NAME "parts-validate"

#ifndef SPY_VERSION
#define SPY_VERSION "unknown"
#endif

/* From 64 on those of sysexits.h. An interrupted run ends with 128 + the signal's number. */
enum val_exit {
    VAL_OK = 0,
    VAL_FAILED = 1,       /* a benchmark is missed, a check failed, or a scenario did not end */
    VAL_USAGE = 64,       /* the command line, the rules, or a file that it names is no good */
    VAL_UNAVAILABLE = 69, /* no service there, or it refused the log-in */
    VAL_OSERR = 71,
    VAL_WRITE = 74, /* a report could not be written */
    VAL_SIGNAL = 128,
};

/* "parts-validate: TEXT" on standard error, as a line. */
void val_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- stop.c: when to stop ----------------------------------------------------------------------
 */

enum val_stop {
    VAL_GO,
    VAL_STOP_SIGNAL,
    VAL_STOP_TIME,   /* the limit of the whole run has passed */
    VAL_STOP_SILENT, /* the service does not answer any more */
};

/* The first of SIGINT, SIGTERM, SIGHUP stops the run in good order, a second one of the same kind
 * ends the tool at once. The run may last LIMIT_NS from now. */
void val_stop_prepare(uint64_t limit_ns);

/* Why no more requests are to be sent, or VAL_GO. Any thread. */
enum val_stop val_stop_asked(void);

/* The signal that came; 0: none. */
int val_stop_signal(void);

/* Notes whether a request was answered: after many in a row that were not, the run stops. Any
 * thread. */
void val_stop_answered(bool answered);

/* Nanoseconds until the limit; 0 when it has passed. */
uint64_t val_stop_left_ns(void);

/* Begins the cleaning up, which is done whatever stopped the run: nothing has stopped any more,
 * and the limit is LIMIT_NS from now. */
void val_stop_forget(uint64_t limit_ns);

#endif
