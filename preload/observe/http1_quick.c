/* SPDX-License-Identifier: MIT */
/*
 * See http1_quick.h. What is accepted (RFC 9112, sections 3 to 6): a start line of version 1.0 or
 * 1.1 with a common method and a target of harmless bytes, or a status of three digits and a reason
 * of printable ones; lines that end in CRLF as far as they are looked at; at most one of
 * Content-Length, a plain number, and Transfer-Encoding, just "chunked"; no line that continues
 * another one.
 */
#include "observe/http1_quick.h"

#include <llhttp.h>
#include <string.h>

/* No shorter head is whole. */
#define LEAST 16u

/* What the beginning of a message's version is. */
#define VERSION     "HTTP/1."
#define VERSION_LEN (sizeof(VERSION) - 1)

/* The next LF from P on, or NULL. Lines are short. Before END are at least LEAST bytes of the
 * message. */
static inline const char *find_lf(const char *p, const char *end)
{
#ifdef __SSE2__
    typedef char block __attribute__((vector_size(16)));
    _Static_assert(sizeof(block) <= LEAST, "the last block is in the message");
    block b;
    unsigned where;
    for (; end - p >= (ptrdiff_t)sizeof(b); p += sizeof(b)) {
        memcpy(&b, p, sizeof(b));
        where = (unsigned)__builtin_ia32_pmovmskb128((block)(b == '\n'));
        if (where != 0)
            return p + __builtin_ctz(where);
    }
    memcpy(&b, end - sizeof(b), sizeof(b));
    where = (unsigned)__builtin_ia32_pmovmskb128((block)(b == '\n'));
    where >>= sizeof(b) - (size_t)(end - p);
    return where != 0 ? p + __builtin_ctz(where) : NULL;
#else
    return memchr(p, '\n', (size_t)(end - p));
#endif
}

/* ---- fields ----------------------------------------------------------------------------------
 */

/* Are the 8 bytes at P those at NAME, but for the case of letters? */
static inline bool is_like(const char *p, const char *name)
{
    uint64_t word, like;
    memcpy(&word, p, sizeof(word));
    memcpy(&like, name, sizeof(like));
    word |= (like & 0x4040404040404040u) >> 1; /* what is 64 and above in a name is a letter */
    return word == like;
}

/* Does the line at P, of N bytes, begin with the NAME of LEN bytes, 8 to 24, in lower case: letters
 * and hyphens? */
static inline bool is_named(const char *p, size_t n, const char *name, size_t len)
{
    /* Most lines that begin alike (Content-Type) differ at its end. */
    size_t last = len - sizeof(uint64_t), middle = last < 8 ? last : 8;
    return n >= len && is_like(p + last, name + last) && is_like(p, name) &&
           is_like(p + middle, name + middle);
}

/* Behind the colon at P and the blank that mostly follows it, or NULL. */
static inline const char *value_of(const char *p, const char *lf)
{
    if (*p != ':' || lf[-1] != '\r')
        return NULL;
    p++;
    return *p == ' ' ? p + 1 : p;
}

#define DIGITS_MAX 18 /* so many do not overflow */

static bool take_length(const char *value, const char *lf, struct spy_http1_quick *out)
{
    uint64_t length = 0;
    if (value == NULL || out->flags != 0 || lf - 1 - value < 1 || lf - 1 - value > DIGITS_MAX)
        return false;
    for (; value < lf - 1; value++) {
        if (*value < '0' || *value > '9')
            return false;
        length = length * 10 + (uint64_t)(*value - '0');
    }
    out->content_length = length;
    out->flags = F_CONTENT_LENGTH;
    return true;
}

static bool take_coding(const char *value, const char *lf, struct spy_http1_quick *out)
{
    static const char chunked[] = "chunked";
    size_t len = sizeof(chunked) - 1;
    if (value == NULL || out->flags != 0 || (size_t)(lf - 1 - value) != len ||
        memcmp(value, chunked, len) != 0)
        return false;
    out->flags = F_CHUNKED | F_TRANSFER_ENCODING;
    return true;
}

