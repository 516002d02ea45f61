/* SPDX-License-Identifier: MIT */
/*
 * args.c: the parameters of a URL, checked. See args.h.
 */
#include "args.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define SKIP_MAX      100000000
#define LIMIT_DEFAULT 100
#define LIMIT_MAX     1000

bool parts_text_valid(const char *text, size_t length)
{
    if (memchr(text, '\0', length) != NULL) {
        return false;
    }
    /* jansson makes no string of bytes that are not UTF-8. */
    json_t *probe = json_stringn(text, length);
    bool valid = probe != NULL;
    json_decref(probe);
    return valid;
}

static bool check_one(const struct parts_args *args, size_t index, const char *const allowed[],
                      struct parts_error *error)
{
    const struct parts_arg *arg = &args->list[index];
    if (!parts_text_valid(arg->name, arg->name_length)) {
        return parts_error_set(error, 422, "validation_failed", NULL,
                               "the name of a URL parameter is not UTF-8 text");
    }
    size_t i = 0;
    while (allowed[i] != NULL && strcmp(allowed[i], arg->name) != 0) {
        i++;
    }
    if (allowed[i] == NULL) {
        return parts_error_field(error, arg->name, "%.64s is not a parameter of this resource",
                                 arg->name);
    }
    if (!parts_text_valid(arg->value, arg->value_length)) {
        return parts_error_field(error, arg->name, "%s is not UTF-8 text", arg->name);
    }
    for (size_t other = 0; other < index; other++) {
        if (strcmp(args->list[other].name, arg->name) == 0) {
            return parts_error_field(error, arg->name, "%s is given more than once", arg->name);
        }
    }
    return true;
}

bool parts_args_check(const struct parts_args *args, const char *const allowed[],
                      struct parts_error *error)
{
    for (size_t i = 0; i < args->count; i++) {
        if (!check_one(args, i, allowed, error)) {
            return false;
        }
    }
    return !args->overflow || parts_error_set(error, 422, "validation_failed", NULL,
                                              "more than %d URL parameters", PARTS_ARGS_MAX);
}

const char *parts_args_get(const struct parts_args *args, const char *name)
{
    for (size_t i = 0; i < args->count; i++) {
        if (strcmp(args->list[i].name, name) == 0) {
            return args->list[i].value;
        }
    }
    return NULL;
}

bool parts_parse_int(const char *text, int64_t low, int64_t high, int64_t *out)
{
    if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0') {
        return false;
    }
    errno = 0;
    long long number = strtoll(text, NULL, 10);
    if (errno != 0 || number < low || number > high) {
        return false;
    }
    *out = number;
    return true;
}

bool parts_args_int(const struct parts_args *args, const char *name, int64_t low, int64_t high,
                    int64_t *out, struct parts_error *error)
{
    const char *text = parts_args_get(args, name);
    if (text == NULL || parts_parse_int(text, low, high, out)) {
        return true;
    }
    return parts_error_field(error, name, "%s must be a whole number from %lld to %lld", name,
                             (long long)low, (long long)high);
}

bool parts_args_bool(const struct parts_args *args, const char *name, bool *out,
                     struct parts_error *error)
{
    const char *text = parts_args_get(args, name);
    if (text == NULL) {
        return true;
    }
    if (strcmp(text, "true") == 0 || strcmp(text, "1") == 0) {
        *out = true;
        return true;
    }
    if (strcmp(text, "false") == 0 || strcmp(text, "0") == 0) {
        *out = false;
        return true;
    }
    return parts_error_field(error, name, "%s must be true or false", name);
}

bool parts_args_text(const struct parts_args *args, const char *name, size_t max_bytes,
                     const char **out, struct parts_error *error)
{
    const char *text = parts_args_get(args, name);
    if (text == NULL) {
        return true;
    }
    if (text[strspn(text, " ")] == '\0' || strlen(text) > max_bytes) {
        return parts_error_field(error, name, "%s must have 1 to %zu bytes, not all spaces", name,
                                 max_bytes);
    }
    *out = text;
    return true;
}

bool parts_args_type(const struct parts_args *args, const char **out, struct parts_error *error)
{
    const char *text = parts_args_get(args, "part_type");
    if (text != NULL && !parts_type_known(text)) {
        return parts_error_field(error, "part_type", "part_type must be one of %s",
                                 parts_type_list);
    }
    *out = text;
    return true;
}

bool parts_args_page(const struct parts_args *args, struct parts_page *page,
                     struct parts_error *error)
{
    *page = (struct parts_page){.skip = 0, .limit = LIMIT_DEFAULT};
    return parts_args_int(args, "skip", 0, SKIP_MAX, &page->skip, error) &&
           parts_args_int(args, "limit", 1, LIMIT_MAX, &page->limit, error);
}
