/* SPDX-License-Identifier: MIT */
/*
 * rows.c: from result rows to JSON. See rows.h.
 */
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *parts_row_int(const PGresult *result, int row, int column)
{
    if (PQgetisnull(result, row, column)) {
        return json_null();
    }
    return json_integer(strtoll(PQgetvalue(result, row, column), NULL, 10));
}

json_t *parts_row_real(const PGresult *result, int row, int column)
{
    if (PQgetisnull(result, row, column)) {
        return json_null();
    }
    return json_real(strtod(PQgetvalue(result, row, column), NULL));
}

/*
 * The sessions run with DateStyle ISO and TimeZone UTC, hence "YYYY-MM-DD hh:mm:ss[.f...]+00".
 * The server drops trailing zeros of the fraction; clients get exactly three digits.
 */
json_t *parts_row_time(const PGresult *result, int row, int column)
{
    if (PQgetisnull(result, row, column)) {
        return json_null();
    }
    const char *text = PQgetvalue(result, row, column);
    char millis[4] = "000";
    const char *point = strchr(text, '.');
    for (int i = 0; point != NULL && i < 3 && point[1 + i] >= '0' && point[1 + i] <= '9'; i++) {
        millis[i] = point[1 + i];
    }
    char iso[40];
    snprintf(iso, sizeof iso, "%.10sT%.8s.%sZ", text, strlen(text) > 11 ? text + 11 : "", millis);
    return json_string(iso);
}

json_t *parts_row_json(const PGresult *result, int row, int column)
{
    if (PQgetisnull(result, row, column)) {
        return json_null();
    }
    return json_loadb(PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column),
                      JSON_DECODE_ANY, NULL);
}

static const char *text_or_null(const PGresult *result, int row, int column)
{
    return PQgetisnull(result, row, column) ? NULL : PQgetvalue(result, row, column);
}

json_t *parts_row_part(const PGresult *result, int row)
{
    return json_pack(
        "{s:o, s:s, s:s, s:o, s:s?, s:s, s:b, s:s, s:s?, s:o, s:o, s:o, s:o}", "id",
        parts_row_int(result, row, 0), "part_number", PQgetvalue(result, row, 1), "name",
        PQgetvalue(result, row, 2), "names", parts_row_json(result, row, 3), "description",
        text_or_null(result, row, 4), "part_type", PQgetvalue(result, row, 5), "is_proprietary",
        PQgetvalue(result, row, 6)[0] == 't', "unit_of_measure", PQgetvalue(result, row, 7),
        "manufacturer", text_or_null(result, row, 8), "supplier_id", parts_row_int(result, row, 9),
        "unit_price", parts_row_real(result, row, 10), "created_at",
        parts_row_time(result, row, 11), "updated_at", parts_row_time(result, row, 12));
}

enum parts_status parts_rows_list(const PGresult *result, parts_row_fn *fn, json_t **items)
{
    *items = json_array();
    for (int row = 0; row < PQntuples(result); row++) {
        /* Appending to NULL, or NULL to an array, is an error of its own in jansson. */
        if (json_array_append_new(*items, fn(result, row)) != 0) {
            json_decref(*items);
            *items = NULL;
            break;
        }
    }
    return *items != NULL ? PARTS_OK : PARTS_FAILED;
}

enum parts_status parts_rows_one(const PGresult *result, parts_row_fn *fn, json_t **item)
{
    if (PQntuples(result) == 0) {
        return PARTS_NOT_FOUND;
    }
    *item = fn(result, 0);
    return *item != NULL ? PARTS_OK : PARTS_FAILED;
}

enum parts_status parts_rows_fetch(struct parts_db *db, const char *name,
                                   const struct parts_params *params, parts_row_fn *fn,
                                   json_t **items)
{
    PGresult *result = NULL;
    enum parts_status status = parts_db_run(db, name, params, &result);
    if (status == PARTS_OK) {
        status = parts_rows_list(result, fn, items);
    }
    PQclear(result);
    return status;
}

enum parts_status parts_rows_fetch_one(struct parts_db *db, const char *name,
                                       const struct parts_params *params, parts_row_fn *fn,
                                       json_t **item)
{
    PGresult *result = NULL;
    enum parts_status status = parts_db_run(db, name, params, &result);
    if (status == PARTS_OK) {
        status = parts_rows_one(result, fn, item);
    }
    PQclear(result);
    return status;
}

enum parts_status parts_rows_count(struct parts_db *db, const char *name,
                                   const struct parts_params *params, int64_t *count)
{
    PGresult *result = NULL;
    enum parts_status status = parts_db_run(db, name, params, &result);
    if (status == PARTS_OK) {
        *count = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    }
    PQclear(result);
    return status;
}
