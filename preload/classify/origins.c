/* SPDX-License-Identifier: MIT */
/*
 * Origins of statements: see origins.h.
 */
#include "classify/origins.h"

#include "classify/hash.h"
#include "classify/template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longest value of a tag that is looked at: no operation has a longer path. */
#define VALUE_BYTES SPY_RULES_PATH_BYTES

/* What an origin is known by. */
enum { KEY_NAMED = 1, KEY_ROUTE };

bool spy_origins_open(struct spy_origins *origins, const struct spy_rules *rules,
                      const struct spy_optable *ops)
{
    origins->rules = rules;
    origins->ops = ops;
    /* calloc: the pages of origins that never come are never touched. */
    origins->row = calloc(SPY_ORIGINS_MAX, sizeof(*origins->row));
    atomic_store_explicit(&origins->used, 1, memory_order_relaxed);
    return origins->row != NULL &&
           spy_intern_open(&origins->intern, &origins->used, SPY_ORIGINS_MAX);
}

void spy_origins_close(struct spy_origins *origins)
{
    spy_intern_close(&origins->intern);
    free(origins->row);
    origins->row = NULL;
}

/* --- shapes ------------------------------------------------------------------------------- */

struct shape {
    char text[VALUE_BYTES];
    size_t len;
};

/* What does not fit is left out: paths that differ only there are alike. */
static void put(struct shape *shape, const char *text, size_t len)
{
    if (len > sizeof(shape->text) - shape->len)
        len = sizeof(shape->text) - shape->len;
    memcpy(shape->text + shape->len, text, len);
    shape->len += len;
}

static bool is_in(const char *set, char c)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* Where the segment at AT ends: at a slash, but for one within brackets, as in (?P<x>[^/]+). */
static const char *segment_end(const char *at, const char *end)
{
    int depth = 0;
    for (; at < end && (*at != '/' || depth > 0); at++) {
        if (is_in("([{<", *at))
            depth++;
        else if (depth > 0 && is_in(")]}>", *at))
            depth--;
    }
    return at;
}

static bool is_parameter(const char *segment, size_t len)
{
    if (segment[0] == ':')
        return true;
    for (size_t i = 0; i < len; i++)
        if (is_in("([{<*", segment[i]))
            return true;
    return spy_template_hides(segment, len);
}

/* Leaves out what frameworks write around a pattern: a method, anchors, slashes, Rails' format. */
static const char *trim(const char *at, const char **end)
{
    static const char format[] = "(.:format)";
    const size_t format_len = sizeof(format) - 1;
    const char *space = memchr(at, ' ', (size_t)(*end - at));
    if (space != NULL)
        at = space + 1;
    while (at < *end && (*at == '^' || *at == '/'))
        at++;
    if ((size_t)(*end - at) >= format_len && memcmp(*end - format_len, format, format_len) == 0)
        *end -= format_len;
    while (*end > at && ((*end)[-1] == '$' || (*end)[-1] == '/'))
        --*end;
    return at;
}

uint64_t spy_origins_shape(const char *path, size_t len)
{
    struct shape shape = {.len = 0};
    const char *end = path + len;
    const char *at = trim(path, &end);
    while (at < end) {
        const char *behind = segment_end(at, end);
        size_t segment = (size_t)(behind - at);
        put(&shape, "/", 1);
        if (segment > 0 && is_parameter(at, segment))
            put(&shape, "{}", 2);
        else
            put(&shape, at, segment);
        at = behind + (behind < end);
    }
    uint64_t hash = spy_hash(shape.text, shape.len);
    return hash != 0 ? hash : 1;
}

/* --- what a comment names ----------------------------------------------------------------- */

/* Finds another name for one operation, or a second operation: then *FOUND is OTHER_HTTP, which has
 * no name of a rule. */
static void look_up(const struct spy_origins *origins, const char *name, uint32_t *found)
{
    uint32_t op = spy_optable_named(origins->ops, SPY_KIND_HTTP, name);
    if (op != 0)
        *found = *found == 0 || *found == op ? op : SPY_OP_OTHER_HTTP;
}

static bool value_of(const struct spy_sql_tags *comment, const char *key, char value[VALUE_BYTES])
{
    size_t len = (size_t)(comment->end - comment->at);
    return spy_sql_comment_tag(comment->at, len, key, value, VALUE_BYTES) && value[0] != '\0';
}

