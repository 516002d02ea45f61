/* SPDX-License-Identifier: MIT */
/*
 * Results of fallible cold-path functions, in the library and in the tools.
 *
 * Convention: a function that can fail returns enum spy_status, SPY_OK being 0, and where a person
 * will read about it also fills a struct spy_error. Hot-path functions return void and count what
 * they could not do (see region.h, SPY_SELF_COUNTERS).
 */
#ifndef SPY_SHARED_STATUS_H
#define SPY_SHARED_STATUS_H

#include <stdint.h>

enum spy_status {
    SPY_OK = 0,
    SPY_ERR_IO,      /* a system call failed; the message holds its errno text */
    SPY_ERR_SYNTAX,  /* input does not follow its grammar */
    SPY_ERR_VALUE,   /* input is grammatical but out of range, unknown or contradictory */
    SPY_ERR_FULL,    /* a fixed table or buffer has no room */
    SPY_ERR_VERSION, /* made by another, incompatible version */
    SPY_ERR_CORRUPT, /* not what it says it is */
    SPY_ERR_NOMEM,
    SPY_ERR_REFUSED, /* permission, ownership or peer credentials */
    SPY_ERR_ABSENT,  /* nothing there */
};

#define SPY_MUST_CHECK __attribute__((warn_unused_result))

/* A message for a person. line and column are 1-based; 0 where they do not apply. */
struct spy_error {
    uint32_t line;
    uint32_t column;
    char text[256];
};

/* Fills ERR (which may be NULL) and returns STATUS, so that `return spy_fail(...)` reads well. */
enum spy_status spy_fail(struct spy_error *err, enum spy_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with a place in a file. */
enum spy_status spy_fail_at(struct spy_error *err, enum spy_status status, uint32_t line,
                            uint32_t column, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

#endif
