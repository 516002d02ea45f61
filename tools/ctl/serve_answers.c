/* SPDX-License-Identifier: MIT */
/*
 * What the endpoints answer: the documents of the commands' --json, made and printed by the same
 * functions. See serve.h.
 *
 * Unlike a command, the service goes on where there is nothing to read: watched processes come and
 * go. It then answers with an empty document, unless a process was asked for by its id.
 */
#include "ctl/find.h"
#include "ctl/json.h"
#include "ctl/repeats.h"
#include "ctl/serve.h"
#include "ctl/trend.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* One answer in the making. */
struct ctl_answer {
    struct ctl_serve *serve;
    const struct ctl_route *route;
    const struct ctl_request *request;
    struct ctl_reply *reply;
    struct ctl_args args;
    const char *pid; /* asked for, or NULL */
    struct ctl_run run;
    char *text; /* what RUN's OUT and ERR get */
    size_t text_len;
    char *said;
    size_t said_len;
};

/* ---- reading -------------------------------------------------------------------------------- */

/* The first sentence that a function of the commands said, without the tool's name. */
static const char *first_sentence(struct ctl_answer *a)
{
    const size_t prefix = sizeof(CTL_NAME ": ") - 1;
    fflush(a->run.err);
    char *text = a->said_len > prefix ? a->said + prefix : a->said;
    text[strcspn(text, "\n")] = '\0';
    return text;
}

/* With -p and ?pid= both, the process must be one of those of -p. */
static enum ctl_exit choose(struct ctl_answer *a, struct ctl_source *source, enum ctl_want want)
{
    struct ctl_args one = {.process = &a->pid, .processes = 1};
    enum ctl_exit result = CTL_OK;
    if (a->pid == NULL)
        return ctl_source_select(source, &a->args, want, a->run.err);
    if (a->args.processes > 0)
        result = ctl_source_select(source, &a->args, CTL_WANT_ALL, a->run.err);
    return result == CTL_OK ? ctl_source_select(source, &one, want, a->run.err) : result;
}

/* False after an error in the reply; SOURCE then needs no freeing. */
static bool find(struct ctl_answer *a, struct ctl_source *source, enum ctl_want want)
{
    ctl_source_scan(source, a->run.err);
    enum ctl_exit result = choose(a, source, want);
    if (result == CTL_OK || (result == CTL_NOTHING && a->pid == NULL))
        return true;
    if (a->pid != NULL)
        ctl_reply_error(a->reply, 404, "no_such_process", "pid", "%s", first_sentence(a));
    else
        ctl_reply_error(a->reply, 503, "not_readable", NULL, "%s", first_sentence(a));
    ctl_source_free(source);
    return false;
}

static enum ctl_want want_of(const struct ctl_answer *a)
{
    return a->args.last_ns > 0 ? CTL_WANT_WINDOW : CTL_WANT_TOTALS;
}

/* Processes may end between finding and loading; MODEL is then without them. */
static bool load(struct ctl_answer *a, struct ctl_model *model)
{
    struct ctl_source source;
    if (!find(a, &source, want_of(a)))
        return false;
    ctl_model_init(model, a->args.last_ns);
    (void)ctl_model_load(model, &source, &a->run);
    ctl_source_free(&source);
    if (model->count > 0)
        qsort(model->operation, model->count, sizeof(struct ctl_operation *), ctl_operation_worse);
    return true;
}

/* ---- replying ------------------------------------------------------------------------------- */

/* Hands over what was printed. */
static void reply_text(struct ctl_answer *a, const char *type)
{
    if (fflush(a->run.out) != 0)
        exit(CTL_OSERR);
    a->reply->status = 200;
    a->reply->type = type;
    a->reply->body = ctl_alloc(a->text_len + 1);
    memcpy(a->reply->body, a->text, a->text_len);
    a->reply->len = a->text_len;
}

static void reply_json(struct ctl_answer *a, json_t *document)
{
    ctl_json_print(&a->run, document);
    reply_text(a, "application/json");
}

/* ---- endpoints ------------------------------------------------------------------------------ */

void ctl_answer_operations(struct ctl_answer *a)
{
    struct ctl_model model;
    if (!load(a, &model))
        return;
    reply_json(a, ctl_json_stats(&model, NULL));
    ctl_model_free(&model);
}

/* By its whole name: programs that mean one operation should not get another one. */
void ctl_answer_operation(struct ctl_answer *a)
{
    struct ctl_model model;
    enum ctl_exit unused = CTL_OK;
    const char *name = a->request->path + strlen(a->route->path);
    if (!load(a, &model))
        return;
    const struct ctl_operation *op = ctl_find_operation(&model, name, &unused, a->run.err);
    if (op != NULL && strcmp(op->name, name) == 0)
        reply_json(a, ctl_json_stats(&model, op));
    else if (op != NULL)
        ctl_reply_error(a->reply, 404, "no_such_operation", "operation_name",
                        "no operation is called \"%s\"; did you mean %s?", name, op->name);
    else
        ctl_reply_error(a->reply, 404, "no_such_operation", "operation_name", "%s",
                        first_sentence(a));
    ctl_model_free(&model);
}

void ctl_answer_slow(struct ctl_answer *a)
{
    struct ctl_source source;
    struct ctl_slow slow = {0};
    if (!find(a, &source, want_of(a)))
        return;
    (void)ctl_slow_load(&slow, &source, &a->run);
    ctl_slow_sort(&slow, a->args.sort);
    size_t limit = a->args.limit > 0 ? a->args.limit : slow.count;
    reply_json(a, ctl_json_slow(&slow, limit, a->args.last_ns));
    ctl_slow_free(&slow);
    ctl_source_free(&source);
}

