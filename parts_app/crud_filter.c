/* SPDX-License-Identifier: MIT */
/*
 * crud_filter.c: parts that match exact criteria.
 *
 * One text serves every combination of filters, so that the number of prepared statements stays
 * fixed; the planner drops the `IS NULL` branches once it knows the values.
 */
#include "crud.h"
#include "rows.h"
#include "statements.h"

/* With a count people jump to distant pages: there the skipped rows are walked as ids in an index,
 * and only the page itself is fetched whole. */
const struct parts_statement parts_filter_statements[] = {
    {"get_filtered_parts", "SELECT " PARTS_COLUMNS " FROM parts AS p"
                           " WHERE ($1::text IS NULL OR p.part_type = $1)"
                           " AND ($2::boolean IS NULL OR p.is_proprietary = $2)"
                           " AND ($3::text IS NULL OR p.manufacturer = $3)"
                           " AND ($4::bigint IS NULL OR p.supplier_id = $4)"
                           " ORDER BY p.id LIMIT $5 OFFSET $6"},
    {"get_filtered_parts_count", "SELECT count(*) FROM parts AS p"
                                 " WHERE ($1::text IS NULL OR p.part_type = $1)"
                                 " AND ($2::boolean IS NULL OR p.is_proprietary = $2)"
                                 " AND ($3::text IS NULL OR p.manufacturer = $3)"
                                 " AND ($4::bigint IS NULL OR p.supplier_id = $4)"},
    {"get_filtered_parts_page", "SELECT " PARTS_COLUMNS " FROM (SELECT f.id FROM parts AS f"
                                " WHERE ($1::text IS NULL OR f.part_type = $1)"
                                " AND ($2::boolean IS NULL OR f.is_proprietary = $2)"
                                " AND ($3::text IS NULL OR f.manufacturer = $3)"
                                " AND ($4::bigint IS NULL OR f.supplier_id = $4)"
                                " ORDER BY f.id LIMIT $5 OFFSET $6) AS page"
                                " JOIN parts AS p ON p.id = page.id ORDER BY p.id"},
    {NULL, NULL},
};

static void add_filter(struct parts_params *params, const struct parts_filter *filter)
{
    parts_params_text(params, filter->part_type);
    if (filter->has_proprietary) {
        parts_params_bool(params, filter->is_proprietary);
    } else {
        parts_params_text(params, NULL);
    }
    parts_params_text(params, filter->manufacturer);
    parts_params_id(params, filter->supplier_id);
}

enum parts_status parts_crud_get_filtered_parts(struct parts_db *db,
                                                const struct parts_filter *filter,
                                                const struct parts_page *page, json_t **items)
{
    struct parts_params params = {0};
    add_filter(&params, filter);
    parts_params_int(&params, page->limit);
    parts_params_int(&params, page->skip);
    return parts_rows_fetch(db, "get_filtered_parts", &params, parts_row_part, items);
}

enum parts_status parts_crud_get_filtered_parts_with_count(struct parts_db *db,
                                                           const struct parts_filter *filter,
                                                           const struct parts_page *page,
                                                           json_t **items, int64_t *total)
{
    struct parts_params params = {0};
    add_filter(&params, filter);
    enum parts_status status = parts_rows_count(db, "get_filtered_parts_count", &params, total);
    if (status != PARTS_OK) {
        return status;
    }
    parts_params_int(&params, page->limit);
    parts_params_int(&params, page->skip);
    return parts_rows_fetch(db, "get_filtered_parts_page", &params, parts_row_part, items);
}
