/* SPDX-License-Identifier: MIT */
/*
 * Which rule names a request: the HTTP patterns of the rules, with the library's own precedence
 * (rules/README.md): segment by segment a literal before a parameter before the rest of the path,
 * and for one path the request's own method before "*".
 *
 * A request a time costs a look at every pattern, which is nothing beside the request itself.
 */
#ifndef VALIDATE_ROUTE_H
#define VALIDATE_ROUTE_H

#include "shared/rules.h"

/* Number of the rule for METHOD and PATH (the query, if any, is ignored), or -1. Pure. */
int val_route_find(const struct spy_rules *rules, const char *method, const char *path);

/* What a request that no rule names is called: "GET /parts/{id}". Numbers in PATH become {id}. */
void val_route_template(char *out, size_t cap, const char *method, const char *path);

#endif
