/* SPDX-License-Identifier: MIT */
/*
 * crud_usage.c: what was used where and when, and what should therefore be ordered.
 */
#include "crud.h"
#include "rows.h"
#include "statements.h"

/* The columns of a use, of a lateral table aliased `u`. */
#define USE_COLUMNS \
    "u.id AS usage_id, u.quantity, u.used_at, u.warehouse_id, u.organisation_id, u.organisation"

/*
 * The history hangs on its part by LEFT JOIN: a part without history gives one row of NULLs, an
 * unknown part none, so that one statement tells the two apart.
 */
const struct parts_statement parts_usage_statements[] = {
    {"get_part_usage_history",
     "SELECT " USE_COLUMNS " FROM parts AS p LEFT JOIN LATERAL"
     " (SELECT h.id, h.quantity, h.used_at, h.warehouse_id, h.organisation_id,"
     " o.name AS organisation FROM usage_history AS h"
     " JOIN organisations AS o ON o.id = h.organisation_id WHERE h.part_id = p.id"
     " ORDER BY h.used_at DESC, h.id DESC LIMIT $2 OFFSET $3) AS u ON true WHERE p.id = $1"
     " ORDER BY u.used_at DESC, u.id DESC"},
    {"get_part_with_usage_history",
     "SELECT " PARTS_COLUMNS ", " USE_COLUMNS ", totals.uses, totals.quantity AS total_used"
     " FROM parts AS p CROSS JOIN LATERAL (SELECT count(*) AS uses,"
     " coalesce(sum(t.quantity), 0) AS quantity FROM usage_history AS t"
     " WHERE t.part_id = p.id) AS totals LEFT JOIN LATERAL"
     " (SELECT h.id, h.quantity, h.used_at, h.warehouse_id, h.organisation_id,"
     " o.name AS organisation FROM usage_history AS h"
     " JOIN organisations AS o ON o.id = h.organisation_id WHERE h.part_id = p.id"
     " ORDER BY h.used_at DESC, h.id DESC LIMIT 20) AS u ON true WHERE p.id = $1"
     " ORDER BY u.used_at DESC, u.id DESC"},
    {"get_parts_reorder_suggestions",
     "SELECT low.part_id, p.part_number, p.name, p.unit_of_measure, low.warehouse_id,"
     " w.name AS warehouse, low.quantity, low.minimum_level, recent.used,"
     " greatest(low.minimum_level * 2 - low.quantity, recent.used) AS suggested"
     " FROM (SELECT i.part_id, i.warehouse_id, i.quantity, i.minimum_level FROM inventory AS i"
     " WHERE i.quantity <= i.minimum_level AND ($1::bigint IS NULL OR i.warehouse_id = $1)"
     " ORDER BY i.minimum_level - i.quantity DESC, i.part_id, i.warehouse_id"
     " LIMIT $2 OFFSET $3) AS low"
     " JOIN parts AS p ON p.id = low.part_id JOIN warehouses AS w ON w.id = low.warehouse_id"
     " CROSS JOIN LATERAL (SELECT coalesce(sum(h.quantity), 0) AS used FROM usage_history AS h"
     " WHERE h.part_id = low.part_id AND h.warehouse_id = low.warehouse_id"
     " AND h.used_at >= now() - interval '90 days') AS recent"
     " ORDER BY low.minimum_level - low.quantity DESC, low.part_id, low.warehouse_id"},
    {NULL, NULL},
};

static json_t *use_at(const PGresult *result, int row, int column)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:s}", "id", parts_row_int(result, row, column),
                     "quantity", parts_row_real(result, row, column + 1), "used_at",
                     parts_row_time(result, row, column + 2), "warehouse_id",
                     parts_row_int(result, row, column + 3), "organisation_id",
                     parts_row_int(result, row, column + 4), "organisation",
                     PQgetvalue(result, row, column + 5));
}

/* The uses in all rows from COLUMN on; NULL when out of memory. */
static json_t *uses_from(const PGresult *result, int column)
{
    json_t *uses = json_array();
    for (int row = 0; row < PQntuples(result) && !PQgetisnull(result, row, column); row++) {
        if (json_array_append_new(uses, use_at(result, row, column)) != 0) {
            json_decref(uses);
            return NULL;
        }
    }
    return uses;
}

enum parts_status parts_crud_get_part_usage_history(struct parts_db *db, int64_t id,
                                                    const struct parts_page *page, json_t **items)
{
    struct parts_params params = {0};
    parts_params_int(&params, id);
    parts_params_int(&params, page->limit);
    parts_params_int(&params, page->skip);
    PGresult *result = NULL;
    enum parts_status status = parts_db_run(db, "get_part_usage_history", &params, &result);
    if (status == PARTS_OK && PQntuples(result) == 0) {
        status = PARTS_NOT_FOUND;
    }
    if (status == PARTS_OK) {
        *items = uses_from(result, 0);
        status = *items != NULL ? PARTS_OK : PARTS_FAILED;
    }
    PQclear(result);
    return status;
}

enum parts_status parts_crud_get_part_with_usage_history(struct parts_db *db, int64_t id,
                                                         json_t **part)
{
    struct parts_params params = {0};
    parts_params_int(&params, id);
    PGresult *result = NULL;
    enum parts_status status = parts_db_run(db, "get_part_with_usage_history", &params, &result);
    if (status == PARTS_OK) {
        status = parts_rows_one(result, parts_row_part, part);
    }
    if (status == PARTS_OK) {
        int totals = PARTS_COLUMN_COUNT + 6;
        bool failed =
            json_object_set_new(*part, "usage_count", parts_row_int(result, 0, totals)) != 0;
        failed |=
            json_object_set_new(*part, "total_used", parts_row_real(result, 0, totals + 1)) != 0;
        failed |=
            json_object_set_new(*part, "usage_history", uses_from(result, PARTS_COLUMN_COUNT)) != 0;
        if (failed) {
            json_decref(*part);
            status = PARTS_FAILED;
        }
    }
    PQclear(result);
    return status;
}

static json_t *row_suggestion(const PGresult *result, int row)
{
    return json_pack(
        "{s:o, s:s, s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:o}", "part_id",
        parts_row_int(result, row, 0), "part_number", PQgetvalue(result, row, 1), "name",
        PQgetvalue(result, row, 2), "unit_of_measure", PQgetvalue(result, row, 3), "warehouse_id",
        parts_row_int(result, row, 4), "warehouse", PQgetvalue(result, row, 5), "quantity",
        parts_row_real(result, row, 6), "minimum_level", parts_row_real(result, row, 7),
        "used_last_90_days", parts_row_real(result, row, 8), "suggested_quantity",
        parts_row_real(result, row, 9));
}

enum parts_status parts_crud_get_parts_reorder_suggestions(struct parts_db *db,
                                                           int64_t warehouse_id,
                                                           const struct parts_page *page,
                                                           json_t **items)
{
    struct parts_params params = {0};
    parts_params_id(&params, warehouse_id);
    parts_params_int(&params, page->limit);
    parts_params_int(&params, page->skip);
    return parts_rows_fetch(db, "get_parts_reorder_suggestions", &params, row_suggestion, items);
}
