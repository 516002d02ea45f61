/* SPDX-License-Identifier: MIT */
/*
 * crud_write.c: making, changing and removing parts.
 *
 * Duplicates and missing references are found by the constraints, never by asking first: asking
 * would race with other writers.
 */
#include "crud.h"
#include "rows.h"
#include "statements.h"

const struct parts_statement parts_write_statements[] = {
    {"create_part", "INSERT INTO parts AS p (part_number, name, names, description, part_type,"
                    " is_proprietary, unit_of_measure, manufacturer, supplier_id, unit_price)"
                    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
                    " RETURNING " PARTS_COLUMNS},
    /* Every part has a place: the warehouse that was named, else the central one. */
    {"create_part_stock", "INSERT INTO inventory (part_id, warehouse_id, quantity, minimum_level)"
                          " SELECT $1::bigint, w.id, $3::numeric, $4::numeric FROM warehouses AS w"
                          " WHERE CASE WHEN $2::bigint IS NULL THEN w.is_central"
                          " ELSE w.id = $2 END"},
    {"update_part", "UPDATE parts AS p SET part_number = $2, name = $3, names = $4,"
                    " description = $5, part_type = $6, is_proprietary = $7,"
                    " unit_of_measure = $8, manufacturer = $9, supplier_id = $10,"
                    " unit_price = $11, updated_at = now() WHERE p.id = $1"
                    " RETURNING " PARTS_COLUMNS},
    {"delete_part_stock", "DELETE FROM inventory WHERE part_id = $1"},
    {"delete_part", "DELETE FROM parts WHERE id = $1"},
    {NULL, NULL},
};

static void add_input(struct parts_params *params, const struct parts_input *input)
{
    parts_params_text(params, input->part_number);
    parts_params_text(params, input->name);
    parts_params_text(params, input->names_json);
    parts_params_text(params, input->description);
    parts_params_text(params, input->part_type);
    parts_params_bool(params, input->is_proprietary);
    parts_params_text(params, input->unit_of_measure);
    parts_params_text(params, input->manufacturer);
    parts_params_id(params, input->supplier_id);
    if (input->has_price) {
        parts_params_decimal(params, input->unit_price, 2);
    } else {
        parts_params_text(params, NULL);
    }
}

static enum parts_status insert_stock(struct parts_db *db, const struct parts_input *input,
                                      int64_t id)
{
    struct parts_params params = {0};
    parts_params_int(&params, id);
    parts_params_id(&params, input->warehouse_id);
    parts_params_decimal(&params, input->quantity, 3);
    parts_params_decimal(&params, input->minimum_level, 3);
    int64_t rows = 0;
    enum parts_status status = parts_db_change(db, "create_part_stock", &params, &rows);
    return status == PARTS_OK && rows == 0 ? PARTS_NO_PLACE : status;
}

enum parts_status parts_crud_create_part(struct parts_db *db, const struct parts_input *input,
                                         json_t **part, int64_t *id)
{
    enum parts_status status = parts_db_begin(db);
    if (status != PARTS_OK) {
        return status;
    }
    struct parts_params params = {0};
    add_input(&params, input);
    json_t *made = NULL;
    status = parts_rows_fetch_one(db, "create_part", &params, parts_row_part, &made);
    if (status == PARTS_OK) {
        *id = json_integer_value(json_object_get(made, "id"));
        status = insert_stock(db, input, *id);
    }
    status = parts_db_end(db, status);
    if (status != PARTS_OK) {
        json_decref(made);
        return status;
    }
    *part = made;
    return PARTS_OK;
}

enum parts_status parts_crud_update_part(struct parts_db *db, int64_t id,
                                         const struct parts_input *input, json_t **part)
{
    struct parts_params params = {0};
    parts_params_int(&params, id);
    add_input(&params, input);
    return parts_rows_fetch_one(db, "update_part", &params, parts_row_part, part);
}

enum parts_status parts_crud_delete_part(struct parts_db *db, int64_t id)
{
    enum parts_status status = parts_db_begin(db);
    if (status != PARTS_OK) {
        return status;
    }
    struct parts_params params = {0};
    parts_params_int(&params, id);
    int64_t rows = 0;
    status = parts_db_change(db, "delete_part_stock", &params, NULL);
    if (status == PARTS_OK) {
        status = parts_db_change(db, "delete_part", &params, &rows);
    }
    if (status == PARTS_OK && rows == 0) {
        status = PARTS_NOT_FOUND;
    }
    return parts_db_end(db, status);
}
