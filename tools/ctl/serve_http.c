/* SPDX-License-Identifier: MIT */
/*
 * HTTP by libmicrohttpd, driven by the command's own loop; see serve.h.
 *
 * A request is judged when its head is there: endpoint, token, size. What is refused gets its
 * reply at once, or, where a body of a reasonable size is on its way, after that was read and
 * thrown away; else the client would be cut off while it sends, and might never see the reply.
 *
 * Slow clients: there is one thread, and nothing in it waits for a client. But a connection takes
 * a place, so each has a deadline for every exchange (serve_clients.c), and there is a limit on
 * connections: further ones wait in the listener's queue.
 */
#include "ctl/serve_clients.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define CONNECTIONS 128u
#define IDLE_S      60u
#define DRAIN_BYTES (1024u * 1024u) /* of a refused request's body that are read all the same */
#define LOOP_MS     1000            /* deadlines are looked at this often */
#define NO_LENGTH   UINT64_MAX      /* chunked, or no body at all */

struct ctl_http {
    struct ctl_serve *serve;
    struct MHD_Daemon *daemon;
    struct ctl_clients clients;
    int epoll_fd;
};

/* A request on its way. */
struct exchange {
    struct ctl_request request;
    char *path; /* ours, as all texts below */
    char *param_text[2 * CTL_PARAMS_MAX];
    size_t param_texts;
    const struct ctl_route *route;
    char body[CTL_BODY_MAX];
    size_t body_len;
    struct ctl_reply reply; /* status is not 0: decided */
};

/* ---- replies -------------------------------------------------------------------------------- */

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    if (value != NULL && MHD_add_response_header(response, name, value) != MHD_YES)
        exit(CTL_OSERR);
}

/* Takes the reply's body. */
static enum MHD_Result send_reply(struct MHD_Connection *connection, struct ctl_reply *reply)
{
    char seconds[16];
    struct MHD_Response *response =
        MHD_create_response_from_buffer(reply->len, reply->body, MHD_RESPMEM_MUST_FREE);
    if (response == NULL)
        return MHD_NO;
    reply->body = NULL;
    snprintf(seconds, sizeof(seconds), "%u", reply->retry_after_s);
    add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->type);
    add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    add_header(response, "X-Content-Type-Options", "nosniff");
    add_header(response, MHD_HTTP_HEADER_ALLOW, reply->allow);
    add_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, reply->challenge);
    add_header(response, MHD_HTTP_HEADER_RETRY_AFTER, reply->retry_after_s > 0 ? seconds : NULL);
    enum MHD_Result result = MHD_queue_response(connection, reply->status, response);
    MHD_destroy_response(response);
    return result;
}

/* ---- the head ------------------------------------------------------------------------------- */

/* NULL becomes "". */
static const char *keep_text(struct exchange *x, const char *text, bool *decoded)
{
    char *copy = ctl_copy(text != NULL ? text : "");
    x->param_text[x->param_texts++] = copy;
    *decoded = *decoded && ctl_percent_decode(copy);
    return copy;
}

static enum MHD_Result take_param(void *cls, enum MHD_ValueKind kind, const char *name,
                                  const char *value)
{
    struct exchange *x = cls;
    bool decoded = true;
    (void)kind;
    if (x->request.params == CTL_PARAMS_MAX) {
        ctl_reply_error(&x->reply, 422, "invalid_parameter", NULL, "more than %u parameters",
                        CTL_PARAMS_MAX);
        return MHD_NO;
    }
    struct ctl_param *param = &x->request.param[x->request.params++];
    param->name = keep_text(x, name, &decoded);
    param->value = keep_text(x, value, &decoded);
    if (decoded)
        return MHD_YES;
    ctl_reply_error(&x->reply, 400, "bad_request", NULL,
                    "a parameter is not percent-encoded UTF-8");
    return MHD_NO;
}

static uint64_t content_length(struct MHD_Connection *connection)
{
    const char *text =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return text != NULL ? strtoull(text, NULL, 10) : NO_LENGTH;
}

static void too_large(struct exchange *x)
{
    ctl_reply_error(&x->reply, 413, "body_too_large", NULL, "a body may have at most %u bytes",
                    CTL_BODY_MAX);
}

