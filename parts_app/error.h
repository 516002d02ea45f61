/* SPDX-License-Identifier: MIT */
/*
 * error.h: what went wrong with a request, as the client will read it.
 */
#ifndef PARTS_ERROR_H
#define PARTS_ERROR_H

#include <stdbool.h>

struct parts_error {
    unsigned status;   /* HTTP status code */
    const char *code;  /* short, stable, for programs; a literal */
    char field[64];    /* the parameter or member that is wrong; "" when none */
    char message[240]; /* a sentence for a person */
};

/* Fills ERROR and returns false, so that a check can end in `return parts_error_set(...)`. */
bool parts_error_set(struct parts_error *error, unsigned status, const char *code,
                     const char *field, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* The commonest: 422 validation_failed about FIELD. */
#define parts_error_field(error, field, ...) \
    parts_error_set((error), 422, "validation_failed", (field), __VA_ARGS__)

#endif
