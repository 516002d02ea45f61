/* SPDX-License-Identifier: MIT */
/*
 * Durations and shares as people write them. Integer arithmetic only, so that neither the locale
 * nor rounding has a say. Pure functions: any thread, signal-safe.
 */
#include "shared/rules.h"

#include <string.h>

struct decimal {
    uint64_t whole;
    uint64_t fraction; /* in units of 1 / scale */
    uint64_t scale;    /* a power of ten */
};

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits, then perhaps a point and digits. Moves *TEXT behind them. At most some ten
 * digits before the point and nine after it, so that nothing here overflows unseen. */
static bool read_decimal(const char **text, struct decimal *out)
{
    const char *at = *text;
    *out = (struct decimal){.scale = 1};
    if (!digit(*at))
        return false;
    for (; digit(*at); at++) {
        if (out->whole > UINT32_MAX)
            return false;
        out->whole = out->whole * 10 + (uint64_t)(*at - '0');
    }
    if (*at == '.') {
        at++;
        if (!digit(*at))
            return false;
        for (; digit(*at); at++) {
            if (out->scale >= 1000000000u)
                return false;
            out->fraction = out->fraction * 10 + (uint64_t)(*at - '0');
            out->scale *= 10;
        }
    }
    *text = at;
    return true;
}

bool spy_duration_parse(const char *text, uint64_t *ns)
{
    static const struct {
        const char *name;
        uint64_t ns;
    } units[] = {
        {"ns", 1},
        {"us", 1000},
        {"ms", 1000000},
        {"s", 1000000000ull},
        {"m", 60000000000ull},
        {"h", 3600000000000ull},
    };
    struct decimal number;
    if (!read_decimal(&text, &number))
        return false;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        uint64_t whole;
        if (strcmp(text, units[i].name) != 0)
            continue;
        uint64_t part = (uint64_t)((unsigned __int128)number.fraction * units[i].ns / number.scale);
        return !__builtin_mul_overflow(number.whole, units[i].ns, &whole) &&
               !__builtin_add_overflow(whole, part, ns);
    }
    return false;
}

bool spy_share_parse(const char *text, uint64_t *ppm)
{
    enum { PPM_PER_PERCENT = 10000 };
    struct decimal number;
    if (!read_decimal(&text, &number) || strcmp(text, "%") != 0 || number.whole > 100)
        return false;
    uint64_t parts = number.fraction * PPM_PER_PERCENT;
    if (parts % number.scale != 0)
        return false; /* finer than a millionth */
    uint64_t value = number.whole * PPM_PER_PERCENT + parts / number.scale;
    if (value > 100 * PPM_PER_PERCENT)
        return false;
    *ppm = value;
    return true;
}
