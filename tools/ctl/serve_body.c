/* SPDX-License-Identifier: MIT */
/*
 * The body of `POST .../benchmarks/validate`: limits, in the form of the rules' benchmarks. See
 * serve.h.
 *
 *   {"limits": {"api.get_part": "200ms", "parts_crud.get_part": {"p99": "50ms", "errors": "1%"}}}
 */
#include "ctl/serve.h"

#include <stdio.h>
#include <string.h>

/* "limits", "limits.NAME" or "limits.NAME.STAT". */
#define FIELD_BYTES 256u

static bool invalid(struct ctl_reply *reply, const char *field, const char *text)
{
    ctl_reply_error(reply, 422, "invalid_body", field, "%s", text);
    return false;
}

static bool take_limit(const char *operation, const char *stat, const json_t *value,
                       struct ctl_limits *limits, const char *field, struct ctl_reply *reply)
{
    struct spy_error error;
    if (!json_is_string(value))
        return invalid(reply, field,
                       "a limit is a text with its unit, such as \"200ms\", or \"1%\" of errors");
    if (ctl_limits_add(limits, operation, stat, json_string_value(value), &error) == SPY_OK)
        return true;
    return invalid(reply, field, error.text);
}

/* A limit on p95, or an object of one limit a statistic. */
static bool take_operation(const char *operation, json_t *value, struct ctl_limits *limits,
                           struct ctl_reply *reply)
{
    char field[FIELD_BYTES];
    const char *stat;
    json_t *limit;
    snprintf(field, sizeof(field), "limits.%s", operation);
    if (json_is_string(value))
        return take_limit(operation, spy_stat_name(SPY_STAT_P95), value, limits, field, reply);
    if (!json_is_object(value) || json_object_size(value) == 0)
        return invalid(reply, field,
                       "neither a limit such as \"200ms\" nor limits such as {\"p99\": \"200ms\"}");
    json_object_foreach(value, stat, limit)
    {
        snprintf(field, sizeof(field), "limits.%s.%s", operation, stat);
        if (!take_limit(operation, stat, limit, limits, field, reply))
            return false;
    }
    return true;
}

static bool take_document(json_t *document, struct ctl_limits *limits, struct ctl_reply *reply)
{
    const char *key, *operation;
    json_t *value, *limit;
    if (!json_is_object(document))
        return invalid(reply, "limits", "the body is not an object such as {\"limits\": {...}}");
    json_object_foreach(document, key, value)
    {
        if (strcmp(key, "limits") != 0)
            return invalid(reply, key, "there is no such key; there is: limits");
        if (!json_is_object(value))
            return invalid(reply, key, "not an object with names of operations as keys");
        json_object_foreach(value, operation, limit)
        {
            if (!take_operation(operation, limit, limits, reply))
                return false;
        }
    }
    return true;
}

bool ctl_serve_limits(const struct ctl_request *request, struct ctl_limits *limits,
                      struct ctl_reply *reply)
{
    json_error_t error;
    if (request->body_len == 0)
        return true;
    json_t *document = json_loadb(request->body, request->body_len, JSON_REJECT_DUPLICATES, &error);
    if (document == NULL) {
        ctl_reply_error(reply, 400, "invalid_json", NULL, "the body is not JSON: %d:%d: %s",
                        error.line, error.column, error.text);
        return false;
    }
    bool taken = take_document(document, limits, reply);
    json_decref(document);
    return taken;
}