/* Decides what can be decided before the body is there. */
static void judge(struct ctl_http *http, struct MHD_Connection *connection, struct exchange *x,
                  const char *url)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    uint64_t length = content_length(connection);
    x->path = ctl_copy(url);
    x->request.path = x->path;
    x->request.client = info != NULL ? info->client_addr : NULL;
    x->request.authorization =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    if (!ctl_percent_decode(x->path)) {
        ctl_reply_error(&x->reply, 400, "bad_request", NULL,
                        "the path is not percent-encoded UTF-8");
        return;
    }
    x->route = ctl_route_find(x->request.method, x->path, &x->reply);
    if (x->route == NULL || !ctl_serve_admit(http->serve, x->route, &x->request, &x->reply))
        return;
    if (length != NO_LENGTH && length > CTL_BODY_MAX)
        too_large(x);
    else
        MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, take_param, x);
}

static enum MHD_Result begin(struct ctl_http *http, struct MHD_Connection *connection,
                             const char *method, const char *url, void **context)
{
    struct exchange *x = ctl_alloc(sizeof(*x));
    *context = x;
    x->request.method = method;
    judge(http, connection, x, url);
    uint64_t length = content_length(connection);
    bool chunked = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
                                               MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL;
    bool endless = chunked || (length != NO_LENGTH && length > DRAIN_BYTES);
    return x->reply.status != 0 && endless ? send_reply(connection, &x->reply) : MHD_YES;
}

/* ---- the rest ------------------------------------------------------------------------------- */

/* With a chunked body it turns out late that it is too large. */
static void take_body(struct exchange *x, const char *data, size_t len)
{
    if (x->reply.status != 0)
        return;
    if (len > sizeof(x->body) - x->body_len) {
        too_large(x);
        return;
    }
    memcpy(x->body + x->body_len, data, len);
    x->body_len += len;
}

static enum MHD_Result finish(struct ctl_http *http, struct MHD_Connection *connection,
                              struct exchange *x)
{
    if (x->reply.status == 0) {
        x->request.body = x->body;
        x->request.body_len = x->body_len;
        ctl_serve_answer(http->serve, x->route, &x->request, &x->reply);
    }
    return send_reply(connection, &x->reply);
}

/* Called with the head, with each piece of the body, and at the end. */
static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *data_len, void **context)
{
    struct ctl_http *http = cls;
    (void)version;
    if (*context == NULL)
        return begin(http, connection, method, url, context);
    if (*data_len == 0)
        return finish(http, connection, *context);
    take_body(*context, data, *data_len);
    *data_len = 0;
    return MHD_YES;
}

static void end(void *cls, struct MHD_Connection *connection, void **context,
                enum MHD_RequestTerminationCode code)
{
    struct exchange *x = *context;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    (void)cls;
    (void)code;
    if (info != NULL && info->socket_context != NULL)
        ctl_client_done(info->socket_context);
    if (x == NULL)
        return;
    for (size_t i = 0; i < x->param_texts; i++)
        free(x->param_text[i]);
    free(x->path);
    ctl_reply_free(&x->reply);
    free(x);
    *context = NULL;
}

static void notice(void *cls, struct MHD_Connection *connection, void **socket_context,
                   enum MHD_ConnectionNotificationCode code)
{
    struct ctl_http *http = cls;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        ctl_client_remove(&http->clients, *socket_context);
        *socket_context = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info != NULL)
        *socket_context = ctl_client_add(&http->clients, info->connect_fd);
}

/* Decoding is ours, where mistakes are errors. */
static size_t leave_escaped(void *cls, struct MHD_Connection *connection, char *text)
{
    (void)cls;
    (void)connection;
    return strlen(text);
}

/* ---- the loop's side ------------------------------------------------------------------------ */

struct ctl_http *ctl_http_start(struct ctl_serve *serve, int fd, FILE *err)
{
    struct ctl_http *http = ctl_alloc(sizeof(*http));
    http->serve = serve;
    http->daemon = MHD_start_daemon(
        MHD_USE_EPOLL, 0, NULL, NULL, handle, http, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
        MHD_OPTION_NOTIFY_COMPLETED, end, http, MHD_OPTION_NOTIFY_CONNECTION, notice, http,
        MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        http->daemon != NULL ? MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (info != NULL) {
        http->epoll_fd = info->epoll_fd;
        return http;
    }
    ctl_say(err, "cannot start the HTTP server");
    ctl_http_stop(http);
    return NULL;
}

void ctl_http_stop(struct ctl_http *http)
{
    if (http->daemon != NULL)
        MHD_stop_daemon(http->daemon);
    free(http);
}

int ctl_http_fd(const struct ctl_http *http)
{
    return http->epoll_fd;
}

int ctl_http_run(struct ctl_http *http)
{
    MHD_UNSIGNED_LONG_LONG timeout;
    ctl_clients_cut(&http->clients);
    MHD_run(http->daemon);
    if (MHD_get_timeout(http->daemon, &timeout) == MHD_YES && timeout < LOOP_MS)
        return (int)timeout;
    return LOOP_MS;
}
