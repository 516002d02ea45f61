/* SPDX-License-Identifier: MIT */
/*
 * A classifier over a region in memory, made from the text of a rules file.
 */
#ifndef SPY_TEST_CLASSIFY_FIXTURE_H
#define SPY_TEST_CLASSIFY_FIXTURE_H

#include "classify/classify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

struct fixture {
    struct spy_region *region;
    struct spy_rules *rules;
    struct spy_classifier *c;
};

static inline struct spy_region *fixture_region(void)
{
    uint64_t bytes = spy_region_layout(NULL);
    struct spy_region *region = aligned_alloc(4096, bytes);
    assert_non_null(region);
    memset((void *)region, 0, bytes);
    spy_region_layout(region);
    return region;
}

static inline void fixture_open(struct fixture *f, const char *yaml)
{
    struct spy_error err = {0};
    if (spy_rules_parse(yaml, strlen(yaml), &f->rules, &err) != SPY_OK)
        fail_msg("%u:%u: %s", err.line, err.column, err.text);
    f->region = fixture_region();
    f->c = spy_classifier_new(f->region, f->rules);
    assert_non_null(f->c);
}

static inline void fixture_close(struct fixture *f)
{
    spy_classifier_free(f->c);
    spy_rules_free(f->rules);
    free(f->region);
}

static inline const struct spy_op *fixture_op(const struct fixture *f, uint32_t op)
{
    const struct spy_op *row = spy_region_op(f->region, op);
    assert_int_equal(atomic_load(&((struct spy_op *)(uintptr_t)row)->state), SPY_OP_READY);
    return row;
}

static inline spy_stmt fixture_sql(struct fixture *f, const char *text)
{
    return spy_classify_sql(f->c, text, strlen(text));
}

/* The name of the operation that a lone call of TEXT is credited to. */
static inline const char *fixture_sql_name(struct fixture *f, const char *text)
{
    return fixture_op(f, spy_classify_single(f->c, fixture_sql(f, text)))->name;
}

static inline const char *fixture_http_name(struct fixture *f, const char *method,
                                            const char *target)
{
    return fixture_op(f, spy_classify_http(f->c, method, strlen(method), target, strlen(target)))
        ->name;
}

#define NO_RULES "version: 1\n"

#endif
