/* SPDX-License-Identifier: MIT */
/*
 * `requests`: what each request spent its time on, or one of them in detail (requests.c).
 */
#include "ctl/command.h"
#include "ctl/find.h"
#include "ctl/json.h"
#include "ctl/repeats.h"
#include "ctl/requests.h"

#include <stdlib.h>
#include <string.h>

static bool is_called(const struct ctl_model *model, uint32_t kind, const char *name)
{
    for (size_t i = 0; i < model->count; i++)
        if (model->operation[i]->kind == kind && strcmp(model->operation[i]->name, name) == 0)
            return true;
    return false;
}

/* The request called NAME: statements are not looked at, though their names may end alike. */
static const struct ctl_operation *find_request(const struct ctl_model *model, const char *name,
                                                enum ctl_exit *result, FILE *err)
{
    struct ctl_model requests = {
        .operation = ctl_alloc((model->count + 1) * sizeof(struct ctl_operation *))};
    for (size_t i = 0; i < model->count; i++)
        if (model->operation[i]->kind == SPY_KIND_HTTP)
            requests.operation[requests.count++] = model->operation[i];
    const struct ctl_operation *found = NULL;
    *result = CTL_NOTHING;
    if (is_called(model, SPY_KIND_SQL, name) && !is_called(model, SPY_KIND_HTTP, name))
        ctl_say(err, "%s is a statement, not a request; \"" CTL_NAME " stats\" shows it", name);
    else
        found = ctl_find_operation(&requests, name, result, err);
    free(requests.operation);
    return found;
}

static enum ctl_exit show(struct ctl_model *model, const struct ctl_run *run)
{
    const struct ctl_operation *only = NULL;
    enum ctl_exit result = CTL_OK;
    if (model->count > 0)
        qsort(model->operation, model->count, sizeof(struct ctl_operation *), ctl_operation_worse);
    ctl_repeats_sort(model);
    if (run->args->operands > 0) {
        only = find_request(model, run->args->operand[0], &result, run->err);
        if (only == NULL)
            return result;
    }
    if (run->args->json)
        ctl_json_print(run, ctl_json_requests(model, only));
    else if (only != NULL)
        ctl_requests_detail(model, only, run);
    else
        ctl_requests_table(model, run);
    return CTL_OK;
}

enum ctl_exit ctl_cmd_requests(const struct ctl_run *run)
{
    return ctl_model_answer(run, show);
}
