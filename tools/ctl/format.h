/* SPDX-License-Identifier: MIT */
/*
 * Numbers, times and foreign text, as people read them. Nothing here depends on the locale.
 * Every function writes a NUL-terminated string into OUT and returns OUT.
 */
#ifndef CTL_FORMAT_H
#define CTL_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#define CTL_NUMBER_BYTES 40u

/* A duration with three significant digits and its unit: "0 µs", "4.12 ms", "12.3 s",
 * "61.0 min", "2.50 h". */
char *ctl_format_duration(char out[CTL_NUMBER_BYTES], double ns);

/* A limit or window in the fewest digits: "100 ms", "5 min", "1.5 s". */
char *ctl_format_limit(char out[CTL_NUMBER_BYTES], uint64_t ns);

/* How long ago: "12 s", "3 min", "4 h 05 min", "3 d 04 h". */
char *ctl_format_age(char out[CTL_NUMBER_BYTES], uint64_t ns);

/* "1,234,567". */
char *ctl_format_count(char out[CTL_NUMBER_BYTES], uint64_t count);

/* "12.3/s"; "-" where RATE is negative, which means unknown. */
char *ctl_format_rate(char out[CTL_NUMBER_BYTES], double rate);

/* Share of a whole: "25 %", "0.3 %", "<0.1 %". */
char *ctl_format_percent(char out[CTL_NUMBER_BYTES], double part, double whole);

/* "1.5 MiB". */
char *ctl_format_bytes(char out[CTL_NUMBER_BYTES], uint64_t bytes);

/* CLOCK_REALTIME nanoseconds: "2026-03-01T09:30:00Z", or local time, without the date where it is
 * the date of NOW: "09:30:00.250", "2026-03-01 09:30:00.250". */
char *ctl_format_utc(char out[CTL_NUMBER_BYTES], uint64_t real_ns);
char *ctl_format_local(char out[CTL_NUMBER_BYTES], uint64_t real_ns, uint64_t now_ns);

/*
 * Text that another program wrote, made safe for a terminal and for JSON: at most LEN bytes of IN,
 * up to a NUL; control characters become blanks, bytes that are not UTF-8 become '?'.
 */
char *ctl_format_clean(char *out, size_t cap, const char *in, size_t len);

/* Columns that TEXT takes: its characters, each counted as one column wide. */
size_t ctl_format_width(const char *text);

#endif
