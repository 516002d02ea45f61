/* SPDX-License-Identifier: MIT */
/*
 * handlers_service.c: what is not about parts: signing in, and whether the service works.
 */
#include <string.h>
#include <strings.h>

#include "auth.h"
#include "form.h"
#include "handlers.h"
#include "password.h"

static bool is_form(const char *content_type)
{
    static const char form[] = "application/x-www-form-urlencoded";
    return content_type == NULL || strncasecmp(content_type, form, sizeof form - 1) == 0;
}

static bool read_credentials(const struct parts_request *request, char *username, size_t name_size,
                             char *password, size_t password_size, struct parts_error *error)
{
    if (!is_form(request->content_type)) {
        return parts_error_set(error, 415, "unsupported_media_type", NULL,
                               "the body must be application/x-www-form-urlencoded");
    }
    const char *body = request->body != NULL ? request->body : "";
    if (!parts_form_get(body, request->body_length, "username", username, name_size) ||
        username[0] == '\0' || !parts_text_valid(username, strlen(username))) {
        return parts_error_field(error, "username", "username must have 1 to %zu bytes of UTF-8",
                                 name_size - 1);
    }
    if (!parts_form_get(body, request->body_length, "password", password, password_size)) {
        return parts_error_field(error, "password", "password must have at most %zu bytes",
                                 password_size - 1);
    }
    return true;
}

static void reply_token(struct parts_request *request, enum parts_role role)
{
    char token[PARTS_TOKEN_SIZE];
    if (!parts_tokens_issue(request->app->tokens, role, token)) {
        parts_request_status(request, PARTS_FAILED);
        return;
    }
    json_t *body = json_pack("{s:s, s:s, s:I}", "access_token", token, "token_type", "bearer",
                             "expires_in", (json_int_t)request->app->options->token_ttl_s);
    parts_reply_json(&request->reply, 200, body);
    explicit_bzero(token, sizeof token);
}

static void sign_in(struct parts_request *request, const char *username, const char *password)
{
    enum parts_role role = PARTS_ROLE_READER;
    struct parts_error error;
    struct parts_db *db = parts_request_db(request);
    if (db == NULL) {
        return;
    }
    enum parts_status status = parts_auth_login(request->app, db, username, password, &role);
    if (status == PARTS_OK) {
        reply_token(request, role);
    } else if (status == PARTS_NOT_FOUND) {
        parts_error_set(&error, 401, "bad_credentials", NULL, "wrong username or password");
        parts_request_fail(request, &error);
        request->reply.challenge = true;
    } else {
        parts_request_status(request, status);
    }
}

/*
 * Checking a password takes its thread tens of milliseconds of computing. Were all threads at it,
 * a flood of sign-ins would stop the whole service; hence half of them at most.
 */
static bool begin_sign_in(struct parts_app *app)
{
    unsigned most = (app->options->threads + 1) / 2;
    if (atomic_fetch_add(&app->sign_ins, 1) < most) {
        return true;
    }
    atomic_fetch_sub(&app->sign_ins, 1);
    return false;
}

void parts_handle_token(struct parts_request *request)
{
    char username[101];
    char password[PARTS_PASSWORD_MAX];
    struct parts_error error;
    if (!read_credentials(request, username, sizeof username, password, sizeof password, &error)) {
        parts_request_fail(request, &error);
        return;
    }
    if (begin_sign_in(request->app)) {
        sign_in(request, username, password);
        atomic_fetch_sub(&request->app->sign_ins, 1);
    } else {
        parts_error_set(&error, 503, "overloaded", NULL, "too many sign-ins at once");
        parts_request_fail(request, &error);
    }
    explicit_bzero(password, sizeof password);
}

void parts_handle_health(struct parts_request *request)
{
    struct parts_db *db = parts_request_db(request);
    if (db == NULL) {
        return;
    }
    bool alive = parts_db_ping(db);
    parts_pool_release(request->app->pool, db);
    if (alive) {
        parts_reply_json(&request->reply, 200, json_pack("{s:s}", "status", "ok"));
    } else {
        parts_request_status(request, PARTS_UNAVAILABLE);
    }
}
