/* SPDX-License-Identifier: MIT */
/*
 * error.c: what went wrong with a request. See error.h.
 */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>

bool parts_error_set(struct parts_error *error, unsigned status, const char *code,
                     const char *field, const char *format, ...)
{
    error->status = status;
    error->code = code;
    snprintf(error->field, sizeof error->field, "%s", field != NULL ? field : "");
    va_list args;
    va_start(args, format);
    vsnprintf(error->message, sizeof error->message, format, args);
    va_end(args);
    return false;
}
