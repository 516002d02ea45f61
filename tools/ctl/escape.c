/* SPDX-License-Identifier: MIT */
/*
 * Escaping; see escape.h.
 */
#include "ctl/escape.h"

#include "ctl/ctl.h"

#include <ctype.h>
#include <string.h>

#define WORST 6u /* bytes that one becomes: \uHHHH */

/* Reads the UTF-8 character at IN; 0: it is none. Overlong forms and surrogates are none. */
static size_t decode(const unsigned char *in, size_t len, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = in[0] < 0x80 ? 1 : in[0] >= 0xF0 ? 4 : in[0] >= 0xE0 ? 3 : in[0] >= 0xC2 ? 2 : 0;
    if (n == 0 || n > len || in[0] > 0xF4)
        return 0;
    *code = n == 1 ? in[0] : in[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((in[i] & 0xC0) != 0x80)
            return 0;
        *code = *code << 6 | (in[i] & 0x3F);
    }
    bool good = *code >= least[n] && *code <= 0x10FFFF && (*code < 0xD800 || *code > 0xDFFF);
    return good ? n : 0;
}

/* Controls, and what turns the direction of writing or separates lines. */
static bool is_unsafe(uint32_t code)
{
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x061C ||
           (code >= 0x200E && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF;
}

static size_t put_unsafe(char *out, uint32_t code)
{
    if (code == '\n' || code == '\t' || code == '\r')
        return (size_t)sprintf(out, "\\%c", code == '\n' ? 'n' : code == '\t' ? 't' : 'r');
    return (size_t)sprintf(out, code < 0x80 ? "\\x%02x" : "\\u%04x", code);
}

static size_t put_one(char *out, const char *in, size_t n, uint32_t code, bool quoted)
{
    size_t used = 0;
    if (n == 0)
        return (size_t)sprintf(out, "\\x%02x", (unsigned char)*in);
    if (is_unsafe(code))
        return put_unsafe(out, code);
    if (code == '\\' || (quoted && code == '\''))
        out[used++] = *in;
    memcpy(out + used, in, n);
    return used + n;
}

static char *escape(const char *in, size_t len, bool quoted)
{
    char *out = ctl_alloc(len * WORST + sizeof("''"));
    size_t used = 0;
    if (quoted)
        out[used++] = '\'';
    for (size_t at = 0; at < len;) {
        uint32_t code = 0;
        size_t n = decode((const unsigned char *)in + at, len - at, &code);
        used += put_one(out + used, in + at, n, code, quoted);
        at += n > 0 ? n : 1;
    }
    if (quoted)
        out[used++] = '\'';
    out[used] = '\0';
    return out;
}

char *ctl_escape_quoted(const char *in, size_t len)
{
    return escape(in, len, true);
}

char *ctl_escape(const char *in, size_t len)
{
    return escape(in, len, false);
}

char *ctl_escape_hex(const char *in, size_t len)
{
    char *out = ctl_alloc(2 * len + sizeof("\\x"));
    strcpy(out, "\\x");
    for (size_t i = 0; i < len; i++)
        sprintf(out + 2 + 2 * i, "%02x", (unsigned char)in[i]);
    return out;
}

size_t ctl_escape_whole(const char *in, size_t len)
{
    size_t tail = 0;
    while (tail < 3 && tail < len && ((unsigned char)in[len - 1 - tail] & 0xC0) == 0x80)
        tail++;
    if (tail == len)
        return len;
    unsigned char lead = (unsigned char)in[len - 1 - tail];
    size_t wanted = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    return wanted > tail + 1 ? len - tail - 1 : len;
}

bool ctl_escape_is_utf8(const char *in, size_t len)
{
    uint32_t code;
    for (size_t at = 0; at < len;) {
        size_t n = decode((const unsigned char *)in + at, len - at, &code);
        if (n == 0)
            return false;
        at += n;
    }
    return true;
}

static int digit(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

size_t ctl_escape_percent(char *text, size_t len)
{
    size_t used = 0;
    for (size_t at = 0; at < len; at++) {
        bool coded = text[at] == '%' && at + 2 < len && isxdigit((unsigned char)text[at + 1]) &&
                     isxdigit((unsigned char)text[at + 2]);
        text[used++] = coded             ? (char)(digit(text[at + 1]) * 16 + digit(text[at + 2]))
                       : text[at] == '+' ? ' '
                                         : text[at];
        at += coded ? 2 : 0;
    }
    return used;
}
