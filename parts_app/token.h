/* SPDX-License-Identifier: MIT */
/*
 * token.h: the bearer tokens that are in force.
 *
 * Tokens are random and live in this process's memory only: checking one needs neither the
 * database nor a signature, nothing about a user can be read from one, and a restart withdraws
 * them all. Thread-safe.
 */
#ifndef PARTS_TOKEN_H
#define PARTS_TOKEN_H

#include <stdbool.h>

#define PARTS_TOKEN_SIZE 73 /* 72 hexadecimal digits and NUL */

enum parts_role { PARTS_ROLE_READER, PARTS_ROLE_EDITOR, PARTS_ROLE_ADMIN };

struct parts_tokens;

/* Tokens of this table live TTL_S seconds. NULL when out of memory. */
struct parts_tokens *parts_tokens_new(unsigned ttl_s);
void parts_tokens_free(struct parts_tokens *tokens);

/* Makes a token for ROLE; when the table is full the one nearest its end gives way. Returns false
 * when the kernel has no randomness to give. */
bool parts_tokens_issue(struct parts_tokens *tokens, enum parts_role role,
                        char token[PARTS_TOKEN_SIZE]);

/* Whether TOKEN is in force, and whose role it carries. */
bool parts_tokens_check(struct parts_tokens *tokens, const char *token, enum parts_role *role);

#endif
