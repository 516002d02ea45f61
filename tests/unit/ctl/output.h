/* SPDX-License-Identifier: MIT */
/*
 * What a command writes, kept for a test to look at, and when "now" is for it.
 */
#ifndef TEST_CTL_OUTPUT_H
#define TEST_CTL_OUTPUT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ctl/ctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS   1000000ull
#define SEC  1000000000ull
#define REAL (1767225600ull * SEC) /* 2026-01-01T00:00:00Z, where the fixtures' clocks begin */

struct capture {
    struct ctl_run run;
    char *out;
    char *err;
    size_t out_len;
    size_t err_len;
};

static inline void capture_begin(struct capture *c, const struct ctl_args *args)
{
    memset(c, 0, sizeof(*c));
    c->run.args = args;
    c->run.out = open_memstream(&c->out, &c->out_len);
    c->run.err = open_memstream(&c->err, &c->err_len);
    c->run.now_mono_ns = 200 * SEC;
    c->run.now_real_ns = REAL + 100 * SEC;
    assert_non_null(c->run.out);
    assert_non_null(c->run.err);
}

static inline void capture_end(struct capture *c)
{
    fclose(c->run.out);
    fclose(c->run.err);
}

static inline void capture_free(struct capture *c)
{
    free(c->out);
    free(c->err);
}

#endif
