/* SPDX-License-Identifier: MIT */
/*
 * form.c: application/x-www-form-urlencoded bodies.
 */
#include "form.h"

#include <string.h>

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    digit |= 0x20;
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static bool decode(const char *from, size_t length, char *to, size_t size)
{
    size_t made = 0;
    for (size_t i = 0; i < length; i++) {
        char byte = from[i] == '+' ? ' ' : from[i];
        if (byte == '%') {
            int high = i + 2 < length ? hex_digit(from[i + 1]) : -1;
            int low = i + 2 < length ? hex_digit(from[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return false;
            }
            byte = (char)(high << 4 | low);
            i += 2;
        }
        if (byte == '\0' || made + 1 >= size) {
            return false;
        }
        to[made++] = byte;
    }
    to[made] = '\0';
    return true;
}

bool parts_form_get(const char *form, size_t length, const char *name, char *value, size_t size)
{
    size_t name_length = strlen(name);
    bool found = false;
    const char *end = form + length;
    while (form < end) {
        const char *amp = memchr(form, '&', (size_t)(end - form));
        const char *stop = amp != NULL ? amp : end;
        size_t pair = (size_t)(stop - form);
        if (pair > name_length && form[name_length] == '=' &&
            memcmp(form, name, name_length) == 0) {
            if (found || !decode(form + name_length + 1, pair - name_length - 1, value, size)) {
                return false;
            }
            found = true;
        }
        form = amp != NULL ? amp + 1 : end;
    }
    return found;
}
