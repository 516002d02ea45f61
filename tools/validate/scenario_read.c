/* SPDX-License-Identifier: MIT */
/*
 * Scenarios of lists and single parts.
 */
#include "validate/scenario.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The listing that this service was made from ended at part 200. */
#define OLD_LIMIT 200
#define PAGE      50

static bool is_part(const json_t *item, const void *ctx)
{
    (void)ctx;
    return val_is_part(item);
}

/* A place beyond the old limit where there are some pages left, as far as the catalogue goes. */
static int64_t deep_place(struct val_worker *worker)
{
    int64_t total = worker->sample->total;
    int64_t last = total - 4 * PAGE;
    if (last > OLD_LIMIT)
        return OLD_LIMIT + (int64_t)val_random(worker, (uint64_t)(last - OLD_LIMIT));
    return total > OLD_LIMIT ? OLD_LIMIT : 0;
}

/* ---- pagination ----------------------------------------------------------------------------- */

static void counted_page(struct val_worker *worker, int64_t skip)
{
    json_t *page = val_get_page(worker, (struct val_page){skip, PAGE, true}, "/parts/");
    if (page == NULL)
        return;
    VAL_CHECK(worker, "the total is the same throughout",
              val_int(page, "total") == worker->sample->total,
              "%" PRId64 " parts, where there were %" PRId64 " (does somebody else write?)",
              val_int(page, "total"), worker->sample->total);
    val_check_items(worker, page, "parts are complete", is_part, NULL);
    json_decref(page);
}

/* The page is in order of ids, and begins behind *LAST; which becomes its last one. */
static bool follows(const json_t *page, int64_t *last)
{
    size_t i;
    const json_t *item;
    json_array_foreach(json_object_get(page, "items"), i, item)
    {
        if (val_int(item, "id") <= *last)
            return false;
        *last = val_int(item, "id");
    }
    return true;
}

static void walk(struct val_worker *worker, int64_t skip, int pages)
{
    int64_t last = 0;
    for (int i = 0; i < pages; i++, skip += PAGE) {
        json_t *page = val_get_page(worker, (struct val_page){skip, PAGE, false}, "/parts/");
        if (page == NULL)
            return;
        VAL_CHECK(worker, "pages follow each other without overlap", follows(page, &last),
                  "the page from %" PRId64 " on does not go on behind id %" PRId64, skip, last);
        json_decref(page);
    }
}

void val_round_pagination(struct val_worker *worker)
{
    counted_page(worker, 0);
    counted_page(worker, deep_place(worker));
    walk(worker, deep_place(worker), 3);
    int64_t beyond = worker->sample->total + 1000;
    json_t *page = val_get_page(worker, (struct val_page){beyond, PAGE, false}, "/parts/");
    if (page != NULL)
        VAL_CHECK(worker, "there is nothing behind the end", val_length(page, "items") == 0,
                  "%zu parts from %" PRId64 " on", val_length(page, "items"), beyond);
    json_decref(page);
}

/* ---- filtering ------------------------------------------------------------------------------ */

static const char *const types[] = {"consumable", "bulk_material", "wear_part", "tool"};
#define TYPES (sizeof(types) / sizeof(types[0]))

static bool has_type(const json_t *item, const void *ctx)
{
    return strcmp(val_text(item, "part_type"), ctx) == 0;
}

static bool has_manufacturer(const json_t *item, const void *ctx)
{
    return strcmp(val_text(item, "manufacturer"), ctx) == 0;
}

static bool is_proprietary(const json_t *item, const void *ctx)
{
    (void)ctx;
    return json_is_true(json_object_get(item, "is_proprietary"));
}

static bool is_open(const json_t *item, const void *ctx)
{
    (void)ctx;
    return json_is_false(json_object_get(item, "is_proprietary"));
}

/* The total of a counted, filtered page whose items are checked; -1 where it failed. */
static int64_t filtered(struct val_worker *worker, const char *path, const char *what,
                        val_holds *holds, const void *ctx)
{
    json_t *page = val_get_page(worker, (struct val_page){0, PAGE, true}, "%s", path);
    int64_t total = val_int(page, "total");
    if (page != NULL)
        val_check_items(worker, page, what, holds, ctx);
    json_decref(page);
    return total;
}

