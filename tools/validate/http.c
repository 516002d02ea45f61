/* SPDX-License-Identifier: MIT */
/*
 * HTTP by libcurl; see http.h.
 */
#include "validate/http.h"

#include "ctl/ctl.h"
#include "validate/validate.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define CONNECT_MS 5000L
#define BODY_MAX   (64u * 1024u * 1024u) /* no list of the service is nearly that long */

struct val_http {
    CURL *curl;
    const char *base;
    char *authorisation; /* header line; NULL: none */
    char *body;
    size_t len, room;
    bool too_long;
    struct val_response *response; /* of the request under way */
    char error[CURL_ERROR_SIZE];
};

bool val_http_global_init(void)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

void val_http_global_end(void)
{
    curl_global_cleanup();
}

static size_t take_body(char *data, size_t one, size_t count, void *ctx)
{
    struct val_http *http = ctx;
    (void)one; /* always 1 */
    if (http->len + count > BODY_MAX) {
        http->too_long = true;
        return 0;
    }
    if (http->len + count >= http->room) {
        http->room = 2 * (http->len + count) + 4096;
        http->body = ctl_grow(http->body, http->room, 1);
    }
    memcpy(http->body + http->len, data, count);
    http->len += count;
    return count;
}

/* Copies the value of header LINE if it is called NAME. */
static void take_value(char *out, size_t cap, const char *name, const char *line, size_t len)
{
    size_t name_len = strlen(name);
    if (len <= name_len || strncasecmp(line, name, name_len) != 0 || line[name_len] != ':')
        return;
    const char *value = line + name_len + 1;
    const char *end = line + len;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' '))
        end--;
    size_t size = (size_t)(end - value);
    if (size >= cap)
        return;
    memcpy(out, value, size);
    out[size] = '\0';
}

static size_t take_header(char *line, size_t one, size_t count, void *ctx)
{
    struct val_response *r = ((struct val_http *)ctx)->response;
    (void)one;
    take_value(r->etag, sizeof(r->etag), "ETag", line, count);
    take_value(r->location, sizeof(r->location), "Location", line, count);
    return count;
}

static bool set_up(struct val_http *http)
{
    CURL *c = http->curl;
    return curl_easy_setopt(c, CURLOPT_ERRORBUFFER, http->error) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_USERAGENT, VAL_NAME "/" SPY_VERSION) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_WRITEDATA, http) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_HEADERDATA, http) == CURLE_OK;
}

struct val_http *val_http_open(const char *url)
{
    struct val_http *http = ctl_alloc(sizeof(*http));
    http->base = url;
    http->curl = curl_easy_init();
    http->body = ctl_alloc(1);
    http->room = 1;
    if (http->curl != NULL && set_up(http))
        return http;
    val_http_close(http);
    return NULL;
}

void val_http_close(struct val_http *http)
{
    if (http == NULL)
        return;
    curl_easy_cleanup(http->curl);
    free(http->authorisation);
    free(http->body);
    free(http);
}

bool val_http_authorise(struct val_http *http, const char *token)
{
    free(http->authorisation);
    return asprintf(&http->authorisation, "Authorization: Bearer %s", token) > 0;
}

/* Appends "NAME: VALUE"; VALUE NULL: none. */
static bool add_header(struct curl_slist **list, const char *name, const char *value)
{
    char line[512];
    if (value == NULL)
        return true;
    snprintf(line, sizeof(line), "%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(*list, line);
    *list = longer != NULL ? longer : *list;
    return longer != NULL;
}

static struct curl_slist *headers_of(const struct val_http *http, const struct val_request *request)
{
    struct curl_slist *list = curl_slist_append(NULL, "Accept: application/json");
    bool ok = list != NULL && add_header(&list, "If-None-Match", request->etag) &&
              add_header(&list, "Content-Type", request->type);
    if (ok && http->authorisation != NULL) {
        struct curl_slist *longer = curl_slist_append(list, http->authorisation);
        ok = longer != NULL;
    }
    if (ok)
        return list;
    curl_slist_free_all(list);
    return NULL;
}

static bool prepare(struct val_http *http, const struct val_request *request, const char *url,
                    struct curl_slist *headers, uint64_t limit_ns)
{
    CURL *c = http->curl;
    bool get = strcmp(request->method, "GET") == 0;
    long limit_ms = (long)(limit_ns / 1000000) + 1;
    if (curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, NULL) != CURLE_OK ||
        curl_easy_setopt(c, CURLOPT_HTTPGET, 1L) != CURLE_OK)
        return false;
    if (request->body != NULL &&
        (curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, -1L) != CURLE_OK ||
         curl_easy_setopt(c, CURLOPT_COPYPOSTFIELDS, request->body) != CURLE_OK))
        return false;
    if (!get && curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, request->method) != CURLE_OK)
        return false;
    return curl_easy_setopt(c, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, limit_ms) == CURLE_OK;
}

