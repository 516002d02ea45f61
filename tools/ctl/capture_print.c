/* SPDX-License-Identifier: MIT */
/*
 * Captured calls, for people. Declared in capture.h.
 */
#include "ctl/capture.h"
#include "ctl/escape.h"
#include "ctl/format.h"
#include "ctl/slow.h"
#include "ctl/view.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LABEL_BYTES 64u

static void print_cut(const struct ctl_run *run, const struct spy_capture_item *item)
{
    char kept[CTL_NUMBER_BYTES], full[CTL_NUMBER_BYTES];
    if (item->len < item->full)
        fprintf(run->out, "… (%s of %s bytes)", ctl_format_count(kept, item->len),
                ctl_format_count(full, item->full));
}

/* Takes TEXT, which it frees. */
static void print_line(const struct ctl_run *run, const char *label, char *text,
                       const struct spy_capture_item *item)
{
    ctl_view_label(run, label);
    fputs(text, run->out);
    print_cut(run, item);
    fputc('\n', run->out);
    free(text);
}

/* ---- the call ------------------------------------------------------------------------------- */

static void print_code(const struct ctl_captured *captured, const struct ctl_run *run, bool request)
{
    char code[CTL_SLOW_CODE_BYTES];
    const struct spy_sample *s = &captured->head.call;
    struct ctl_slow_call call = {.kind = request ? SPY_KIND_HTTP : SPY_KIND_SQL, .sample = *s};
    if (s->code == 0)
        return;
    fputs(request ? "  status " : "  SQLSTATE ", run->out);
    ctl_paint(run->out, &run->term, s->failed ? CTL_BAD : CTL_PLAIN, ctl_slow_code(code, &call));
}

static void print_heading(const struct ctl_captured *captured, const struct ctl_run *run)
{
    char text[CTL_NUMBER_BYTES];
    const struct spy_sample *s = &captured->head.call;
    bool request = ctl_captured_is_request(captured);
    fprintf(run->out, "%s  ",
            ctl_format_local(text, captured->end_ns, ctl_clock_ns(CLOCK_REALTIME)));
    ctl_paint(run->out, &run->term, CTL_HEADING, captured->operation);
    fprintf(run->out, "  %s", ctl_format_duration(text, (double)s->dur_ns));
    fprintf(run->out, " (%s %s,", request ? "first byte" : "wait",
            ctl_format_duration(text, (double)s->wait_ns));
    fprintf(run->out, " %s %s)", request ? "rest" : "consume",
            ctl_format_duration(text, (double)ctl_slow_tail_ns(s)));
    if (!request)
        fprintf(run->out, "  %s %s", ctl_format_count(text, s->rows),
                s->rows == 1 ? "row" : "rows");
    print_code(captured, run, request);
    fprintf(run->out, "%s  process %d, thread %u\n", s->aborted ? "  aborted" : "", captured->pid,
            captured->head.tid);
}

/* ---- its statements, or its target ---------------------------------------------------------- */

/* The parameters of a target, one a line. */
static void print_parameters(const struct ctl_run *run, const char *target, size_t len)
{
    const char *mark = memchr(target, '?', len);
    size_t left = mark != NULL ? (size_t)(target + len - mark - 1) : 0;
    const char *at = mark != NULL ? mark + 1 : NULL;
    while (left > 0) {
        const char *amp = memchr(at, '&', left);
        size_t pair = amp != NULL ? (size_t)(amp - at) : left;
        const char *equals = memchr(at, '=', pair);
        size_t name_len = equals != NULL ? (size_t)(equals - at) : pair;
        char *text = ctl_alloc(pair + 1);
        memcpy(text, at, pair);
        size_t name_decoded = ctl_escape_percent(text, name_len);
        char *name = ctl_escape(text, name_decoded);
        char *value = text + name_len + (equals != NULL);
        size_t value_len = ctl_escape_percent(value, pair - name_len - (equals != NULL));
        if (pair > 0)
            print_line(run, name, ctl_escape_quoted(value, value_len),
                       &(struct spy_capture_item){0});
        free(name);
        free(text);
        size_t used = pair + (amp != NULL);
        at += used;
        left -= used;
    }
}

static char *value_text(const struct spy_capture_item *item, const char *data)
{
    if (item->kind == SPY_CAPTURE_NULL)
        return ctl_copy("NULL");
    if (item->kind == SPY_CAPTURE_BINARY)
        return ctl_escape_hex(data, item->len);
    size_t len = item->len < item->full ? ctl_escape_whole(data, item->len) : item->len;
    return ctl_escape_quoted(data, len);
}

/* VALUE is the number of the bind value, if it is one. */
static void print_item(const struct ctl_run *run, const struct spy_capture_item *item,
                       const char *data, uint32_t value)
{
    static const char *const label[] = {
        [SPY_CAPTURE_STATEMENT] = "statement", [SPY_CAPTURE_TEXT] = "as sent",
        [SPY_CAPTURE_NAME] = "prepared",       [SPY_CAPTURE_METHOD] = "method",
        [SPY_CAPTURE_TARGET] = "target",
    };
    char number[LABEL_BYTES];
    snprintf(number, sizeof(number), "$%u", value);
    switch ((enum spy_capture_kind)item->kind) {
    case SPY_CAPTURE_VALUE:
    case SPY_CAPTURE_BINARY:
    case SPY_CAPTURE_NULL:
        print_line(run, number, value_text(item, data), item);
        return;
    case SPY_CAPTURE_NAME:
        print_line(run, label[item->kind], ctl_escape_quoted(data, item->len), item);
        return;
    case SPY_CAPTURE_STATEMENT:
    case SPY_CAPTURE_TEXT:
    case SPY_CAPTURE_METHOD:
    case SPY_CAPTURE_TARGET:
        print_line(run, label[item->kind], ctl_escape(data, item->len), item);
        if (item->kind == SPY_CAPTURE_TARGET)
            print_parameters(run, data, item->len);
        return;
    }
}

static void print_part(const struct ctl_captured *captured, const struct ctl_run *run)
{
    char text[CTL_NUMBER_BYTES], rows[CTL_NUMBER_BYTES];
    const struct spy_capture_head *head = &captured->head;
    if (head->parts < 2)
        return;
    fprintf(run->out, "  statement %u of %u: %s, %s rows\n", head->part + 1u, head->parts,
            ctl_format_duration(text, (double)head->statement.dur_ns),
            ctl_format_count(rows, head->statement.rows));
}

void ctl_captured_print(const struct ctl_captured *captured, const struct ctl_run *run)
{
    struct spy_capture_item item;
    const char *data;
    uint32_t at = 0, values = 0;
    if (captured->first)
        print_heading(captured, run);
    print_part(captured, run);
    while (ctl_captured_next(captured, &at, &item, &data)) {
        bool value = item.kind >= SPY_CAPTURE_VALUE && item.kind <= SPY_CAPTURE_NULL;
        values += value;
        print_item(run, &item, data, values);
    }
    if (captured->head.withheld)
        fputs("  text and values withheld: they may hold a password\n", run->out);
    else if (values < captured->head.values)
        fprintf(run->out, "  %u more values were not kept\n", captured->head.values - values);
}