static void by_each_type(struct val_worker *worker)
{
    int64_t sum = 0;
    for (size_t i = 0; i < TYPES; i++) {
        char path[64];
        snprintf(path, sizeof(path), "/parts/?part_type=%s", types[i]);
        int64_t total =
            filtered(worker, path, "the filter part_type is applied", has_type, types[i]);
        if (total < 0)
            return;
        sum += total;
    }
    VAL_CHECK(worker, "the types add up to all parts", sum == worker->sample->total,
              "%" PRId64 ", where there are %" PRId64, sum, worker->sample->total);
}

static void by_ownership(struct val_worker *worker)
{
    static const char what[] = "the filter is_proprietary is applied";
    int64_t theirs = filtered(worker, "/parts/?is_proprietary=true", what, is_proprietary, NULL);
    int64_t open = filtered(worker, "/parts/?is_proprietary=false", what, is_open, NULL);
    if (theirs < 0 || open < 0)
        return;
    VAL_CHECK(worker, "proprietary or not adds up to all parts",
              theirs + open == worker->sample->total,
              "%" PRId64 " and %" PRId64 ", where there are %" PRId64, theirs, open,
              worker->sample->total);
}

/* Two filters at once, from a part that has both: it may not be on the page, but the page is not
 * empty. */
static void by_manufacturer(struct val_worker *worker)
{
    const json_t *part = val_any_part(worker);
    char name[200];
    const char *manufacturer = val_text(part, "manufacturer");
    val_http_escape(name, sizeof(name), manufacturer);
    json_t *page =
        val_get_page(worker, (struct val_page){0, PAGE, false}, "/parts/?part_type=%s%s%s",
                     val_text(part, "part_type"), *name != '\0' ? "&manufacturer=" : "", name);
    if (page == NULL)
        return;
    VAL_CHECK(worker, "filters find the part that they describe", val_length(page, "items") > 0,
              "no part like id %" PRId64, val_int(part, "id"));
    val_check_items(worker, page, "the filter part_type is applied", has_type,
                    val_text(part, "part_type"));
    if (*name != '\0')
        val_check_items(worker, page, "the filter manufacturer is applied", has_manufacturer,
                        manufacturer);
    json_decref(page);
}

void val_round_filtering(struct val_worker *worker)
{
    by_each_type(worker);
    by_ownership(worker);
    by_manufacturer(worker);
}

void val_round_by_type(struct val_worker *worker)
{
    static const char what[] = "all parts are of the type asked for";
    const char *type = val_text(val_any_part(worker), "part_type");
    char path[64];
    snprintf(path, sizeof(path), "/parts/by-type/%s", type);
    int64_t total = filtered(worker, path, what, has_type, type);
    json_t *page = val_get_page(worker, (struct val_page){0, PAGE, false}, "%s", path);
    if (page != NULL) {
        val_check_items(worker, page, what, has_type, type);
        int64_t expected = total < PAGE ? total : PAGE;
        VAL_CHECK(worker, "counted or not, the page is the same",
                  total < 0 || (int64_t)val_length(page, "items") == expected,
                  "%zu items, where %" PRId64 " are counted", val_length(page, "items"), total);
    }
    json_decref(page);
}

/* ---- single parts --------------------------------------------------------------------------- */

static void fetch_part(struct val_worker *worker, const json_t *wanted, const char *path,
                       struct val_response *response)
{
    json_t *part = json_loadb(response->text, response->len, 0, NULL);
    VAL_CHECK(worker, "a single part is the one of the list",
              val_is_part(part) && json_equal(part, wanted), "GET %s: %.200s", path,
              response->text);
    VAL_CHECK(worker, "a part has an ETag", response->etag[0] != '\0', "GET %s: none", path);
    json_decref(part);
}

void val_round_part(struct val_worker *worker)
{
    const json_t *wanted = val_any_part(worker);
    struct val_response response;
    char path[64], etag[sizeof(response.etag)];
    snprintf(path, sizeof(path), "/parts/%" PRId64, val_int(wanted, "id"));
    struct val_request request = {.method = "GET", .path = path};
    if (val_send(worker, &request, 200, &response)) {
        fetch_part(worker, wanted, path, &response);
        strcpy(etag, response.etag);
        request.etag = etag;
        if (*etag != '\0' && val_send(worker, &request, 304, &response))
            VAL_CHECK(worker, "what has not changed is not sent again", response.len == 0,
                      "GET %s: %zu bytes", path, response.len);
    }
    val_send(worker, &(struct val_request){.method = "GET", .path = "/parts/999999999999"}, 404,
             &response);
}
