/* SPDX-License-Identifier: MIT */
/*
 * reply.c: the answer to a request and its way to the client.
 */
#include "reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "etag.h"

void parts_reply_json(struct parts_reply *reply, unsigned status, json_t *body)
{
    if (body == NULL) {
        struct parts_error error;
        parts_error_set(&error, 500, "internal_error", NULL, "out of memory");
        parts_reply_error(reply, &error);
        return;
    }
    reply->status = status;
    reply->body = body;
}

/* A message may quote what a client sent, cut inside a character: then without the non-ASCII. */
static json_t *message_string(const char *message)
{
    json_t *string = json_string(message);
    if (string != NULL) {
        return string;
    }
    char plain[sizeof((struct parts_error *)0)->message];
    size_t length = 0;
    for (; message[length] != '\0' && length + 1 < sizeof plain; length++) {
        plain[length] = (unsigned char)message[length] < 0x80 ? message[length] : '?';
    }
    return json_stringn(plain, length);
}

void parts_reply_error(struct parts_reply *reply, const struct parts_error *error)
{
    json_t *detail =
        json_pack("{s:s, s:o}", "code", error->code, "message", message_string(error->message));
    if (error->field[0] != '\0') {
        /* A name cut inside a character is no UTF-8; the message alone must do then. */
        json_object_set_new(detail, "field", json_string(error->field));
    }
    reply->status = error->status;
    reply->max_age_s = 0;
    reply->body = json_pack("{s:o}", "error", detail);
    if (error->status == 503) {
        reply->retry_after_s = 1;
    }
}

void parts_reply_no_database(struct parts_reply *reply, enum parts_pool_outcome outcome)
{
    struct parts_error error;
    if (outcome == PARTS_POOL_EXHAUSTED) {
        parts_error_set(&error, 503, "overloaded", NULL,
                        "all database connections are busy; try again soon");
    } else {
        parts_error_set(&error, 503, "database_unavailable", NULL,
                        "the database cannot be reached; try again soon");
    }
    parts_reply_error(reply, &error);
}

static void add_headers(const struct parts_reply *reply, struct MHD_Response *response,
                        const char *etag, bool closing)
{
    char text[64];
    if (reply->body != NULL) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
    }
    if (reply->max_age_s > 0) {
        snprintf(text, sizeof text, "private, max-age=%u", reply->max_age_s);
        MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, text);
        MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, etag);
        MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, "Authorization");
    } else {
        MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    }
    if (reply->retry_after_s > 0) {
        snprintf(text, sizeof text, "%u", reply->retry_after_s);
        MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, text);
    }
    if (reply->allow != NULL) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, reply->allow);
    }
    if (reply->challenge) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
                                "Bearer realm=\"parts\"");
    }
    if (reply->location[0] != '\0') {
        MHD_add_response_header(response, MHD_HTTP_HEADER_LOCATION, reply->location);
    }
    if (closing) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    }
}

enum MHD_Result parts_reply_send(struct parts_reply *reply, struct MHD_Connection *connection,
                                 bool closing)
{
    /* 15 digits show every decimal of the database as it was written, 0.1 and not 0.1000...01. */
    char *text = reply->body != NULL
                     ? json_dumps(reply->body, JSON_COMPACT | JSON_REAL_PRECISION(15))
                     : NULL;
    if (reply->body != NULL && text == NULL) {
        json_decref(reply->body);
        return MHD_NO;
    }
    char etag[PARTS_ETAG_SIZE] = "";
    size_t length = text != NULL ? strlen(text) : 0;
    unsigned status = reply->status;
    if (reply->max_age_s > 0) {
        parts_etag_make(text, length, etag);
        const char *known =
            MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_NONE_MATCH);
        if (known != NULL && parts_etag_matches(known, etag)) {
            status = MHD_HTTP_NOT_MODIFIED;
            length = 0;
        }
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer(length, text, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(text);
        json_decref(reply->body);
        return MHD_NO;
    }
    add_headers(reply, response, etag, closing);
    enum MHD_Result queued = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    json_decref(reply->body);
    return queued;
}
