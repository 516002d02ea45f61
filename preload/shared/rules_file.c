/* SPDX-License-Identifier: MIT */
/*
 * The top of the rules grammar: the document, version, levels, health, parameters and the list of
 * operations. Contract in rules_internal.h.
 */
#include "shared/rules_internal.h"

#include <stdlib.h>
#include <string.h>

#define GRAMMAR_VERSION "1"

/* One step of history is the shortest window that can be answered. */
#define WINDOW_MIN_NS 10000000000ull
#define WINDOW_MAX_NS (24 * 3600000000000ull)

static bool read_version(struct spy_rules_walk *walk, void *target)
{
    (void)target;
    const char *text;
    char quoted[SPY_QUOTE_BYTES];
    if (!spy_walk_text(walk, "version", SIZE_MAX, &text))
        return false;
    if (strcmp(text, GRAMMAR_VERSION) == 0)
        return true;
    return spy_walk_fail(walk, SPY_ERR_VERSION, spy_walk_mark(walk),
                         "version \"%s\" is not known; this perfspy reads version: 1",
                         spy_quote(quoted, text));
}

/* --- levels: {excellent: 100ms, ...} ------------------------------------------------------ */

struct levels {
    struct spy_mark at[SPY_LEVEL_COUNT - 1]; /* line 0: not given, the default stands */
};

static const char *level_name(const void *ctx, uint32_t i)
{
    (void)ctx;
    return spy_level_name(i);
}

static bool read_level(struct spy_rules_walk *walk, const char *key, struct spy_mark at,
                       void *target)
{
    struct levels *levels = target;
    uint32_t i = 0;
    while (i < SPY_LEVEL_COUNT && strcmp(key, spy_level_name(i)) != 0)
        i++;
    if (i == SPY_LEVEL_CRITICAL)
        return spy_walk_fail(walk, SPY_ERR_VALUE, at,
                             "critical has no upper bound; it begins where slow ends");
    if (i == SPY_LEVEL_COUNT)
        return spy_walk_unknown_key(walk, key, at, "levels", level_name, NULL, SPY_LEVEL_CRITICAL);
    if (levels->at[i].line != 0)
        return spy_walk_fail(walk, SPY_ERR_VALUE, at,
                             "\"%s\" is given twice in levels, first in line %u", key,
                             levels->at[i].line);
    levels->at[i] = spy_walk_mark(walk);
    return spy_rules_read_duration(walk, spy_level_name(i), &walk->rules->level_bounds_ns[i]);
}

static bool read_levels(struct spy_rules_walk *walk, void *target)
{
    (void)target;
    struct levels levels = {0};
    const uint64_t *bound = walk->rules->level_bounds_ns;
    if (!spy_walk_mapping(walk, "levels", read_level, &levels))
        return false;
    for (uint32_t i = 1; i < SPY_LEVEL_COUNT - 1; i++) {
        if (bound[i] > bound[i - 1])
            continue;
        return spy_walk_fail(walk, SPY_ERR_VALUE, levels.at[levels.at[i].line != 0 ? i : i - 1],
                             "levels must rise: %s (%llu ms%s) must be longer than %s (%llu ms%s)",
                             spy_level_name(i), (unsigned long long)(bound[i] / 1000000),
                             levels.at[i].line != 0 ? "" : ", the default", spy_level_name(i - 1),
                             (unsigned long long)(bound[i - 1] / 1000000),
                             levels.at[i - 1].line != 0 ? "" : ", the default");
    }
    return true;
}

/* --- health: {window: 5m, slow_share: 20%} ------------------------------------------------ */

static bool read_window(struct spy_rules_walk *walk, void *target)
{
    (void)target;
    uint64_t ns;
    if (!spy_rules_read_duration(walk, "window", &ns))
        return false;
    if (ns < WINDOW_MIN_NS || ns > WINDOW_MAX_NS)
        return spy_walk_fail(walk, SPY_ERR_VALUE, spy_walk_mark(walk),
                             "window must be between 10s and 24h");
    walk->rules->health_window_ns = ns;
    return true;
}

static bool read_slow_share(struct spy_rules_walk *walk, void *target)
{
    (void)target;
    return spy_rules_read_share(walk, "slow_share", &walk->rules->health_slow_share_ppm);
}

static bool read_health(struct spy_rules_walk *walk, void *target)
{
    static const struct spy_key keys[] = {
        {"window", read_window},
        {"slow_share", read_slow_share},
    };
    static const struct spy_keys health = {"health", keys, sizeof(keys) / sizeof(keys[0])};
    return spy_walk_keys(walk, &health, target);
}

/* --- parameters: [skip, limit] ------------------------------------------------------------ */

