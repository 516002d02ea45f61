/* SPDX-License-Identifier: MIT */
/*
 * rows.h: from result rows to JSON.
 *
 * Pure functions over a PGresult; NULL always means out of memory. Numbers are JSON integers for
 * ids and counts, JSON reals for quantities and prices, timestamps are "2024-05-06T07:08:09.012Z".
 */
#ifndef PARTS_ROWS_H
#define PARTS_ROWS_H

#include <jansson.h>

#include "db.h"

/*
 * The columns of a part, in the order that parts_row_part expects, of a table aliased `p`. Every
 * statement that returns parts begins its select list with them; further columns follow.
 */
#define PARTS_COLUMNS                                                                      \
    "p.id, p.part_number, p.name, p.names, p.description, p.part_type, p.is_proprietary, " \
    "p.unit_of_measure, p.manufacturer, p.supplier_id, p.unit_price, p.created_at, p.updated_at"
#define PARTS_COLUMN_COUNT 13

typedef json_t *parts_row_fn(const PGresult *result, int row);

/* A part from the first PARTS_COLUMN_COUNT columns. */
json_t *parts_row_part(const PGresult *result, int row);

/* Single values; SQL NULL becomes JSON null. */
json_t *parts_row_int(const PGresult *result, int row, int column);
json_t *parts_row_real(const PGresult *result, int row, int column);
json_t *parts_row_time(const PGresult *result, int row, int column);
json_t *parts_row_json(const PGresult *result, int row, int column);

/* All rows as an array. */
enum parts_status parts_rows_list(const PGresult *result, parts_row_fn *fn, json_t **items);

/* The only row; PARTS_NOT_FOUND when there is none. */
enum parts_status parts_rows_one(const PGresult *result, parts_row_fn *fn, json_t **item);

/* Runs NAME and makes all its rows an array. */
enum parts_status parts_rows_fetch(struct parts_db *db, const char *name,
                                   const struct parts_params *params, parts_row_fn *fn,
                                   json_t **items);

/* Runs NAME and makes its only row an object. */
enum parts_status parts_rows_fetch_one(struct parts_db *db, const char *name,
                                       const struct parts_params *params, parts_row_fn *fn,
                                       json_t **item);

/* Runs NAME, a count(*), into *count. */
enum parts_status parts_rows_count(struct parts_db *db, const char *name,
                                   const struct parts_params *params, int64_t *count);

#endif
