/* SPDX-License-Identifier: MIT */
/*
 * Looking for words that go with passwords. See secret.h.
 */
#include "shared/secret.h"

#include <string.h>

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

bool spy_secret_parameter(const char *name, size_t len)
{
    static const char *const words[] = {
        "passw", "pwd", "secret", "token", "api_key", "apikey", "signature", NULL,
    };
    return contains(name, len, words);
}
