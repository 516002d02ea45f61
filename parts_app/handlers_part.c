/* SPDX-License-Identifier: MIT */
/*
 * handlers_part.c: the resources that are about one part.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "handlers.h"

#define PART_MAX_AGE_S 30

static bool read_id(struct parts_request *request, int64_t *id)
{
    struct parts_error error;
    if (parts_parse_int(request->variable, 1, INT64_MAX, id)) {
        return true;
    }
    parts_error_field(&error, "part_id", "part_id must be a whole number from 1");
    return parts_request_fail(request, &error);
}

static void reply_part(struct parts_request *request, enum parts_status status, json_t *part)
{
    if (status != PARTS_OK) {
        parts_request_status(request, status);
        return;
    }
    parts_reply_json(&request->reply, 200, part);
    request->reply.max_age_s = request->method == PARTS_GET ? PART_MAX_AGE_S : 0;
}

void parts_handle_get(struct parts_request *request)
{
    enum parts_status (*fetch)(struct parts_db *, int64_t, json_t **) = parts_crud_get_part;
    const char *include = parts_args_get(&request->args, "include");
    struct parts_error error;
    int64_t id;
    if (!read_id(request, &id)) {
        return;
    }
    if (include != NULL && strcmp(include, "inventory") == 0) {
        fetch = parts_crud_get_part_with_inventory;
    } else if (include != NULL && strcmp(include, "usage") == 0) {
        fetch = parts_crud_get_part_with_usage_history;
    } else if (include != NULL) {
        parts_error_field(&error, "include", "include must be inventory or usage");
        parts_request_fail(request, &error);
        return;
    }
    struct parts_db *db = parts_request_db(request);
    if (db == NULL) {
        return;
    }
    json_t *part = NULL;
    enum parts_status status = fetch(db, id, &part);
    parts_pool_release(request->app->pool, db);
    reply_part(request, status, part);
}

void parts_handle_usage(struct parts_request *request)
{
    struct parts_page page;
    struct parts_error error;
    int64_t id;
    if (!read_id(request, &id)) {
        return;
    }
    if (!parts_args_page(&request->args, &page, &error)) {
        parts_request_fail(request, &error);
        return;
    }
    struct parts_db *db = parts_request_db(request);
    if (db == NULL) {
        return;
    }
    json_t *items = NULL;
    enum parts_status status = parts_crud_get_part_usage_history(db, id, &page, &items);
    parts_pool_release(request->app->pool, db);
    json_t *body = status != PARTS_OK ? NULL
                                      : json_pack("{s:I, s:o, s:I, s:I}", "part_id", (json_int_t)id,
                                                  "items", items, "skip", (json_int_t)page.skip,
                                                  "limit", (json_int_t)page.limit);
    reply_part(request, status, body);
}

static bool is_json(const char *content_type)
{
    static const char json[] = "application/json";
    size_t length = sizeof json - 1;
    return content_type == NULL || (strncasecmp(content_type, json, length) == 0 &&
                                    strchr("; \t", content_type[length]) != NULL);
}

/* Parses and checks the body; *document is the caller's to release, INPUT to free, on true. */
static bool read_input(struct parts_request *request, bool creating, json_t **document,
                       struct parts_input *input)
{
    struct parts_error error;
    json_error_t where;
    if (!is_json(request->content_type)) {
        parts_error_set(&error, 415, "unsupported_media_type", NULL,
                        "the body must be application/json");
        return parts_request_fail(request, &error);
    }
    *document = json_loadb(request->body != NULL ? request->body : "", request->body_length,
                           JSON_REJECT_DUPLICATES, &where);
    if (*document == NULL) {
        parts_error_set(&error, 400, "bad_json", NULL, "line %d, column %d: %s", where.line,
                        where.column, where.text);
        return parts_request_fail(request, &error);
    }
    if (!parts_input_read(*document, creating, input, &error)) {
        json_decref(*document);
        return parts_request_fail(request, &error);
    }
    return true;
}

static void create_from(struct parts_request *request, const struct parts_input *input)
{
    struct parts_db *db = parts_request_db(request);
    if (db == NULL) {
        return;
    }
    json_t *part = NULL;
    int64_t id = 0;
    enum parts_status status = parts_crud_create_part(db, input, &part, &id);
    parts_pool_release(request->app->pool, db);
    if (status != PARTS_OK) {
        parts_request_status(request, status);
        return;
    }
    parts_reply_json(&request->reply, 201, part);
    snprintf(request->reply.location, sizeof request->reply.location, "/parts/%lld", (long long)id);
}

void parts_handle_create(struct parts_request *request)
{
    json_t *document = NULL;
    struct parts_input input;
    if (!read_input(request, true, &document, &input)) {
        return;
    }
    create_from(request, &input);
    parts_input_free(&input);
    json_decref(document);
}

static void update_from(struct parts_request *request, int64_t id, const struct parts_input *input)
{
    struct parts_db *db = parts_request_db(request);
    if (db == NULL) {
        return;
    }
    json_t *part = NULL;
    enum parts_status status = parts_crud_update_part(db, id, input, &part);
    parts_pool_release(request->app->pool, db);
    reply_part(request, status, part);
}

void parts_handle_update(struct parts_request *request)
{
    json_t *document = NULL;
    struct parts_input input;
    int64_t id;
    if (!read_id(request, &id) || !read_input(request, false, &document, &input)) {
        return;
    }
    update_from(request, id, &input);
    parts_input_free(&input);
    json_decref(document);
}

void parts_handle_delete(struct parts_request *request)
{
    int64_t id;
    if (!read_id(request, &id)) {
        return;
    }
    struct parts_db *db = parts_request_db(request);
    if (db == NULL) {
        return;
    }
    enum parts_status status = parts_crud_delete_part(db, id);
    parts_pool_release(request->app->pool, db);
    if (status == PARTS_OK) {
        request->reply.status = 204;
    } else if (status == PARTS_REFERENCE) {
        struct parts_error error;
        parts_error_set(&error, 409, "in_use", "part_id",
                        "part %lld has been used and its history must stay", (long long)id);
        parts_request_fail(request, &error);
    } else {
        parts_request_status(request, status);
    }
}
