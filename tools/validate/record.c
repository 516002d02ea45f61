/* SPDX-License-Identifier: MIT */
/*
 * Recording the client's view; see record.h.
 */
#include "validate/record.h"

#include "validate/route.h"

#include <stdlib.h>
#include <string.h>

static struct val_seen *add_operation(struct val_record *record, const char *name, uint32_t kind)
{
    struct val_seen *seen = ctl_alloc(sizeof(*seen));
    seen->op.name = ctl_copy(name);
    seen->op.kind = kind;
    spy_totals_clear(&seen->op.totals);
    spy_totals_clear(&seen->sum);
    record->seen = ctl_grow(record->seen, record->count + 1, sizeof(struct val_seen *));
    record->seen[record->count++] = seen;
    return seen;
}

void val_record_init(struct val_record *record, const struct spy_rules *rules)
{
    *record = (struct val_record){.lock = PTHREAD_MUTEX_INITIALIZER, .rules = rules};
    for (uint32_t i = 0; i < rules->count; i++) {
        const struct spy_rule *rule = &rules->rule[i];
        struct val_seen *seen = add_operation(
            record, rule->name, rule->match == SPY_RULE_HTTP ? SPY_KIND_HTTP : SPY_KIND_SQL);
        seen->op.mapped = true;
        seen->op.budgets = rule->budgets;
        memcpy(seen->op.budget, rule->budget, sizeof(rule->budget));
    }
}

void val_record_free(struct val_record *record)
{
    for (size_t i = 0; i < record->count; i++) {
        free(record->seen[i]->op.name);
        free(record->seen[i]);
    }
    free(record->seen);
    pthread_mutex_destroy(&record->lock);
}

static struct val_seen *find_unmapped(struct val_record *record, const struct val_request *request)
{
    char name[SPY_NAME_BYTES];
    val_route_template(name, sizeof(name), request->method, request->path);
    for (size_t i = record->rules->count; i < record->count; i++)
        if (strcmp(record->seen[i]->op.name, name) == 0)
            return record->seen[i];
    return add_operation(record, name, SPY_KIND_HTTP);
}

static struct spy_sample sample_of(const struct val_response *response)
{
    return (struct spy_sample){
        .code = (uint32_t)response->status,
        .failed = !response->answered || response->status >= 500,
        .aborted = !response->answered,
        .dur_ns = response->dur_ns,
        .wait_ns = response->wait_ns,
        .bytes_in = response->bytes_in,
        .bytes_out = response->bytes_out,
    };
}

const char *val_record_add(struct val_record *record, const struct val_request *request,
                           const struct val_response *response, bool timed)
{
    struct spy_sample sample = sample_of(response);
    int rule = val_route_find(record->rules, request->method, request->path);
    pthread_mutex_lock(&record->lock);
    struct val_seen *seen = rule >= 0 ? record->seen[rule] : find_unmapped(record, request);
    spy_totals_add_sample(&seen->sum, &sample, record->rules->level_bounds_ns);
    if (timed)
        spy_totals_add_sample(&seen->op.totals, &sample, record->rules->level_bounds_ns);
    seen->unanswered += !response->answered;
    pthread_mutex_unlock(&record->lock);
    return seen->op.name;
}

uint64_t val_record_requests(const struct val_record *record)
{
    uint64_t requests = 0;
    for (size_t i = 0; i < record->count; i++)
        requests += record->seen[i]->sum.calls;
    return requests;
}

void val_record_model(const struct val_record *record, uint64_t begin_ns, uint64_t end_ns,
                      struct ctl_model *model)
{
    ctl_model_init(model, 0);
    model->begin_ns = begin_ns;
    model->end_ns = end_ns;
    model->has_rules = true;
    memcpy(model->level_bounds_ns, record->rules->level_bounds_ns, sizeof(model->level_bounds_ns));
    model->count = record->count;
    model->operation = ctl_alloc(record->count * sizeof(struct ctl_operation *));
    for (size_t i = 0; i < record->count; i++)
        model->operation[i] = &record->seen[i]->op;
}

void val_record_release(struct ctl_model *model)
{
    free(model->operation);
    model->operation = NULL;
    model->count = 0;
}
