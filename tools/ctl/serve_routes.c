/* SPDX-License-Identifier: MIT */
/*
 * The table of endpoints; see serve.h. A new one is a row here, a function in serve_answers.c and
 * a path in tools/openapi.yaml.
 */
#include "ctl/serve.h"

#include <string.h>

#define OPERATION "/performance/metrics/operations/"

/* Performance data are for super admins. Prometheus need not hold so strong a token: what it reads
 * has names and numbers, but no statement. */
static const struct ctl_route routes[] = {
    {"/performance/metrics/operations", "GET", CTL_FOR_SUPER_ADMINS, CTL_PARAM_PID | CTL_PARAM_LAST,
     ctl_answer_operations},
    {OPERATION, "GET", CTL_FOR_SUPER_ADMINS, CTL_PARAM_PID | CTL_PARAM_LAST, ctl_answer_operation},
    {"/performance/metrics/slow-operations", "GET", CTL_FOR_SUPER_ADMINS,
     CTL_PARAM_PID | CTL_PARAM_LAST | CTL_PARAM_LIMIT | CTL_PARAM_SORT | CTL_PARAM_WORST,
     ctl_answer_slow},
    {"/performance/requests", "GET", CTL_FOR_SUPER_ADMINS, CTL_PARAM_PID | CTL_PARAM_LAST,
     ctl_answer_requests},
    {"/performance/history", "GET", CTL_FOR_SUPER_ADMINS,
     CTL_PARAM_PID | CTL_PARAM_LAST | CTL_PARAM_STEP | CTL_PARAM_OPERATION, ctl_answer_history},
    {"/performance/inflight", "GET", CTL_FOR_SUPER_ADMINS, CTL_PARAM_PID | CTL_PARAM_LIMIT,
     ctl_answer_inflight},
    {"/performance/benchmarks", "GET", CTL_FOR_SUPER_ADMINS,
     CTL_PARAM_PID | CTL_PARAM_LAST | CTL_PARAM_MIN_CALLS, ctl_answer_benchmarks},
    {"/performance/benchmarks/validate", "POST", CTL_FOR_SUPER_ADMINS,
     CTL_PARAM_PID | CTL_PARAM_LAST | CTL_PARAM_MIN_CALLS, ctl_answer_validate},
    {"/performance/health", "GET", CTL_FOR_SUPER_ADMINS, CTL_PARAM_PID | CTL_PARAM_LAST,
     ctl_answer_health},
    {"/metrics", "GET", CTL_OPENABLE, 0, ctl_answer_metrics},
};

static bool is_at(const struct ctl_route *route, const char *path)
{
    size_t len = strlen(route->path);
    if (route->path[len - 1] != '/')
        return strcmp(path, route->path) == 0;
    return strncmp(path, route->path, len) == 0 && path[len] != '\0';
}

static bool takes(const struct ctl_route *route, const char *method)
{
    return strcmp(method, route->method) == 0 ||
           (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

const struct ctl_route *ctl_route_find(const char *method, const char *path,
                                       struct ctl_reply *reply)
{
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (!is_at(&routes[i], path))
            continue;
        if (takes(&routes[i], method))
            return &routes[i];
        bool get = strcmp(routes[i].method, "GET") == 0;
        ctl_reply_error(reply, 405, "method_not_allowed", NULL, "%s does not take %s", path,
                        method);
        reply->allow = get ? "GET, HEAD" : routes[i].method;
        return NULL;
    }
    ctl_reply_error(reply, 404, "not_found", NULL, "there is nothing at %s", path);
    return NULL;
}
