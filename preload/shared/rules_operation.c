/* SPDX-License-Identifier: MIT */
/*
 * One operation of the rules file: its name, what it matches and its benchmark. Contract in
 * rules_internal.h.
 */
#include "shared/rules_internal.h"
#include "shared/sql.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLAIM_BYTES (SPY_RULES_TAGS * 2 * SPY_RULES_TEXT_BYTES + 8)

/* Says that TEXT, of the given KIND (one character), stands in line AT. *EARLIER is the line where
 * it was said before, or 0. */
static bool claim(struct spy_rules_walk *walk, char kind, const char *text, struct spy_mark at,
                  uint32_t *earlier)
{
    char key[CLAIM_BYTES];
    snprintf(key, sizeof(key), "%c:%s", kind, text);
    return spy_claims_add(&walk->claims, key, at.line, earlier) || spy_walk_nomem(walk);
}

/* The same for what an operation matches: a second operation that matches the same is dead. */
static bool claim_match(struct spy_rules_walk *walk, char kind, const char *text,
                        struct spy_mark at, const char *key)
{
    uint32_t earlier;
    if (!claim(walk, kind, text, at, &earlier))
        return false;
    return earlier == 0 ||
           spy_walk_fail(walk, SPY_ERR_VALUE, at,
                         "this %s is never reached: the operation in line %u matches the same", key,
                         earlier);
}

/* --- name --------------------------------------------------------------------------------- */

/* Names that perfspy itself gives to work that no rule names. */
static bool reserved(const char *name)
{
    return strncmp(name, "sql:", 4) == 0 || strncmp(name, "prepared:", 9) == 0 ||
           strncmp(name, "libpq.", 6) == 0;
}

