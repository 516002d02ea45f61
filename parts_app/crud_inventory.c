/* SPDX-License-Identifier: MIT */
/*
 * crud_inventory.c: parts together with where they lie and how many.
 *
 * Lists choose the page of parts first and gather the stock of those few only.
 */
#include "crud.h"
#include "rows.h"
#include "statements.h"

#define STOCK_LOCATIONS                                                       \
    "jsonb_agg(jsonb_build_object('warehouse_id', w.id, 'warehouse', w.name," \
    " 'quantity', i.quantity, 'minimum_level', i.minimum_level) ORDER BY w.id)"

#define STOCK_OF_PART                                                             \
    " CROSS JOIN LATERAL (SELECT coalesce(sum(i.quantity), 0) AS total_quantity," \
    " coalesce(" STOCK_LOCATIONS ", '[]') AS locations"                           \
    " FROM inventory AS i JOIN warehouses AS w ON w.id = i.warehouse_id"          \
    " WHERE i.part_id = p.id) AS stock"

const struct parts_statement parts_inventory_statements[] = {
    {"get_part_with_inventory",
     "SELECT " PARTS_COLUMNS ", coalesce(sum(i.quantity), 0) AS total_quantity,"
     " coalesce(" STOCK_LOCATIONS " FILTER (WHERE i.part_id IS NOT NULL), '[]') AS locations"
     " FROM parts AS p LEFT JOIN inventory AS i ON i.part_id = p.id"
     " LEFT JOIN warehouses AS w ON w.id = i.warehouse_id WHERE p.id = $1 GROUP BY p.id"},
    {"get_parts_with_inventory",
     "SELECT " PARTS_COLUMNS ", stock.total_quantity, stock.locations"
     " FROM (SELECT f.* FROM parts AS f WHERE ($1::text IS NULL OR f.part_type = $1)"
     " AND ($2::bigint IS NULL OR EXISTS (SELECT FROM inventory AS s"
     " WHERE s.part_id = f.id AND s.warehouse_id = $2))"
     " ORDER BY f.id LIMIT $3 OFFSET $4) AS p" STOCK_OF_PART " ORDER BY p.id"},
    {"get_parts_with_inventory_count",
     "SELECT count(*) FROM parts AS f WHERE ($1::text IS NULL OR f.part_type = $1)"
     " AND ($2::bigint IS NULL OR EXISTS (SELECT FROM inventory AS s"
     " WHERE s.part_id = f.id AND s.warehouse_id = $2))"},
    {"get_parts_with_inventory_page",
     "SELECT " PARTS_COLUMNS ", stock.total_quantity, stock.locations"
     " FROM (SELECT f.id FROM parts AS f WHERE ($1::text IS NULL OR f.part_type = $1)"
     " AND ($2::bigint IS NULL OR EXISTS (SELECT FROM inventory AS s"
     " WHERE s.part_id = f.id AND s.warehouse_id = $2))"
     " ORDER BY f.id LIMIT $3 OFFSET $4) AS page"
     " JOIN parts AS p ON p.id = page.id" STOCK_OF_PART " ORDER BY p.id"},
    {"search_parts_with_inventory_count",
     "SELECT count(*) FROM parts AS p WHERE p.search_words @@ parts_query($1)"},
    {"search_parts_with_inventory_page",
     "SELECT " PARTS_COLUMNS ", stock.total_quantity, stock.locations"
     " FROM (SELECT f.id FROM parts AS f WHERE f.search_words @@ parts_query($1)"
     " ORDER BY f.id LIMIT $2 OFFSET $3) AS page"
     " JOIN parts AS p ON p.id = page.id" STOCK_OF_PART " ORDER BY p.id"},
    {NULL, NULL},
};

static json_t *row_stocked(const PGresult *result, int row)
{
    json_t *part = parts_row_part(result, row);
    json_t *total = parts_row_real(result, row, PARTS_COLUMN_COUNT);
    json_t *locations = parts_row_json(result, row, PARTS_COLUMN_COUNT + 1);
    bool failed = json_object_set_new(part, "total_quantity", total) != 0;
    failed |= json_object_set_new(part, "inventory", locations) != 0;
    if (failed) {
        json_decref(part);
        return NULL;
    }
    return part;
}

enum parts_status parts_crud_get_part_with_inventory(struct parts_db *db, int64_t id, json_t **part)
{
    struct parts_params params = {0};
    parts_params_int(&params, id);
    return parts_rows_fetch_one(db, "get_part_with_inventory", &params, row_stocked, part);
}

static void add_filter(struct parts_params *params, const struct parts_stock_filter *filter)
{
    parts_params_text(params, filter->part_type);
    parts_params_id(params, filter->warehouse_id);
}

static void add_page(struct parts_params *params, const struct parts_page *page)
{
    parts_params_int(params, page->limit);
    parts_params_int(params, page->skip);
}

enum parts_status parts_crud_get_parts_with_inventory(struct parts_db *db,
                                                      const struct parts_stock_filter *filter,
                                                      const struct parts_page *page, json_t **items)
{
    struct parts_params params = {0};
    add_filter(&params, filter);
    add_page(&params, page);
    return parts_rows_fetch(db, "get_parts_with_inventory", &params, row_stocked, items);
}

enum parts_status parts_crud_get_parts_with_inventory_with_count(
    struct parts_db *db, const struct parts_stock_filter *filter, const struct parts_page *page,
    json_t **items, int64_t *total)
{
    struct parts_params params = {0};
    add_filter(&params, filter);
    enum parts_status status =
        parts_rows_count(db, "get_parts_with_inventory_count", &params, total);
    if (status != PARTS_OK) {
        return status;
    }
    add_page(&params, page);
    return parts_rows_fetch(db, "get_parts_with_inventory_page", &params, row_stocked, items);
}

enum parts_status parts_crud_search_parts_with_inventory_with_count(struct parts_db *db,
                                                                    const char *terms,
                                                                    const struct parts_page *page,
                                                                    json_t **items, int64_t *total)
{
    struct parts_params params = {0};
    parts_params_text(&params, terms);
    enum parts_status status =
        parts_rows_count(db, "search_parts_with_inventory_count", &params, total);
    if (status != PARTS_OK) {
        return status;
    }
    add_page(&params, page);
    return parts_rows_fetch(db, "search_parts_with_inventory_page", &params, row_stocked, items);
}
