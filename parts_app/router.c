/* SPDX-License-Identifier: MIT */
/*
 * router.c: the table of resources. The first pattern that fits a path decides, so words stand
 * before the variable {} in the same place.
 */
#include "router.h"

#include <stdio.h>
#include <string.h>

#include "auth.h"
#include "handlers.h"

#define OPERATIONS_MAX 3

struct operation {
    enum parts_method method;
    enum parts_access access;
    void (*handle)(struct parts_request *request);
    const char *params[10]; /* the URL parameters it knows */
};

struct resource {
    const char *pattern; /* {} stands for one segment */
    const char *allow;
    struct operation operations[OPERATIONS_MAX];
};

#define PAGE_PARAMS "skip", "limit"

static const struct resource resources[] = {
    {"/healthz", "GET, HEAD", {{PARTS_GET, PARTS_PUBLIC, parts_handle_health, {NULL}}}},
    {"/token", "POST", {{PARTS_POST, PARTS_PUBLIC, parts_handle_token, {NULL}}}},
    {"/parts/",
     "GET, HEAD, POST",
     {{PARTS_GET,
       PARTS_READ,
       parts_handle_list,
       {PAGE_PARAMS, "include_count", "part_type", "is_proprietary", "manufacturer",
        "supplier_id"}},
      {PARTS_POST, PARTS_WRITE, parts_handle_create, {NULL}}}},
    {"/parts/search",
     "GET, HEAD",
     {{PARTS_GET,
       PARTS_READ,
       parts_handle_search,
       {PAGE_PARAMS, "include_count", "q", "lang", "multilingual"}}}},
    {"/parts/with-inventory",
     "GET, HEAD",
     {{PARTS_GET,
       PARTS_READ,
       parts_handle_with_inventory,
       {PAGE_PARAMS, "include_count", "part_type", "warehouse_id"}}}},
    {"/parts/search-with-inventory",
     "GET, HEAD",
     {{PARTS_GET, PARTS_READ, parts_handle_search_with_inventory, {PAGE_PARAMS, "q"}}}},
    {"/parts/reorder-suggestions",
     "GET, HEAD",
     {{PARTS_GET, PARTS_READ, parts_handle_reorder, {PAGE_PARAMS, "warehouse_id"}}}},
    {"/parts/by-type/{}",
     "GET, HEAD",
     {{PARTS_GET, PARTS_READ, parts_handle_by_type, {PAGE_PARAMS, "include_count"}}}},
    {"/parts/{}",
     "GET, HEAD, PUT, DELETE",
     {{PARTS_GET, PARTS_READ, parts_handle_get, {"include"}},
      {PARTS_PUT, PARTS_WRITE, parts_handle_update, {NULL}},
      {PARTS_DELETE, PARTS_WRITE, parts_handle_delete, {NULL}}}},
    {"/parts/{}/usage", "GET, HEAD", {{PARTS_GET, PARTS_READ, parts_handle_usage, {PAGE_PARAMS}}}},
};

/* Whether PATH fits PATTERN; copies what stands for {} into VARIABLE. */
static bool fits(const char *pattern, const char *path, char *variable, size_t size)
{
    const char *hole = strstr(pattern, "{}");
    if (hole == NULL) {
        return strcmp(pattern, path) == 0;
    }
    size_t before = (size_t)(hole - pattern);
    if (strncmp(pattern, path, before) != 0) {
        return false;
    }
    const char *segment = path + before;
    size_t length = strcspn(segment, "/");
    if (length == 0 || strcmp(segment + length, hole + 2) != 0) {
        return false;
    }
    /* One too long to be valid is cut, and then found invalid by the handler. */
    snprintf(variable, size, "%.*s", (int)(length < size ? length : size - 1), segment);
    return true;
}

static const struct resource *find_resource(struct parts_request *request)
{
    for (size_t i = 0; i < sizeof resources / sizeof resources[0]; i++) {
        if (fits(resources[i].pattern, request->path, request->variable,
                 sizeof request->variable)) {
            return &resources[i];
        }
    }
    return NULL;
}

static const struct operation *find_operation(const struct resource *resource,
                                              enum parts_method method)
{
    for (size_t i = 0; i < OPERATIONS_MAX; i++) {
        if (resource->operations[i].method == method) {
            return &resource->operations[i];
        }
    }
    return NULL;
}

void parts_route(struct parts_request *request)
{
    struct parts_error error;
    const struct resource *resource = find_resource(request);
    if (resource == NULL) {
        parts_error_set(&error, 404, "not_found", NULL, "there is no such resource%s",
                        strcmp(request->path, "/parts") == 0 ? "; the list is at /parts/" : "");
        parts_request_fail(request, &error);
        return;
    }
    const struct operation *operation = find_operation(resource, request->method);
    if (operation == NULL) {
        parts_error_set(&error, 405, "method_not_allowed", NULL, "this resource allows %s",
                        resource->allow);
        parts_request_fail(request, &error);
        request->reply.allow = resource->allow;
        return;
    }
    if (!parts_auth_check(request, operation->access)) {
        return;
    }
    if (!parts_args_check(&request->args, operation->params, &error)) {
        parts_request_fail(request, &error);
        return;
    }
    operation->handle(request);
}
