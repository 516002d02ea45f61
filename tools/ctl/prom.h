/* SPDX-License-Identifier: MIT */
/*
 * Pieces of Prometheus' text format 0.0.4. A sample is written as an identity, further labels, and
 * a value that ends it.
 */
#ifndef CTL_PROM_H
#define CTL_PROM_H

#include <stdint.h>
#include <stdio.h>

/* What comes before the samples of a family. */
void ctl_prom_heading(FILE *out, const char *name, const char *type, const char *help);

/* BEFORE, which opens the quotes, and VALUE, escaped, and the closing quote. */
void ctl_prom_label(FILE *out, const char *before, const char *value);

/* METRIC and the first labels. OPERATION may be NULL. */
void ctl_prom_identity(FILE *out, const char *metric, const char *program, const char *operation);

/* The value. Seconds are exact: a double has no room for the nanoseconds of a busy year. */
void ctl_prom_count(FILE *out, uint64_t value);
void ctl_prom_seconds(FILE *out, uint64_t ns);
void ctl_prom_real(FILE *out, double value);

#endif
