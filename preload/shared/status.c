/* SPDX-License-Identifier: MIT */
/*
 * Filling in struct spy_error. Cold path only: uses vsnprintf with no floating point, so the
 * program's locale cannot change the text.
 */
#include "shared/status.h"

#include <stdarg.h>
#include <stdio.h>

static void fill(struct spy_error *err, uint32_t line, uint32_t column, const char *format,
                 va_list args)
{
    if (err == NULL)
        return;
    err->line = line;
    err->column = column;
    vsnprintf(err->text, sizeof(err->text), format, args);
}

enum spy_status spy_fail(struct spy_error *err, enum spy_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(err, 0, 0, format, args);
    va_end(args);
    return status;
}

enum spy_status spy_fail_at(struct spy_error *err, enum spy_status status, uint32_t line,
                            uint32_t column, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(err, line, column, format, args);
    va_end(args);
    return status;
}
