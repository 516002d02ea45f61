/* SPDX-License-Identifier: MIT */
/*
 * What the service's search promises: text is cut into words at everything in ASCII that is
 * neither letter nor digit, case is ignored, and for each word of the query some word of the text
 * begins with it. Pure; any thread.
 */
#ifndef VALIDATE_WORDS_H
#define VALIDATE_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* Some word of TEXT begins with the LEN bytes at WORD. NULL texts have no words. */
bool val_words_begin(const char *text, const char *word, size_t len);

/* The next word of *TEXT, which is moved behind it; 0 where there is none. Returns its length. */
size_t val_words_next(const char **text, const char **word);

/* The first word of TEXT of LEAST characters or more, into OUT; "" if none fits. */
void val_words_pick(char *out, size_t cap, const char *text, size_t least);

#endif
