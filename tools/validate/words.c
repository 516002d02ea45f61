/* SPDX-License-Identifier: MIT */
/*
 * Words; see words.h. Letters beyond ASCII are compared by the C.UTF-8 locale's lower case.
 */
#include "validate/words.h"

#include <ctype.h>
#include <locale.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <wctype.h>

static locale_t unicode;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_locale(void)
{
    unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

static bool in_word(char c)
{
    unsigned char byte = (unsigned char)c;
    return byte >= 0x80 || isalnum(byte);
}

size_t val_words_next(const char **text, const char **word)
{
    const char *at = *text;
    while (*at != '\0' && !in_word(*at))
        at++;
    *word = at;
    while (*at != '\0' && in_word(*at))
        at++;
    *text = at;
    return (size_t)(at - *word);
}

/* One character at *AT, which is moved on; a byte that begins none stands for itself. */
static uint32_t next_char(const char **at, const char *end)
{
    const unsigned char *p = (const unsigned char *)*at;
    size_t more = p[0] >= 0xF0 ? 3 : p[0] >= 0xE0 ? 2 : p[0] >= 0xC0 ? 1 : 0;
    if (more == 0 || (size_t)(end - *at) <= more) {
        (*at)++;
        return p[0];
    }
    uint32_t value = p[0] & (0x3Fu >> more);
    for (size_t i = 1; i <= more; i++)
        value = value << 6 | (p[i] & 0x3F);
    *at += 1 + more;
    return value;
}

static uint32_t lower(uint32_t c)
{
    if (c < 0x80)
        return (uint32_t)tolower((int)c);
    return unicode != (locale_t)0 ? (uint32_t)towlower_l((wint_t)c, unicode) : c;
}

static bool begins(const char *text, size_t text_len, const char *word, size_t len)
{
    const char *text_end = text + text_len, *word_end = word + len;
    while (word < word_end) {
        if (text == text_end ||
            lower(next_char(&text, text_end)) != lower(next_char(&word, word_end)))
            return false;
    }
    return true;
}

bool val_words_begin(const char *text, const char *word, size_t len)
{
    const char *candidate;
    pthread_once(&once, make_locale);
    if (text == NULL)
        return false;
    for (size_t size; (size = val_words_next(&text, &candidate)) > 0;)
        if (begins(candidate, size, word, len))
            return true;
    return false;
}

void val_words_pick(char *out, size_t cap, const char *text, size_t least)
{
    const char *word;
    out[0] = '\0';
    if (text == NULL)
        return;
    for (size_t len; (len = val_words_next(&text, &word)) > 0;)
        if (len >= least && len < cap) {
            memcpy(out, word, len);
            out[len] = '\0';
            return;
        }
}