static bool read_parameter(struct spy_rules_walk *walk, void *target)
{
    (void)target;
    struct spy_rules *rules = walk->rules;
    char **slot = &rules->parameter[rules->parameters];
    char quoted[SPY_QUOTE_BYTES];
    if (!spy_walk_copy(walk, "parameter", SPY_RULES_TEXT_BYTES, slot))
        return false;
    rules->parameters++;
    for (uint32_t i = 0; i + 1 < rules->parameters; i++)
        if (strcmp(rules->parameter[i], *slot) == 0)
            return spy_walk_fail(walk, SPY_ERR_VALUE, spy_walk_mark(walk),
                                 "parameter \"%s\" is listed twice", spy_quote(quoted, *slot));
    return true;
}

static bool read_parameters(struct spy_rules_walk *walk, void *target)
{
    walk->rules->parameter = calloc(SPY_RULES_PARAMETERS, sizeof(char *));
    if (walk->rules->parameter == NULL)
        return spy_walk_nomem(walk);
    return spy_walk_list(walk, "parameters", SPY_RULES_PARAMETERS, true, read_parameter, target);
}

static bool read_operations(struct spy_rules_walk *walk, void *target)
{
    return spy_walk_list(walk, "operations", SPY_RULES_OPERATIONS, true, spy_rules_read_operation,
                         target);
}

/* --- the document ------------------------------------------------------------------------- */

static bool read_document(struct spy_rules_walk *walk)
{
    static const struct spy_key keys[] = {
        {"version", read_version},       {"levels", read_levels},
        {"health", read_health},         {"repeats", spy_rules_read_repeats},
        {"parameters", read_parameters}, {"operations", read_operations},
    };
    static const struct spy_keys top = {"the file", keys, sizeof(keys) / sizeof(keys[0])};
    return spy_walk_keys(walk, &top, NULL);
}

static bool no_directives(struct spy_rules_walk *walk)
{
    const yaml_event_t *event = &walk->event;
    if (event->data.document_start.tag_directives.start ==
        event->data.document_start.tag_directives.end)
        return true;
    return spy_walk_fail(walk, SPY_ERR_SYNTAX, spy_walk_mark(walk), "%%TAG is not allowed here");
}

bool spy_rules_read_file(struct spy_rules_walk *walk)
{
    if (!spy_walk_next(walk) || !spy_walk_next(walk)) /* the stream, the document */
        return false;
    if (walk->event.type == YAML_STREAM_END_EVENT)
        return spy_walk_fail(walk, SPY_ERR_SYNTAX, (struct spy_mark){1, 1},
                             "the file is empty; it must say version: 1");
    if (!no_directives(walk) || !spy_walk_next(walk) || !read_document(walk))
        return false;
    if (!spy_walk_next(walk) || !spy_walk_next(walk)) /* end of document, of stream */
        return false;
    return walk->event.type == YAML_STREAM_END_EVENT ||
           spy_walk_fail(walk, SPY_ERR_SYNTAX, spy_walk_mark(walk),
                         "a second document begins here; a rules file has only one");
}

/* --- version, before anything else -------------------------------------------------------- */

/* From the first to the last event of a value, whatever it is. The grammar nests four deep; what
 * is much deeper is left for the real walk to refuse. */
static bool skip_value(struct spy_rules_walk *walk)
{
    enum { DEEPEST = 8 };
    int depth = 0;
    for (;;) {
        yaml_event_type_t type = walk->event.type;
        if (type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT)
            depth++;
        else if (type == YAML_MAPPING_END_EVENT || type == YAML_SEQUENCE_END_EVENT)
            depth--;
        if (depth == 0)
            return true;
        if (depth > DEEPEST || !spy_walk_next(walk))
            return false;
    }
}

/* Moves to the value of the key `version` of the outermost mapping. False where it does not get
 * there; *MISSING then tells whether the mapping was read to its end without it. */
static bool seek_version(struct spy_rules_walk *walk, bool *missing)
{
    for (int i = 0; i < 3; i++) /* stream, document, mapping */
        if (!spy_walk_next(walk))
            return false;
    if (walk->event.type != YAML_MAPPING_START_EVENT)
        return false;
    for (;;) {
        if (!spy_walk_next(walk))
            return false;
        *missing = walk->event.type == YAML_MAPPING_END_EVENT;
        if (*missing)
            return false;
        bool found = walk->event.type == YAML_SCALAR_EVENT &&
                     strcmp((const char *)walk->event.data.scalar.value, "version") == 0;
        if (!skip_value(walk) || !spy_walk_next(walk))
            return false;
        if (found)
            return true;
        if (!skip_value(walk))
            return false;
    }
}

bool spy_rules_check_version(const char *text, size_t len, struct spy_error *err,
                             enum spy_status *status)
{
    struct spy_rules_walk walk;
    bool missing = false;
    bool fine = spy_walk_open(&walk, text, len, err);
    if (fine) {
        walk.err = NULL; /* any other error is for the real walk to tell */
        bool found = seek_version(&walk, &missing);
        walk.err = err;
        if (found)
            fine = read_version(&walk, NULL);
        else if (missing)
            fine = spy_walk_fail(&walk, SPY_ERR_VERSION, (struct spy_mark){1, 1},
                                 "there is no version; the file must say version: 1");
    }
    *status = walk.status;
    spy_walk_close(&walk);
    return fine;
}
