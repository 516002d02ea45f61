/* SPDX-License-Identifier: MIT */
/*
 * Looking for words that go with passwords. See secret.h.
 */
#include "shared/secret.h"

#include <string.h>

/* Of a URL parameter, decoded: longer ones are taken for secret. */
#define NAME_BYTES 256

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Does WORD, in lower case, begin at TEXT? A blank in it stands for any white space. */
static bool begins(const char *text, size_t len, const char *word)
{
    size_t at = 0;
    for (; *word != '\0'; word++) {
        bool blank = at < len && (text[at] == ' ' || (text[at] >= '\t' && text[at] <= '\r'));
        if (at >= len || (*word == ' ' ? !blank : lower(text[at]) != *word))
            return false;
        at++;
        while (*word == ' ' && at < len &&
               (text[at] == ' ' || (text[at] >= '\t' && text[at] <= '\r')))
            at++;
    }
    return true;
}

static bool contains(const char *text, size_t len, const char *const *words)
{
    for (size_t at = 0; at < len; at++)
        for (size_t i = 0; words[i] != NULL; i++)
            if (lower(text[at]) == words[i][0] && begins(text + at, len - at, words[i]))
                return true;
    return false;
}

bool spy_secret_sql(const char *text, size_t len)
{
    static const char *const words[] = {
        "passw",
        "secret",
        "execute ", /* of a statement whose text is not known here, with its values */
        "dblink",
        "pgp_sym",
        "pgp_pub",
        "crypt(",
        "user mapping",
        "conninfo",
        "create subscription",
        "alter subscription",
        NULL,
    };
    return contains(text, len, words);
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return lower(c) >= 'a' && lower(c) <= 'f' ? lower(c) - 'a' + 10 : -1;
}

/* NAME with its %XX decoded, as far as it fits. */
static size_t decode(char *out, size_t cap, const char *name, size_t len)
{
    size_t n = 0;
    for (size_t at = 0; at < len && n < cap; at++) {
        bool escaped =
            name[at] == '%' && len - at > 2 && hex(name[at + 1]) >= 0 && hex(name[at + 2]) >= 0;
        out[n++] = escaped ? (char)(hex(name[at + 1]) * 16 + hex(name[at + 2])) : name[at];
        at += escaped ? 2 : 0;
    }
    return n;
}

bool spy_secret_parameter(const char *name, size_t len)
{
    char plain[NAME_BYTES];
    static const char *const words[] = {
        "passw", "pwd", "secret", "token", "api_key", "apikey", "signature", NULL,
    };
    size_t n = decode(plain, sizeof(plain), name, len);
    return n == sizeof(plain) || contains(plain, n, words);
}
