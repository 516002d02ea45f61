/* SPDX-License-Identifier: MIT */
/*
 * request.c: what the handlers have in common.
 */
#include "request.h"

bool parts_request_fail(struct parts_request *request, const struct parts_error *error)
{
    parts_reply_error(&request->reply, error);
    return false;
}

struct parts_db *parts_request_db(struct parts_request *request)
{
    struct parts_db *db = NULL;
    enum parts_pool_outcome outcome = parts_pool_acquire(request->app->pool, &db);
    if (outcome != PARTS_POOL_OK) {
        parts_reply_no_database(&request->reply, outcome);
        return NULL;
    }
    return db;
}

void parts_request_status(struct parts_request *request, enum parts_status status)
{
    struct parts_error error;
    switch (status) {
    case PARTS_NOT_FOUND:
        parts_error_set(&error, 404, "not_found", "part_id", "there is no part %s",
                        request->variable);
        break;
    case PARTS_DUPLICATE:
        parts_error_set(&error, 409, "duplicate", "part_number",
                        "another part has this part_number");
        break;
    case PARTS_REFERENCE:
        parts_error_field(&error, "supplier_id", "there is no organisation with this supplier_id");
        break;
    case PARTS_NO_PLACE:
        parts_error_field(&error, "warehouse_id", "there is no such warehouse");
        break;
    case PARTS_UNAVAILABLE:
        parts_error_set(&error, 503, "database_unavailable", NULL,
                        "the database could not finish this; try again soon");
        break;
    case PARTS_OK:
    case PARTS_FAILED:
        parts_error_set(&error, 500, "internal_error", NULL,
                        "this failed inside the service; its log says why");
        break;
    }
    parts_reply_error(&request->reply, &error);
}
