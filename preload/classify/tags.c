/* SPDX-License-Identifier: MIT */
/*
 * The sqlcommenter tags of statements: see tags.h.
 */
#include "classify/tags.h"

#include "classify/hash.h"
#include "classify/patterns.h"

#include <stdlib.h>
#include <string.h>

/* The values of one group's keys, one after the other, each with its NUL. A value longer than any
 * that a rule may name is cut, and so found in none. */
struct values {
    char text[SPY_RULES_TAGS * (SPY_RULES_TEXT_BYTES + 1)];
    size_t len;
};

static bool same_keys(const struct spy_rule *a, const struct spy_rule *b)
{
    if (a->tags != b->tags)
        return false;
    for (uint32_t i = 0; i < a->tags; i++) /* sorted by the parser */
        if (strcmp(a->tag[i].key, b->tag[i].key) != 0)
            return false;
    return true;
}

static void values_of_rule(const struct spy_rule *rule, struct values *values)
{
    values->len = 0;
    for (uint32_t i = 0; i < rule->tags; i++) {
        size_t len = strlen(rule->tag[i].value) + 1;
        memcpy(values->text + values->len, rule->tag[i].value, len);
        values->len += len;
    }
}

/* What the comment gives for the keys of RULE; false where one is missing. */
static bool values_of_comment(const struct spy_rule *rule, const char *comment, size_t len,
                              struct values *values)
{
    values->len = 0;
    for (uint32_t i = 0; i < rule->tags; i++) {
        char *value = values->text + values->len;
        if (!spy_sql_comment_tag(comment, len, rule->tag[i].key, value, SPY_RULES_TEXT_BYTES + 1))
            return false;
        values->len += strlen(value) + 1;
    }
    return true;
}

static uint64_t key_of(uint32_t group, const struct values *values)
{
    return spy_hash_seeded(values->text, values->len, group);
}

static void add_rule(struct spy_tags *tags, uint32_t rule)
{
    const struct spy_rule *rules = tags->rules->rule;
    uint32_t group = 0;
    while (group < tags->groups && !same_keys(&rules[tags->group[group]], &rules[rule]))
        group++;
    if (group == tags->groups)
        tags->group[tags->groups++] = rule;
    struct values values;
    values_of_rule(&rules[rule], &values);
    spy_edges_add(&tags->index, key_of(group, &values), rule + 1);
}

bool spy_tags_open(struct spy_tags *tags, const struct spy_rules *rules)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < rules->count; i++)
        count += rules->rule[i].match == SPY_RULE_COMMENT;
    *tags = (struct spy_tags){.rules = rules};
    tags->group = calloc((size_t)count + 1, sizeof(*tags->group));
    if (!spy_edges_open(&tags->index, count) || tags->group == NULL)
        return false;
    for (uint32_t i = 0; i < rules->count; i++)
        if (rules->rule[i].match == SPY_RULE_COMMENT)
            add_rule(tags, i);
    return true;
}

void spy_tags_close(struct spy_tags *tags)
{
    spy_edges_close(&tags->index);
    free(tags->group);
    tags->group = NULL;
}

static uint32_t match_group(const struct spy_tags *tags, uint32_t group, const char *comment,
                            size_t len)
{
    struct values asked, named;
    if (!values_of_comment(&tags->rules->rule[tags->group[group]], comment, len, &asked))
        return SPY_NO_RULE;
    uint32_t found = spy_edges_find(&tags->index, key_of(group, &asked));
    if (found == 0)
        return SPY_NO_RULE;
    values_of_rule(&tags->rules->rule[found - 1], &named);
    bool same = asked.len == named.len && memcmp(asked.text, named.text, asked.len) == 0;
    return same ? found - 1 : SPY_NO_RULE;
}

struct spy_sql_tags spy_tags_of(const char *text, size_t len, unsigned how)
{
    struct spy_sql_tags none = {text, text};
    if (len == 0 || memmem(text, len, "/*", 2) == NULL)
        return none;
    struct spy_sql_lexer lexer;
    spy_sql_start(&lexer, text, len);
    lexer.backslash = how & SPY_SQL_BACKSLASH;
    while (spy_sql_next(&lexer).kind != SPY_SQL_END)
        ;
    if (lexer.comment == NULL)
        return none;
    return (struct spy_sql_tags){lexer.comment, lexer.comment + lexer.comment_len};
}

uint32_t spy_tags_match(const struct spy_tags *tags, const struct spy_sql_tags *comment)
{
    uint32_t best = SPY_NO_RULE;
    size_t len = (size_t)(comment->end - comment->at);
    for (uint32_t group = 0; len > 0 && group < tags->groups; group++) {
        uint32_t rule = match_group(tags, group, comment->at, len);
        best = rule < best ? rule : best;
    }
    return best;
}

/* --- what tells comments apart ------------------------------------------------------------ */

static bool is_one_of(const struct spy_sql_tag *tag, const char *const *key, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (spy_sql_tag_is(tag, key[i]))
            return true;
    return false;
}

/* Does a rule ask for TAG, or attribution (origins.h)? */
static bool is_asked_for(const struct spy_tags *tags, const struct spy_sql_tag *tag)
{
    static const char *const origin[] = {"route", "controller", "action"};
    if (is_one_of(tag, origin, sizeof(origin) / sizeof(origin[0])))
        return true;
    for (uint32_t group = 0; group < tags->groups; group++) {
        const struct spy_rule *rule = &tags->rules->rule[tags->group[group]];
        for (uint32_t i = 0; i < rule->tags; i++)
            if (spy_sql_tag_is(tag, rule->tag[i].key))
                return true;
    }
    return false;
}

uint64_t spy_tags_hash(const struct spy_tags *tags, const struct spy_sql_tags *comment, bool *once)
{
    /* Of the other keys of the specification these stay the same from call to call. */
    static const char *const constant[] = {"framework", "db_driver", "application"};
    struct spy_sql_tags rest = *comment;
    struct spy_sql_tag tag;
    uint64_t hash = 0;
    *once = false;
    while (spy_sql_tags_next(&rest, &tag)) {
        if (is_asked_for(tags, &tag)) {
            uint64_t pair[] = {hash, spy_hash(tag.name, tag.name_len),
                               spy_hash(tag.value, tag.value_len)};
            hash = spy_hash(pair, sizeof(pair));
        } else if (!is_one_of(&tag, constant, sizeof(constant) / sizeof(constant[0]))) {
            *once = true;
        }
    }
    return hash;
}
