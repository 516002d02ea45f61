/* SPDX-License-Identifier: MIT */
/*
 * The scenario that writes: the whole life of a part of our own.
 */
#include "validate/scenario.h"

#include "ctl/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NEW_NAME     "Validation part"
#define CHANGED_NAME "Changed validation part"

static char *body_of(const char *number, const char *name, double price)
{
    json_t *part = json_object();
    ctl_json_set(part, "part_number", json_string(number));
    ctl_json_set(part, "name", json_string(name));
    ctl_json_set(part, "part_type", json_string("tool"));
    ctl_json_set(part, "description", json_string("Made and deleted by parts-validate"));
    ctl_json_set(part, "is_proprietary", json_true());
    ctl_json_set(part, "unit_price", json_real(price));
    char *text = json_dumps(part, JSON_COMPACT);
    json_decref(part);
    return text != NULL ? text : ctl_copy("");
}

static struct val_request write_request(const char *method, const char *path, const char *body)
{
    return (struct val_request){method, path, body, body != NULL ? "application/json" : NULL, NULL};
}

/* Whether TEXT is a part with that number, name and price. */
static bool is_ours(const json_t *part, const char *number, const char *name, double price)
{
    return val_is_part(part) && strcmp(val_text(part, "part_number"), number) == 0 &&
           strcmp(val_text(part, "name"), name) == 0 && val_real(part, "unit_price") == price &&
           strcmp(val_text(part, "part_type"), "tool") == 0 &&
           json_is_true(json_object_get(part, "is_proprietary"));
}

/* Sends a part. Whatever the answer should be: where there is none, the part may come to be yet,
 * even after the one of the same number has been deleted. */
static bool post(struct val_worker *worker, const struct val_request *request, long want,
                 struct val_response *response)
{
    response->sent = response->answered = false;
    bool good = val_send(worker, request, want, response);
    if (response->sent && !response->answered)
        val_own_unsure(worker->own);
    return good;
}

/* Makes the part; its id, or 0. */
static int64_t make(struct val_worker *worker, const char *number, const char *body)
{
    struct val_response response;
    struct val_request request = write_request("POST", "/parts/", body);
    char place[64];
    if (!post(worker, &request, 201, &response))
        return 0;
    json_t *part = json_loadb(response.text, response.len, 0, NULL);
    int64_t id = val_int(part, "id");
    if (id > 0)
        val_own_add(worker->own, id);
    snprintf(place, sizeof(place), "/parts/%" PRId64, id);
    VAL_CHECK(worker, "a new part is what was sent", is_ours(part, number, NEW_NAME, 12.5),
              "%.300s", response.text);
    VAL_CHECK(worker, "a new part's Location is its place", strcmp(response.location, place) == 0,
              "\"%s\" for id %" PRId64, response.location, id);
    json_decref(part);
    return id > 0 ? id : 0;
}

static void find(struct val_worker *worker, const char *number, int64_t id)
{
    json_t *page =
        val_get_page(worker, (struct val_page){0, 10, false}, "/parts/search?q=%s", number);
    if (page == NULL)
        return;
    bool found = false;
    size_t i;
    const json_t *item;
    json_array_foreach(json_object_get(page, "items"), i, item)
    {
        found = found || val_int(item, "id") == id;
    }
    /* A number may begin others: 1 begins 10, 11, ... and a page is only so long. */
    VAL_CHECK(worker, "a new part is found by its number", found || i == 10, "%s, id %" PRId64,
              number, id);
    json_decref(page);
}

static void fetch(struct val_worker *worker, const char *path, const char *what, const char *number,
                  const char *name, double price)
{
    json_t *part = val_get(worker, "%s", path);
    if (part != NULL)
        VAL_CHECK(worker, what, is_ours(part, number, name, price), "GET %s: \"%s\", \"%s\"", path,
                  val_text(part, "part_number"), val_text(part, "name"));
    json_decref(part);
}

static void change(struct val_worker *worker, const char *path, const char *number)
{
    struct val_response response;
    char *body = body_of(number, CHANGED_NAME, 99.25);
    struct val_request request = write_request("PUT", path, body);
    if (val_send(worker, &request, 200, &response))
        fetch(worker, path, "a change is there when it has been answered", number, CHANGED_NAME,
              99.25);
    free(body);
}

void val_round_write(struct val_worker *worker)
{
    char number[64], path[64];
    struct val_response response;
    val_own_number(worker->own, number);
    char *body = body_of(number, NEW_NAME, 12.5);
    int64_t id = make(worker, number, body);
    snprintf(path, sizeof(path), "/parts/%" PRId64, id);
    if (id > 0) {
        fetch(worker, path, "a new part is there when it has been answered", number, NEW_NAME,
              12.5);
        find(worker, number, id);
        struct val_request again = write_request("POST", "/parts/", body);
        post(worker, &again, 409, &response);
        change(worker, path, number);
        struct val_request end = write_request("DELETE", path, NULL);
        if (val_send(worker, &end, 204, &response)) {
            val_own_remove(worker->own, id);
            val_send(worker, &(struct val_request){.method = "GET", .path = path}, 404, &response);
        }
    }
    free(body);
}
