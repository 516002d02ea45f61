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

const struct ctl_command ctl_command_requests = {
    .name = "requests",
    .operands = "[OPERATION]",
    .summary = "show what requests spent their time on, and repeated statements (N+1)",
    .help = "Shows for every request how its time was spent, as shares of the mean: reading "
            "the request; waiting for the database's first results; fetching rows; blocked "
            "until the client took the response; and program, which is all the rest: its own "
            "code, but also locks, other services, and waiting for a connection from a pool. "
            "A synchronous call (PQexec) returns with all of its rows: all of it is waiting, and "
            "fetching rows is seen only of asynchronous calls. "
            "Where a request has several queries at once their times overlap: the shares, "
            "shown as measured, then add up to more than the whole, and the line says so.\n\n"
            "QUERIES is the mean of queries a request; ~ stands before numbers that are "
            "rounded down, those above 15. A query belongs to the only request of its thread, "
            "else to the only one under way, else to the one that its sqlcommenter tag names; "
            "the line below the table counts each way, and those that belong to no request "
            "for certain: they are in no request's numbers.\n\n"
            "Below stand repeated statements (N+1), those that took most time first: run in "
            "one request at least 5 times, for more than 50 ms or 30 % of it; the rules may "
            "set other bounds (repeats), and allow it to a statement (may_repeat). In each "
            "request 8 different statements are counted at a time, and 64 findings are kept "
            "of a process, over its whole life.\n\n"
            "With OPERATION shows that one in detail, with the percentiles of each part and "
            "of the time to the first byte; these are within 4.4 %, and a request in which a "
            "part took no time counts as 0.",
    .options = CTL_READS | CTL_BIT(LAST) | CTL_BIT(WATCH),
    .max_operands = 1,
    .run = ctl_cmd_requests,
};

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
