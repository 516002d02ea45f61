/* SPDX-License-Identifier: MIT */
/*
 * auth.c: who may do what.
 */
#include "auth.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "password.h"
#include "statements.h"

const struct parts_statement parts_auth_statements[] = {
    {"auth_user", "SELECT password_hash, role FROM users WHERE username = $1 AND is_active"},
    {NULL, NULL},
};

static bool challenge(struct parts_request *request, const char *message)
{
    struct parts_error error;
    parts_error_set(&error, 401, "unauthorised", NULL, "%s", message);
    parts_request_fail(request, &error);
    request->reply.challenge = true;
    return false;
}

bool parts_auth_check(struct parts_request *request, enum parts_access access)
{
    static const char scheme[] = "Bearer ";
    const char *given = request->authorization;
    enum parts_role role;
    if (access == PARTS_PUBLIC) {
        return true;
    }
    if (given == NULL || strncasecmp(given, scheme, sizeof scheme - 1) != 0) {
        return challenge(request, "a bearer token is required; POST /token gives one");
    }
    given += sizeof scheme - 1;
    given += strspn(given, " ");
    if (!parts_tokens_check(request->app->tokens, given, &role)) {
        return challenge(request, "the bearer token is unknown or has expired");
    }
    if (access == PARTS_WRITE && role == PARTS_ROLE_READER) {
        struct parts_error error;
        parts_error_set(&error, 403, "forbidden", NULL, "this user may read only");
        return parts_request_fail(request, &error);
    }
    return true;
}

static enum parts_role role_named(const char *name)
{
    if (strcmp(name, "admin") == 0) {
        return PARTS_ROLE_ADMIN;
    }
    return strcmp(name, "editor") == 0 ? PARTS_ROLE_EDITOR : PARTS_ROLE_READER;
}

enum parts_status parts_auth_login(struct parts_app *app, struct parts_db *db, const char *username,
                                   const char *password, enum parts_role *role)
{
    char hash[PARTS_HASH_SIZE];
    struct parts_params params = {0};
    parts_params_text(&params, username);
    PGresult *result = NULL;
    enum parts_status status = parts_db_run(db, "auth_user", &params, &result);
    bool known = status == PARTS_OK && PQntuples(result) == 1;
    if (known) {
        snprintf(hash, sizeof hash, "%s", PQgetvalue(result, 0, 0));
        *role = role_named(PQgetvalue(result, 0, 1));
    }
    PQclear(result);
    /* Hashing takes long; others may use the connection meanwhile. */
    parts_pool_release(app->pool, db);
    if (status != PARTS_OK) {
        return status;
    }
    return parts_password_verify(password, known ? hash : NULL) ? PARTS_OK : PARTS_NOT_FOUND;
}
