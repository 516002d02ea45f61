/* SPDX-License-Identifier: MIT */
/*
 * Names for requests that no rule matches: see template.h.
 */
#include "classify/template.h"

#include <string.h>

#define SEGMENT_MAX  32u /* bytes of a segment that is kept */
#define SEGMENTS_MAX 32u
#define ID           "{id}"
#define CUT          "/..."

/* --- the target --------------------------------------------------------------------------- */

/* The path of `scheme://authority/path`, or of nothing of the kind: then text is NULL. */
static const char *absolute_path(const char *target, const char *end)
{
    const char *colon = memchr(target, ':', (size_t)(end - target));
    if (colon == NULL || end - colon < 3 || memcmp(colon, "://", 3) != 0)
        return NULL;
    const char *at = colon + 3;
    while (at < end && *at != '/' && *at != '?' && *at != '#')
        at++;
    return at;
}

static const char *cut_at(const char *end, const char *begin, char mark)
{
    const char *found = memchr(begin, mark, (size_t)(end - begin));
    return found != NULL ? found : end;
}

struct spy_target spy_target_parse(const char *target, size_t len)
{
    static const char root[] = "/";
    if (len == 0)
        return (struct spy_target){.form = SPY_TARGET_AUTHORITY};
    if (len == 1 && target[0] == '*')
        return (struct spy_target){.form = SPY_TARGET_ASTERISK};
    const char *end = target + len;
    const char *path = target[0] == '/' ? target : absolute_path(target, end);
    if (path == NULL)
        return (struct spy_target){.form = SPY_TARGET_AUTHORITY};
    const char *at = cut_at(cut_at(end, path, '?'), path, '#');
    if (at == path) /* http://host?query: the path is empty, which means the root */
        return (struct spy_target){.form = SPY_TARGET_PATH, .path = root, .len = 1};
    return (struct spy_target){.form = SPY_TARGET_PATH, .path = path, .len = (size_t)(at - path)};
}

/* --- segments ----------------------------------------------------------------------------- */

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool hex_letter(char c)
{
    return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool plain(char c)
{
    return letter(c) || digit(c) || c == '-' || c == '.' || c == '_' || c == '~' || c == ':';
}

bool spy_template_hides(const char *text, size_t len)
{
    if (len > SEGMENT_MAX)
        return true;
    size_t digits = 0, hex = 0;
    for (size_t i = 0; i < len; i++) {
        if (!plain(text[i]))
            return true;
        digits += digit(text[i]);
        hex += digit(text[i]) || hex_letter(text[i]);
    }
    if (len >= 8 && hex == len && digits > 0)
        return true;
    bool version = len <= 4 && len > 0 && text[0] == 'v' && digits == len - 1;
    return digits * 2 > len && !version;
}

/* --- the name ----------------------------------------------------------------------------- */

struct writer {
    char *at;
    char *end; /* the NUL's place at the latest */
};

static bool put(struct writer *writer, const char *text, size_t len)
{
    if ((size_t)(writer->end - writer->at) < len)
        return false;
    memcpy(writer->at, text, len);
    writer->at += len;
    return true;
}

static void write_method(struct writer *writer, const char *method, size_t len)
{
    static const char *const known[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                        "CONNECT", "OPTIONS", "TRACE", "PATCH"};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strlen(known[i]) != len || memcmp(known[i], method, len) != 0)
            continue;
        put(writer, method, len);
        return;
    }
    put(writer, "_OTHER", strlen("_OTHER"));
}

static bool write_segment(struct writer *writer, const char *text, size_t len)
{
    bool hidden = spy_template_hides(text, len);
    size_t need = hidden ? strlen(ID) : len;
    /* Room for the mark of a cut stays free. */
    if ((size_t)(writer->end - writer->at) < 1 + need + strlen(CUT))
        return false;
    return put(writer, "/", 1) && put(writer, hidden ? ID : text, need);
}

static void write_path(struct writer *writer, const char *path, size_t len)
{
    const char *end = path + len;
    uint32_t count = 0;
    for (const char *at = path; at < end; count++) {
        const char *begin = at + 1;
        const char *slash = begin < end ? memchr(begin, '/', (size_t)(end - begin)) : NULL;
        at = slash != NULL ? slash : end;
        if (count < SEGMENTS_MAX && write_segment(writer, begin, (size_t)(at - begin)))
            continue;
        put(writer, CUT, strlen(CUT));
        return;
    }
}

void spy_template_write(char name[SPY_NAME_BYTES], const char *method, size_t method_len,
                        const struct spy_target *target)
{
    struct writer writer = {.at = name, .end = name + SPY_NAME_BYTES - 1};
    write_method(&writer, method, method_len);
    put(&writer, " ", 1);
    if (target->form == SPY_TARGET_PATH)
        write_path(&writer, target->path, target->len);
    else if (target->form == SPY_TARGET_ASTERISK)
        put(&writer, "*", 1);
    else
        put(&writer, "{authority}", strlen("{authority}"));
    *writer.at = '\0';
}
