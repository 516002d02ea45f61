/* SPDX-License-Identifier: MIT */
/* Heads of HTTP/1 messages: the only file that knows llhttp's ways. */
#include "observe/http1_head.h"

#include "observe/http1_quick.h"

#include <string.h>

/* The target lies in one piece in each run of bytes fed, so that at most one call is made a feed.
 */
static int on_url(llhttp_t *parser, const char *at, size_t len)
{
    struct spy_http1_head *head = (struct spy_http1_head *)parser;
    head->target = at;
    head->target_len = (uint32_t)len;
    return 0;
}

/* Stops llhttp exactly behind the head, before it decides anything about a body. */
static int on_headers_complete(llhttp_t *parser)
{
    (void)parser;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_headers_complete = on_headers_complete,
};

/* The fields that are parsed, in lower case. They differ in their first letter. */
static const struct {
    const char *name;
    uint8_t len;
} fields[] = {
    {"content-length", sizeof("content-length") - 1},
    {"transfer-encoding", sizeof("transfer-encoding") - 1},
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static void begin_head(struct spy_http1_head *head)
{
    head->target = NULL;
    head->target_len = 0;
    head->bytes = 0;
    head->line = SPY_HTTP1_START;
    head->folds = false;
}

void spy_http1_head_open(struct spy_http1_head *head, llhttp_type_t type)
{
    llhttp_init(&head->parser, type, &settings);
    llhttp_set_lenient_headers(&head->parser, 1);
    llhttp_set_lenient_chunked_length(&head->parser, 1);
    llhttp_set_lenient_transfer_encoding(&head->parser, 1);
    head->used = false;
    begin_head(head);
}

void spy_http1_head_again(struct spy_http1_head *head)
{
    head->used = true;
    begin_head(head);
}

/* A head begins that llhttp has to parse. */
static void begin_parser(struct spy_http1_head *head)
{
    if (head->used)
        llhttp_reset(&head->parser);
    head->used = false;
}

/* The whole head, where it is as most are. Leaves in the parser what it would have found. */
static size_t take_quick(struct spy_http1_head *head, const char *data, size_t n)
{
    struct spy_http1_quick quick;
    llhttp_t *parser = &head->parser;
    bool request = parser->type == HTTP_REQUEST;
    size_t len = request ? spy_http1_quick_request(data, n, &quick)
                         : spy_http1_quick_response(data, n, &quick);
    if (len == 0)
        return 0;
    if (request) {
        head->target = quick.target;
        head->target_len = quick.target_len;
        parser->method = quick.method;
    } else {
        parser->status_code = quick.status;
    }
    parser->http_major = 1;
    parser->http_minor = quick.minor;
    parser->flags = quick.flags;
    if (quick.flags & F_CONTENT_LENGTH)
        parser->content_length = quick.content_length;
    head->bytes = (uint32_t)len;
    return len;
}

static void begin_line(struct spy_http1_head *head)
{
    head->line = SPY_HTTP1_NAME;
    head->matched = 0;
}

/* How many of the N bytes at DATA are in this line, its LF included; *WHOLE: the LF is there. */
static size_t line_length(const char *data, size_t n, bool *whole)
{
    const char *lf = memchr(data, '\n', n);
    *whole = lf != NULL;
    return lf ? (size_t)(lf - data) + 1 : n;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Can the line of which N bytes are at DATA be field I, as far as a glance at two of its bytes
 * tells? Most lines that begin alike (Content-Type) are told apart here, without a loop. */
static bool may_be_field(const char *data, size_t n, uint8_t i)
{
    size_t last = fields[i].len - 1u;
    return lower(data[0]) == fields[i].name[0] &&
           (n <= last || lower(data[last]) == fields[i].name[last]);
}

/* A line begins: can it be one of the two fields, does it continue the last one, or is it the
 * empty line? Uses nothing. */
static void judge_line(struct spy_http1_head *head, const char *data, size_t n)
{
    char c = data[0];
    if (c == '\r' || c == '\n') {
        head->line = SPY_HTTP1_EMPTY;
        return;
    }
    if (c == ' ' || c == '\t') {
        head->line = head->folds ? SPY_HTTP1_FIELD : SPY_HTTP1_OTHER;
        return;
    }
    head->folds = false;
    for (uint8_t i = 0; i < FIELDS; i++) {
        if (!may_be_field(data, n, i))
            continue;
        head->field = i;
        return;
    }
    head->line = SPY_HTTP1_OTHER;
}

/* In a name: how many of the N bytes go on to match. A name that matches is given to llhttp from
 * the table, since its beginning may have been in an earlier buffer. */
static size_t match_name(struct spy_http1_head *head, const char *data, size_t n,
                         llhttp_errno_t *err)
{
    const char *name = fields[head->field].name;
    uint8_t len = fields[head->field].len;
    size_t used = 0;
    while (used < n && head->matched < len && lower(data[used]) == name[head->matched]) {
        used++;
        head->matched++;
    }
    if (head->matched == len) {
        *err = llhttp_execute(&head->parser, name, len);
        head->line = SPY_HTTP1_FIELD;
        head->folds = true;
    } else if (used < n) {
        head->line = SPY_HTTP1_OTHER;
    }
    return used;
}

/* The rest of a field that is skipped. */
static size_t skip_line(struct spy_http1_head *head, const char *data, size_t n)
{
    bool whole = false;
    size_t len = line_length(data, n, &whole);
    if (whole)
        begin_line(head);
    return len;
}

/* The start line, or the value of a field that is parsed. */
static size_t parse_line(struct spy_http1_head *head, const char *data, size_t n,
                         llhttp_errno_t *err)
{
    bool whole = false;
    size_t len = line_length(data, n, &whole);
    *err = llhttp_execute(&head->parser, data, len);
    if (whole)
        begin_line(head);
    return len;
}

/* One step through the N (at least 1) bytes at DATA, at most to the end of a line. Returns how
 * many were used; *ERR is what llhttp said if it was asked. */
static size_t step(struct spy_http1_head *head, const char *data, size_t n, llhttp_errno_t *err)
{
    if (head->line == SPY_HTTP1_NAME && head->matched == 0)
        judge_line(head, data, n);
    switch (head->line) {
    case SPY_HTTP1_NAME:
        return match_name(head, data, n, err);
    case SPY_HTTP1_OTHER:
        return skip_line(head, data, n);
    case SPY_HTTP1_EMPTY:
        *err = llhttp_execute(&head->parser, data, n);
        return *err == HPE_PAUSED ? (size_t)(llhttp_get_error_pos(&head->parser) - data) : n;
    default:
        return parse_line(head, data, n, err);
    }
}

enum spy_http1_fed spy_http1_head_feed(struct spy_http1_head *head, const char *data, size_t n,
                                       size_t *used)
{
    head->target = NULL;
    if (!data)
        return SPY_HTTP1_REFUSED;
    size_t room = SPY_HTTP1_HEAD_MAX - head->bytes;
    size_t len = n < room ? n : room;
    size_t done = 0;
    llhttp_errno_t err = HPE_OK;
    if (head->bytes == 0) {
        *used = take_quick(head, data, len);
        if (*used > 0)
            return SPY_HTTP1_COMPLETE;
        begin_parser(head);
    }
    while (done < len && err == HPE_OK)
        done += step(head, data + done, len - done, &err);
    *used = done;
    head->bytes += (uint32_t)done;
    /* Version 0.9 has no heads, and an answer without one. */
    if (err == HPE_PAUSED)
        return head->parser.http_major == 1 ? SPY_HTTP1_COMPLETE : SPY_HTTP1_REFUSED;
    return err == HPE_OK && head->bytes < SPY_HTTP1_HEAD_MAX ? SPY_HTTP1_MORE : SPY_HTTP1_REFUSED;
}

/* The two forms that both directions know. Content-Length beside a transfer coding that does not
 * end in chunked ("identity", of old) is believed, as clients do. */
static bool explicit_body(const llhttp_t *parser, struct spy_framing *body)
{
    if (parser->flags & F_CHUNKED)
        spy_framing_chunked(body);
    else if (parser->flags & F_CONTENT_LENGTH)
        spy_framing_length(body, parser->content_length);
    else
        return false;
    return true;
}

void spy_http1_request_body(const struct spy_http1_head *head, struct spy_framing *body)
{
    if (explicit_body(&head->parser, body))
        return;
    /* Of unknown length: the server must refuse it and close (RFC 9112, section 6.3). */
    if (head->parser.flags & F_TRANSFER_ENCODING)
        spy_framing_close(body);
    else
        spy_framing_none(body);
}

void spy_http1_response_body(const struct spy_http1_head *head, bool bodyless,
                             struct spy_framing *body)
{
    uint16_t status = head->parser.status_code;
    if (bodyless || status == 204 || status == 304)
        spy_framing_none(body);
    else if (!explicit_body(&head->parser, body))
        spy_framing_close(body);
}

size_t spy_http1_blank(const char *data, size_t n)
{
    size_t blank = 0;
    while (blank < n && (data[blank] == '\r' || data[blank] == '\n'))
        blank++;
    return blank;
}

bool spy_http1_plausible(const char *data, size_t n)
{
    /* Without "PRI", which is a method only of the HTTP/2 preface. */
    static const char *const methods[] = {
#define METHOD(num, name, string) #string " ",
        HTTP_METHOD_MAP(METHOD)
#undef METHOD
    };
    size_t blank = spy_http1_blank(data, n);
    data += blank;
    n -= blank;
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        size_t len = strlen(methods[i]);
        if (memcmp(data, methods[i], n < len ? n : len) == 0)
            return true;
    }
    return false;
}

/* Does the line from DATA to END stop with "HTTP/1.0" or "HTTP/1.1" behind a blank? */
static bool ends_with_version(const char *data, const char *end)
{
    static const char version[] = " HTTP/1.";
    size_t len = sizeof(version) - 1;
    if (end > data && end[-1] == '\r')
        end--;
    return (size_t)(end - data) > len + 1 && (end[-1] == '0' || end[-1] == '1') &&
           memcmp(end - 1 - len, version, len) == 0;
}

bool spy_http1_request_line(const char *data, size_t n)
{
    const char *blank = memchr(data, ' ', n);
    const char *end = memchr(data, '\n', n);
    if (blank == NULL || end == NULL || blank > end || !ends_with_version(blank + 1, end))
        return false;
    bool target = blank[1] == '/' || blank[1] == '*' || strncmp(blank + 1, "http", 4) == 0;
    return target && spy_http1_plausible(data, n);
}
