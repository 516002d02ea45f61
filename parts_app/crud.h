/* SPDX-License-Identifier: MIT */
/*
 * crud.h: the data functions of the service.
 *
 * Each runs SQL of its own on a connection lent by the pool and hands over JSON that the caller
 * owns. Outputs are set on PARTS_OK only. Arguments have been validated by the caller.
 */
#ifndef PARTS_CRUD_H
#define PARTS_CRUD_H

#include <jansson.h>

#include "db.h"
#include "part_input.h"

struct parts_page {
    int64_t skip;  /* rows to pass over, >= 0 */
    int64_t limit; /* most rows to return, >= 1 */
};

/* Each filter applies when it is set. */
struct parts_filter {
    const char *part_type;    /* NULL = any */
    const char *manufacturer; /* NULL = any */
    bool has_proprietary, is_proprietary;
    int64_t supplier_id; /* 0 = any */
};

struct parts_stock_filter {
    const char *part_type; /* NULL = any */
    int64_t warehouse_id;  /* 0 = any */
};

/* crud_read.c */
enum parts_status parts_crud_get_part(struct parts_db *db, int64_t id, json_t **part);
enum parts_status parts_crud_get_parts(struct parts_db *db, const struct parts_page *page,
                                       json_t **items);

/* crud_filter.c */
enum parts_status parts_crud_get_filtered_parts(struct parts_db *db,
                                                const struct parts_filter *filter,
                                                const struct parts_page *page, json_t **items);
enum parts_status parts_crud_get_filtered_parts_with_count(struct parts_db *db,
                                                           const struct parts_filter *filter,
                                                           const struct parts_page *page,
                                                           json_t **items, int64_t *total);

/* crud_search.c: TERMS is free text; a part matches when it has a word for each of the terms that
 * begins with it. LANG is a language code or NULL for all languages. */
enum parts_status parts_crud_search_parts(struct parts_db *db, const char *terms,
                                          const struct parts_page *page, json_t **items);
enum parts_status parts_crud_search_parts_multilingual(struct parts_db *db, const char *terms,
                                                       const char *lang,
                                                       const struct parts_page *page,
                                                       json_t **items);
enum parts_status parts_crud_search_parts_multilingual_with_count(struct parts_db *db,
                                                                  const char *terms,
                                                                  const char *lang,
                                                                  const struct parts_page *page,
                                                                  json_t **items, int64_t *total);

/* crud_inventory.c: parts with `total_quantity` and `inventory` (a list of warehouses). */
enum parts_status parts_crud_get_part_with_inventory(struct parts_db *db, int64_t id,
                                                     json_t **part);
enum parts_status parts_crud_get_parts_with_inventory(struct parts_db *db,
                                                      const struct parts_stock_filter *filter,
                                                      const struct parts_page *page,
                                                      json_t **items);
enum parts_status parts_crud_get_parts_with_inventory_with_count(
    struct parts_db *db, const struct parts_stock_filter *filter, const struct parts_page *page,
    json_t **items, int64_t *total);
enum parts_status parts_crud_search_parts_with_inventory_with_count(struct parts_db *db,
                                                                    const char *terms,
                                                                    const struct parts_page *page,
                                                                    json_t **items, int64_t *total);

/* crud_usage.c */
enum parts_status parts_crud_get_part_usage_history(struct parts_db *db, int64_t id,
                                                    const struct parts_page *page, json_t **items);
enum parts_status parts_crud_get_part_with_usage_history(struct parts_db *db, int64_t id,
                                                         json_t **part);
enum parts_status parts_crud_get_parts_reorder_suggestions(struct parts_db *db,
                                                           int64_t warehouse_id, /* 0 = any */
                                                           const struct parts_page *page,
                                                           json_t **items);

/* crud_write.c: each either happens as a whole or not at all. */
enum parts_status parts_crud_create_part(struct parts_db *db, const struct parts_input *input,
                                         json_t **part, int64_t *id);
enum parts_status parts_crud_update_part(struct parts_db *db, int64_t id,
                                         const struct parts_input *input, json_t **part);
/* PARTS_REFERENCE when the part has been used: its history must stay. */
enum parts_status parts_crud_delete_part(struct parts_db *db, int64_t id);

#endif
