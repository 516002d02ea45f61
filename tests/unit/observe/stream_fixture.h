/* SPDX-License-Identifier: MIT */
/*
 * Streams under rules with one operation, api.get, told of as the wrappers would. For test
 * programs.
 */
#ifndef TESTS_UNIT_OBSERVE_STREAM_FIXTURE_H
#define TESTS_UNIT_OBSERVE_STREAM_FIXTURE_H

#include "../classify/classify_fixture.h"

#include "observe/observe.h"
#include "observe/stream.h"
#include "runtime/process.h"
#include "shared/totals.h"

#include <unistd.h>

static const char rules[] = "version: 1\n"
                            "operations:\n"
                            "  - name: api.get\n"
                            "    http: GET /x/{id}\n";
static const char request[] = "GET /x/1 HTTP/1.1\r\nHost: a\r\n\r\n";
static const char response[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

static struct fixture f;
static struct spy_totals totals;

static inline int setup(void **state)
{
    static uint64_t epoch = 500;
    (void)state;
    fixture_open(&f, rules);
    f.region->epoch_mono_ns = ++epoch;
    atomic_store(&f.region->arena_used, 1);
    spy_process->pid = getpid();
    spy_observe_classify_with(f.c);
    spy_process_publish(f.region);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    spy_process_publish(NULL);
    fixture_close(&f);
    return 0;
}

static inline void in(int fd, const char *text)
{
    struct spy_io io = spy_io_in(fd);
    spy_stream_in(&io, text, (ssize_t)strlen(text));
}

static inline void out(int fd, const char *text)
{
    struct spy_io io = spy_io_out(fd);
    spy_stream_out(&io, text, strlen(text), (ssize_t)strlen(text));
}

static inline uint64_t calls_of(const char *name)
{
    for (uint32_t op = 0; op < spy_region_ops(f.region); op++)
        if (strcmp(spy_region_op(f.region, op)->name, name) == 0) {
            spy_totals_of_op(&totals, f.region, op);
            return totals.calls;
        }
    return 0;
}

#endif
