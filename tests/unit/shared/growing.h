/* SPDX-License-Identifier: MIT */
/*
 * Strings that grow, for tests: out of memory ends the test.
 */
#ifndef SPY_TEST_GROWING_H
#define SPY_TEST_GROWING_H

#include <stdlib.h>
#include <string.h>

struct growing {
    char *bytes; /* NUL-terminated */
    size_t len;
    size_t room;
};

static inline void grow_by(struct growing *s, const char *bytes, size_t len)
{
    if (s->len + len + 1 > s->room) {
        s->room = (s->len + len + 1) * 2;
        s->bytes = realloc(s->bytes, s->room);
        if (s->bytes == NULL)
            abort();
    }
    memcpy(s->bytes + s->len, bytes, len);
    s->len += len;
    s->bytes[s->len] = '\0';
}

static inline void grow(struct growing *s, const char *text)
{
    grow_by(s, text, strlen(text));
}

static inline void grow_clear(struct growing *s)
{
    s->len = 0;
    grow_by(s, "", 0);
}

#endif
