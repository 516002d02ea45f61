/* SPDX-License-Identifier: MIT */
/*
 * Reading a capture's stream; see capture.h.
 */
#include "ctl/capture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES  32u /* "call 16384\n" */
#define FRAME_MAX_BYTES (sizeof(struct spy_capture_head) + SPY_CAPTURE_ITEMS_MAX)
#define READ_BYTES      65536u

bool ctl_capture_read(struct ctl_capture *capture)
{
    if (capture->shown > 0)
        memmove(capture->bytes, capture->bytes + capture->shown, capture->used - capture->shown);
    capture->used -= capture->shown;
    capture->shown = 0;
    capture->bytes = ctl_grow(capture->bytes, capture->used + READ_BYTES, 1);
    ssize_t n = read(capture->fd, capture->bytes + capture->used, READ_BYTES);
    if (n > 0)
        capture->used += (size_t)n;
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/* "WORD N", and how long the line is; false: no such line is there. */
static bool read_line(const char *at, size_t len, char word[LINE_MAX_BYTES], size_t *n,
                      size_t *line_len)
{
    char line[LINE_MAX_BYTES + 1] = "";
    const char *end = memchr(at, '\n', len < LINE_MAX_BYTES ? len : LINE_MAX_BYTES);
    if (end == NULL)
        return false;
    memcpy(line, at, (size_t)(end - at));
    *line_len = (size_t)(end - at) + 1;
    return sscanf(line, "%31s %zu", word, n) == 2;
}

static enum ctl_frame read_end(struct ctl_capture *capture, const char *at, size_t len)
{
    char text[64] = "";
    memcpy(text, at, len < sizeof(text) ? len : sizeof(text) - 1);
    uint32_t calls;
    if (sscanf(text, "calls=%u missed=%u", &calls, &capture->missed) != 2)
        return CTL_FRAME_BROKEN;
    capture->stopped = strstr(text, " stopped=cost") != NULL;
    return CTL_FRAME_END;
}

static enum ctl_frame read_call(struct ctl_capture *capture, const char *at, size_t len,
                                struct ctl_captured *captured)
{
    if (len < sizeof(captured->head))
        return CTL_FRAME_BROKEN;
    memcpy(&captured->head, at, sizeof(captured->head));
    if (captured->head.bytes != len - sizeof(captured->head))
        return CTL_FRAME_BROKEN;
    uint64_t since = ctl_clock_ns(CLOCK_MONOTONIC) - captured->head.call.end_ns;
    captured->end_ns = ctl_clock_ns(CLOCK_REALTIME) - since;
    captured->items = at + sizeof(captured->head);
    captured->pid = capture->process->proc.pid;
    captured->first = !capture->inside;
    capture->inside = captured->head.last == 0;
    return CTL_FRAME_CALL;
}

enum ctl_frame ctl_capture_next(struct ctl_capture *capture, struct ctl_captured *captured)
{
    char word[LINE_MAX_BYTES] = "";
    size_t len = capture->used - capture->shown, n = 0, line_len = 0;
    if (len == 0)
        return CTL_FRAME_NONE;
    const char *at = capture->bytes + capture->shown;
    if (!read_line(at, len, word, &n, &line_len))
        return len < LINE_MAX_BYTES && memchr(at, '\n', len) == NULL ? CTL_FRAME_NONE
                                                                     : CTL_FRAME_BROKEN;
    if (n > FRAME_MAX_BYTES)
        return CTL_FRAME_BROKEN;
    if (len < line_len + n)
        return CTL_FRAME_NONE;
    capture->shown += line_len + n;
    if (strcmp(word, "call") == 0)
        return read_call(capture, at + line_len, n, captured);
    return strcmp(word, "end") == 0 ? read_end(capture, at + line_len, n) : CTL_FRAME_BROKEN;
}

void ctl_capture_close(struct ctl_capture *capture)
{
    if (capture->fd >= 0)
        close(capture->fd);
    capture->fd = -1;
    free(capture->bytes);
    capture->bytes = NULL;
    capture->used = 0;
    capture->shown = 0;
    json_decref(capture->call);
    capture->call = NULL;
}

bool ctl_captured_next(const struct ctl_captured *captured, uint32_t *at,
                       struct spy_capture_item *item, const char **data)
{
    size_t left = captured->head.bytes - *at;
    if (left < sizeof(*item))
        return false;
    memcpy(item, captured->items + *at, sizeof(*item));
    if (item->len > left - sizeof(*item))
        return false;
    *data = captured->items + *at + sizeof(*item);
    *at += (uint32_t)sizeof(*item) + item->len;
    return true;
}

bool ctl_captured_is_request(const struct ctl_captured *captured)
{
    struct spy_capture_item item;
    const char *data;
    uint32_t at = 0;
    return ctl_captured_next(captured, &at, &item, &data) && item.kind == SPY_CAPTURE_METHOD;
}
