/* SPDX-License-Identifier: MIT */
/*
 * part_input.h: a part as a client sends it, checked member by member.
 */
#ifndef PARTS_PART_INPUT_H
#define PARTS_PART_INPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "error.h"

/* Strings point into the parsed document, except names_json. */
struct parts_input {
    const char *part_number;
    const char *name;
    char *names_json;        /* translations as JSON text; owned, see parts_input_free */
    const char *description; /* NULL = none */
    const char *part_type;
    bool is_proprietary;
    const char *unit_of_measure;
    const char *manufacturer; /* NULL = none */
    int64_t supplier_id;      /* 0 = none */
    bool has_price;
    double unit_price;
    /* Stock of a new part. */
    int64_t warehouse_id; /* 0 = the central warehouse */
    double quantity;
    double minimum_level;
};

/*
 * Checks DOCUMENT and fills INPUT. A new part (CREATING) may have `initial_stock`. Returns false
 * with ERROR naming the member that is wrong. DOCUMENT must outlive INPUT.
 */
bool parts_input_read(json_t *document, bool creating, struct parts_input *input,
                      struct parts_error *error);

void parts_input_free(struct parts_input *input);

/* Whether TEXT is one of the part types; *all names them for messages. */
bool parts_type_known(const char *text);
extern const char parts_type_list[];

/* Whether TEXT is a language code such as "de" or "pt-BR". */
bool parts_language_valid(const char *text);

#endif
