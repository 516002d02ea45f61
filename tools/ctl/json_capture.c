/* SPDX-License-Identifier: MIT */
/*
 * The schema of `capture --json`: a document a call. Declared in capture.h.
 */
#include "ctl/capture.h"
#include "ctl/escape.h"
#include "ctl/json.h"
#include "ctl/slow.h"

#include <stdlib.h>
#include <string.h>

/* Bytes that are no UTF-8 come in hexadecimal, with "encoding" saying so. */
static void set_bytes(json_t *o, const char *key, const char *data, size_t len, bool binary)
{
    bool text = !binary && ctl_escape_is_utf8(data, len);
    char *hex = text ? NULL : ctl_escape_hex(data, len);
    ctl_json_set(o, key, text ? json_stringn(data, len) : json_string(hex));
    ctl_json_set(o, "encoding", json_string(text ? "text" : "hex"));
    free(hex);
}

static json_t *value_json(const struct spy_capture_item *item, const char *data)
{
    json_t *o = json_object();
    bool cut = item->len < item->full;
    bool binary = item->kind == SPY_CAPTURE_BINARY;
    if (item->kind == SPY_CAPTURE_NULL)
        ctl_json_set(o, "value", json_null());
    else
        set_bytes(o, "value", data, cut && !binary ? ctl_escape_whole(data, item->len) : item->len,
                  binary);
    ctl_json_set(o, "type", item->type != 0 ? json_integer(item->type) : json_null());
    ctl_json_set(o, "bytes", ctl_json_count(item->full));
    ctl_json_set(o, "cut", json_boolean(cut));
    return o;
}

/* A text for a person: what is no UTF-8 is escaped. */
static json_t *text_json(const struct spy_capture_item *item, const char *data)
{
    size_t len = item->len < item->full ? ctl_escape_whole(data, item->len) : item->len;
    if (ctl_escape_is_utf8(data, len))
        return json_stringn(data, len);
    char *text = ctl_escape(data, len);
    json_t *o = json_string(text);
    free(text);
    return o;
}

static json_t *parameter_json(const char *at, size_t len)
{
    json_t *o = json_object();
    char *text = ctl_alloc(len + 1);
    memcpy(text, at, len);
    const char *equals = memchr(at, '=', len);
    size_t name_len = equals != NULL ? (size_t)(equals - at) : len;
    size_t value_at = name_len + (equals != NULL);
    set_bytes(o, "name", text, ctl_escape_percent(text, name_len), false);
    set_bytes(o, "value", text + value_at, ctl_escape_percent(text + value_at, len - value_at),
              false);
    free(text);
    return o;
}

static json_t *parameters_json(const char *target, size_t len)
{
    json_t *all = json_array();
    const char *mark = memchr(target, '?', len);
    const char *end = target + len;
    while (mark != NULL && ++mark < end) {
        const char *amp = memchr(mark, '&', (size_t)(end - mark));
        size_t pair = (size_t)((amp != NULL ? amp : end) - mark);
        if (pair > 0)
            ctl_json_append(all, parameter_json(mark, pair));
        mark = amp;
    }
    return all;
}

static void set_item(json_t *o, const struct spy_capture_item *item, const char *data)
{
    switch ((enum spy_capture_kind)item->kind) {
    case SPY_CAPTURE_STATEMENT:
        ctl_json_set(o, "statement", text_json(item, data));
        break;
    case SPY_CAPTURE_TEXT:
        ctl_json_set(o, "text", text_json(item, data));
        ctl_json_set(o, "text_bytes", ctl_json_count(item->full));
        break;
    case SPY_CAPTURE_NAME:
        ctl_json_set(o, "prepared", text_json(item, data));
        break;
    case SPY_CAPTURE_METHOD:
        ctl_json_set(o, "method", text_json(item, data));
        break;
    case SPY_CAPTURE_TARGET:
        ctl_json_set(o, "target", text_json(item, data));
        ctl_json_set(o, "parameters", parameters_json(data, item->len));
        break;
    case SPY_CAPTURE_VALUE:
    case SPY_CAPTURE_BINARY:
    case SPY_CAPTURE_NULL:
        ctl_json_append(json_object_get(o, "values"), value_json(item, data));
        break;
    }
}

static void set_times(json_t *o, const struct spy_sample *s, bool request)
{
    ctl_json_set(o, "total_ms", ctl_json_ms((double)s->dur_ns));
    ctl_json_set(o, request ? "ttfb_ms" : "wait_ms", ctl_json_ms((double)s->wait_ns));
    ctl_json_set(o, request ? "tail_ms" : "consume_ms", ctl_json_ms((double)ctl_slow_tail_ns(s)));
    ctl_json_set(o, "rows", ctl_json_count(s->rows));
}

static json_t *call_json(const struct ctl_captured *captured, bool request)
{
    char code[CTL_SLOW_CODE_BYTES];
    const struct spy_sample *s = &captured->head.call;
    struct ctl_slow_call call = {.kind = request ? SPY_KIND_HTTP : SPY_KIND_SQL, .sample = *s};
    json_t *o = json_object();
    ctl_json_set(o, "when", ctl_json_utc(captured->end_ns));
    ctl_json_set(o, "when_s", ctl_json_real((double)captured->end_ns / 1e9));
    ctl_json_set(o, "operation", json_string(captured->operation));
    ctl_json_set(o, "kind", json_string(spy_kind_name(call.kind)));
    set_times(o, s, request);
    ctl_json_set(o, request ? "status" : "sqlstate", ctl_json_text(ctl_slow_code(code, &call)));
    ctl_json_set(o, "failed", json_boolean(s->failed));
    ctl_json_set(o, "aborted", json_boolean(s->aborted));
    ctl_json_set(o, "pid", json_integer(captured->pid));
    ctl_json_set(o, "tid", json_integer(captured->head.tid));
    if (!request)
        ctl_json_set(o, "statements", json_array());
    return o;
}

void ctl_captured_json(json_t **call, const struct ctl_captured *captured)
{
    struct spy_capture_item item;
    const char *data;
    uint32_t at = 0;
    bool request = ctl_captured_is_request(captured);
    if (*call == NULL)
        *call = call_json(captured, request);
    json_t *o = request ? *call : json_object();
    if (!request) {
        set_times(o, &captured->head.statement, false);
        ctl_json_set(o, "part", json_integer(captured->head.part + 1));
        ctl_json_set(o, "parts", json_integer(captured->head.parts));
        ctl_json_set(o, "withheld", json_boolean(captured->head.withheld));
        ctl_json_set(o, "params", json_integer(captured->head.values));
        ctl_json_set(o, "values", json_array());
    }
    while (ctl_captured_next(captured, &at, &item, &data))
        set_item(o, &item, data);
    if (!request)
        ctl_json_append(json_object_get(*call, "statements"), o);
}