static uint64_t info(CURL *c, CURLINFO which)
{
    curl_off_t value = 0;
    return curl_easy_getinfo(c, which, &value) == CURLE_OK && value > 0 ? (uint64_t)value : 0;
}

static void take_sizes(CURL *c, struct val_response *out)
{
    long head = 0, request = 0;
    curl_easy_getinfo(c, CURLINFO_HEADER_SIZE, &head);
    curl_easy_getinfo(c, CURLINFO_REQUEST_SIZE, &request);
    out->wait_ns = info(c, CURLINFO_STARTTRANSFER_TIME_T) * 1000;
    if (out->wait_ns > out->dur_ns)
        out->wait_ns = out->dur_ns;
    out->bytes_out = (uint64_t)head + info(c, CURLINFO_SIZE_DOWNLOAD_T);
    out->bytes_in = (uint64_t)request;
}

static void explain(const struct val_http *http, CURLcode code, struct val_response *out)
{
    const char *text = http->error[0] != '\0' ? http->error : curl_easy_strerror(code);
    snprintf(out->problem, sizeof(out->problem), "%s",
             http->too_long ? "the response is longer than 64 MiB" : text);
}

static void perform(struct val_http *http, struct val_response *out)
{
    http->response = out;
    http->len = 0;
    http->too_long = false;
    http->error[0] = '\0';
    uint64_t begin = ctl_clock_ns(CLOCK_MONOTONIC);
    CURLcode code = curl_easy_perform(http->curl);
    out->dur_ns = ctl_clock_ns(CLOCK_MONOTONIC) - begin;
    out->sent = info(http->curl, CURLINFO_PRETRANSFER_TIME_T) > 0;
    take_sizes(http->curl, out);
    if (code != CURLE_OK) {
        explain(http, code, out);
        return;
    }
    out->answered = true;
    curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &out->status);
    http->body[http->len] = '\0';
    out->text = http->body;
    out->len = http->len;
}

void val_http_send(struct val_http *http, const struct val_request *request, uint64_t limit_ns,
                   struct val_response *out)
{
    *out = (struct val_response){0};
    char *url = NULL;
    struct curl_slist *headers = headers_of(http, request);
    if (asprintf(&url, "%s%s", http->base, request->path) < 0)
        url = NULL;
    if (headers != NULL && url != NULL && prepare(http, request, url, headers, limit_ns))
        perform(http, out);
    else
        snprintf(out->problem, sizeof(out->problem), "the request could not be made");
    curl_slist_free_all(headers);
    free(url);
}

static bool take_ends(CURL *c, char peer[64], char local[64], unsigned *port)
{
    char *there = NULL, *here = NULL;
    long number = 0;
    if (curl_easy_getinfo(c, CURLINFO_PRIMARY_IP, &there) != CURLE_OK ||
        curl_easy_getinfo(c, CURLINFO_LOCAL_IP, &here) != CURLE_OK ||
        curl_easy_getinfo(c, CURLINFO_PRIMARY_PORT, &number) != CURLE_OK || there == NULL ||
        here == NULL || number <= 0)
        return false;
    snprintf(peer, 64, "%s", there);
    snprintf(local, 64, "%s", here);
    *port = (unsigned)number;
    return true;
}

bool val_http_peer(const char *url, char peer[64], char local[64], unsigned *port)
{
    struct val_http *http = val_http_open(url);
    bool good = http != NULL && curl_easy_setopt(http->curl, CURLOPT_URL, url) == CURLE_OK &&
                curl_easy_setopt(http->curl, CURLOPT_CONNECT_ONLY, 1L) == CURLE_OK &&
                curl_easy_perform(http->curl) == CURLE_OK &&
                take_ends(http->curl, peer, local, port);
    val_http_close(http);
    return good;
}

char *val_http_escape(char *out, size_t cap, const char *text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    size_t used = 0;
    for (; *text != '\0' && used + 4 <= cap; text++) {
        if (strchr(plain, *text) != NULL)
            out[used++] = *text;
        else
            used += (size_t)snprintf(out + used, 4, "%%%02X", (unsigned char)*text);
    }
    out[used] = '\0';
    return out;
}
