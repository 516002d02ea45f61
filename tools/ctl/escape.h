/* SPDX-License-Identifier: MIT */
/*
 * Foreign bytes made visible: nothing in them reaches the terminal as a control, and nothing is
 * lost either, unlike in ctl_format_clean().
 */
#ifndef CTL_ESCAPE_H
#define CTL_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

/* LEN bytes of IN in single quotes: a quote is doubled, a backslash too; control characters, also
 * those that turn the direction of writing, and bytes that are not UTF-8 become \n, \t, \r, \xHH or
 * \uHHHH. To be freed. */
char *ctl_escape_quoted(const char *in, size_t len);

/* The same without quotes around it, and single ones as they are. */
char *ctl_escape(const char *in, size_t len);

/* "\x" and two digits a byte. To be freed. */
char *ctl_escape_hex(const char *in, size_t len);

/* LEN, less what a cut has left of a UTF-8 character at the end. */
size_t ctl_escape_whole(const char *in, size_t len);

/* Is it UTF-8, all of it? */
bool ctl_escape_is_utf8(const char *in, size_t len);

/* Decodes a URL parameter in place: %HH, and + for a blank. Returns the length. */
size_t ctl_escape_percent(char *text, size_t len);

#endif
