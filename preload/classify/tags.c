/* SPDX-License-Identifier: MIT */
/*
 * The `comment:` rules, compiled: see tags.h.
 */
#include "classify/tags.h"

#include "classify/hash.h"
#include "classify/patterns.h"
#include "shared/sql.h"

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

uint32_t spy_tags_match(const struct spy_tags *tags, const char *text, size_t len, unsigned how)
{
    uint32_t best = SPY_NO_RULE;
    if (tags->groups == 0 || len == 0 || memmem(text, len, "/*", 2) == NULL)
        return best;
    struct spy_sql_lexer lexer;
    spy_sql_start(&lexer, text, len);
    lexer.backslash = how & SPY_SQL_BACKSLASH;
    while (spy_sql_next(&lexer).kind != SPY_SQL_END)
        ;
    if (lexer.comment == NULL)
        return best;
    for (uint32_t group = 0; group < tags->groups; group++) {
        uint32_t rule = match_group(tags, group, lexer.comment, lexer.comment_len);
        best = rule < best ? rule : best;
    }
    return best;
}
