/* SPDX-License-Identifier: MIT */
/*
 * exchange.c: between the HTTP library and the router. See exchange.h.
 */
#include "exchange.h"

#include <stdlib.h>
#include <string.h>

#include "router.h"

/* The largest part a client can describe has about 30 KiB. */
#define BODY_MAX 65536
/* A body somewhat too large is read to its end, so that the connection stays usable and the client
 * sees the 413; a much larger one is refused without reading. */
#define DISCARD_MAX (1024 * 1024)

struct exchange {
    bool headers_seen;
    bool nul_in_uri;
    size_t received; /* bytes of the body so far, kept or not */
    size_t capacity;
    char *body;
};

/* Called when the request line is there: the library would decode %00 to an end of string, and
 * "/parts/1%00x" would pass for "/parts/1". */
void *parts_exchange_begin(void *front, const char *uri, struct MHD_Connection *connection)
{
    (void)connection;
    struct parts_front *shared = front;
    atomic_fetch_add(&shared->in_flight, 1);
    struct exchange *exchange = calloc(1, sizeof *exchange);
    if (exchange != NULL) {
        const char *query = strchr(uri, '?');
        const char *nul = strstr(uri, "%00");
        exchange->nul_in_uri = nul != NULL && (query == NULL || nul < query);
    }
    return exchange;
}

void parts_exchange_end(void *front, struct MHD_Connection *connection, void **context,
                        enum MHD_RequestTerminationCode why)
{
    (void)connection;
    (void)why;
    struct parts_front *shared = front;
    struct exchange *exchange = *context;
    if (exchange != NULL) {
        /* A sign-in has a password in its body. */
        if (exchange->body != NULL) {
            explicit_bzero(exchange->body, exchange->capacity);
        }
        free(exchange->body);
        free(exchange);
    }
    *context = NULL;
    atomic_fetch_sub(&shared->in_flight, 1);
}

/* Keeps what fits; returns false when out of memory or past all patience. */
static bool gather(struct exchange *exchange, const char *upload, size_t size)
{
    size_t kept = exchange->received;
    exchange->received += size;
    if (exchange->received > BODY_MAX) {
        return exchange->received <= DISCARD_MAX;
    }
    if (exchange->received > exchange->capacity) {
        size_t capacity = exchange->capacity == 0 ? 1024 : exchange->capacity;
        while (capacity < exchange->received) {
            capacity *= 2;
        }
        char *grown = malloc(capacity);
        if (grown == NULL) {
            return false;
        }
        if (kept > 0) {
            memcpy(grown, exchange->body, kept);
            explicit_bzero(exchange->body, kept);
        }
        free(exchange->body);
        exchange->body = grown;
        exchange->capacity = capacity;
    }
    memcpy(exchange->body + kept, upload, size);
    return true;
}

static enum parts_method method_named(const char *name)
{
    static const struct {
        const char *name;
        enum parts_method method;
    } methods[] = {
        {MHD_HTTP_METHOD_GET, PARTS_GET},       {MHD_HTTP_METHOD_HEAD, PARTS_GET},
        {MHD_HTTP_METHOD_POST, PARTS_POST},     {MHD_HTTP_METHOD_PUT, PARTS_PUT},
        {MHD_HTTP_METHOD_DELETE, PARTS_DELETE},
    };
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (strcmp(methods[i].name, name) == 0) {
            return methods[i].method;
        }
    }
    return PARTS_OTHER;
}

static enum MHD_Result add_arg(void *closure, enum MHD_ValueKind kind, const char *name,
                               size_t name_length, const char *value, size_t value_length)
{
    (void)kind;
    struct parts_args *args = closure;
    if (args->count == PARTS_ARGS_MAX) {
        args->overflow = true;
        return MHD_NO;
    }
    args->list[args->count++] = (struct parts_arg){
        .name = name,
        .name_length = name_length,
        .value = value != NULL ? value : "",
        .value_length = value != NULL ? value_length : 0,
    };
    return MHD_YES;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static enum MHD_Result answer(struct parts_front *front, struct MHD_Connection *connection,
                              const char *url, const char *method, const struct exchange *exchange)
{
    struct parts_request request = {
        .app = front->app,
        .method = method_named(method),
        .path = url,
        .authorization = header(connection, MHD_HTTP_HEADER_AUTHORIZATION),
        .content_type = header(connection, MHD_HTTP_HEADER_CONTENT_TYPE),
        .body = exchange->body,
        .body_length = exchange->received,
    };
    struct parts_error error;
    if (exchange->nul_in_uri) {
        parts_error_set(&error, 400, "bad_request", NULL, "the path contains %%00");
        parts_request_fail(&request, &error);
    } else if (exchange->received > BODY_MAX) {
        parts_error_set(&error, 413, "body_too_large", NULL, "a body may have at most %d bytes",
                        BODY_MAX);
        parts_request_fail(&request, &error);
    } else {
        MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, add_arg, &request.args);
        parts_route(&request);
    }
    return parts_reply_send(&request.reply, connection, atomic_load(&front->draining));
}

/* Whether the announced body is so large that it is not worth reading. */
static bool announces_too_much(struct MHD_Connection *connection)
{
    const char *announced = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
    int64_t length;
    return announced != NULL && !parts_parse_int(announced, 0, DISCARD_MAX, &length);
}

enum MHD_Result parts_exchange_handle(void *front, struct MHD_Connection *connection,
                                      const char *url, const char *method, const char *version,
                                      const char *upload, size_t *upload_size, void **context)
{
    (void)version;
    struct exchange *exchange = *context;
    if (exchange == NULL) {
        return MHD_NO; /* out of memory: the library closes the connection */
    }
    if (!exchange->headers_seen) {
        exchange->headers_seen = true;
        if (announces_too_much(connection)) {
            exchange->received = DISCARD_MAX;
            return answer(front, connection, url, method, exchange);
        }
        return MHD_YES;
    }
    if (*upload_size > 0) {
        bool gathered = gather(exchange, upload, *upload_size);
        *upload_size = 0;
        return gathered ? MHD_YES : MHD_NO;
    }
    return answer(front, connection, url, method, exchange);
}