/* The field from P to the LF. False: it should be parsed. */
static inline bool take_field(const char *p, const char *lf, struct spy_http1_quick *out)
{
    static const char length[] = "content-length", coding[] = "transfer-encoding";
    size_t n = (size_t)(lf - p);
    switch (*p) {
    case 'c':
    case 'C':
        if (!is_named(p, n, length, sizeof(length) - 1))
            return true;
        return take_length(value_of(p + sizeof(length) - 1, lf), lf, out);
    case 't':
    case 'T':
        if (!is_named(p, n, coding, sizeof(coding) - 1))
            return true;
        return take_coding(value_of(p + sizeof(coding) - 1, lf), lf, out);
    case ' ':
    case '\t':
    case '\n':
        return false;
    default:
        return true;
    }
}

/* The fields at P, up to and with the empty line. Returns what is behind it, or NULL. */
static inline const char *take_fields(const char *p, const char *end, struct spy_http1_quick *out)
{
    for (;;) {
        if (end - p >= 2 && p[0] == '\r')
            return p[1] == '\n' ? p + 2 : NULL;
        const char *lf = find_lf(p, end);
        if (lf == NULL || !take_field(p, lf, out))
            return NULL;
        p = lf + 1;
    }
}

/* ---- start lines -----------------------------------------------------------------------------
 */

/* "HTTP/1.0" or "HTTP/1.1" at P, of which there are enough bytes. */
static inline bool take_version(const char *p, struct spy_http1_quick *out)
{
    out->minor = (uint8_t)(p[VERSION_LEN] - '0');
    return memcmp(p, VERSION, VERSION_LEN) == 0 && out->minor <= 1;
}

/* Behind the method at P and its blank, or NULL. */
static inline const char *take_method(const char *p, const char *end, struct spy_http1_quick *out)
{
    static const struct {
        char name[8];
        uint8_t len;
        uint8_t method;
    } known[] = {
        {"GET ", 4, HTTP_GET},     {"POST ", 5, HTTP_POST},     {"PUT ", 4, HTTP_PUT},
        {"PATCH ", 6, HTTP_PATCH}, {"DELETE ", 7, HTTP_DELETE}, {"HEAD ", 5, HTTP_HEAD},
    };
    if (end - p < (ptrdiff_t)sizeof(known[0].name))
        return NULL;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (memcmp(p, known[i].name, known[i].len) == 0) {
            out->method = known[i].method;
            return p + known[i].len;
        }
    return NULL;
}

/* What any parser takes in a path and a query. */
static inline bool harmless(unsigned char c)
{
    static const bool table[256] = {
        ['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true, ['/'] = true,
        ['-'] = true,         ['.'] = true,         ['_'] = true,         ['~'] = true,
        ['%'] = true,         ['?'] = true,         ['&'] = true,         ['='] = true,
        ['+'] = true,         [','] = true,         [':'] = true,
    };
    return table[c];
}

size_t spy_http1_quick_request(const char *data, size_t n, struct spy_http1_quick *out)
{
    const char *end = data + n;
    const char *p = take_method(data, end, out);
    if (n < LEAST || p == NULL || *p != '/')
        return 0;
    out->target = p;
    while (p < end && harmless((unsigned char)*p))
        p++;
    out->target_len = (uint32_t)(p - out->target);
    out->flags = 0;
    /* A blank, the version, and CRLF. */
    if (end - p < (ptrdiff_t)VERSION_LEN + 4 || *p != ' ' || !take_version(p + 1, out) ||
        memcmp(p + 2 + VERSION_LEN, "\r\n", 2) != 0)
        return 0;
    p = take_fields(p + 4 + VERSION_LEN, end, out);
    return p != NULL ? (size_t)(p - data) : 0;
}

/* Where the line of the reason at P goes on, or NULL. */
static inline const char *behind_reason(const char *p, const char *end)
{
    while (p < end && *p >= ' ' && *p <= '~')
        p++;
    return end - p >= 2 && p[0] == '\r' && p[1] == '\n' ? p + 2 : NULL;
}

size_t spy_http1_quick_response(const char *data, size_t n, struct spy_http1_quick *out)
{
    const char *end = data + n;
    const char *code = data + VERSION_LEN + 2; /* behind the version's last digit and a blank */
    if (n < LEAST || !take_version(data, out) || code[-1] != ' ' || code[3] != ' ')
        return 0;
    out->status = 0;
    for (unsigned i = 0; i < 3; i++) {
        if (code[i] < '0' || code[i] > '9')
            return 0;
        out->status = (uint16_t)(out->status * 10 + (code[i] - '0'));
    }
    out->flags = 0;
    const char *p = behind_reason(code + 4, end);
    p = p != NULL ? take_fields(p, end, out) : NULL;
    return p != NULL ? (size_t)(p - data) : 0;
}
