/* SPDX-License-Identifier: MIT */
/*
 * auth.h: who may do what.
 */
#ifndef PARTS_AUTH_H
#define PARTS_AUTH_H

#include "request.h"

enum parts_access {
    PARTS_PUBLIC, /* anybody */
    PARTS_READ,   /* any user */
    PARTS_WRITE,  /* editors and admins */
};

/* Whether the request's bearer token gives ACCESS; else replies 401 or 403 and returns false.
 * Uses no database. */
bool parts_auth_check(struct parts_request *request, enum parts_access access);

/* Checks a user's password by the users table. PARTS_NOT_FOUND for a wrong name or password,
 * whichever; replies nothing. Releases DB before the slow part, whatever the outcome. */
enum parts_status parts_auth_login(struct parts_app *app, struct parts_db *db, const char *username,
                                   const char *password, enum parts_role *role);

#endif