/* The operation that is named, 0 if none is. */
static uint32_t named(const struct spy_origins *origins, const struct spy_sql_tags *comment,
                      const char *route)
{
    char controller[VALUE_BYTES], action[VALUE_BYTES], both[SPY_NAME_BYTES];
    uint32_t found = 0;
    bool has_controller = value_of(comment, "controller", controller);
    bool has_action = value_of(comment, "action", action);
    if (has_action)
        look_up(origins, action, &found);
    if (has_controller)
        look_up(origins, controller, &found);
    if (route != NULL)
        look_up(origins, route, &found);
    if (has_controller && has_action) {
        int len = snprintf(both, sizeof(both), "%s.%s", controller, action);
        if (len > 0 && (size_t)len < sizeof(both))
            look_up(origins, both, &found);
    }
    return found;
}

static uint32_t intern(struct spy_origins *origins, uint64_t key, uint64_t shape, uint32_t op)
{
    uint32_t which = spy_intern_find(&origins->intern, key);
    if (which != 0)
        return which;
    which = spy_intern_take(&origins->intern);
    if (which == 0) {
        atomic_fetch_add_explicit(&origins->ops->region->self[SPY_SELF_ORIGINS_FULL], 1,
                                  memory_order_relaxed);
        return 0;
    }
    struct spy_origin *row = &origins->row[which];
    row->shape = shape;
    atomic_store_explicit(&row->op[0], op, memory_order_relaxed);
    return spy_intern_publish(&origins->intern, key, which);
}

/* Not inlined: its buffers must not burden the stack of the hot path. */
__attribute__((noinline)) uint32_t spy_origins_find(struct spy_origins *origins,
                                                    const struct spy_sql_tags *comment)
{
    char route[VALUE_BYTES];
    bool has_route = value_of(comment, "route", route);
    uint32_t op = named(origins, comment, has_route ? route : NULL);
    if (op == SPY_OP_OTHER_HTTP)
        return 0;
    if (op != 0)
        return intern(origins, spy_hash_seeded(&op, sizeof(op), KEY_NAMED), 0, op);
    if (!has_route)
        return 0;
    uint64_t shape = spy_origins_shape(route, strlen(route));
    return intern(origins, spy_hash_seeded(&shape, sizeof(shape), KEY_ROUTE), shape, 0);
}

/* --- which operations these are ----------------------------------------------------------- */

/* Is SHAPE that of a path of operation OP? */
static bool has_shape(const struct spy_origins *origins, const struct spy_op *op, uint64_t shape)
{
    if (!op->mapped) {
        const char *path = strchr(op->name, ' ');
        return path != NULL && path[1] == '/' &&
               spy_origins_shape(path + 1, strlen(path + 1)) == shape;
    }
    const struct spy_rule *rule = &origins->rules->rule[op->rule];
    for (uint32_t i = 0; i < rule->routes; i++)
        if (spy_origins_shape(rule->route[i].path, strlen(rule->route[i].path)) == shape)
            return true;
    return false;
}

/* Several threads may learn the same at one time: each place is taken once, in order. */
static void add_op(struct spy_origin *row, uint32_t op)
{
    for (uint32_t i = 0; i < SPY_ORIGIN_OPS; i++) {
        uint32_t there = 0;
        if (atomic_compare_exchange_strong_explicit(&row->op[i], &there, op, memory_order_relaxed,
                                                    memory_order_relaxed) ||
            there == op)
            return;
    }
    atomic_store_explicit(&row->many, 1, memory_order_relaxed);
}

/* Operations may have come since the origin was asked for the last time. */
static void learn(const struct spy_origins *origins, struct spy_origin *row)
{
    struct spy_region *region = origins->ops->region;
    /* Pairs with the release in optable.c. */
    uint32_t there = atomic_load_explicit(&origins->ops->requests, memory_order_acquire);
    if (atomic_load_explicit(&row->learnt, memory_order_acquire) == there)
        return;
    uint32_t used = spy_region_ops(region);
    for (uint32_t i = SPY_OP_FIRST_FREE; i < used; i++) {
        const struct spy_op *op = spy_region_op(region, i);
        if (atomic_load_explicit(&op->state, memory_order_acquire) == SPY_OP_READY &&
            op->kind == SPY_KIND_HTTP && has_shape(origins, op, row->shape))
            add_op(row, i);
    }
    /* Release: who finds this number, above, finds the operations. */
    atomic_store_explicit(&row->learnt, there, memory_order_release);
}

uint32_t spy_origins_ops(struct spy_origins *origins, uint32_t origin, uint32_t op[SPY_ORIGIN_OPS])
{
    struct spy_origin *row = &origins->row[origin];
    uint32_t count = 0;
    if (row->shape != 0)
        learn(origins, row);
    if (atomic_load_explicit(&row->many, memory_order_relaxed) != 0)
        return 0;
    while (count < SPY_ORIGIN_OPS &&
           (op[count] = atomic_load_explicit(&row->op[count], memory_order_relaxed)) != 0)
        count++;
    return count;
}
