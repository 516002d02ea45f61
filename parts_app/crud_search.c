/* SPDX-License-Identifier: MIT */
/*
 * crud_search.c: parts by words.
 *
 * The words live in two generated columns with inverted indexes (see schema.c): search_words has
 * the part number, the default name, the description and the manufacturer; names_words has the
 * part number and the names in every language, each word once plain and once tagged with its
 * language, so that a search in one language is an index lookup too.
 */
#include "crud.h"
#include "rows.h"
#include "statements.h"

const struct parts_statement parts_search_statements[] = {
    {"search_parts", "SELECT " PARTS_COLUMNS " FROM parts AS p"
                     " WHERE p.search_words @@ parts_query($1) ORDER BY p.id LIMIT $2 OFFSET $3"},
    {"search_parts_multilingual",
     "SELECT " PARTS_COLUMNS ", coalesce(p.names ->> $2, p.name) AS display_name FROM parts AS p"
     " WHERE p.names_words @@ parts_query($1, $2) ORDER BY p.id LIMIT $3 OFFSET $4"},
    {"search_parts_multilingual_count",
     "SELECT count(*) FROM parts AS p WHERE p.names_words @@ parts_query($1, $2)"},
    {"search_parts_multilingual_page",
     "SELECT " PARTS_COLUMNS ", coalesce(p.names ->> $2, p.name) AS display_name"
     " FROM (SELECT f.id FROM parts AS f WHERE f.names_words @@ parts_query($1, $2)"
     " ORDER BY f.id LIMIT $3 OFFSET $4) AS page"
     " JOIN parts AS p ON p.id = page.id ORDER BY p.id"},
    {NULL, NULL},
};

static json_t *row_translated(const PGresult *result, int row)
{
    json_t *part = parts_row_part(result, row);
    json_t *name = json_string(PQgetvalue(result, row, PARTS_COLUMN_COUNT));
    if (json_object_set_new(part, "display_name", name) != 0) {
        json_decref(part);
        return NULL;
    }
    return part;
}

static void add_page(struct parts_params *params, const struct parts_page *page)
{
    parts_params_int(params, page->limit);
    parts_params_int(params, page->skip);
}

enum parts_status parts_crud_search_parts(struct parts_db *db, const char *terms,
                                          const struct parts_page *page, json_t **items)
{
    struct parts_params params = {0};
    parts_params_text(&params, terms);
    add_page(&params, page);
    return parts_rows_fetch(db, "search_parts", &params, parts_row_part, items);
}

enum parts_status parts_crud_search_parts_multilingual(struct parts_db *db, const char *terms,
                                                       const char *lang,
                                                       const struct parts_page *page,
                                                       json_t **items)
{
    struct parts_params params = {0};
    parts_params_text(&params, terms);
    parts_params_text(&params, lang);
    add_page(&params, page);
    return parts_rows_fetch(db, "search_parts_multilingual", &params, row_translated, items);
}

enum parts_status parts_crud_search_parts_multilingual_with_count(struct parts_db *db,
                                                                  const char *terms,
                                                                  const char *lang,
                                                                  const struct parts_page *page,
                                                                  json_t **items, int64_t *total)
{
    struct parts_params params = {0};
    parts_params_text(&params, terms);
    parts_params_text(&params, lang);
    enum parts_status status =
        parts_rows_count(db, "search_parts_multilingual_count", &params, total);
    if (status != PARTS_OK) {
        return status;
    }
    add_page(&params, page);
    return parts_rows_fetch(db, "search_parts_multilingual_page", &params, row_translated, items);
}
