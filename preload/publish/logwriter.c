/* SPDX-License-Identifier: MIT */
/*
 * Formatting the log of calls. No floating point, no locale, no allocation; state belongs to the
 * helper thread.
 */
#include "publish/logwriter.h"

#include "record/calllog.h"
#include "record/shard.h"
#include "runtime/clock.h"
#include "runtime/log.h"
#include "shared/endpoint.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define BATCH_BYTES 16384u
#define LINE_BYTES  2048u /* the longest line there can be, and then some */
#define SECOND_NS   1000000000ull

struct text {
    char *at;
    size_t room;
    size_t len;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(t->at + t->len, t->room - t->len, format, args);
    va_end(args);
    if (n > 0)
        t->len += (size_t)n < t->room - t->len ? (size_t)n : t->room - t->len - 1;
}

/* Milliseconds with three decimals, without floating point. */
static void put_ms(struct text *t, const char *key, uint64_t ns)
{
    uint64_t us = (ns + 500) / 1000;
    put(t, " %s=%" PRIu64 ".%03u", key, us / 1000, (unsigned)(us % 1000));
}

/* A value as logfmt has it: quoted where it holds what would end it. Control characters become
 * blanks. */
static void put_value(struct text *t, const char *value)
{
    bool quoted = false;
    for (const char *at = value; *at != '\0'; at++)
        quoted = quoted || (unsigned char)*at <= ' ' || *at == 0x7F || strchr("\"=\\", *at);
    put(t, quoted ? "\"" : "");
    for (; *value != '\0'; value++) {
        char c = (unsigned char)*value < ' ' || *value == 0x7F ? ' ' : *value;
        put(t, c == '"' || c == '\\' ? "\\%c" : "%c", c);
    }
    put(t, quoted ? "\"" : "");
}

/* Nothing for what is not there. */
static void put_text(struct text *t, const char *key, const char *value)
{
    if (*value == '\0')
        return;
    put(t, " %s=", key);
    put_value(t, value);
}

static void put_server(struct text *t, const struct spy_region *region, const struct spy_sample *s)
{
    char address[SPY_ENDPOINT_ADDRESS_BYTES];
    const struct spy_endpoint *endpoint = spy_endpoint_at(region, s->endpoint);
    if (endpoint != NULL) {
        put_text(t, "db", endpoint->database);
        put_text(t, "user", endpoint->user);
        put_text(t, "host", spy_endpoint_address(address, endpoint->host, endpoint->port));
    }
    if (s->backend_pid != 0)
        put(t, " backend_pid=%" PRId32, s->backend_pid);
    put_text(t, "tx", spy_transaction_name(s->transaction));
}

static void put_sql(struct text *t, const struct spy_region *region,
                    const struct spy_calllog_entry *entry)
{
    char state[6];
    const struct spy_sample *s = &entry->sample;
    put(t, " rows=%" PRIu64 " affected=%" PRIu64 " params=%u", s->rows, s->affected, s->params);
    if (s->queue_ns != 0)
        put_ms(t, "queue_ms", s->queue_ns);
    put_text(t, "statement", entry->detail);
    put_server(t, region, s);
    if (s->code == 0)
        return;
    spy_sqlstate_unpack(s->code, state);
    put(t, " sqlstate=%s", state);
}

static void put_http(struct text *t, const struct spy_calllog_entry *entry)
{
    const struct spy_sample *s = &entry->sample;
    put_ms(t, "ttfb_ms", s->wait_ns);
    put(t, " status=%" PRIu32 " bytes=%" PRIu64 "%s", s->code, s->bytes_out,
        s->aborted ? " aborted=true" : "");
    for (const char *at = entry->detail; *at != '\0';) {
        int len = (int)strcspn(at, " ");
        put(t, " param.%.*s", len, at);
        at += len + (at[len] == ' ');
    }
}

static void format_line(struct text *t, const struct spy_region *region,
                        const struct spy_calllog_entry *entry, uint64_t mono_to_real)
{
    const struct spy_sample *s = &entry->sample;
    const struct spy_op *op = spy_region_op(region, s->op);
    t->len = spy_log_head(t->at, (enum spy_log_level)entry->level, s->end_ns + mono_to_real);
    put(t, "tid=%" PRIu32 " event=call kind=%s op=\"%s\"", entry->tid, spy_kind_name(op->kind),
        op->name);
    if (s->sampled == SPY_UNTIMED) {
        put(t, " timed=false");
    } else {
        put(t, " level_of_call=%s",
            spy_level_name(spy_level_of(s->dur_ns, region->level_bounds_ns)));
        put_ms(t, "ms", s->dur_ns);
    }
    if (op->kind == SPY_KIND_HTTP)
        put_http(t, entry);
    else
        put_sql(t, region, entry);
    put(t, "%s", s->failed ? " failed=true" : "");
    t->at[t->len++] = '\n';
}

/* A new second has a new allowance. */
static bool may_write(const struct spy_calllog_entry *entry, uint64_t now_ns)
{
    static uint64_t second;
    static uint32_t written;
    if (now_ns / SECOND_NS != second) {
        second = now_ns / SECOND_NS;
        written = 0;
    }
    return entry->level <= SPY_LOG_WARNING || written++ < SPY_LOGWRITER_LINES_S;
}

bool spy_logwriter_active(void)
{
    return atomic_load_explicit(&spy_calllog_level, memory_order_relaxed) >= 0;
}

/* Appends lines; counts those whose end did not get into the log. */
static void append(struct spy_region *region, const char *lines, size_t n)
{
    for (size_t i = spy_log_append(lines, n); i < n; i++)
        if (lines[i] == '\n')
            spy_self_count(region, SPY_SELF_LOG_DROPPED);
}

/* Says how many calls were not logged, once for each batch after which there are more; where that
 * cannot be written either, with the next. */
static void report_dropped(const struct spy_region *region)
{
    static uint64_t told;
    uint64_t dropped =
        atomic_load_explicit(&region->self[SPY_SELF_LOG_DROPPED], memory_order_relaxed);
    if (dropped > told &&
        spy_log(SPY_LOG_WARNING, "event=log_dropped calls=%" PRIu64, dropped - told))
        told = dropped;
}

void spy_logwriter_drain(struct spy_region *region, uint64_t now_ns)
{
    static char batch[BATCH_BYTES];
    uint64_t mono_to_real = spy_clock_of(CLOCK_REALTIME) - spy_now();
    struct spy_calllog_entry entry;
    size_t len = 0;
    for (uint32_t n = 0; n < SPY_CALLLOG_ENTRIES && spy_calllog_pop(&entry); n++) {
        if (!may_write(&entry, now_ns)) {
            spy_self_count(region, SPY_SELF_LOG_DROPPED);
            continue;
        }
        struct text line = {batch + len, LINE_BYTES, 0};
        format_line(&line, region, &entry, mono_to_real);
        len += line.len;
        if (len > BATCH_BYTES - LINE_BYTES) {
            append(region, batch, len);
            len = 0;
        }
    }
    if (len > 0)
        append(region, batch, len);
    report_dropped(region);
}
