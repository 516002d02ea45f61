/* SPDX-License-Identifier: MIT */
/*
 * Replies that are errors; see serve.h.
 */
#include "ctl/format.h"
#include "ctl/json.h"
#include "ctl/serve.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_BYTES 512u

/* Clients' text is in messages, and JSON takes UTF-8 only. */
static json_t *clean(const char *text)
{
    char out[MESSAGE_BYTES];
    return json_string(ctl_format_clean(out, sizeof(out), text, sizeof(out) - 1));
}

void ctl_reply_error(struct ctl_reply *reply, unsigned status, const char *code, const char *field,
                     const char *format, ...)
{
    char message[MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    json_t *error = json_object();
    ctl_json_set(error, "code", json_string(code));
    ctl_json_set(error, "message", clean(message));
    if (field != NULL)
        ctl_json_set(error, "field", clean(field));
    json_t *document = json_object();
    ctl_json_set(document, "error", error);
    ctl_reply_free(reply);
    reply->status = status;
    reply->type = "application/json";
    char *text = json_dumps(document, JSON_INDENT(2));
    json_decref(document);
    if (text == NULL)
        exit(CTL_OSERR);
    reply->len = strlen(text) + 1;
    reply->body = ctl_alloc(reply->len + 1);
    memcpy(reply->body, text, reply->len);
    reply->body[reply->len - 1] = '\n';
    free(text);
}

void ctl_reply_free(struct ctl_reply *reply)
{
    free(reply->body);
    memset(reply, 0, sizeof(*reply));
}
