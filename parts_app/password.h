/* SPDX-License-Identifier: MIT */
/*
 * password.h: password hashes by libcrypt.
 *
 * Thread-safe, slow on purpose (some ten milliseconds), and allocates.
 */
#ifndef PARTS_PASSWORD_H
#define PARTS_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

#define PARTS_HASH_SIZE    384
#define PARTS_PASSWORD_MAX 512 /* bytes, libcrypt's own limit */

/* Hashes PASSWORD by libcrypt's preferred method with a new salt. False on failure. */
bool parts_password_hash(const char *password, char hash[PARTS_HASH_SIZE]);

/*
 * Whether PASSWORD belongs to HASH. For HASH NULL (no such user) the answer is false after the
 * same work, so that the time of an answer does not tell whether a user exists.
 */
bool parts_password_verify(const char *password, const char *hash);

#endif
