/* SPDX-License-Identifier: MIT */
/*
 * args.h: the parameters of a URL, checked.
 *
 * Unknown and repeated parameters are errors: a misspelt filter must not silently return
 * everything. Texts are valid UTF-8 without NUL.
 */
#ifndef PARTS_ARGS_H
#define PARTS_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crud.h"
#include "error.h"

#define PARTS_ARGS_MAX 16

struct parts_arg {
    const char *name;
    const char *value; /* "" when the URL gives none */
    size_t name_length, value_length;
};

struct parts_args {
    size_t count;
    bool overflow; /* more than PARTS_ARGS_MAX were given */
    struct parts_arg list[PARTS_ARGS_MAX];
};

/* Checks encoding and repetition, and that all names are among ALLOWED (ends with NULL). */
bool parts_args_check(const struct parts_args *args, const char *const allowed[],
                      struct parts_error *error);

/* The value of NAME, or NULL. */
const char *parts_args_get(const struct parts_args *args, const char *name);

/* Each leaves *out alone when NAME is absent. */
bool parts_args_int(const struct parts_args *args, const char *name, int64_t low, int64_t high,
                    int64_t *out, struct parts_error *error);
bool parts_args_bool(const struct parts_args *args, const char *name, bool *out,
                     struct parts_error *error);
bool parts_args_text(const struct parts_args *args, const char *name, size_t max_bytes,
                     const char **out, struct parts_error *error);
bool parts_args_type(const struct parts_args *args, const char **out, struct parts_error *error);

/* skip (default 0) and limit (default 100, at most 1000). */
bool parts_args_page(const struct parts_args *args, struct parts_page *page,
                     struct parts_error *error);

/* A whole number from LOW to HIGH, nothing around it. */
bool parts_parse_int(const char *text, int64_t low, int64_t high, int64_t *out);

/* Whether the LENGTH bytes at TEXT are UTF-8 without NUL. */
bool parts_text_valid(const char *text, size_t length);

#endif