static bool read_name(struct spy_rules_walk *walk, void *target)
{
    struct spy_rule *rule = target;
    char quoted[SPY_QUOTE_BYTES];
    if (!spy_walk_copy(walk, "name", SPY_RULES_NAME_BYTES, &rule->name))
        return false;
    size_t good = strspn(rule->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789_.:-");
    if (rule->name[good] != '\0')
        return spy_walk_fail(walk, SPY_ERR_VALUE, spy_walk_mark(walk),
                             "name \"%s\" may have letters, digits, _ . : and - only",
                             spy_quote(quoted, rule->name));
    if (reserved(rule->name))
        return spy_walk_fail(walk, SPY_ERR_VALUE, spy_walk_mark(walk),
                             "name \"%s\": names that begin with sql:, prepared: or libpq. are "
                             "kept for work that no rule names",
                             spy_quote(quoted, rule->name));
    uint32_t earlier;
    if (!claim(walk, 'n', rule->name, spy_walk_mark(walk), &earlier))
        return false;
    return earlier == 0 || spy_walk_fail(walk, SPY_ERR_VALUE, spy_walk_mark(walk),
                                         "name \"%s\" is already taken in line %u",
                                         spy_quote(quoted, rule->name), earlier);
}

/* --- what it matches ---------------------------------------------------------------------- */

static bool one_matcher(struct spy_rules_walk *walk, struct spy_rule *rule,
                        enum spy_rule_match match)
{
    if (rule->routes != 0 || rule->steps != 0 || rule->prepared != NULL || rule->tags != 0)
        return spy_walk_fail(walk, SPY_ERR_VALUE, spy_walk_mark(walk),
                             "an operation has exactly one of http, sql, prepared, comment; make "
                             "a second operation for the other");
    rule->match = match;
    return true;
}

static bool read_http(struct spy_rules_walk *walk, void *target)
{
    return one_matcher(walk, target, SPY_RULE_HTTP) &&
           spy_walk_one_or_list(walk, "http", SPY_RULES_ROUTES, spy_rules_read_route, target);
}

/* Where byte OFFSET of the current scalar is, as exactly as its style allows. */
static struct spy_mark inside(const struct spy_rules_walk *walk, size_t offset)
{
    struct spy_mark at = spy_walk_mark(walk);
    yaml_scalar_style_t style = walk->event.data.scalar.style;
    if (walk->event.start_mark.line != walk->event.end_mark.line)
        return at;
    bool quoted = style != YAML_PLAIN_SCALAR_STYLE;
    const char *text = (const char *)walk->event.data.scalar.value;
    at.column += quoted;
    for (size_t i = 0; i < offset; i++)
        at.column += ((unsigned char)text[i] & 0xC0) != 0x80;
    return at;
}

static bool read_step(struct spy_rules_walk *walk, void *target)
{
    struct spy_rule *rule = target;
    char **step = &rule->step[rule->steps];
    const char *why;
    size_t offset;
    if (!spy_walk_copy(walk, "sql", SPY_RULES_SQL_BYTES, step))
        return false;
    rule->steps++;
    if (spy_sql_pattern_check(*step, &why, &offset))
        return true;
    return spy_walk_fail(walk, SPY_ERR_VALUE, inside(walk, offset), "sql: %s", why);
}

static bool read_sql(struct spy_rules_walk *walk, void *target)
{
    struct spy_rule *rule = target;
    struct spy_mark at = spy_walk_mark(walk);
    if (!one_matcher(walk, rule, SPY_RULE_SQL) ||
        !spy_walk_one_or_list(walk, "sql", SPY_RULES_STEPS, read_step, rule))
        return false;
    char key[SPY_RULES_STEPS * 17 + 1] = "";
    for (uint32_t i = 0; i < rule->steps; i++) {
        struct spy_sql_normal normal =
            spy_sql_normalise(rule->step[i], strlen(rule->step[i]), NULL, 0);
        snprintf(key + i * 17, 18, "%016" PRIx64 " ", normal.fingerprint);
    }
    return claim_match(walk, 's', key, at, "sql");
}

static bool read_prepared(struct spy_rules_walk *walk, void *target)
{
    struct spy_rule *rule = target;
    return one_matcher(walk, rule, SPY_RULE_PREPARED) &&
           spy_walk_copy(walk, "prepared", SPY_RULES_TEXT_BYTES, &rule->prepared) &&
           claim_match(walk, 'p', rule->prepared, spy_walk_mark(walk), "prepared");
}

/* Tags are kept sorted, so that the same tags in another order are the same rule. */
static bool read_tag(struct spy_rules_walk *walk, const char *key, struct spy_mark at, void *target)
{
    struct spy_rule *rule = target;
    char quoted[SPY_QUOTE_BYTES];
    if (rule->tags == SPY_RULES_TAGS)
        return spy_walk_fail(walk, SPY_ERR_VALUE, at,
                             "too many tags in comment: at most %u are allowed", SPY_RULES_TAGS);
    uint32_t i = rule->tags;
    while (i > 0 && strcmp(rule->tag[i - 1].key, key) >= 0) {
        if (strcmp(rule->tag[i - 1].key, key) == 0)
            return spy_walk_fail(walk, SPY_ERR_VALUE, at, "tag \"%s\" is given twice in comment",
                                 spy_quote(quoted, key));
        i--;
    }
    struct spy_rule_pair tag = {.key = strdup(key)};
    if (tag.key == NULL)
        return spy_walk_nomem(walk);
    memmove(&rule->tag[i + 1], &rule->tag[i], (rule->tags - i) * sizeof(tag));
    rule->tag[i] = tag;
    rule->tags++;
    return spy_walk_copy(walk, "tag value", SPY_RULES_TEXT_BYTES, &rule->tag[i].value);
}

static bool read_comment(struct spy_rules_walk *walk, void *target)
{
    struct spy_rule *rule = target;
    struct spy_mark at = spy_walk_mark(walk);
    if (!one_matcher(walk, rule, SPY_RULE_COMMENT) ||
        !spy_walk_mapping(walk, "comment", read_tag, rule))
        return false;
    if (rule->tags == 0)
        return spy_walk_fail(walk, SPY_ERR_VALUE, at,
                             "comment has no tags; write them as {route: /parts}");
    char text[CLAIM_BYTES];
    size_t used = 0;
    for (uint32_t i = 0; i < rule->tags; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s\x1f%s\x1f", rule->tag[i].key,
                                 rule->tag[i].value);
    text[used] = '\0';
    return claim_match(walk, 'c', text, at, "comment");
}

/* --- the whole ---------------------------------------------------------------------------- */

static struct spy_rule *add_rule(struct spy_rules_walk *walk)
{
    struct spy_rules *rules = walk->rules;
    if (rules->count == walk->capacity) {
        uint32_t more = walk->capacity != 0 ? walk->capacity * 2 : 32;
        struct spy_rule *grown = realloc(rules->rule, more * sizeof(*grown));
        if (grown == NULL)
            return NULL;
        rules->rule = grown;
        walk->capacity = more;
    }
    struct spy_rule *rule = &rules->rule[rules->count++];
    memset(rule, 0, sizeof(*rule));
    return rule;
}

bool spy_rules_read_operation(struct spy_rules_walk *walk, void *target)
{
    static const struct spy_key keys[] = {
        {"name", read_name},
        {"http", read_http},
        {"sql", read_sql},
        {"prepared", read_prepared},
        {"comment", read_comment},
        {"benchmark", spy_rules_read_budget},
        {"may_repeat", spy_rules_read_may_repeat},
        {"sample", spy_rules_read_sample},
    };
    static const struct spy_keys operation = {"operation", keys, sizeof(keys) / sizeof(keys[0])};
    (void)target;
    struct spy_mark at = spy_walk_mark(walk);
    struct spy_rule *rule = add_rule(walk);
    if (rule == NULL)
        return spy_walk_nomem(walk);
    rule->line = at.line;
    if (!spy_walk_keys(walk, &operation, rule))
        return false;
    if (rule->name == NULL)
        return spy_walk_fail(walk, SPY_ERR_VALUE, at, "this operation has no name; add name: ...");
    if (rule->routes == 0 && rule->steps == 0 && rule->prepared == NULL && rule->tags == 0)
        return spy_walk_fail(walk, SPY_ERR_VALUE, at,
                             "operation \"%s\" matches nothing; add http, sql, prepared or comment",
                             rule->name);
    return spy_rules_may_sample(walk, rule);
}
