/* SPDX-License-Identifier: MIT */
/*
 * crud_read.c: parts as they are, one or a page of them.
 */
#include "crud.h"
#include "rows.h"
#include "statements.h"

const struct parts_statement parts_read_statements[] = {
    {"get_part", "SELECT " PARTS_COLUMNS " FROM parts AS p WHERE p.id = $1"},
    {"get_parts", "SELECT " PARTS_COLUMNS " FROM parts AS p ORDER BY p.id LIMIT $1 OFFSET $2"},
    {NULL, NULL},
};

enum parts_status parts_crud_get_part(struct parts_db *db, int64_t id, json_t **part)
{
    struct parts_params params = {0};
    parts_params_int(&params, id);
    return parts_rows_fetch_one(db, "get_part", &params, parts_row_part, part);
}

enum parts_status parts_crud_get_parts(struct parts_db *db, const struct parts_page *page,
                                       json_t **items)
{
    struct parts_params params = {0};
    parts_params_int(&params, page->limit);
    parts_params_int(&params, page->skip);
    return parts_rows_fetch(db, "get_parts", &params, parts_row_part, items);
}
