/* SPDX-License-Identifier: MIT */
/*
 * Scenarios of stock: inventory, usage, what to reorder.
 */
#include "validate/scenario.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define PAGE 20

/* ---- inventory ------------------------------------------------------------------------------ */

/* The warehouses' quantities add up to the whole. */
static bool adds_up(const json_t *part, const void *ctx)
{
    double sum = 0;
    size_t i;
    const json_t *place;
    (void)ctx;
    const json_t *inventory = json_object_get(part, "inventory");
    json_array_foreach(inventory, i, place)
    {
        if (val_int(place, "warehouse_id") <= 0 || val_text(place, "warehouse")[0] == '\0')
            return false;
        sum += val_real(place, "quantity");
    }
    double total = val_real(part, "total_quantity");
    return json_is_array(inventory) && fabs(sum - total) <= 1e-6 * (1 + fabs(total));
}

static bool has_type(const json_t *item, const void *ctx)
{
    return strcmp(val_text(item, "part_type"), ctx) == 0;
}

void val_round_inventory(struct val_worker *worker)
{
    static const char what[] = "the warehouses add up to a part's stock";
    const json_t *wanted = val_any_part(worker);
    const char *type = val_text(wanted, "part_type");
    int64_t skip = (int64_t)val_random(worker, (uint64_t)worker->sample->total);
    json_t *page =
        val_get_page(worker, (struct val_page){skip, PAGE, false}, "/parts/with-inventory");
    if (page != NULL)
        val_check_items(worker, page, what, adds_up, NULL);
    json_decref(page);
    page = val_get_page(worker, (struct val_page){0, PAGE, true},
                        "/parts/with-inventory?part_type=%s", type);
    if (page != NULL) {
        val_check_items(worker, page, what, adds_up, NULL);
        val_check_items(worker, page, "the filter part_type is applied", has_type, type);
    }
    json_decref(page);
    json_t *part = val_get(worker, "/parts/%" PRId64 "?include=inventory", val_int(wanted, "id"));
    if (part != NULL)
        VAL_CHECK(worker, what, val_is_part(part) && adds_up(part, NULL), "id %" PRId64,
                  val_int(wanted, "id"));
    json_decref(part);
}

/* ---- usage ---------------------------------------------------------------------------------- */

/* A list of uses, the newest first. */
static bool is_history(const json_t *uses)
{
    const char *before = "9";
    size_t i;
    const json_t *use;
    json_array_foreach(uses, i, use)
    {
        const char *when = val_text(use, "used_at");
        if (*when == '\0' || strcmp(when, before) > 0 || val_int(use, "id") <= 0 ||
            !json_is_number(json_object_get(use, "quantity")))
            return false;
        before = when;
    }
    return json_is_array(uses);
}

void val_round_usage(struct val_worker *worker)
{
    int64_t id = val_int(val_any_part(worker), "id");
    json_t *page =
        val_get_page(worker, (struct val_page){0, PAGE, false}, "/parts/%" PRId64 "/usage", id);
    size_t listed = val_length(page, "items");
    if (page != NULL)
        VAL_CHECK(worker, "uses are complete, the newest first",
                  val_int(page, "part_id") == id && is_history(json_object_get(page, "items")),
                  "/parts/%" PRId64 "/usage", id);
    json_t *part = val_get(worker, "/parts/%" PRId64 "?include=usage", id);
    if (part != NULL && page != NULL) {
        int64_t count = val_int(part, "usage_count");
        VAL_CHECK(worker, "a part tells its uses as the list does",
                  is_history(json_object_get(part, "usage_history")) &&
                      (int64_t)listed == (count < PAGE ? count : PAGE) &&
                      val_length(part, "usage_history") == listed,
                  "id %" PRId64 ": %" PRId64 " uses, %zu told, %zu listed", id, count,
                  val_length(part, "usage_history"), listed);
    }
    json_decref(part);
    json_decref(page);
}

/* ---- what to reorder ------------------------------------------------------------------------ */

static bool runs_low(const json_t *item, const void *ctx)
{
    const int64_t *warehouse = ctx;
    return val_int(item, "part_id") > 0 &&
           val_real(item, "quantity") <= val_real(item, "minimum_level") &&
           json_is_number(json_object_get(item, "suggested_quantity")) &&
           (warehouse == NULL || val_int(item, "warehouse_id") == *warehouse);
}

void val_round_reorder(struct val_worker *worker)
{
    static const char path[] = "/parts/reorder-suggestions";
    int64_t warehouse = 1;
    json_t *page = val_get_page(worker, (struct val_page){0, PAGE, false}, "%s", path);
    if (page != NULL) {
        val_check_items(worker, page, "what is to be reordered runs low", runs_low, NULL);
        const json_t *first = json_array_get(json_object_get(page, "items"), 0);
        if (first != NULL)
            warehouse = val_int(first, "warehouse_id");
    }
    json_decref(page);
    page = val_get_page(worker, (struct val_page){0, PAGE, false}, "%s?warehouse_id=%" PRId64, path,
                        warehouse);
    if (page != NULL)
        val_check_items(worker, page, "the filter warehouse_id is applied", runs_low, &warehouse);
    json_decref(page);
}
