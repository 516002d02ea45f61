/* SPDX-License-Identifier: MIT */
/*
 * handlers_list.c: the resources that answer with a page of things. Here the URL parameters
 * choose the data function.
 */
#include "handlers.h"

/* How long a client may reuse a page without asking; afterwards its ETag saves the transfer. */
#define LIST_MAX_AGE_S   10
#define SEARCH_MAX_BYTES 200

/* TOTAL < 0: not counted. Takes over ITEMS. */
static void reply_page(struct parts_request *request, const struct parts_page *page, json_t *items,
                       int64_t total)
{
    json_t *body = json_pack("{s:o, s:I, s:I}", "items", items, "skip", (json_int_t)page->skip,
                             "limit", (json_int_t)page->limit);
    if (total >= 0) {
        json_object_set_new(body, "total", json_integer(total));
    }
    parts_reply_json(&request->reply, 200, body);
    if (request->reply.status == 200) {
        request->reply.max_age_s = LIST_MAX_AGE_S;
    }
}

/* What ends every list handler: the connection goes back, the outcome becomes the reply. */
static void finish(struct parts_request *request, struct parts_db *db, enum parts_status status,
                   const struct parts_page *page, json_t *items, int64_t total)
{
    parts_pool_release(request->app->pool, db);
    if (status == PARTS_OK) {
        reply_page(request, page, items, total);
    } else {
        parts_request_status(request, status);
    }
}

static bool read_filter(const struct parts_args *args, struct parts_filter *filter,
                        struct parts_error *error)
{
    filter->has_proprietary = parts_args_get(args, "is_proprietary") != NULL;
    return parts_args_type(args, &filter->part_type, error) &&
           parts_args_bool(args, "is_proprietary", &filter->is_proprietary, error) &&
           parts_args_text(args, "manufacturer", 400, &filter->manufacturer, error) &&
           parts_args_int(args, "supplier_id", 1, INT64_MAX, &filter->supplier_id, error);
}

static void list_filtered(struct parts_request *request, const struct parts_filter *filter,
                          const struct parts_page *page, bool counting)
{
    json_t *items = NULL;
    int64_t total = -1;
    enum parts_status status;
    struct parts_db *db = parts_request_db(request);
    if (db == NULL) {
        return;
    }
    bool filtering = filter->part_type != NULL || filter->manufacturer != NULL ||
                     filter->has_proprietary || filter->supplier_id != 0;
    if (counting) {
        status = parts_crud_get_filtered_parts_with_count(db, filter, page, &items, &total);
    } else if (filtering) {
        status = parts_crud_get_filtered_parts(db, filter, page, &items);
    } else {
        status = parts_crud_get_parts(db, page, &items);
    }
    finish(request, db, status, page, items, total);
}

void parts_handle_list(struct parts_request *request)
{
    const struct parts_args *args = &request->args;
    struct parts_filter filter = {0};
    struct parts_page page;
    struct parts_error error;
    bool counting = false;
    if (!read_filter(args, &filter, &error) || !parts_args_page(args, &page, &error) ||
        !parts_args_bool(args, "include_count", &counting, &error)) {
        parts_request_fail(request, &error);
        return;
    }
    list_filtered(request, &filter, &page, counting);
}

void parts_handle_by_type(struct parts_request *request)
{
    const struct parts_args *args = &request->args;
    struct parts_filter filter = {.part_type = request->variable};
    struct parts_page page;
    struct parts_error error;
    bool counting = false;
    if (!parts_type_known(request->variable)) {
        parts_error_field(&error, "part_type", "part_type must be one of %s", parts_type_list);
        parts_request_fail(request, &error);
        return;
    }
    if (!parts_args_page(args, &page, &error) ||
        !parts_args_bool(args, "include_count", &counting, &error)) {
        parts_request_fail(request, &error);
        return;
    }
    list_filtered(request, &filter, &page, counting);
}

