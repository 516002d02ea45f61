/* SPDX-License-Identifier: MIT */
/*
 * form.h: application/x-www-form-urlencoded bodies.
 */
#ifndef PARTS_FORM_H
#define PARTS_FORM_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Decodes the value of the member NAME in the LENGTH bytes of FORM into VALUE. Returns false when
 * the member is absent, given twice, malformed, longer than SIZE - 1 bytes or has a NUL.
 */
bool parts_form_get(const char *form, size_t length, const char *name, char *value, size_t size);

#endif
