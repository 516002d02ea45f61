/* SPDX-License-Identifier: MIT */
/*
 * Writing JSON values; see json.h. jansson's numbers follow the C locale, which the tool never
 * leaves.
 */
#include "ctl/json.h"

#include "ctl/format.h"

#include <math.h>
#include <stdlib.h>

/* Significant digits: enough for a microsecond in a decade, few enough that 0.1 stays 0.1. */
#define DIGITS 15

static json_t *must(json_t *value)
{
    if (value == NULL) {
        fputs(CTL_NAME ": out of memory\n", stderr);
        exit(CTL_OSERR);
    }
    return value;
}

json_t *ctl_json_real(double value)
{
    if (!isfinite(value))
        return json_null();
    return must(json_real(round(value * 1e6) / 1e6));
}

json_t *ctl_json_ms(double ns)
{
    return ctl_json_real(ns / 1e6);
}

json_t *ctl_json_count(uint64_t count)
{
    return must(json_integer(count < INT64_MAX ? (json_int_t)count : INT64_MAX));
}

json_t *ctl_json_utc(uint64_t real_ns)
{
    char text[CTL_NUMBER_BYTES];
    return must(json_string(ctl_format_utc(text, real_ns)));
}

json_t *ctl_json_text(const char *text)
{
    return text != NULL && *text != '\0' ? must(json_string(text)) : json_null();
}

void ctl_json_set(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, must(value)) != 0)
        must(NULL);
}

void ctl_json_append(json_t *array, json_t *value)
{
    if (json_array_append_new(array, must(value)) != 0)
        must(NULL);
}

void ctl_json_print(const struct ctl_run *run, json_t *document)
{
    size_t flags = JSON_REAL_PRECISION(DIGITS) | (run->args->watch_ns > 0 ? 0 : JSON_INDENT(2));
    /* A failure to write shows in OUT's error flag, which main looks at. */
    (void)json_dumpf(document, run->out, flags);
    fputc('\n', run->out);
    json_decref(document);
}
