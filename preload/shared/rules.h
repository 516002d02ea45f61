/* SPDX-License-Identifier: MIT */
/*
 * Rules: the YAML file that names operations, sets levels, health thresholds and benchmarks.
 * Grammar by example: rules/README.md. Parsed by libyaml's event API, in the library (once, when
 * the process is first watched) and in the tools, by this same code.
 *
 * Threads: cold path only; allocates with malloc, all freed by spy_rules_free(). The result is
 * immutable and may be read by any thread.
 */
#ifndef SPY_SHARED_RULES_H
#define SPY_SHARED_RULES_H

#include "shared/names.h"
#include "shared/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limits, each checked with an error that names it. */
#define SPY_RULES_FILE_BYTES (1024u * 1024u)
#define SPY_RULES_OPERATIONS 1000u /* leaves room in the operation table for unmapped work */
#define SPY_RULES_STEPS      8u    /* statements in a sequence; SPY_HELD_CREDITS */
#define SPY_RULES_ROUTES     8u    /* HTTP patterns of one operation */
#define SPY_RULES_TAGS       8u    /* sqlcommenter tags of one operation */
#define SPY_RULES_BUDGETS    4u    /* benchmarks of one operation; SPY_BUDGETS */
#define SPY_RULES_NAME_BYTES 128u  /* with the NUL; SPY_NAME_BYTES */
#define SPY_RULES_TEXT_BYTES 128u  /* with the NUL: parameter, prepared name, tag key and value */
#define SPY_RULES_SQL_BYTES  8192u /* of one statement pattern, with the NUL */
#define SPY_RULES_PATH_BYTES 1024u /* of one HTTP path pattern, with the NUL */
#define SPY_RULES_SEGMENTS   32u   /* of an HTTP path pattern */
#define SPY_RULES_PARAMETERS 64u
#define SPY_RULES_SAMPLE     1024u /* one call of so many is timed, at the least */

enum spy_rule_match {
    SPY_RULE_HTTP,
    SPY_RULE_SQL,      /* steps >= 1 */
    SPY_RULE_PREPARED, /* by prepared-statement name */
    SPY_RULE_COMMENT,  /* by sqlcommenter tags, all of which must be there */
};

struct spy_rule_pair {
    char *key;
    char *value;
};

/* One HTTP pattern. No two of a file match the same requests. */
struct spy_rule_route {
    char *method; /* upper case, or "*" for any method */
    char *path;   /* "/parts/{part_id}"; begins with a slash, no query; may end in "{rest...}" */
};

struct spy_rule {
    char *name;    /* unique in the file; [A-Za-z0-9_.:-] */
    uint32_t line; /* where its list item begins */
    enum spy_rule_match match;

    struct spy_rule_route route[SPY_RULES_ROUTES]; /* HTTP: any of them */
    uint32_t routes;

    char *step[SPY_RULES_STEPS]; /* SQL: patterns, checked by spy_sql_pattern_check() */
    uint32_t steps;

    char *prepared; /* PREPARED: the exact name */

    struct spy_rule_pair tag[SPY_RULES_TAGS]; /* COMMENT: sorted by key */
    uint32_t tags;

    struct spy_budget budget[SPY_RULES_BUDGETS];
    uint32_t budgets;
    bool may_repeat; /* many times in one request, and that is fine */
    uint32_t sample; /* one call of so many is timed; 0: every one is */
};

struct spy_rules {
    uint64_t level_bounds_ns[SPY_LEVEL_COUNT - 1]; /* ascending */
    uint64_t health_window_ns;                     /* 10 s .. 24 h */
    uint64_t health_slow_share_ppm;                /* millionths */
    uint64_t repeats_ns; /* a statement run at least repeats_calls times in one request, for */
    uint64_t repeats_share_ppm; /* more than this time, or share of the request's, is repeated */
    uint32_t repeats_calls;
    char **parameter; /* the only URL parameters ever kept */
    uint32_t parameters;
    struct spy_rule *rule; /* in file order */
    uint32_t count;
    uint64_t digest; /* of the text it was read from; 0: there was none */
};

/* The values in force without a file: levels and health of the original, no operations. Sets the
 * plain fields of RULES and clears the rest; nothing to free. */
void spy_rules_defaults(struct spy_rules *rules);

/*
 * Reads and checks the file PATH. On success *OUT is owned by the caller. On failure *OUT is NULL
 * and ERR tells the first error with line and column (0 where the file could not be read:
 * SPY_ERR_ABSENT where there is none, else SPY_ERR_IO).
 * Unknown keys, duplicate names, contradicting HTTP patterns, values out of range, aliases and
 * anchors are errors.
 */
SPY_MUST_CHECK enum spy_status spy_rules_load(const char *path, struct spy_rules **out,
                                              struct spy_error *err);

/* The same for a text in memory, for tests and tools. */
SPY_MUST_CHECK enum spy_status spy_rules_parse(const char *text, size_t len, struct spy_rules **out,
                                               struct spy_error *err);

/* NULL is fine. */
void spy_rules_free(struct spy_rules *rules);

/* "100ms", "1s", "5m", "250us", "1h", "1.5s" to nanoseconds; false if it is none of these. */
bool spy_duration_parse(const char *text, uint64_t *ns);

/* "1%", "0.5%" to millionths; false if it is not a percentage of 0 to 100. */
bool spy_share_parse(const char *text, uint64_t *ppm);

#endif
