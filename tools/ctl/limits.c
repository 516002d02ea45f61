/* SPDX-License-Identifier: MIT */
/*
 * Parsing and applying limits; see limits.h.
 */
#include "ctl/limits.h"

#include "ctl/find.h"
#include "shared/rules.h"

#include <stdlib.h>
#include <string.h>

/* ---- parsing -------------------------------------------------------------------------------- */

static void list_stats(char *out, size_t cap)
{
    size_t used = 0;
    *out = '\0';
    for (uint32_t i = 0; i < SPY_STAT_COUNT && used < cap; i++)
        used += (size_t)snprintf(out + used, cap - used, "%s%s",
                                 i == 0                    ? ""
                                 : i + 1 == SPY_STAT_COUNT ? " or "
                                                           : ", ",
                                 spy_stat_name(i));
}

static enum spy_status parse_stat(const char *text, size_t len, uint32_t *stat,
                                  struct spy_error *err)
{
    char known[128];
    int found = spy_stat_find(text, len);
    if (found >= 0) {
        *stat = (uint32_t)found;
        return SPY_OK;
    }
    list_stats(known, sizeof(known));
    return spy_fail(err, SPY_ERR_VALUE, "\"%.*s\" is no statistic; write %s",
                    (int)(len < 40 ? len : 40), text, known);
}

static enum spy_status parse_limit(const char *text, struct spy_budget *budget,
                                   struct spy_error *err)
{
    if (budget->stat == SPY_STAT_ERRORS) {
        if (spy_share_parse(text, &budget->limit))
            return SPY_OK;
        return spy_fail(err, SPY_ERR_VALUE,
                        "limit on errors: \"%.40s\" is not a percentage from 0%% to 100%%, such as "
                        "1%% or 0.5%%",
                        text);
    }
    if (spy_duration_parse(text, &budget->limit) && budget->limit > 0)
        return SPY_OK;
    return spy_fail(err, SPY_ERR_VALUE,
                    "limit on %s: \"%.40s\" is not a duration longer than nothing, such as 200ms "
                    "or 1.5s",
                    spy_stat_name(budget->stat), text);
}

static enum spy_status add(struct ctl_limits *limits, const char *operation, size_t len,
                           const char *stat, size_t stat_len, const char *limit,
                           struct spy_error *err)
{
    struct ctl_limit new = {0};
    if (len == 0)
        return spy_fail(err, SPY_ERR_VALUE, "a limit needs the name of an operation");
    enum spy_status status = parse_stat(stat, stat_len, &new.budget.stat, err);
    if (status == SPY_OK)
        status = parse_limit(limit, &new.budget, err);
    if (status != SPY_OK)
        return status;
    new.operation = ctl_alloc(len + 1);
    memcpy(new.operation, operation, len);
    limits->limit = ctl_grow(limits->limit, limits->count + 1, sizeof(new));
    limits->limit[limits->count++] = new;
    return SPY_OK;
}

enum spy_status ctl_limits_add(struct ctl_limits *limits, const char *operation, const char *stat,
                               const char *limit, struct spy_error *err)
{
    return add(limits, operation, strlen(operation), stat, strlen(stat), limit, err);
}

/* Names of unmapped statements may hold a '='; what follows the operation cannot. */
enum spy_status ctl_limits_add_text(struct ctl_limits *limits, const char *text,
                                    struct spy_error *err)
{
    const char *equals = strrchr(text, '=');
    if (equals == NULL)
        return spy_fail(err, SPY_ERR_VALUE,
                        "\"%.80s\" is not OPERATION=STAT:LIMIT, such as api.get_part=p99:50ms",
                        text);
    const char *stat = equals + 1;
    const char *colon = strchr(stat, ':');
    size_t len = (size_t)(equals - text);
    if (colon != NULL)
        return add(limits, text, len, stat, (size_t)(colon - stat), colon + 1, err);
    const char *usual = spy_stat_name(SPY_STAT_P95);
    return add(limits, text, len, usual, strlen(usual), stat, err);
}

/* ---- applying ------------------------------------------------------------------------------- */

/* What ctl_find_operation() says, without the tool's name before it and the end of the line. */
static enum spy_status explain(struct spy_error *err, enum ctl_exit result, const char *text)
{
    const size_t prefix = sizeof(CTL_NAME ": ") - 1;
    const char *sentence = strlen(text) > prefix ? text + prefix : text;
    return spy_fail(err, result == CTL_USAGE ? SPY_ERR_VALUE : SPY_ERR_ABSENT, "%.*s",
                    (int)strcspn(sentence, "\n"), sentence);
}

static enum spy_status find(const struct ctl_model *model, const char *name,
                            const struct ctl_operation **found, struct spy_error *err)
{
    enum ctl_exit result = CTL_OK;
    enum spy_status status = SPY_OK;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (out == NULL)
        exit(CTL_OSERR);
    *found = ctl_find_operation(model, name, &result, out);
    fclose(out);
    if (*found == NULL)
        status = explain(err, result, text);
    free(text);
    return status;
}

/* The operations of one name: a request and a statement may share it. */
static void set_all(struct ctl_model *model, const char *name, const struct spy_budget *budget)
{
    for (size_t i = 0; i < model->count; i++)
        if (strcmp(model->operation[i]->name, name) == 0)
            ctl_operation_limit(model->operation[i], budget);
}

enum spy_status ctl_limits_apply(const struct ctl_limits *limits, struct ctl_model *model,
                                 struct spy_error *err)
{
    const struct ctl_operation **found = ctl_alloc(limits->count * sizeof(*found));
    enum spy_status status = SPY_OK;
    for (size_t i = 0; i < limits->count && status == SPY_OK; i++)
        status = find(model, limits->limit[i].operation, &found[i], err);
    for (size_t i = 0; i < limits->count && status == SPY_OK; i++)
        set_all(model, found[i]->name, &limits->limit[i].budget);
    free(found);
    return status;
}

void ctl_limits_min_calls(struct ctl_model *model, uint64_t calls)
{
    for (size_t i = 0; i < model->count; i++)
        model->operation[i]->min_calls = calls;
}

void ctl_limits_free(struct ctl_limits *limits)
{
    for (size_t i = 0; i < limits->count; i++)
        free(limits->limit[i].operation);
    free(limits->limit);
    *limits = (struct ctl_limits){0};
}
