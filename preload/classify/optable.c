/* SPDX-License-Identifier: MIT */
/*
 * The operation table's writer. Contract in optable.h, the rows' protocol in shared/region.h.
 */
#include "classify/optable.h"

#include "classify/hash.h"

#include <stdio.h>
#include <string.h>

struct fields {
    enum spy_kind kind;
    const char *name;
    const struct spy_rule *rule; /* NULL: unmapped */
    uint32_t index;
};

static uint64_t key_of(enum spy_kind kind, bool mapped, const char *name)
{
    return spy_hash_seeded(name, strlen(name), (uint64_t)kind * 2 + mapped);
}

uint32_t spy_optable_named(const struct spy_optable *table, enum spy_kind kind, const char *name)
{
    return spy_optable_find(table, key_of(kind, true, name));
}

uint64_t spy_optable_key(enum spy_kind kind, const char *name)
{
    return key_of(kind, false, name);
}

/* From when on a call of OP is kept as slow; see region.h. A mean says nothing about one call. */
static uint64_t watch_of(const struct spy_op *op)
{
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < op->budgets; i++) {
        bool of_one_call =
            op->budget[i].stat != SPY_STAT_ERRORS && op->budget[i].stat != SPY_STAT_MEAN;
        if (of_one_call && op->budget[i].limit < least)
            least = op->budget[i].limit;
    }
    return least;
}

void spy_optable_set_terms(struct spy_region *region, uint32_t row, const struct spy_rule *rule,
                           uint32_t index)
{
    struct spy_op *op = spy_region_op(region, row);
    op->rule = index;
    op->budgets = rule != NULL ? (uint8_t)rule->budgets : 0;
    if (rule != NULL)
        memcpy(op->budget, rule->budget, sizeof(op->budget));
    spy_term_set(op->may_repeat, rule != NULL && rule->may_repeat);
    spy_term_set(op->sample, rule != NULL ? rule->sample : 0);
    spy_term_set(op->watch_ns, watch_of(op));
}

static void fill(struct spy_region *region, uint32_t row, const struct fields *fields, uint64_t key)
{
    struct spy_op *op = spy_region_op(region, row);
    op->kind = (uint8_t)fields->kind;
    op->mapped = fields->rule != NULL;
    op->key = key;
    memset(op->name, 0, sizeof(op->name));
    memcpy(op->name, fields->name, strnlen(fields->name, sizeof(op->name) - 1));
    spy_optable_set_terms(region, row, fields->rule, fields->index);
}
_Static_assert(SPY_BUDGETS == SPY_RULES_BUDGETS, "every benchmark of a rule has its place");
_Static_assert(SPY_NAME_BYTES == SPY_RULES_NAME_BYTES, "every name of a rule fits");

static uint32_t add(struct spy_optable *table, uint64_t key, const struct fields *fields,
                    bool *added)
{
    *added = false;
    uint32_t row = spy_intern_take(&table->intern);
    if (row == 0)
        return 0;
    fill(table->region, row, fields, key);
    uint32_t winner = spy_intern_publish(&table->intern, key, row);
    *added = winner == row;
    /* Pairs with the readers' acquire: whoever sees READY sees the fields. */
    if (*added)
        atomic_store_explicit(&spy_region_op(table->region, row)->state, SPY_OP_READY,
                              memory_order_release);
    /* Pairs with the acquire in classify/origins.c: who sees the number sees the operation. */
    if (*added && fields->kind == SPY_KIND_HTTP)
        atomic_fetch_add_explicit(&table->requests, 1, memory_order_release);
    return winner;
}

static void add_other(struct spy_region *region, uint32_t row, enum spy_kind kind, const char *name)
{
    fill(region, row, &(struct fields){.kind = kind, .name = name}, key_of(kind, false, name));
    atomic_store_explicit(&spy_region_op(region, row)->state, SPY_OP_READY, memory_order_release);
}

bool spy_optable_open(struct spy_optable *table, struct spy_region *region)
{
    table->region = region;
    add_other(region, SPY_OP_OTHER_SQL, SPY_KIND_SQL, "other (sql)");
    add_other(region, SPY_OP_OTHER_HTTP, SPY_KIND_HTTP, "other (http)");
    atomic_store_explicit(&region->ops_used, SPY_OP_FIRST_FREE, memory_order_relaxed);
    uint32_t empty = 0; /* position 0 of the text section stands for "no text" */
    atomic_compare_exchange_strong(&region->text_used, &empty, 1);
    return spy_intern_open(&table->intern, &region->ops_used, SPY_OPS_MAX);
}

void spy_optable_share(struct spy_optable *table, const struct spy_optable *other)
{
    table->region = other->region;
    spy_intern_share(&table->intern, &other->intern);
}

void spy_optable_close(struct spy_optable *table)
{
    spy_intern_close(&table->intern);
}

uint32_t spy_optable_add_rule(struct spy_optable *table, const struct spy_rule *rule,
                              uint32_t index)
{
    enum spy_kind kind = rule->match == SPY_RULE_HTTP ? SPY_KIND_HTTP : SPY_KIND_SQL;
    struct fields fields = {.kind = kind, .name = rule->name, .rule = rule, .index = index};
    uint64_t key = key_of(kind, true, rule->name);
    bool added;
    uint32_t row = spy_optable_find(table, key); /* of rules before these */
    if (row == 0)
        row = add(table, key, &fields, &added);
    if (row != 0)
        return row;
    return kind == SPY_KIND_HTTP ? SPY_OP_OTHER_HTTP : SPY_OP_OTHER_SQL;
}

uint32_t spy_optable_find(const struct spy_optable *table, uint64_t key)
{
    return spy_intern_find(&table->intern, key);
}

uint32_t spy_optable_add(struct spy_optable *table, uint64_t key, enum spy_kind kind,
                         const char *name, bool *added)
{
    return add(table, key, &(struct fields){.kind = kind, .name = name}, added);
}

uint32_t spy_optable_sql(struct spy_optable *table, const char *name)
{
    bool added;
    uint64_t key = spy_optable_key(SPY_KIND_SQL, name);
    uint32_t op = spy_optable_find(table, key);
    if (op == 0)
        op = spy_optable_add(table, key, SPY_KIND_SQL, name, &added);
    return op != 0 ? op : SPY_OP_OTHER_SQL;
}

uint32_t spy_optable_statement(struct spy_optable *table, uint64_t fingerprint)
{
    char name[SPY_NAME_BYTES];
    snprintf(name, sizeof(name), "sql:%016llx", (unsigned long long)fingerprint);
    return spy_optable_sql(table, name);
}

void spy_optable_keep_text(struct spy_optable *table, uint32_t op, const char *text, uint32_t len)
{
    struct spy_region *region = table->region;
    struct spy_op *row = spy_region_op(region, op);
    uint32_t none = 0;
    if (op < SPY_OP_FIRST_FREE || len == 0 || len > SPY_STATEMENT_BYTES)
        return;
    if (atomic_load_explicit(&row->text, memory_order_relaxed) != 0 ||
        !atomic_compare_exchange_strong_explicit(&row->text, &none, SPY_TEXT_CLAIMED,
                                                 memory_order_relaxed, memory_order_relaxed))
        return;
    uint32_t at = spy_region_text_add(region, text, len);
    if (at == 0)
        return; /* stays claimed: the section only ever gets fuller */
    /* Pairs with the readers' acquire: whoever sees the position sees the bytes. */
    atomic_store_explicit(&row->text, at, memory_order_release);
}
