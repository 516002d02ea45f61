/* SPDX-License-Identifier: MIT */
/*
 * What may hold a password: texts and names of parameters that are not shown to anybody, even where
 * values are asked for. Errs on the side of keeping silent. Signal-safe, allocates nothing.
 */
#ifndef SPY_SHARED_SECRET_H
#define SPY_SHARED_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* Does the SQL at TEXT, as it was sent or normalised, speak of passwords, secrets or connection
 * strings, in a literal, a comment or a name too; or does it EXECUTE what may? Case does not
 * matter. */
bool spy_secret_sql(const char *text, size_t len);

/* Is NAME that of a URL parameter with a password, a secret or a token? */
bool spy_secret_parameter(const char *name, size_t len);

#endif
