/* SPDX-License-Identifier: MIT */
/*
 * Reaching the service, logging in, taking a sample; see session.h.
 */
#include "validate/session.h"

#include "ctl/format.h"
#include "ctl/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLE_PAGES 4
#define SAMPLE_PAGE  50

/* ---- credentials ---------------------------------------------------------------------------- */

/* The first line of FILE, without its end. */
static bool read_secret(const char *option, const char *path, char out[VAL_SECRET_BYTES])
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        val_say("--%s: %s: %s", option, path, strerror(errno));
        return false;
    }
    bool got = fgets(out, (int)VAL_SECRET_BYTES, file) != NULL;
    out[got ? strcspn(out, "\r\n") : 0] = '\0';
    fclose(file);
    if (out[0] == '\0')
        val_say("--%s: %s: its first line is empty", option, path);
    return out[0] != '\0';
}

static bool copy_secret(char *out, size_t cap, const char *text, const char *what)
{
    if (strlen(text) < cap) {
        strcpy(out, text);
        return true;
    }
    val_say("the %s is longer than %zu bytes", what, cap - 1);
    return false;
}

bool val_credentials_read(const struct val_settings *settings, struct val_credentials *out)
{
    *out = (struct val_credentials){0};
    if (settings->token_file != NULL)
        return read_secret("token-file", settings->token_file, out->secret);
    const char *user = settings->user != NULL ? settings->user : getenv("PARTS_ADMIN_USER");
    if (user == NULL || *user == '\0') {
        val_say("whom to log in as? give --user and --password-file, or set PARTS_ADMIN_USER and "
                "PARTS_ADMIN_PASSWORD, or give --token-file");
        return false;
    }
    if (!copy_secret(out->user, sizeof(out->user), user, "user name"))
        return false;
    if (settings->password_file != NULL)
        return read_secret("password-file", settings->password_file, out->secret);
    const char *password = getenv("PARTS_ADMIN_PASSWORD");
    if (password == NULL || *password == '\0') {
        val_say("no password for \"%s\": give --password-file, or set PARTS_ADMIN_PASSWORD", user);
        return false;
    }
    return copy_secret(out->secret, sizeof(out->secret), password, "password");
}

/* ---- reaching it ---------------------------------------------------------------------------- */

/* What the service says, fit for a terminal. */
static const char *said(const struct val_response *response, char out[200])
{
    if (!response->answered)
        return ctl_format_clean(out, 200, response->problem, sizeof(response->problem));
    return ctl_format_clean(out, 200, response->text, response->len);
}

/* Sends without judging the status. False when interrupted, or after a sentence when there is no
 * answer. */
static bool ask(struct val_worker *worker, const struct val_settings *settings,
                const struct val_request *request, struct val_response *response)
{
    char text[200];
    if (!val_ask(worker, request, response, NULL))
        return false;
    if (!response->answered)
        val_say("%s cannot be reached: %s", settings->url, said(response, text));
    return response->answered;
}

static enum val_exit check_health(struct val_worker *worker, const struct val_settings *settings)
{
    struct val_response response;
    char text[200];
    struct val_request request = {.method = "GET", .path = "/healthz"};
    if (!ask(worker, settings, &request, &response))
        return VAL_UNAVAILABLE;
    if (response.status == 200)
        return VAL_OK;
    val_say("%s is not ready: GET /healthz gives status %ld: %s", settings->url, response.status,
            said(&response, text));
    return VAL_UNAVAILABLE;
}

static enum val_exit take_token(const struct val_settings *settings,
                                const struct val_response *response, char token[VAL_SECRET_BYTES])
{
    json_t *body = json_loadb(response->text, response->len, 0, NULL);
    const char *text = val_text(body, "access_token");
    bool good = *text != '\0' && strlen(text) < VAL_SECRET_BYTES && strpbrk(text, "\r\n") == NULL;
    if (good)
        strcpy(token, text);
    else
        val_say("%s answers a log-in without an access_token", settings->url);
    json_decref(body);
    return good ? VAL_OK : VAL_UNAVAILABLE;
}

static enum val_exit log_in(struct val_worker *worker, const struct val_settings *settings,
                            const struct val_credentials *who, char token[VAL_SECRET_BYTES])
{
    char user[3 * sizeof(who->user)], password[3 * VAL_SECRET_BYTES], text[200];
    char *form = NULL;
    struct val_response response;
    if (asprintf(&form, "username=%s&password=%s", val_http_escape(user, sizeof(user), who->user),
                 val_http_escape(password, sizeof(password), who->secret)) < 0)
        return VAL_OSERR;
    struct val_request request = {
        .method = "POST",
        .path = "/token",
        .body = form,
        .type = "application/x-www-form-urlencoded",
    };
    bool answered = ask(worker, settings, &request, &response);
    free(form);
    if (!answered)
        return VAL_UNAVAILABLE;
    if (response.status == 200)
        return take_token(settings, &response, token);
    if (response.status == 401)
        val_say("%s refuses the log-in of \"%s\": wrong user name or password", settings->url,
                who->user);
    else
        val_say("%s gives status %ld for a log-in, POST /token: %s", settings->url, response.status,
                said(&response, text));
    return VAL_UNAVAILABLE;
}

enum val_exit val_session_open(struct val_worker *worker, const struct val_settings *settings,
                               const struct val_credentials *who, char token[VAL_SECRET_BYTES])
{
    struct val_response response;
    char text[200];
    enum val_exit result = check_health(worker, settings);
    if (result == VAL_OK && who->user[0] != '\0')
        result = log_in(worker, settings, who, token);
    else
        strcpy(token, who->secret);
    if (result != VAL_OK)
        return result;
    struct val_request first = {.method = "GET", .path = "/parts/?limit=1"};
    if (!val_http_authorise(worker->http, token) || !ask(worker, settings, &first, &response))
        return VAL_UNAVAILABLE;
    if (response.status == 200)
        return VAL_OK;
    if (response.status == 401)
        val_say("%s refuses the token: it is unknown there, or has expired", settings->url);
    else
        val_say("%s gives status %ld for GET %s: %s", settings->url, response.status, first.path,
                said(&response, text));
    return VAL_UNAVAILABLE;
}

/* ---- the sample ----------------------------------------------------------------------------- */

/* Moves the parts of PAGE to OUT. */
static void take_parts(struct val_sample *out, json_t *page)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(page, "items"), i, item)
    {
        if (val_is_part(item))
            ctl_json_append(out->parts, json_incref(item));
    }
}

enum val_exit val_sample_fetch(struct val_worker *worker, struct val_sample *out)
{
    *out = (struct val_sample){.parts = json_array()};
    for (int i = 0; i < SAMPLE_PAGES; i++) {
        int64_t last = out->total - SAMPLE_PAGE;
        int64_t skip = last > 0 ? (int64_t)val_random(worker, (uint64_t)last) : 0;
        json_t *page = val_get_page(worker, (struct val_page){skip, SAMPLE_PAGE, true}, "/parts/");
        if (page == NULL)
            break;
        out->total = val_int(page, "total");
        take_parts(out, page);
        json_decref(page);
    }
    if (json_array_size(out->parts) > 0)
        return VAL_OK;
    if (val_stop_asked() == VAL_GO)
        val_say("there are no parts to ask for: the catalogue is empty, or GET /parts/ gives none "
                "of it; parts_server --init seeds an empty one");
    return VAL_UNAVAILABLE;
}

void val_sample_free(struct val_sample *sample)
{
    json_decref(sample->parts);
    sample->parts = NULL;
}