static bool read_terms(const struct parts_args *args, const char **terms, struct parts_error *error)
{
    *terms = NULL;
    if (!parts_args_text(args, "q", SEARCH_MAX_BYTES, terms, error)) {
        return false;
    }
    return *terms != NULL || parts_error_field(error, "q", "q, the words to look for, is required");
}

static bool read_language(const struct parts_args *args, const char **lang,
                          struct parts_error *error)
{
    *lang = parts_args_get(args, "lang");
    return *lang == NULL || parts_language_valid(*lang) ||
           parts_error_field(error, "lang", "lang must be a language code such as de or pt-BR");
}

void parts_handle_search(struct parts_request *request)
{
    const struct parts_args *args = &request->args;
    const char *terms;
    const char *lang;
    bool counting = false;
    bool multilingual = false;
    struct parts_page page;
    struct parts_error error;
    if (!read_terms(args, &terms, &error) || !read_language(args, &lang, &error) ||
        !parts_args_bool(args, "multilingual", &multilingual, &error) ||
        !parts_args_bool(args, "include_count", &counting, &error) ||
        !parts_args_page(args, &page, &error)) {
        parts_request_fail(request, &error);
        return;
    }
    struct parts_db *db = parts_request_db(request);
    if (db == NULL) {
        return;
    }
    json_t *items = NULL;
    int64_t total = -1;
    enum parts_status status;
    if (counting) {
        status =
            parts_crud_search_parts_multilingual_with_count(db, terms, lang, &page, &items, &total);
    } else if (multilingual || lang != NULL) {
        status = parts_crud_search_parts_multilingual(db, terms, lang, &page, &items);
    } else {
        status = parts_crud_search_parts(db, terms, &page, &items);
    }
    finish(request, db, status, &page, items, total);
}

void parts_handle_with_inventory(struct parts_request *request)
{
    const struct parts_args *args = &request->args;
    struct parts_stock_filter filter = {0};
    struct parts_page page;
    struct parts_error error;
    bool counting = false;
    if (!parts_args_type(args, &filter.part_type, &error) ||
        !parts_args_int(args, "warehouse_id", 1, INT64_MAX, &filter.warehouse_id, &error) ||
        !parts_args_bool(args, "include_count", &counting, &error) ||
        !parts_args_page(args, &page, &error)) {
        parts_request_fail(request, &error);
        return;
    }
    struct parts_db *db = parts_request_db(request);
    if (db == NULL) {
        return;
    }
    json_t *items = NULL;
    int64_t total = -1;
    enum parts_status status =
        counting
            ? parts_crud_get_parts_with_inventory_with_count(db, &filter, &page, &items, &total)
            : parts_crud_get_parts_with_inventory(db, &filter, &page, &items);
    finish(request, db, status, &page, items, total);
}

void parts_handle_search_with_inventory(struct parts_request *request)
{
    const char *terms;
    struct parts_page page;
    struct parts_error error;
    if (!read_terms(&request->args, &terms, &error) ||
        !parts_args_page(&request->args, &page, &error)) {
        parts_request_fail(request, &error);
        return;
    }
    struct parts_db *db = parts_request_db(request);
    if (db == NULL) {
        return;
    }
    json_t *items = NULL;
    int64_t total = -1;
    enum parts_status status =
        parts_crud_search_parts_with_inventory_with_count(db, terms, &page, &items, &total);
    finish(request, db, status, &page, items, total);
}

void parts_handle_reorder(struct parts_request *request)
{
    int64_t warehouse_id = 0;
    struct parts_page page;
    struct parts_error error;
    if (!parts_args_int(&request->args, "warehouse_id", 1, INT64_MAX, &warehouse_id, &error) ||
        !parts_args_page(&request->args, &page, &error)) {
        parts_request_fail(request, &error);
        return;
    }
    struct parts_db *db = parts_request_db(request);
    if (db == NULL) {
        return;
    }
    json_t *items = NULL;
    enum parts_status status =
        parts_crud_get_parts_reorder_suggestions(db, warehouse_id, &page, &items);
    finish(request, db, status, &page, items, -1);
}
