/* SPDX-License-Identifier: MIT */
/*
 * Formatting for people; see format.h. The tool never calls setlocale(), so printf's decimal
 * point is always a point.
 */
#include "ctl/format.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct unit {
    double size;
    const char *name;
};

/* Units in ascending order, the first of which also serves anything smaller. */
static const struct unit duration_units[] = {
    {1e3, "µs"}, {1e6, "ms"}, {1e9, "s"}, {60e9, "min"}, {3600e9, "h"},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Three significant digits, as printf would round them. */
static char *three_digits(char out[CTL_NUMBER_BYTES], double value, const char *unit)
{
    int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    snprintf(out, CTL_NUMBER_BYTES, "%.*f%s", decimals, value, unit);
    return out;
}

char *ctl_format_duration(char out[CTL_NUMBER_BYTES], double ns)
{
    /* Minutes begin at 600 s: until there, seconds are easier to compare. */
    static const double first_ns[] = {0, 999.5e3, 999.5e6, 599.95e9, 7199.5e9};
    if (ns == 0)
        return strcpy(out, "0 µs");
    size_t unit = 0;
    while (unit + 1 < COUNT(duration_units) && ns >= first_ns[unit + 1])
        unit++;
    three_digits(out, ns / duration_units[unit].size, " ");
    strcat(out, duration_units[unit].name); /* "999." digits and a unit: far below the cap */
    return out;
}

char *ctl_format_limit(char out[CTL_NUMBER_BYTES], uint64_t ns)
{
    size_t unit = 0;
    while (unit + 1 < COUNT(duration_units) && (double)ns >= duration_units[unit + 1].size)
        unit++;
    /* 90 s reads better than 1.5 min. */
    if (unit >= 3 && ns % (uint64_t)duration_units[unit].size != 0)
        unit--;
    snprintf(out, CTL_NUMBER_BYTES, "%.6g %s", (double)ns / duration_units[unit].size,
             duration_units[unit].name);
    return out;
}

char *ctl_format_age(char out[CTL_NUMBER_BYTES], uint64_t ns)
{
    uint64_t s = ns / 1000000000u;
    if (s < 60)
        snprintf(out, CTL_NUMBER_BYTES, "%" PRIu64 " s", s);
    else if (s < 3600)
        snprintf(out, CTL_NUMBER_BYTES, "%" PRIu64 " min", s / 60);
    else if (s < 86400)
        snprintf(out, CTL_NUMBER_BYTES, "%" PRIu64 " h %02" PRIu64 " min", s / 3600, s / 60 % 60);
    else
        snprintf(out, CTL_NUMBER_BYTES, "%" PRIu64 " d %02" PRIu64 " h", s / 86400, s / 3600 % 24);
    return out;
}

char *ctl_format_count(char out[CTL_NUMBER_BYTES], uint64_t count)
{
    char digits[24];
    int n = snprintf(digits, sizeof(digits), "%" PRIu64, count);
    char *at = out;
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            *at++ = ',';
        *at++ = digits[i];
    }
    *at = '\0';
    return out;
}

char *ctl_format_rate(char out[CTL_NUMBER_BYTES], double rate)
{
    if (rate < 0)
        return strcpy(out, "-");
    if (rate > 0 && rate < 0.01)
        return strcpy(out, "<0.01/s");
    if (rate < 999.5)
        return three_digits(out, rate, "/s");
    ctl_format_count(out, rate < 1e18 ? (uint64_t)(rate + 0.5) : (uint64_t)1e18);
    return strcat(out, "/s");
}

char *ctl_format_percent(char out[CTL_NUMBER_BYTES], double part, double whole)
{
    double percent = whole > 0 ? 100 * part / whole : 0;
    if (percent > 0 && percent < 0.1)
        return strcpy(out, "<0.1 %");
    bool round = percent >= 99.95 || percent == (double)(int)percent;
    snprintf(out, CTL_NUMBER_BYTES, round ? "%.0f %%" : "%.1f %%", percent);
    return out;
}

char *ctl_format_bytes(char out[CTL_NUMBER_BYTES], uint64_t bytes)
{
    static const char *const names[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) {
        snprintf(out, CTL_NUMBER_BYTES, "%" PRIu64 " B", bytes);
        return out;
    }
    double value = (double)bytes / 1024;
    size_t unit = 0;
    for (; value >= 1023.5 && unit + 1 < COUNT(names); unit++)
        value /= 1024;
    three_digits(out, value, " ");
    return strcat(out, names[unit]);
}

char *ctl_format_utc(char out[CTL_NUMBER_BYTES], uint64_t real_ns)
{
    time_t seconds = (time_t)(real_ns / 1000000000u);
    struct tm tm;
    if (gmtime_r(&seconds, &tm) == NULL ||
        strftime(out, CTL_NUMBER_BYTES, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        strcpy(out, "?");
    return out;
}

char *ctl_format_local(char out[CTL_NUMBER_BYTES], uint64_t real_ns, uint64_t now_ns)
{
    time_t seconds = (time_t)(real_ns / 1000000000u);
    time_t now = (time_t)(now_ns / 1000000000u);
    struct tm tm, today;
    if (localtime_r(&seconds, &tm) == NULL || localtime_r(&now, &today) == NULL)
        return strcpy(out, "?");
    bool same_day = tm.tm_year == today.tm_year && tm.tm_yday == today.tm_yday;
    size_t n =
        strftime(out, CTL_NUMBER_BYTES - 4, same_day ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &tm);
    if (n == 0)
        return strcpy(out, "?");
    snprintf(out + n, CTL_NUMBER_BYTES - n, ".%03u", (unsigned)(real_ns / 1000000u % 1000u));
    return out;
}

/* Length of the well-formed UTF-8 character at IN (RFC 3629), or 0. */
static size_t utf8_length(const unsigned char *in, size_t len)
{
    unsigned char c = in[0];
    size_t need = c < 0x80 ? 1 : c >= 0xC2 && c < 0xE0 ? 2 : c >= 0xE0 && c < 0xF0 ? 3 : 4;
    if ((c >= 0x80 && c < 0xC2) || c > 0xF4 || need > len)
        return 0;
    for (size_t i = 1; i < need; i++)
        if ((in[i] & 0xC0) != 0x80)
            return 0;
    if ((c == 0xE0 && in[1] < 0xA0) || (c == 0xED && in[1] > 0x9F) || (c == 0xF0 && in[1] < 0x90) ||
        (c == 0xF4 && in[1] > 0x8F))
        return 0;
    return need;
}

static bool is_control(const unsigned char *in, size_t length)
{
    return (length == 1 && (in[0] < 0x20 || in[0] == 0x7F)) ||
           (length == 2 && in[0] == 0xC2 && in[1] < 0xA0); /* C1: some terminals obey these */
}

char *ctl_format_clean(char *out, size_t cap, const char *in, size_t len)
{
    const unsigned char *at = (const unsigned char *)in;
    const unsigned char *end = at + strnlen(in, len);
    size_t used = 0;
    while (at < end) {
        size_t length = utf8_length(at, (size_t)(end - at));
        bool replace = length == 0 || is_control(at, length);
        size_t wanted = replace ? 1 : length;
        if (used + wanted >= cap)
            break;
        if (replace)
            out[used] = length == 0 ? '?' : ' ';
        else
            memcpy(out + used, at, length);
        used += wanted;
        at += length > 0 ? length : 1;
    }
    out[used] = '\0';
    return out;
}

size_t ctl_format_width(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xC0) != 0x80;
    return width;
}
