/* SPDX-License-Identifier: MIT */
/*
 * Rules: a text in memory, defaults, release. Reading the file is in rules_load.c. The grammar is
 * in rules_file.c, rules_operation.c and their helpers; see rules.h for the contract and
 * rules_internal.h for the inside.
 */
#include "shared/rules_internal.h"

#include <stdlib.h>
#include <string.h>

void spy_rules_defaults(struct spy_rules *rules)
{
#define X(id, name, bound_ms) bound_ms,
    static const uint64_t bounds_ms[] = {SPY_LEVELS(X)};
#undef X
    memset(rules, 0, sizeof(*rules));
    for (int i = 0; i < SPY_LEVEL_COUNT - 1; i++)
        rules->level_bounds_ns[i] = bounds_ms[i] * 1000000;
    rules->health_window_ns = 300 * 1000000000ull;
    rules->health_slow_share_ppm = 200000;
    rules->repeats_calls = 5;
    rules->repeats_ns = 50 * 1000000ull;
    rules->repeats_share_ppm = 300000;
}

static void free_rule(struct spy_rule *rule)
{
    free(rule->name);
    free(rule->prepared);
    for (uint32_t i = 0; i < rule->routes; i++) {
        free(rule->route[i].method);
        free(rule->route[i].path);
    }
    for (uint32_t i = 0; i < rule->steps; i++)
        free(rule->step[i]);
    for (uint32_t i = 0; i < rule->tags; i++) {
        free(rule->tag[i].key);
        free(rule->tag[i].value);
    }
}

void spy_rules_free(struct spy_rules *rules)
{
    if (rules == NULL)
        return;
    for (uint32_t i = 0; i < rules->count; i++)
        free_rule(&rules->rule[i]);
    for (uint32_t i = 0; i < rules->parameters; i++)
        free(rules->parameter[i]);
    free(rules->rule);
    free(rules->parameter);
    free(rules);
}

/* NUL bytes end C strings early and mean that the file is no text: told with their place. */
static enum spy_status check_bytes(const char *text, size_t len, struct spy_error *err)
{
    if (len > SPY_RULES_FILE_BYTES)
        return spy_fail(err, SPY_ERR_VALUE, "the file is larger than 1 MiB");
    const char *nul = len != 0 ? memchr(text, '\0', len) : NULL;
    if (nul == NULL)
        return SPY_OK;
    uint32_t line = 1;
    const char *start = text;
    for (const char *at = text; at < nul; at++) {
        if (*at != '\n')
            continue;
        line++;
        start = at + 1;
    }
    return spy_fail_at(err, SPY_ERR_SYNTAX, line, (uint32_t)(nul - start) + 1,
                       "a NUL byte; a rules file is UTF-8 text");
}

static enum spy_status walk_text(const char *text, size_t len, struct spy_rules *rules,
                                 struct spy_error *err)
{
    struct spy_rules_walk walk;
    if (spy_walk_open(&walk, text, len, err)) {
        walk.rules = rules;
        if (spy_claims_open(&walk.claims))
            (void)spy_rules_read_file(&walk);
        else
            spy_walk_nomem(&walk);
        spy_claims_close(&walk.claims);
    }
    enum spy_status status = walk.status;
    spy_walk_close(&walk);
    return status;
}

/* FNV-1a. Never 0. */
static uint64_t digest_of(const char *text, size_t len)
{
    uint64_t hash = 14695981039346656037ull;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)text[i]) * 1099511628211ull;
    return hash | 1;
}

enum spy_status spy_rules_parse(const char *text, size_t len, struct spy_rules **out,
                                struct spy_error *err)
{
    *out = NULL;
    enum spy_status status = check_bytes(text, len, err);
    if (status != SPY_OK || !spy_rules_check_version(text, len, err, &status))
        return status;
    struct spy_rules *rules = malloc(sizeof(*rules));
    if (rules == NULL)
        return spy_fail(err, SPY_ERR_NOMEM, "out of memory");
    spy_rules_defaults(rules);
    rules->digest = digest_of(text, len);
    status = walk_text(text, len, rules, err);
    if (status == SPY_OK)
        *out = rules;
    else
        spy_rules_free(rules);
    return status;
}
