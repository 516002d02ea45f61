/* SPDX-License-Identifier: MIT */
/*
 * What rounds are made of: requests with their checks; see scenario.h.
 */
#include "validate/scenario.h"

#include "validate/validate.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST_LIMIT_NS 30000000000ull /* longer, and nobody would still wait for it */
#define PATH_BYTES       512u

uint64_t val_random(struct val_worker *worker, uint64_t bound)
{
    /* splitmix64: spreads well from any seed, and a seed a thread needs no lock. */
    uint64_t z = (worker->random += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return (z ^ (z >> 31)) % bound;
}

const json_t *val_any_part(struct val_worker *worker)
{
    size_t count = json_array_size(worker->sample->parts);
    return json_array_get(worker->sample->parts, val_random(worker, count));
}

/* ---- members -------------------------------------------------------------------------------- */

int64_t val_int(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? json_integer_value(value) : -1;
}

double val_real(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

const char *val_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

size_t val_length(const json_t *object, const char *key)
{
    return json_array_size(json_object_get(object, key));
}

static bool is_text_or_null(const json_t *value)
{
    return json_is_string(value) || json_is_null(value);
}

bool val_is_part(const json_t *p)
{
    return val_int(p, "id") > 0 && val_text(p, "part_number")[0] != '\0' &&
           val_text(p, "name")[0] != '\0' && val_text(p, "part_type")[0] != '\0' &&
           json_is_object(json_object_get(p, "names")) &&
           json_is_boolean(json_object_get(p, "is_proprietary")) &&
           is_text_or_null(json_object_get(p, "manufacturer")) &&
           is_text_or_null(json_object_get(p, "description"));
}

/* ---- requests ------------------------------------------------------------------------------- */

static void check_status(struct val_worker *worker, const char *operation,
                         const struct val_request *request, long want,
                         const struct val_response *response)
{
    char what[VAL_WHAT_BYTES];
    snprintf(what, sizeof(what), "%s answers %ld", operation, want);
    if (!response->answered)
        VAL_CHECK(worker, what, false, "%s %s: no answer: %s", request->method, request->path,
                  response->problem);
    else
        VAL_CHECK(worker, what, response->status == want, "%s %s: status %ld: %.200s",
                  request->method, request->path, response->status, response->text);
}

bool val_ask(struct val_worker *worker, const struct val_request *request,
             struct val_response *response, const char **operation)
{
    if (val_stop_asked() != VAL_GO)
        return false;
    uint64_t left = val_stop_left_ns();
    val_http_send(worker->http, request, left < REQUEST_LIMIT_NS ? left : REQUEST_LIMIT_NS,
                  response);
    val_stop_answered(response->answered);
    const char *name = val_record_add(worker->record, request, response, worker->timed);
    if (operation != NULL)
        *operation = name;
    return true;
}

bool val_send(struct val_worker *worker, const struct val_request *request, long want,
              struct val_response *response)
{
    const char *operation;
    if (!val_ask(worker, request, response, &operation))
        return false;
    check_status(worker, operation, request, want, response);
    return response->answered && response->status == want;
}

static json_t *get(struct val_worker *worker, const char *path)
{
    struct val_response response;
    json_error_t error;
    if (!val_send(worker, &(struct val_request){.method = "GET", .path = path}, 200, &response))
        return NULL;
    json_t *body = json_loadb(response.text, response.len, 0, &error);
    VAL_CHECK(worker, "the answer is a JSON object", json_is_object(body), "GET %s: %s: %.200s",
              path, body != NULL ? "no object" : error.text, response.text);
    if (json_is_object(body))
        return body;
    json_decref(body);
    return NULL;
}

json_t *val_get(struct val_worker *worker, const char *format, ...)
{
    char path[PATH_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(path, sizeof(path), format, args);
    va_end(args);
    return get(worker, path);
}

static bool check_page(struct val_worker *worker, const json_t *page, struct val_page want,
                       const char *path)
{
    const json_t *items = json_object_get(page, "items");
    size_t count = json_array_size(items);
    int64_t total = val_int(page, "total");
    bool good = VAL_CHECK(worker, "a list has items, skip and limit as asked for",
                          json_is_array(items) && val_int(page, "skip") == want.skip &&
                              val_int(page, "limit") == want.limit && (total >= 0) == want.counted,
                          "GET %s: skip %" PRId64 ", limit %" PRId64 ", total %" PRId64, path,
                          val_int(page, "skip"), val_int(page, "limit"), total);
    good = VAL_CHECK(worker, "a page is no longer than its limit", (int64_t)count <= want.limit,
                     "GET %s: %zu items", path, count) &&
           good;
    if (!want.counted)
        return good;
    int64_t rest = total > want.skip ? total - want.skip : 0;
    int64_t expected = rest < want.limit ? rest : want.limit;
    return VAL_CHECK(worker, "a page has as many items as its total leaves",
                     (int64_t)count == expected, "GET %s: %zu items where total is %" PRId64, path,
                     count, total) &&
           good;
}

json_t *val_get_page(struct val_worker *worker, struct val_page page, const char *format, ...)
{
    char path[PATH_BYTES];
    va_list args;
    va_start(args, format);
    int used = vsnprintf(path, sizeof(path), format, args);
    va_end(args);
    if (used > 0 && (size_t)used < sizeof(path))
        snprintf(path + used, sizeof(path) - (size_t)used, "%cskip=%" PRId64 "&limit=%" PRId64 "%s",
                 strchr(path, '?') != NULL ? '&' : '?', page.skip, page.limit,
                 page.counted ? "&include_count=true" : "");
    json_t *body = get(worker, path);
    if (body == NULL || check_page(worker, body, page, path))
        return body;
    json_decref(body);
    return NULL;
}

bool val_check_items(struct val_worker *worker, const json_t *page, const char *what,
                     val_holds *holds, const void *ctx)
{
    size_t i;
    const json_t *item;
    json_array_foreach(json_object_get(page, "items"), i, item)
    {
        if (holds(item, ctx))
            continue;
        char *text = json_dumps(item, JSON_COMPACT);
        VAL_CHECK(worker, what, false, "item %zu: %.300s", i, text != NULL ? text : "?");
        free(text);
        return false;
    }
    return VAL_CHECK(worker, what, true, "%s", "");
}