void ctl_answer_requests(struct ctl_answer *a)
{
    struct ctl_model model;
    if (!load(a, &model))
        return;
    ctl_repeats_sort(&model);
    reply_json(a, ctl_json_requests(&model, NULL));
    ctl_model_free(&model);
}

static const char *operation_of(const struct ctl_request *request)
{
    for (size_t i = 0; i < request->params; i++)
        if (strcmp(request->param[i].name, "operation") == 0)
            return request->param[i].value;
    return NULL;
}

/* Without a process there is nothing in it. What is wrong before any process was looked at are the
 * steps. */
void ctl_answer_history(struct ctl_answer *a)
{
    struct ctl_source source;
    struct ctl_trend trend;
    const char *name = operation_of(a->request);
    if (!find(a, &source, CTL_WANT_WINDOW))
        return;
    enum ctl_exit result = ctl_trend_load(&trend, &source, &a->run, name);
    bool whole = trend.only != NULL && strcmp(trend.only->name, name) == 0;
    if (result == CTL_USAGE && trend.model.members == 0)
        ctl_reply_error(a->reply, 422, "invalid_parameter", "step", "%s", first_sentence(a));
    else if (name == NULL || whole)
        reply_json(a, ctl_json_trend(&trend));
    else if (trend.only != NULL)
        ctl_reply_error(a->reply, 404, "no_such_operation", "operation",
                        "no operation is called \"%s\"; did you mean %s?", name, trend.only->name);
    else
        ctl_reply_error(a->reply, 404, "no_such_operation", "operation", "%s", first_sentence(a));
    ctl_trend_free(&trend);
    ctl_source_free(&source);
}

void ctl_answer_inflight(struct ctl_answer *a)
{
    struct ctl_source source;
    struct ctl_inflight inflight = {0};
    if (!find(a, &source, CTL_WANT_TOTALS))
        return;
    (void)ctl_inflight_load(&inflight, &source, &a->run);
    ctl_inflight_sort(&inflight);
    reply_json(a, ctl_json_inflight(&inflight, a->args.limit));
    ctl_inflight_free(&inflight);
    ctl_source_free(&source);
}

static void reply_benchmarks(struct ctl_answer *a, struct ctl_model *model)
{
    ctl_limits_min_calls(model, a->args.min_calls);
    struct ctl_bench_list list = ctl_bench_judge(model);
    reply_json(a, ctl_json_benchmarks(model, &list));
    ctl_bench_free(&list);
}

void ctl_answer_benchmarks(struct ctl_answer *a)
{
    struct ctl_model model;
    if (!load(a, &model))
        return;
    reply_benchmarks(a, &model);
    ctl_model_free(&model);
}

/* One after the other, so that the error can name the operation that is to blame. */
static bool apply(struct ctl_answer *a, struct ctl_limits *limits, struct ctl_model *model)
{
    for (size_t i = 0; i < limits->count; i++) {
        const struct ctl_limits one = {&limits->limit[i], 1};
        struct spy_error error;
        char field[SPY_NAME_BYTES + 16];
        if (ctl_limits_apply(&one, model, &error) == SPY_OK)
            continue;
        snprintf(field, sizeof(field), "limits.%s", limits->limit[i].operation);
        ctl_reply_error(a->reply, 422, "invalid_body", field, "%s", error.text);
        return false;
    }
    return true;
}

void ctl_answer_validate(struct ctl_answer *a)
{
    struct ctl_model model;
    struct ctl_limits limits = {0};
    if (ctl_serve_limits(a->request, &limits, a->reply) && load(a, &model)) {
        if (apply(a, &limits, &model))
            reply_benchmarks(a, &model);
        ctl_model_free(&model);
    }
    ctl_limits_free(&limits);
}

void ctl_answer_health(struct ctl_answer *a)
{
    struct ctl_source source;
    struct ctl_model model;
    if (!find(a, &source, CTL_WANT_WINDOW))
        return;
    ctl_model_init(&model, ctl_health_window(&source, &a->run));
    (void)ctl_model_load(&model, &source, &a->run);
    struct ctl_health health = ctl_health_of(&model);
    reply_json(a, ctl_json_health(&model, &health));
    ctl_health_free(&health);
    ctl_model_free(&model);
    ctl_source_free(&source);
}

/* The living and the dead: see metrics.h. */
void ctl_answer_metrics(struct ctl_answer *a)
{
    struct ctl_source source;
    if (!find(a, &source, CTL_WANT_WINDOW))
        return;
    ctl_metrics_print(&a->serve->ledger, &source, &a->run);
    reply_text(a, "text/plain; version=0.0.4; charset=utf-8");
    ctl_source_free(&source);
}

void ctl_serve_answer(struct ctl_serve *serve, const struct ctl_route *route,
                      const struct ctl_request *request, struct ctl_reply *reply)
{
    const struct ctl_args *own = serve->run->args;
    struct ctl_answer a = {.serve = serve, .route = route, .request = request, .reply = reply};
    a.args = (struct ctl_args){.process = own->process, .processes = own->processes, .json = true};
    if (!ctl_serve_query(request, route->params, &a.args, &a.pid, reply))
        return;
    a.run = (struct ctl_run){
        .args = &a.args,
        .out = open_memstream(&a.text, &a.text_len),
        .err = open_memstream(&a.said, &a.said_len),
        .now_mono_ns = ctl_clock_ns(CLOCK_MONOTONIC),
        .now_real_ns = ctl_clock_ns(CLOCK_REALTIME),
    };
    if (a.run.out == NULL || a.run.err == NULL)
        exit(CTL_OSERR);
    route->answer(&a);
    fclose(a.run.out);
    fclose(a.run.err);
    free(a.text);
    free(a.said);
}
