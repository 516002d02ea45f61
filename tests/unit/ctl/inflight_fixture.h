/* SPDX-License-Identifier: MIT */
/*
 * A process with something under way, and what is told of that. For the tests of inflight.c.
 */
#ifndef TEST_CTL_INFLIGHT_FIXTURE_H
#define TEST_CTL_INFLIGHT_FIXTURE_H

#include "ctl/inflight.h"

#include "unit/ctl/fixture.h"

#define PID   99999999 /* no kernel gives out such an id */
#define TICKS 1000
#define HTTP  0u /* operations of fixture_parts() */
#define SQL   1u
#define OTHER 2u
#define NOW   (200 * SEC) /* as capture_begin() has it */

static struct spy_region *region;
static struct ctl_args args;
static struct capture c;
static struct ctl_inflight in;

static inline int set_up(void **state)
{
    (void)state;
    region = fixture_parts(PID, TICKS);
    memset(&in, 0, sizeof(in));
    memset(&args, 0, sizeof(args));
    capture_begin(&c, &args);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    capture_end(&c);
    capture_free(&c);
    ctl_inflight_free(&in);
    free(region);
    return 0;
}

static inline void add(enum ctl_state as)
{
    struct ctl_process process = {.state = as};
    process.proc.pid = PID;
    ctl_inflight_add(&in, &process, region, &c.run);
    ctl_inflight_sort(&in);
}

static inline void expect(size_t limit, const char *wanted)
{
    ctl_inflight_print(&in, limit, &c.run);
    fflush(c.run.out);
    assert_string_equal(c.out, wanted);
}

#endif
