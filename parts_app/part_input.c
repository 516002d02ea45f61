/* SPDX-License-Identifier: MIT */
/*
 * part_input.c: a part as a client sends it. The same limits stand as constraints in the schema;
 * here they become messages that name the member.
 */
#include "part_input.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_CHARS        200
#define PART_NUMBER_MAX_CHARS 64
#define DESCRIPTION_MAX_CHARS 2000
#define LANGUAGES_MAX         32
#define PRICE_MAX             9999999999.0
#define QUANTITY_MAX          99999999.0

static const char *const part_types[] = {"consumable", "bulk_material", "wear_part", "tool"};
const char parts_type_list[] = "consumable, bulk_material, wear_part, tool";

bool parts_type_known(const char *text)
{
    for (size_t i = 0; i < sizeof part_types / sizeof part_types[0]; i++) {
        if (strcmp(text, part_types[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool parts_language_valid(const char *text)
{
    if (!islower((unsigned char)text[0]) || !islower((unsigned char)text[1])) {
        return false;
    }
    if (text[2] == '\0') {
        return true;
    }
    return text[2] == '-' && isupper((unsigned char)text[3]) && isupper((unsigned char)text[4]) &&
           text[5] == '\0';
}

/* Characters of valid UTF-8: every byte but the continuation bytes begins one. */
static size_t count_chars(const char *text)
{
    size_t chars = 0;
    for (; *text != '\0'; text++) {
        chars += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return chars;
}

static bool has_control(const char *text, const char *allowed)
{
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if ((byte < 0x20 || byte == 0x7f) && strchr(allowed, byte) == NULL) {
            return true;
        }
    }
    return false;
}

struct text_rule {
    const char *field;
    bool required; /* else null and absence are fine */
    size_t max_chars;
    const char *control_allowed;
};

static bool check_text(const struct text_rule *rule, const json_t *value, const char **text,
                       struct parts_error *error)
{
    if (value == NULL || json_is_null(value)) {
        return !rule->required ||
               parts_error_field(error, rule->field, "%s is required", rule->field);
    }
    if (!json_is_string(value)) {
        return parts_error_field(error, rule->field, "%s must be a string", rule->field);
    }
    const char *found = json_string_value(value);
    size_t chars = count_chars(found);
    if (chars < 1 || chars > rule->max_chars || found[strspn(found, " ")] == '\0') {
        return parts_error_field(error, rule->field,
                                 "%s must have 1 to %zu characters that are not all spaces",
                                 rule->field, rule->max_chars);
    }
    if (has_control(found, rule->control_allowed)) {
        return parts_error_field(error, rule->field, "%s must not contain control characters",
                                 rule->field);
    }
    *text = found;
    return true;
}

static bool read_text(const json_t *document, const struct text_rule *rule, const char **text,
                      struct parts_error *error)
{
    return check_text(rule, json_object_get(document, rule->field), text, error);
}

/* A non-negative decimal that a column of DECIMALS places holds without rounding. */
static bool read_decimal(const json_t *value, const char *field, double max, int decimals,
                         double *number, struct parts_error *error)
{
    double found = json_number_value(value);
    if (!json_is_number(value) || !(found >= 0) || found > max) {
        return parts_error_field(error, field, "%s must be a number from 0 to %.0f", field, max);
    }
    double scaled = found;
    for (int i = 0; i < decimals; i++) {
        scaled *= 10;
    }
    double rest = scaled - (double)(int64_t)(scaled + 0.5);
    if (rest > 1e-4 || rest < -1e-4) {
        return parts_error_field(error, field, "%s must have at most %d decimals", field, decimals);
    }
    *number = found;
    return true;
}

static bool read_id(const json_t *value, const char *field, int64_t *id, struct parts_error *error)
{
    if (value == NULL || json_is_null(value)) {
        return true;
    }
    if (!json_is_integer(value) || json_integer_value(value) < 1) {
        return parts_error_field(error, field, "%s must be a whole number from 1, or null", field);
    }
    *id = json_integer_value(value);
    return true;
}

static bool check_members(json_t *object, const char *prefix, const char *const allowed[],
                          struct parts_error *error)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        size_t i = 0;
        while (allowed[i] != NULL && strcmp(allowed[i], key) != 0) {
            i++;
        }
        if (allowed[i] == NULL) {
            return parts_error_field(error, key, "%s%.64s is not a known member", prefix, key);
        }
    }
    return true;
}

static bool read_names(json_t *document, struct parts_input *input, struct parts_error *error)
{
    json_t *names = json_object_get(document, "names");
    if (names == NULL || json_is_null(names)) {
        input->names_json = strdup("{}");
        return input->names_json != NULL ||
               parts_error_set(error, 500, "internal_error", NULL, "out of memory");
    }
    if (!json_is_object(names) || json_object_size(names) > LANGUAGES_MAX) {
        return parts_error_field(error, "names",
                                 "names must be an object of at most %d translations by language",
                                 LANGUAGES_MAX);
    }
    const struct text_rule rule = {"names", true, NAME_MAX_CHARS, ""};
    const char *language;
    json_t *value;
    json_object_foreach(names, language, value)
    {
        const char *text = NULL;
        if (!parts_language_valid(language)) {
            return parts_error_field(
                error, "names", "'%.20s' is not a language code such as de or pt-BR", language);
        }
        if (!check_text(&rule, value, &text, error)) {
            return false;
        }
    }
    input->names_json = json_dumps(names, JSON_COMPACT);
    return input->names_json != NULL ||
           parts_error_set(error, 500, "internal_error", NULL, "out of memory");
}

static bool read_type(const json_t *document, struct parts_input *input, struct parts_error *error)
{
    const char *type = json_string_value(json_object_get(document, "part_type"));
    if (type == NULL || !parts_type_known(type)) {
        return parts_error_field(error, "part_type", "part_type must be one of %s",
                                 parts_type_list);
    }
    input->part_type = type;
    return true;
}

static bool read_flag(const json_t *document, struct parts_input *input, struct parts_error *error)
{
    const json_t *flag = json_object_get(document, "is_proprietary");
    if (flag != NULL && !json_is_boolean(flag)) {
        return parts_error_field(error, "is_proprietary", "is_proprietary must be true or false");
    }
    input->is_proprietary = json_is_true(flag);
    return true;
}

static bool read_price(const json_t *document, struct parts_input *input, struct parts_error *error)
{
    const json_t *price = json_object_get(document, "unit_price");
    input->has_price = price != NULL && !json_is_null(price);
    return !input->has_price ||
           read_decimal(price, "unit_price", PRICE_MAX, 2, &input->unit_price, error);
}

static bool read_stock(json_t *document, struct parts_input *input, struct parts_error *error)
{
    static const char *const known[] = {"warehouse_id", "quantity", "minimum_level", NULL};
    json_t *stock = json_object_get(document, "initial_stock");
    if (stock == NULL || json_is_null(stock)) {
        return true;
    }
    if (!json_is_object(stock)) {
        return parts_error_field(error, "initial_stock", "initial_stock must be an object");
    }
    const json_t *quantity = json_object_get(stock, "quantity");
    const json_t *minimum = json_object_get(stock, "minimum_level");
    return check_members(stock, "initial_stock.", known, error) &&
           read_id(json_object_get(stock, "warehouse_id"), "warehouse_id", &input->warehouse_id,
                   error) &&
           (quantity == NULL ||
            read_decimal(quantity, "quantity", QUANTITY_MAX, 3, &input->quantity, error)) &&
           (minimum == NULL ||
            read_decimal(minimum, "minimum_level", QUANTITY_MAX, 3, &input->minimum_level, error));
}

static bool check_part_number(const char *text, struct parts_error *error)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (!isalnum((unsigned char)*at) && strchr("-._/", *at) == NULL) {
            return parts_error_field(error, "part_number",
                                     "part_number may have ASCII letters, digits and - . _ /");
        }
    }
    return true;
}

static bool read_part(json_t *document, struct parts_input *input, struct parts_error *error)
{
    static const struct text_rule number = {"part_number", true, PART_NUMBER_MAX_CHARS, ""};
    static const struct text_rule name = {"name", true, NAME_MAX_CHARS, ""};
    static const struct text_rule description = {"description", false, DESCRIPTION_MAX_CHARS,
                                                 "\n\r\t"};
    static const struct text_rule unit = {"unit_of_measure", false, 20, ""};
    static const struct text_rule maker = {"manufacturer", false, 100, ""};
    return read_text(document, &number, &input->part_number, error) &&
           check_part_number(input->part_number, error) &&
           read_text(document, &name, &input->name, error) &&
           read_text(document, &description, &input->description, error) &&
           read_text(document, &unit, &input->unit_of_measure, error) &&
           read_text(document, &maker, &input->manufacturer, error) &&
           read_type(document, input, error) && read_flag(document, input, error) &&
           read_price(document, input, error) &&
           read_id(json_object_get(document, "supplier_id"), "supplier_id", &input->supplier_id,
                   error);
}

bool parts_input_read(json_t *document, bool creating, struct parts_input *input,
                      struct parts_error *error)
{
    /* The last three are the server's own; a PUT of what GET gave must work, so they are passed
     * over there. initial_stock is for POST. */
    static const char *const for_update[] = {"part_number",
                                             "name",
                                             "names",
                                             "description",
                                             "part_type",
                                             "is_proprietary",
                                             "unit_of_measure",
                                             "manufacturer",
                                             "supplier_id",
                                             "unit_price",
                                             "id",
                                             "created_at",
                                             "updated_at",
                                             NULL};
    static const char *const for_create[] = {"part_number",     "name",          "names",
                                             "description",     "part_type",     "is_proprietary",
                                             "unit_of_measure", "manufacturer",  "supplier_id",
                                             "unit_price",      "initial_stock", NULL};
    *input = (struct parts_input){.unit_of_measure = "pieces"};
    if (!json_is_object(document)) {
        return parts_error_set(error, 422, "validation_failed", NULL,
                               "the body must be a JSON object");
    }
    /* The names come last: they alone allocate, so no failure after them can leak. */
    return check_members(document, "", creating ? for_create : for_update, error) &&
           read_part(document, input, error) && (!creating || read_stock(document, input, error)) &&
           read_names(document, input, error);
}

void parts_input_free(struct parts_input *input)
{
    free(input->names_json);
}
